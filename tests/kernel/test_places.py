"""Which codes are places, and what time it can be there."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.places import OWN_LAW, country_of, too_wide, why_no_place, zones_of
from app.kernel.shapes import PARENTS, REGION, fits

COUNTRIES = [country.alpha_2 for country in pycountry.countries]
PARTS = [part.code for part in pycountry.subdivisions]
CODES = st.sampled_from([*COUNTRIES, *PARTS, *PARENTS, "XK", "XX", "UK", "US-ZZ"])
FLOORS = st.frozensets(CODES, max_size=8)


@pytest.mark.parametrize("code", COUNTRIES)
def test_every_country_is_a_place_as_long_as_no_part_of_it_has_law_of_its_own(code: str) -> None:
    part = f"{code}-1"
    assert fits(REGION, code)
    assert (why_no_place(code, frozenset({code})) is None) == (code not in OWN_LAW)
    refused = why_no_place(code, frozenset({code, part}))
    assert refused is not None
    assert part in refused.cure


def test_every_subdivision_is_a_place() -> None:
    shaped = [code for code in PARTS if fits(REGION, code)]
    assert shaped == PARTS
    assert [code for code in PARTS if why_no_place(code, frozenset()) is not None] == []
    assert too_wide(PARTS, frozenset(PARTS)) == ()


@pytest.mark.parametrize(
    "code", [*PARENTS, "UK", "XX", "ZZ", "EN", "D", "DEU", "276", "US-", "-CA", "US-ZZ", "XX-CA"]
)
def test_what_iso_3166_does_not_list_is_no_place(code: str) -> None:
    refused = why_no_place(code, frozenset())
    assert refused is not None
    assert repr(code) in refused.problem
    assert refused.cure


@pytest.mark.parametrize("written", ["de", "De", " DE", "DE ", "us-ny", "Us-Ny"])
def test_another_way_of_writing_is_told_the_right_one(written: str) -> None:
    refused = why_no_place(written, frozenset())
    assert refused is not None
    assert refused.cure == f"Write {written.strip().upper()}."


@pytest.mark.parametrize("written", ["", " ", "\t", "\u00a0"])
def test_a_blank_is_no_place(written: str) -> None:
    assert why_no_place(written, frozenset()) is not None


def test_a_region_that_somebody_described_is_a_place_without_being_on_the_list() -> None:
    assert why_no_place("XK", frozenset()) is not None
    assert why_no_place("XK", frozenset({"XK"})) is None


@given(CODES, FLOORS, FLOORS)
def test_one_more_floor_never_makes_a_country_narrow_enough(
    code: str, floors: frozenset[str], more: frozenset[str]
) -> None:
    assert set(too_wide((code,), floors)) <= set(too_wide((code,), floors | more))


@given(CODES, FLOORS)
def test_what_is_too_wide_is_refused_and_never_a_part_of_a_country(
    code: str, floors: frozenset[str]
) -> None:
    if too_wide((code,), floors):
        assert why_no_place(code, floors) is not None
        assert code in PARENTS or any(country_of(floor) == code != floor for floor in floors)
    if "-" in code:
        assert not too_wide((code,), floors)


# Time zones


def test_every_place_has_time_zones_and_a_clock_can_be_set_to_each() -> None:
    zones = {code: zones_of(code) for code in (*COUNTRIES, *PARTS, "XK")}
    assert [code for code, named in zones.items() if named != tuple(sorted(set(named)))] == []
    assert [code for code, named in zones.items() if not named] == []
    for zone in {zone for named in zones.values() for zone in named}:
        assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize("country", sorted(OWN_LAW))
def test_the_parts_of_a_country_share_out_all_its_zones(country: str) -> None:
    parts = [zones_of(code) for code in PARTS if country_of(code) == country]
    elsewhere = {zone for code in COUNTRIES if code != country for zone in zones_of(code)}
    assert set(zones_of(country)) <= {zone for zones in parts for zone in zones}
    assert {zone for zones in parts for zone in zones} <= {*zones_of(country), *elsewhere}
    assert all(len(zones) < len(zones_of(country)) for zones in parts)


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("US-CA", {"America/Los_Angeles"}),
        ("US-NY", {"America/New_York"}),
        ("US-TX", {"America/Chicago", "America/Denver"}),
        ("US-OR", {"America/Los_Angeles", "America/Boise"}),
        ("US-PR", {"America/Puerto_Rico"}),
        ("CA-QC", {"America/Toronto", "America/Halifax", "America/Blanc-Sablon"}),
        ("AU-WA", {"Australia/Perth", "Australia/Eucla"}),
        ("NO", {"Europe/Oslo"}),
        ("FR", {"Europe/Paris"}),
        ("FR-974", {"Indian/Reunion"}),
        ("NL-AW", {"America/Aruba"}),
        ("DE-BY", {"Europe/Berlin", "Europe/Busingen"}),
        ("PT", {"Europe/Lisbon", "Atlantic/Azores", "Atlantic/Madeira"}),
    ],
)
def test_a_place_of_several_zones_has_them_all(code: str, zones: set[str]) -> None:
    assert set(zones_of(code)) == zones


@pytest.mark.parametrize("code", ["XX", "XX-1", "", "EU", "GLOBAL", "us-ca"])
def test_where_no_zone_is_known_there_is_one_that_no_clock_has(code: str) -> None:
    (zone,) = zones_of(code)
    with pytest.raises(ZoneInfoNotFoundError):
        ZoneInfo(zone)
