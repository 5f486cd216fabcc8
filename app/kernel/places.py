"""Places: where somebody can live, work or carry a laptop.

Rules:
1. A place is a country of ISO 3166-1 or a subdivision of ISO 3166-2, written as the standard writes
   its code; the list is that of pycountry. So is a region that has a floor without being on the
   list, such as Kosovo's XK: somebody has described it.
2. A region above countries (``PARENTS``) is too wide to be a place. So is a country of which a part
   has law of its own: it does not say whose law holds. Which countries these are follows from the
   floors; ``OWN_LAW`` names those of which it is known though no floor may describe a part yet.
3. The list judges what is taken in now. It changes with the standard, so nothing that is decided or
   signed rests on it: what is too wide follows from the floors alone (``too_wide``).
4. Where it matters what time it is at a place, every time zone counts that a clock can have there.
   A place of which no zone is known has one that no clock has.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import pycountry

from app.kernel.shapes import PARENTS

OWN_LAW = frozenset({"AU", "CA", "US"})
"""Countries whose states and provinces make law of their own for the workplace."""

_GIVE = "Give the code of a country or of a part of it, such as DE or US-CA."
_USUAL = {"UK": "GB", "EL": "GR"}
"""Codes that are usual for a country and are not those of ISO 3166."""


class Misplaced(NamedTuple):
    """Why a code is no place, and what to write instead."""

    problem: str
    cure: str


def country_of(region: str) -> str:
    """The country that a region is, or is a part of.

    >>> country_of("US-NY"), country_of("DE")
    ('US', 'DE')
    """
    return region.partition("-")[0]


def too_wide(regions: Iterable[str], floors: Collection[str]) -> tuple[str, ...]:
    """Those of the regions that are too wide to be a place, each once (rule 2).

    >>> too_wide(("US", "US-NY", "DE", "EU"), floors={"US", "US-NY", "DE"})
    ('US', 'EU')

    Args:
        regions: codes.
        floors: the regions that have a floor.
    """
    wide = {*PARENTS, *(country_of(floor) for floor in floors if floor != country_of(floor))}
    return tuple(dict.fromkeys(region for region in regions if region in wide))


def why_no_place(code: str, floors: Collection[str]) -> Misplaced | None:
    """Say why a code is no place, and which to write instead; None for a place.

    >>> why_no_place("US-NY", floors={"US", "US-NY"}) is None
    True
    >>> why_no_place("US", floors={"US", "US-NY"}).cure
    'Give the part of the country: US-NY (New York) or another code of ISO 3166-2.'
    >>> why_no_place("us-ny", floors=()).cure
    'Write US-NY.'

    Args:
        code: as somebody wrote it.
        floors: the regions that have a floor.
    """
    wrong = why_no_seat(code, floors)
    if wrong is not None:
        return wrong
    if code not in OWN_LAW and not too_wide((code,), floors):
        return None
    return Misplaced(
        f"{code!r} alone does not say whose law holds: parts of {name_of(code)} have law of their "
        "own",
        f"Give the part of the country: {_parts(code, floors)} or another code of ISO 3166-2.",
    )


def why_no_seat(code: str, floors: Collection[str]) -> Misplaced | None:
    """Say why no company is established there; a whole country will do, as its law founds it.

    >>> why_no_seat("US", floors=()) is None, why_no_seat("UK", floors=()).cure
    (True, 'Write GB.')

    The arguments are those of ``why_no_place``.
    """
    if code in PARENTS:
        return Misplaced(f"{code!r} is wider than a country", _GIVE)
    if code not in _names() and code not in floors:
        return _unlisted(code)
    return None


def name_of(code: str) -> str:
    """The English name of a place; the code itself where the list has none.

    >>> name_of("US-CA"), name_of("JP"), name_of("XX")
    ('California', 'Japan', 'XX')
    """
    return _names().get(code, code)


def _parts(country: str, floors: Collection[str]) -> str:
    """The parts of a country that have a floor; without one, the first of the list."""
    parts = sorted(floor for floor in floors if floor != country and country_of(floor) == country)
    listed = parts or sorted(name for name in _names() if name.startswith(f"{country}-"))[:1]
    return ", ".join(f"{part} ({name_of(part)})" for part in listed)


def _unlisted(code: str) -> Misplaced:
    written, country = code.strip().upper(), country_of(code)
    meant = _USUAL.get(written, written)
    if meant in _names():
        return Misplaced(f"{code[:80]!r} is not written as ISO 3166 writes it", f"Write {meant}.")
    if country != code and country in _names():
        return Misplaced(f"{code[:80]!r} is no part of {name_of(country)} in ISO 3166-2", _GIVE)
    return Misplaced(f"{code[:80]!r} is no code of ISO 3166", _GIVE)


@cache
def _names() -> Mapping[str, str]:
    """Every place of the list by code; read once, when it is first asked for."""
    countries = {
        each.alpha_2: getattr(each, "common_name", each.name) for each in pycountry.countries
    }
    return countries | {each.code: each.name for each in pycountry.subdivisions}


# Time zones

UNKNOWN_ZONE = "Etc/Unknown"
"""The name that CLDR gives a zone nobody knows: no clock has it, so its hours are never kept."""

_ZONES_OF_PARTS: Mapping[str, Mapping[str, str]] = {
    "AU": {
        "Antarctica/Macquarie": "TAS",
        "Australia/Adelaide": "SA",
        "Australia/Brisbane": "QLD",
        "Australia/Broken_Hill": "NSW",
        "Australia/Darwin": "NT",
        "Australia/Eucla": "WA",
        "Australia/Hobart": "TAS",
        "Australia/Lindeman": "QLD",
        "Australia/Lord_Howe": "NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Perth": "WA",
        "Australia/Sydney": "ACT NSW",
    },
    "CA": {
        "America/Atikokan": "NU ON",
        "America/Blanc-Sablon": "QC",
        "America/Cambridge_Bay": "NU",
        "America/Creston": "BC",
        "America/Dawson": "YT",
        "America/Dawson_Creek": "BC",
        "America/Edmonton": "AB BC NT SK",
        "America/Fort_Nelson": "BC",
        "America/Glace_Bay": "NS",
        "America/Goose_Bay": "NL",
        "America/Halifax": "NS PE QC",
        "America/Inuvik": "NT",
        "America/Iqaluit": "NU",
        "America/Moncton": "NB",
        "America/Rankin_Inlet": "NU",
        "America/Regina": "SK",
        "America/Resolute": "NU",
        "America/St_Johns": "NL",
        "America/Swift_Current": "SK",
        "America/Toronto": "ON QC",
        "America/Vancouver": "BC",
        "America/Whitehorse": "YT",
        "America/Winnipeg": "MB ON",
    },
    "US": {
        "America/Adak": "AK",
        "America/Anchorage": "AK",
        "America/Boise": "ID NV OR",
        "America/Chicago": "AL AR FL IA IL IN KS KY LA MN MO MS ND NE OK SD TN TX WI",
        "America/Denver": "AZ CO KS MT ND NE NM NV SD TX UT WY",
        "America/Detroit": "MI",
        "America/Indiana/Indianapolis": "IN",
        "America/Indiana/Knox": "IN",
        "America/Indiana/Marengo": "IN",
        "America/Indiana/Petersburg": "IN",
        "America/Indiana/Tell_City": "IN",
        "America/Indiana/Vevay": "IN",
        "America/Indiana/Vincennes": "IN",
        "America/Indiana/Winamac": "IN",
        "America/Juneau": "AK",
        "America/Kentucky/Louisville": "IN KY",
        "America/Kentucky/Monticello": "KY",
        "America/Los_Angeles": "CA ID NV OR WA",
        "America/Menominee": "MI",
        "America/Metlakatla": "AK",
        "America/New_York": "CT DC DE FL GA IN KY MA MD ME NC NH NJ NY OH PA RI SC TN VA VT WV",
        "America/Nome": "AK",
        "America/North_Dakota/Beulah": "ND",
        "America/North_Dakota/Center": "ND",
        "America/North_Dakota/New_Salem": "ND",
        "America/Phoenix": "AZ",
        "America/Sitka": "AK",
        "America/Yakutat": "AK",
        "Pacific/Honolulu": "HI",
    },
}
"""Countries whose parts make law of their own: the parts that have each zone. From the comments of
zone.tab, with the counties that follow a neighbour."""

_AS_COUNTRY: Mapping[str, str] = {
    **{f"CN-{code}": code for code in ("HK", "MO", "TW")},
    **{f"FR-{code}": code for code in ("BL", "MF", "NC", "PF", "PM", "TF", "WF")},
    **{f"NL-{code}": code for code in ("AW", "CW", "SX")},
    **{f"US-{code}": code for code in ("AS", "GU", "MP", "PR", "UM", "VI")},
    **dict.fromkeys(("NL-BQ1", "NL-BQ2", "NL-BQ3"), "BQ"),
    **dict.fromkeys(("NO-21", "NO-22"), "SJ"),
    "FR-971": "GP",
    "FR-972": "MQ",
    "FR-973": "GF",
    "FR-974": "RE",
    "FR-976": "YT",
    "FI-01": "AX",
}
"""Parts that ISO 3166-1 also lists as countries, far from the rest of their country or not."""

_NOT_IN_ZONE_TAB = {"BV": "Europe/Oslo", "HM": "Indian/Kerguelen", "XK": "Europe/Belgrade"}
"""Two islands where nobody lives take the zone of whoever goes there; Kosovo keeps Belgrade's."""


def zones_of(region: str) -> tuple[str, ...]:
    """Every time zone that a clock in a region can be set to, as IANA names it.

    Countries are those of ``zone.tab`` (package tzdata). A part of AU, CA or US has its own zones;
    of other parts it is not recorded which of the country's zones they have, so they have all.

    >>> zones_of("US-CA"), zones_of("US-TN"), zones_of("DE-BY")
    (('America/Los_Angeles',), ('America/Chicago', 'America/New_York'), ('Europe/Berlin', \
'Europe/Busingen'))
    >>> zones_of("XX")
    ('Etc/Unknown',)

    Args:
        region: a place, or a country that is too wide to be one.

    Returns:
        Sorted and never empty.
    """
    country, _, part = region.partition("-")
    own = [
        zone for zone, parts in _ZONES_OF_PARTS.get(country, {}).items() if part in parts.split()
    ]
    if own:
        return tuple(sorted(own))
    return _country_zones().get(_AS_COUNTRY.get(region, country), (UNKNOWN_ZONE,))


@cache
def _country_zones() -> Mapping[str, tuple[str, ...]]:
    """The zones of every country by code; read once, when they are first asked for."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    zones: dict[str, set[str]] = {code: {zone} for code, zone in _NOT_IN_ZONE_TAB.items()}
    for code, _, zone, *_ in rows:
        zones.setdefault(code, set()).add(zone)
    return {code: tuple(sorted(names)) for code, names in zones.items()}
