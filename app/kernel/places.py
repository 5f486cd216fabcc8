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
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
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
