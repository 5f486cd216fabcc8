"""Knobs in words: their names, how layers meet on them, and their values.

Everything but the names follows from a knob's row (app/policy/knobs.py): its shape and unit say how
a value is formatted, its meet says what layers do to it.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.knob_shapes import Modes, NameSet, NameSource, Number, Week, most, shared, united
from app.policy.knobs import REGISTRY, STATUS, Knob
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
        return listed([str(member) for member in sorted(value)]) or "none"
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
