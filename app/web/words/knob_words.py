"""Values of knobs in words: modes, lengths of time, hours of the week, members of sets."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from app.kernel.vocabulary import Mode
from app.policy.model import Catalogue
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
    found = KNOBS.get(knob)
    return found.name if found else knob.replace("_", " ").capitalize()


def value_in_words(knob: str, value: Any) -> str:
    """A value of a knob for people; None is what no layer names."""
    last = knob.rpartition(".")[2]
    if value is None:
        return _ABSENT.get(knob.partition(".")[0], "not named")
    if isinstance(value, Mode):
        return value.word
    if last in _VALUES:
        return _VALUES[last](value)
    if isinstance(value, list | tuple | frozenset):
        return listed([str(one) for one in sorted(value)]) or "none"
    return str(value)


def member_in_words(knob: str, member: str, catalogue: Catalogue) -> str:
    """A member of a set, by the name that people know it by."""
    if knob == "apps" and member in catalogue.apps:
        return catalogue.apps[member].name
    if knob == "exclusions" and member in catalogue.exclusions:
        return catalogue.exclusions[member].name
    if knob in _MEMBERS:
        return _MEMBERS[knob].get(member, member)
    return member if knob == "purposes" else member.replace("_", " ")


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


def _days(value: int) -> str:
    return counted(value, "day") if value else "none"


def _people(value: int) -> str:
    return "1 person" if value == 1 else f"{value} people"


_ABSENT: Mapping[str, str] = {"hours": "at any hour", "evidence": "none", "valid_to": "no last day"}
"""What it means that a knob has no value, where that is more than not being named."""

_VALUES: Mapping[str, Callable[[Any], str]] = {
    "hours": week_in_words,
    "retention_days": _days,
    "notice_lead_days": _days,
    "lease_ttl_s": duration_in_words,
    "screenshot_min_interval_s": duration_in_words,
    "cohort_min": _people,
}
