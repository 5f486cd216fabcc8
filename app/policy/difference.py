"""What a new company policy changes, and which way (pure).

Rules:
1. It narrows if, on every knob, the meet of old and new says what the new policy says; if it shows
   no evidence that the old policy does not show; and if it does not last longer. Otherwise it
   widens.
2. The same must hold for what comes out in the region: a knob that nobody names is closed, so
   naming it opens it.
3. The first policy of a region widens.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.policy.lattice import TOP, Element, closed, compare, meet, meet_all
from app.policy.law.layer import CompanyPolicy, Direction, Evidence
from app.policy.model import KnobChange


def differences(
    before: Sequence[CompanyPolicy],
    after: CompanyPolicy,
    at: datetime,
    context: Element = TOP,
) -> tuple[KnobChange, ...]:
    """List what changes, for people to read.

    >>> from datetime import UTC
    >>> from app.policy.law.layer import Claim, Layer, Why
    >>> apps = Claim(frozenset({"figma"}), Why("company/DE"))
    >>> layer = Layer("company/DE", "company", "DE", "", {"apps": apps})
    >>> policy = CompanyPolicy("DE", "", "", None, None, layer, (), b"")
    >>> differences([], policy, datetime(2026, 11, 22, tzinfo=UTC))
    (KnobChange(knob='apps', before=None, after=['figma'], direction='widens'),)

    Args:
        before: the policies that are met now; several while a lead time runs.
        after: the new policy.
        at: the instant; an expired policy blocks.
        context: what the floors and the policies of the regions above say.
    """
    old, new = meet_all(policy.at(at) for policy in before), meet_all([after.at(at)])
    opened = {
        change.knob
        for change in compare(closed(meet(context, old)), closed(meet(context, new)))
        if change.direction == "widens"
    }
    knobs = [
        KnobChange(
            change.knob,
            change.before,
            change.after,
            "widens" if change.knob in opened else change.direction,
        )
        for change in compare(old, new)
    ]
    return (*knobs, *_last_day(before, after), *_evidence(before, after))


def direction(before: Sequence[CompanyPolicy], changes: Iterable[KnobChange]) -> Direction:
    """Say which way all changes together go.

    >>> fewer = KnobChange("cohort_min", 5, 10, "narrows")
    >>> direction([], [fewer])  # rule 3
    'widens'
    """
    ways = {change.direction for change in changes}
    if not before or "widens" in ways:
        return "widens"
    return "narrows" if ways else "same"


def only_narrows(before: Sequence[CompanyPolicy], after: CompanyPolicy, at: datetime) -> bool:
    """Say whether one person may publish it at once, as far as the policies alone tell."""
    return direction(before, differences(before, after, at)) != "widens"


def _last_day(before: Sequence[CompanyPolicy], after: CompanyPolicy) -> tuple[KnobChange, ...]:
    ends = [policy.valid_to for policy in before if policy.valid_to is not None]
    old, new = min(ends, default=None), after.valid_to
    if old == new:
        return ()
    later = old is not None and (new is None or new > old)
    return (KnobChange("valid_to", _day(old), _day(new), "widens" if later else "narrows"),)


def _day(end: datetime | None) -> str | None:
    return None if end is None else (end - timedelta(days=1)).date().isoformat()


def _evidence(before: Sequence[CompanyPolicy], after: CompanyPolicy) -> tuple[KnobChange, ...]:
    sets = [frozenset(policy.evidence) for policy in before]
    old = frozenset.intersection(*sets) if sets else frozenset()
    new = frozenset(after.evidence)
    gone = [_evidence_change(item, None, item) for item in sorted(old - new, key=_order)]
    added = [_evidence_change(item, item, None) for item in sorted(new - old, key=_order)]
    return (*gone, *added)


def _evidence_change(item: Evidence, added: Evidence | None, gone: Evidence | None) -> KnobChange:
    way: Direction = "widens" if added is not None else "narrows"
    return KnobChange(f"evidence.{item.kind}", _readable(gone), _readable(added), way)


def _readable(item: Evidence | None) -> Any:
    if item is None:
        return None
    return f"{item.reference} until {item.valid_to}" if item.valid_to else item.reference


def _order(item: Evidence) -> tuple[str, str, str, str]:
    return (item.kind, item.reference, item.sha256, item.valid_to or "")
