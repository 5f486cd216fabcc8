"""Knobs in words: their names, how layers meet on them, and their values.

Everything but the names follows from a knob's row (app/policy/knobs.py): its shape and unit say how
a value is formatted, its meet says what layers do to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.knob_row import Knob
from app.policy.knob_shapes import (
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Week,
    most,
    shared,
    united,
)
from app.policy.knobs import REGISTRY, STATUS
from app.policy.own_exclusions import PREFIX, OwnExclusion, as_exclusions, in_order, read_own
from app.web.words.matcher_words import tenant_of_app, ways_in_words
from app.web.words.policy_words import (
    APPROVERS,
    BASES,
    KNOBS,
    PRECONDITIONS,
    counted,
    duration_in_words,
    listed,
)
from app.web.words.text import SIGNAL_WORDS

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = 24

_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "bases": BASES,
    "preconditions": PRECONDITIONS,
    "approver_roles": APPROVERS,
}


def knob_in_words(knob: str) -> str:
    """Name a knob: ``signals.pointer.mode`` becomes ``Pointer movement``."""
    parts = knob.split(".")
    if parts[0] == "signals" and len(parts) > 1:
        name = SIGNAL_WORDS.get(parts[1], parts[1])
        return f"{name}, kept" if parts[-1] == "retention_days" else name
    if parts[0] == "evidence" and len(parts) > 1:
        return f"Evidence: {PRECONDITIONS.get(parts[1], parts[1])}"
    if knob == "valid_to":
        return "Last day of the policy"
    return KNOBS.get(knob, knob.replace("_", " ").capitalize())


def meet_in_words(row: Knob[Any]) -> str:
    """How layers meet on a knob, as a sentence."""
    if row.meet is shared:
        return _SHARED.get(type(row.shape), "Only what every layer lists.")
    if row.meet is united:
        return "All that any layer names."
    if isinstance(row.shape, Number):
        return f"The {_SUPERLATIVES[row.meet is most, row.shape.unit in _TIMES]} of all layers."
    return "Approved only if every layer is." if row == STATUS else "The strictest of all layers."


def value_in_words(knob: str, value: Any) -> str:
    """A value of a knob for people; None is what no layer names."""
    if value is None:
        return _ABSENT.get(knob.partition(".")[0], "not named")
    row = REGISTRY.rows.get(knob)
    match row.shape if row is not None else None:
        case Number(unit=unit):
            return number_in_words(value, unit)
        case Week():
            return week_in_words(value)
        case Modes() if isinstance(value, Mode):
            return value.word
    if isinstance(value, list | tuple | frozenset):
        own = row is not None and isinstance(row.shape, OwnExclusions)
        names = own_names(value) if own else [str(member) for member in sorted(value)]
        return listed([*names]) or "none"
    return str(value)


def number_in_words(value: int, unit: str) -> str:
    """A number with its unit: ``15 minutes``, ``5 people``, ``none`` for no day."""
    match unit:
        case "second":
            return duration_in_words(value)
        case "person":
            return "1 person" if value == 1 else f"{value} people"
        case "day" if not value:
            return "none"
        case _:
            return counted(value, unit)


def member_in_words(knob: str, member: str, catalogue: Catalogue) -> str:
    """A member of a set, by the name that people know it by."""
    shape = REGISTRY.rows[knob].shape
    match shape.known if isinstance(shape, NameSet) else None:
        case NameSource.APPS if member in catalogue.apps:
            return catalogue.apps[member].name
        case NameSource.EXCLUSIONS if member in catalogue.exclusions:
            return catalogue.exclusions[member].name
        case NameSource.TENANTS:
            return tenant_of_app(member, catalogue)
        case NameSource.PURPOSES:
            return member
        case _:
            return _MEMBERS.get(knob, {}).get(member, member.replace("_", " "))


def week_in_words(hours: Iterable[int]) -> str:
    """Say hours of the week as people do: ``Monday to Friday 08:00 to 18:00``.

    Neighbouring days with the same hours are joined. No hour at all is ``never``.

    Args:
        hours: 0 is Monday 00:00 to 00:59, 167 is Sunday 23:00 to 23:59.
    """
    allowed = frozenset(hours)
    spans = [_spans(allowed, day) for day in range(len(_DAYS))]
    parts = []
    for span, days in groupby(range(len(_DAYS)), key=lambda day: spans[day]):
        if span:
            names = [_DAYS[day] for day in days]
            label = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
            parts.append(f"{label} {span}")
    return "; ".join(parts) or "never"


def _spans(allowed: frozenset[int], day: int) -> str:
    """The hours of one day: ``08:00 to 12:00 and 13:00 to 17:00``; empty for none."""
    open_hours = [hour for hour in range(_HOURS) if day * _HOURS + hour in allowed]
    spans = []
    # Hours that follow one another differ from their position by one constant.
    for _, run in groupby(enumerate(open_hours), key=lambda pair: pair[1] - pair[0]):
        block = [hour for _, hour in run]
        spans.append(f"{block[0]:02}:00 to {block[-1] + 1:02}:00")
    return " and ".join(spans)


_Written: TypeAlias = Iterable[Mapping[str, Any]]
"""Exclusions of the company's own as files write them."""


def own_names(places: Iterable[OwnExclusion | Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of places, as values or as files write them, each once, in the order of ids."""
    items = (one if isinstance(one, OwnExclusion) else read_own(one) for one in places)
    return tuple(dict.fromkeys(item.name for item in as_exclusions(items)))


def own_difference(before: _Written, after: _Written) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What two lists of places differ in: what is added, and what is removed.

    A place that is in both is told by the ways that it gains and loses. Where it has the same ways
    and another wording, that is told as added.

    >>> hr = {"id": "hr", "name": "HR", "why": "", "executables": ["hr.exe"], "examples": []}
    >>> own_difference([], [hr]), own_difference([hr], [{**hr, "urls": ["hr.example.com"]}])
    ((('HR',), ()), (('HR: address hr.example.com',), ()))
    """
    old, new = _by_id(before), _by_id(after)
    added = [
        _gained(old.get(name), item) or _reworded(old[name], item) for name, item in new.items()
    ]
    removed = [_gained(new.get(name), item) for name, item in old.items()]
    return tuple(filter(None, added)), tuple(filter(None, removed))


@dataclass(frozen=True)
class _Place:
    """All that is written under one id."""

    name: str
    ways: frozenset[str]
    written: str


def _by_id(written: _Written) -> dict[str, _Place]:
    entries = [read_own(entry) for entry in written]
    return {
        told.id: _Place(
            told.name,
            frozenset(ways_in_words(told.match)),
            str(in_order(one for one in entries if f"{PREFIX}{one}" == told.id)),
        )
        for told in as_exclusions(entries)
    }


def _gained(before: _Place | None, after: _Place) -> str:
    """What is excluded under an id and was not before; empty for nothing."""
    if before is None:
        return after.name
    ways = sorted(after.ways - before.ways)
    return f"{after.name}: {listed(ways)}" if ways else ""


def _reworded(before: _Place, after: _Place) -> str:
    """Another wording of what is excluded by the same ways; empty if there is none."""
    if before.ways != after.ways or before.written == after.written:
        return ""
    return f"{after.name}: described differently"


_ABSENT: Mapping[str, str] = {"hours": "at any hour", "evidence": "none", "valid_to": "no last day"}
"""What it means that a knob has no value, where that is more than not being named."""

_SHARED: Mapping[type, str] = {Week: "Only the hours that every layer allows."}
_TIMES = frozenset({"second", "day"})
_SUPERLATIVES: Mapping[tuple[bool, bool], str] = {
    (True, True): "longest",
    (True, False): "largest",
    (False, True): "shortest",
    (False, False): "smallest",
}
"""By whether the larger number is the stricter one, and whether it is a length of time."""
