"""Events as JSON values: a plain one, and generated ones that are whole or broken."""

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from app.event.reading import MAX_ITEMS, MAX_TEXT
from app.kernel.vocabulary import FieldKind, Signal

JsonObject = dict[str, Any]


def a_place(**changes: Any) -> JsonObject:
    """A page of a listed site in a browser; members are replaced as said."""
    return {
        "program": {"id": "com.google.Chrome", "signer": "EQHXZ8M8AV", "executable": None},
        "address": "https://github.com/example-devices/firmware",
        "frames": [],
        "window": "ordinary",
        "title": "firmware - GitHub",
        "account": "lane@example.com",
        "field": "none",
        "counterparties": [],
        **changes,
    }


def an_event(**changes: Any) -> JsonObject:
    """A click on that page."""
    return {"at": "2026-11-16T08:30:00.125-08:00", "signal": "click", **a_place(), **changes}


def a_screenshot(*windows: Any, **changes: Any) -> JsonObject:
    """A picture of that page and of other windows."""
    return an_event(**{"signal": "screenshot", "pictured": list(windows), **changes})


CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=12) | st.just("x" * MAX_TEXT)
OR_NULL = st.none() | TEXTS
REGIONS = st.sampled_from(["DE", "NO", "US-CA", "CA-QC", "XX"])
PROGRAMS = st.fixed_dictionaries({"id": OR_NULL, "signer": OR_NULL, "executable": OR_NULL})
MEMBERS_OF_PLACES = {
    "program": PROGRAMS,
    "address": OR_NULL,
    "frames": st.none() | st.lists(TEXTS, max_size=3),
    "window": st.sampled_from(["private", "ordinary", "unknown"]),
    "title": OR_NULL | st.just(""),
    "account": OR_NULL,
    "field": st.sampled_from(list(FieldKind)).map(str) | TEXTS,
    "counterparties": st.none() | st.lists(REGIONS, max_size=3),
}
PLACES = st.fixed_dictionaries(MEMBERS_OF_PLACES)
INSTANTS = st.builds(
    "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format,
    st.integers(1900, 2999), st.integers(1, 12), st.integers(1, 28),
    st.integers(0, 23), st.integers(0, 59), st.integers(0, 59),
    st.sampled_from(["", ".5", ".125", ".123456789"]),
    st.sampled_from(["Z", "+00:00", "-00:00", "-08:00", "+05:45", "+23:59"]),
)  # fmt: skip
CLICKS = st.fixed_dictionaries(
    {
        "at": INSTANTS,
        "signal": st.sampled_from([s.value for s in Signal if s is not Signal.SCREENSHOT]),
        **MEMBERS_OF_PLACES,
    }
)
SCREENSHOTS = st.fixed_dictionaries(
    {"at": INSTANTS, "signal": st.just("screenshot"), **MEMBERS_OF_PLACES},
    optional={"pictured": st.none() | st.lists(PLACES, max_size=3)},
)
EVENTS = CLICKS | SCREENSHOTS
"""Whole events."""

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "x" * (MAX_TEXT + 1), "EU", "de", "click", "2026-11-16T08:30:00", " "]),
    st.sampled_from(["2026-02-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-06-30T23:59:60Z"]),
    st.just([None] * (MAX_ITEMS + 1)),
    st.text(CHARACTERS, max_size=5),
    st.lists(st.none() | st.booleans() | st.text(CHARACTERS, max_size=3), max_size=2),
    st.dictionaries(st.text(CHARACTERS, max_size=3), st.none(), max_size=2),
)
"""Values that some members take and most do not."""

Break = Callable[[st.DrawFn, JsonObject], None]


def _replace(draw: st.DrawFn, part: JsonObject) -> None:
    part[draw(st.sampled_from(sorted(part)))] = draw(ODD)


def _remove(draw: st.DrawFn, part: JsonObject) -> None:
    del part[draw(st.sampled_from(sorted(part)))]


def _add(draw: st.DrawFn, part: JsonObject) -> None:
    part[draw(st.sampled_from(["pictured", "private", "time", "Field", ""]))] = draw(ODD)


def _parts(event: JsonObject) -> list[JsonObject]:
    """Every object of an event: itself, its program, its windows and their programs."""
    windows = event.get("pictured") or []
    places = [event, *windows]
    return [*places, *(place["program"] for place in places)]


@st.composite
def broken_events(draw: st.DrawFn) -> JsonObject:
    """A whole event with one change somewhere in it; the change may do no harm."""
    event = copy.deepcopy(draw(EVENTS))
    change: Break = draw(st.sampled_from([_replace, _remove, _add]))
    change(draw, draw(st.sampled_from(_parts(event))))
    return event


JSON_VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
"""Any value that JSON can say, and NaN."""
