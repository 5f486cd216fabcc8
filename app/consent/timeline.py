"""Was it agreed to the whole time? What decisions covered, stretch by stretch.

``model.standing`` asks what stands at an instant and never looks at when things were decided. Here
the past is asked, so clocks matter; and every doubt about them shortens what was covered: an
opening act, and a resume, counts from the latest time that it or any earlier decision names, and
ends at the earliest that any later decision names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from app.consent.model import (
    FOREVER,
    OPENING,
    Act,
    Bases,
    Decision,
    Standing,
    State,
    lacking,
    pause_end,
    standing,
    suffices,
)

_INTERRUPTING = frozenset({Act.PAUSED, Act.RESUMED})
"""What leaves the opening act before it in place."""


@dataclass(frozen=True)
class Span:
    """A stretch of time, its start included and its end not, that a decision covers."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Endings:
    """When notices were superseded and residences ended; what is not named has not ended.

    Attributes:
        notices: instant by notice version.
        residences: instant by residence.
    """

    notices: Mapping[int, datetime]
    residences: Mapping[int, datetime]


def endings_of(
    residences: Iterable[tuple[int, datetime]], notices: Mapping[int, datetime]
) -> Endings:
    """Say what ended by itself, and when.

    >>> from datetime import UTC
    >>> hired, moved = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    >>> endings_of([(1, hired), (2, moved)], {}).residences == {0: hired, 1: moved}
    True

    Args:
        residences: of each version of the person's record, oldest first: the residence, and since
            when.
        notices: since when each version of the notice was adopted.
    """
    ended: dict[int, datetime] = {}
    for residence, since in residences:
        ended.setdefault(residence - 1, since)
    superseded = {
        version: min(later)
        for version in notices
        if (later := [since for other, since in notices.items() if other > version])
    }
    return Endings(superseded, ended)


def stood_before(
    decision: Decision, history: Iterable[Decision], notices: Mapping[int, datetime]
) -> Standing:
    """What the person's earlier decisions added up to when a decision was made.

    >>> from datetime import UTC
    >>> from app.consent.model import Person, next_decision
    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "DE", "DE/Sample", "IT", None, ())
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> first = next_decision((), alex, Act.WITHDRAWN, at, decision_id="1")
    >>> stood_before(first, [first], {}).state.value
    'none'

    Args:
        decision: of this person; it says where they lived then.
        history: the person's decisions; only those before it are looked at.
        notices: since when each version of the notice was adopted.
    """
    at = decision.decided_at
    return standing(
        (earlier for earlier in history if earlier.seq < decision.seq),
        at,
        region=decision.region,
        notice_version=max((v for v, since in notices.items() if since <= at), default=None),
        residence=decision.residence,
    )


def standing_between(
    history: Iterable[Decision],
    start: datetime,
    end: datetime,
    *,
    bases: Bases,
    endings: Endings,
    purpose: str | None = None,
    signals: Iterable[str] = (),
    content: Iterable[str] = (),
) -> bool:
    """Say whether the decisions sufficed at every instant from ``start`` to ``end``, both included.

    >>> from datetime import UTC
    >>> start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    >>> standing_between([], start, end, bases=["consent"], endings=Endings({}, {}))
    False

    Args:
        history: the person's decisions.
        start: when the capture began.
        end: when it ended; before ``start`` the answer is no.
        bases: what makes capture lawful for the person.
        endings: what invalidated decisions by itself.
        purpose: must be agreed to at every instant; None: not asked.
        signals: must be agreed to at every instant.
        content: what each decision must say besides.
    """
    named, asked, demanded = tuple(bases), frozenset(signals), tuple(content)
    spans: list[Span] = []
    ordered = sorted(history, key=lambda decision: decision.seq)
    for place, decision in enumerate(ordered):
        if decision.act not in OPENING:
            continue
        if not suffices(named, State(decision.act.value), lacking(decision, demanded)):
            continue
        if asked <= set(decision.signals) and (purpose is None or purpose in decision.purposes):
            spans += _spans(ordered, place, endings)
    return _covered(spans, start, end)


def openings_since(
    history: Iterable[Decision], start: datetime, *, endings: Endings
) -> tuple[Decision, ...]:
    """The decisions by which anything was agreed to after an instant, also behind a pause.

    What was agreed to limits what may be read, so here every doubt about clocks counts a decision
    in: it ends at the latest time that is named until it is replaced.

    >>> from datetime import UTC
    >>> openings_since([], datetime(2026, 1, 1, tzinfo=UTC), endings=Endings({}, {}))
    ()

    Args:
        history: the person's decisions.
        start: the instant.
        endings: what invalidated decisions by itself.
    """
    ordered = sorted(history, key=lambda decision: decision.seq)
    return tuple(
        decision
        for place, decision in enumerate(ordered)
        if decision.act in OPENING and start < _latest_end(ordered, place, endings)
    )


def _latest_end(ordered: Sequence[Decision], place: int, endings: Endings) -> datetime:
    """When at the latest one opening act, by its place, was no longer what is agreed to."""
    following = range(place + 1, len(ordered))
    end = next((later for later in following if ordered[later].act not in _INTERRUPTING), None)
    replaced = FOREVER if end is None else _latest(ordered[: end + 1])
    return min(replaced, _ended_by_itself(ordered[place], endings))


def _ended_by_itself(decision: Decision, endings: Endings) -> datetime:
    """When its year, its notice or its residence ended, whichever was first."""
    return min(
        decision.valid_until or FOREVER,
        endings.notices.get(decision.notice_version or 0, FOREVER),
        endings.residences.get(decision.residence, FOREVER),
    )


def _spans(ordered: Sequence[Decision], place: int, endings: Endings) -> list[Span]:
    """Return the stretches that one opening act covers, its pauses cut out.

    A pause that was resumed from ends when it was resumed, if that is before its own end.
    """
    decision, after = ordered[place], ordered[place + 1 :]
    start = _latest(ordered[: place + 1])
    pauses = list(takewhile(lambda item: item.act in _INTERRUPTING, after))
    end = min(
        decision.valid_until or start,
        _ended_by_itself(decision, endings),
        _earliest(after[len(pauses) :]),
    )
    spans = [Span(start, end)]
    for number, pause in enumerate(pauses):
        if pause.act is Act.PAUSED:
            resumed = _resumed(ordered, place + 1 + number)
            gap = Span(_earliest(after[number:]), min(pause_end(pause), resumed))
            spans = [piece for span in spans for piece in _without(span, gap)]
    return spans


def _resumed(ordered: Sequence[Decision], pause: int) -> datetime:
    """When a pause, by its place, was resumed from: the latest time that is named until then."""
    for place in range(pause + 1, len(ordered)):
        if ordered[place].act is Act.RESUMED:
            return _latest(ordered[: place + 1])
        if ordered[place].act is not Act.PAUSED:
            break
    return FOREVER


def _latest(until: Iterable[Decision]) -> datetime:
    """The latest time that any of these decisions names."""
    return max(max(item.decided_at, item.recorded_at) for item in until)


def _earliest(later: Iterable[Decision]) -> datetime:
    """The earliest time that any of these decisions names; without any, never."""
    return min((min(item.decided_at, item.recorded_at) for item in later), default=FOREVER)


def _without(span: Span, gap: Span) -> tuple[Span, Span]:
    """Cut a gap out of a span; what is empty has its end at or before its start."""
    return Span(span.start, min(span.end, gap.start)), Span(max(span.start, gap.end), span.end)


def _covered(spans: Iterable[Span], start: datetime, end: datetime) -> bool:
    """Say whether the spans together hold every instant from start to end, both included."""
    if end < start:
        return False
    reached = start
    for span in sorted(spans, key=lambda span: span.start):
        if span.start <= reached < span.end:
            reached = span.end
    return reached > end
