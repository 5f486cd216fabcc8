"""Decisions, and what they add up to.

Rules:
1. Decisions of a person are ordered by ``seq``. Clocks may run backwards; the order does not.
2. Given or acknowledged stands until the next act that is not a pause. After refused, withdrawn or
   revoked nothing suffices until the person acts anew.
3. A pause narrows what stands and nothing else: it ends by itself at ``until`` (the latest of
   several) and what stood before stands again. Over what does not suffice it changes nothing.
4. What was given holds for the notice version that was shown, in the residence where it was given,
   for a year. After that it is invalidated or expired; only a new act renews it.
5. Adding a decision that is not given or acknowledged never lets more be captured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import TypeAlias

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.scope import Scope
from app.kernel.vocabulary import Basis

VALIDITY = timedelta(days=365)
"""How long given or acknowledged holds (rule 4)."""

PAUSE_MIN = timedelta(minutes=5)
PAUSE_MAX = timedelta(days=7)

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Act(StrEnum):
    """What a person decides; ``revoked`` is the only one that somebody else does."""

    GIVEN = "given"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    PAUSED = "paused"
    REVOKED = "revoked"


OPENING = frozenset({Act.GIVEN, Act.ACKNOWLEDGED})
"""The acts that can let something be captured; each needs a notice that was shown."""


class State(StrEnum):
    """What a person's decisions add up to at an instant."""

    NONE = "none"
    GIVEN = "given"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"


@dataclass(frozen=True)
class Offer:
    """What is offered to a person: what is in force for them at the moment of showing.

    Attributes:
        region: the home region.
        regions: home, place of work, establishment.
        retention_days: longest keeping of raw data per signal, days.
        bases: names of ``Basis``.
        policy: digests of the layers in force.
    """

    region: str
    regions: tuple[str, ...]
    signals: tuple[str, ...]
    purposes: tuple[str, ...]
    apps: tuple[str, ...]
    retention_days: Mapping[str, int]
    bases: tuple[str, ...]
    policy: tuple[str, ...]

    @property
    def canonical(self) -> bytes:
        """The bytes that are kept and named; only in ``regions`` does the order mean something."""
        return canonical(
            {
                "v": 1,
                "region": self.region,
                "regions": list(self.regions),
                "signals": sorted(set(self.signals)),
                "purposes": sorted(set(self.purposes)),
                "apps": sorted(set(self.apps)),
                "retention_days": dict(self.retention_days),
                "bases": sorted(set(self.bases)),
                "policy": sorted(set(self.policy)),
            }
        )

    @property
    def digest(self) -> str:
        """The name of what is offered."""
        return digest(self.canonical)

    @property
    def scope(self) -> Scope:
        """The mask that a decision on this offer sets."""
        return Scope(frozenset(self.signals), frozenset(self.purposes), frozenset(self.apps))

    @classmethod
    def read(cls, data: bytes) -> "Offer":
        """Read the bytes of ``canonical`` back.

        Raises:
            ValueError: other bytes.
        """
        fields = parse_canonical(data)
        return cls(
            region=fields["region"],
            regions=tuple(fields["regions"]),
            signals=tuple(fields["signals"]),
            purposes=tuple(fields["purposes"]),
            apps=tuple(fields["apps"]),
            retention_days=fields["retention_days"],
            bases=tuple(fields["bases"]),
            policy=tuple(fields["policy"]),
        )


@dataclass(frozen=True)
class Notice:
    """One text of a notice: what a person reads before deciding.

    Attributes:
        digest: of the file's bytes.
        content: ids of the content items that the text covers.
    """

    id: str
    version: int
    language: str
    title: str
    markdown: str
    digest: str
    content: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A notice and an offer that were put before a person."""

    id: str
    person_id: str
    notice: Notice
    offer: Offer
    shown_at: datetime
    event_id: str


@dataclass(frozen=True)
class Decision:
    """One decision, as recorded. Never changed, never removed.

    Attributes:
        seq: 1, 2, 3 … per person; the order (rule 1).
        region: the home region when deciding.
        residence: the count of the person's home regions when deciding (directory, rule 2).
        until: the end of a pause, else None.
        valid_until: the end of what was given or acknowledged, else None.
        decided_at: what the clock said.
        recorded_at: the same, but never before the previous decision's.
        event_id: the entry in the log.
    """

    id: str
    person_id: str
    seq: int
    act: Act
    region: str
    residence: int
    notice_id: str | None
    notice_version: int | None
    notice_language: str | None
    notice_digest: str | None
    shown_id: str | None
    offer_digest: str | None
    signals: tuple[str, ...]
    purposes: tuple[str, ...]
    apps: tuple[str, ...]
    until: datetime | None
    valid_until: datetime | None
    decided_at: datetime
    recorded_at: datetime
    event_id: str

    @property
    def scope(self) -> Scope:
        """What was agreed to; empty for every act that agrees to nothing."""
        return Scope(frozenset(self.signals), frozenset(self.purposes), frozenset(self.apps))


@dataclass(frozen=True)
class Standing:
    """What a person's decisions add up to.

    Attributes:
        decision: the decision that the state rests on; None if there is none.
        until: when the state ends by itself: a pause's end, or the end of validity.
        scope: what is agreed to; None where nothing is.
    """

    state: State
    decision: Decision | None = None
    until: datetime | None = None
    scope: Scope | None = None


Bases: TypeAlias = Iterable[Basis | str]


def suffices(bases: Bases, state: State) -> bool:
    """Say whether a state is enough under these bases; more bases never make it less.

    Collective agreement and permit are preconditions, never enough by themselves (LAW §3).
    """
    words = {str(basis) for basis in bases}
    if state is State.GIVEN:
        return not words.isdisjoint({Basis.CONSENT, Basis.ACKNOWLEDGEMENT, Basis.NOTICE})
    if state is State.ACKNOWLEDGED:
        return not words.isdisjoint({Basis.ACKNOWLEDGEMENT, Basis.NOTICE})
    return False


def opening_act(bases: Bases) -> Act | None:
    """The act by which a person lets capture happen under these bases; None: no act does."""
    words = {str(basis) for basis in bases}
    if Basis.CONSENT in words:
        return Act.GIVEN
    if words & {Basis.ACKNOWLEDGEMENT, Basis.NOTICE}:
        return Act.ACKNOWLEDGED
    return None


def standing(
    history: Iterable[Decision],
    at: datetime,
    *,
    region: str,
    notice_version: int | None,
    residence: int | None = None,
) -> Standing:
    """Fold a person's decisions to what they add up to at an instant (rules 1 to 4).

    Args:
        history: the person's decisions; ``seq`` orders them, whatever order they come in.
        at: the instant; ends pauses and validity, and orders nothing.
        region: the person's home region now.
        notice_version: the notice's version now; None (no notice): nothing that was shown holds.
        residence: the person's residence now; None: only the region is compared.
    """
    base, pauses = _fold(history)
    if base is None:
        return Standing(State.NONE)
    if base.act not in OPENING:
        return Standing(State(base.act.value), base)
    moved = base.region != region or (residence is not None and base.residence != residence)
    if moved or notice_version is None or base.notice_version != notice_version:
        return Standing(State.INVALIDATED, base)
    if base.valid_until is None or at >= base.valid_until:
        return Standing(State.EXPIRED, base)
    if pauses and at < (until := _pause_end(pauses[-1])):
        return Standing(State.PAUSED, pauses[-1], min(until, base.valid_until))
    return Standing(State(base.act.value), base, base.valid_until, base.scope)


def allowed_acts(current: Standing, bases: Bases) -> tuple[Act, ...]:
    """List what a person can do from here, the opening act first.

    Opting out is listed whenever something stands, whatever the bases say now; and it is accepted
    from every state, listed or not.
    """
    words = tuple(bases)
    opening = opening_act(words)
    acts = [opening] if opening and not suffices(words, current.state) else []
    match current.state:
        case State.GIVEN | State.ACKNOWLEDGED | State.PAUSED:
            acts += [Act.WITHDRAWN, Act.PAUSED, Act.REFUSED]
        case State.NONE | State.EXPIRED | State.INVALIDATED | State.REVOKED:
            acts += [Act.REFUSED]
        case State.REFUSED | State.WITHDRAWN:
            pass
    return tuple(acts)


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


def standing_between(
    history: Iterable[Decision],
    start: datetime,
    end: datetime,
    *,
    bases: Bases,
    endings: Endings,
    purpose: str | None = None,
    signals: Iterable[str] = (),
) -> bool:
    """Say whether the decisions sufficed at every instant from ``start`` to ``end``, both included.

    Here clocks matter, and every doubt shortens: an opening act counts from the latest time that it
    or any earlier decision names, and ends at the earliest that any later decision names.

    Args:
        history: the person's decisions.
        start: when the capture began.
        end: when it ended; before ``start`` the answer is no.
        bases: what makes capture lawful for the person.
        endings: what invalidated decisions by itself.
        purpose: must be agreed to at every instant; None: not asked.
        signals: must be agreed to at every instant.
    """
    words, asked = tuple(bases), frozenset(signals)
    spans: list[Span] = []
    ordered = sorted(history, key=lambda decision: decision.seq)
    for place, decision in enumerate(ordered):
        if decision.act not in OPENING or not suffices(words, State(decision.act.value)):
            continue
        if asked <= decision.scope.signals and (
            purpose is None or purpose in decision.scope.purposes
        ):
            spans += _spans(ordered, place, endings)
    return _covered(spans, start, end)


def _fold(history: Iterable[Decision]) -> tuple[Decision | None, list[Decision]]:
    """Return the last act that is not a pause, and the pauses after it, the longest last."""
    base: Decision | None = None
    pauses: list[Decision] = []
    for decision in sorted(history, key=lambda decision: decision.seq):
        if decision.act is Act.PAUSED:
            pauses.append(decision)
        else:
            base, pauses = decision, []
    return base, sorted(pauses, key=_pause_end)


def _pause_end(pause: Decision) -> datetime:
    """When a pause ends; one without an end would be a fault, and never ends."""
    return pause.until or _FOREVER


def _spans(ordered: Sequence[Decision], place: int, endings: Endings) -> list[Span]:
    """Return the stretches that one opening act covers, its pauses cut out."""
    decision, after = ordered[place], ordered[place + 1 :]
    start = max(max(item.decided_at, item.recorded_at) for item in ordered[: place + 1])
    pauses = list(takewhile(lambda item: item.act is Act.PAUSED, after))
    end = min(
        decision.valid_until or start,
        endings.notices.get(decision.notice_version or 0, _FOREVER),
        endings.residences.get(decision.residence, _FOREVER),
        _earliest(after[len(pauses) :]),
    )
    spans = [Span(start, end)]
    for number, pause in enumerate(pauses):
        gap = Span(_earliest(after[number:]), _pause_end(pause))
        spans = [piece for span in spans for piece in _without(span, gap)]
    return spans


def _earliest(later: Iterable[Decision]) -> datetime:
    """The earliest time that any of these decisions names; without any, never."""
    return min((min(item.decided_at, item.recorded_at) for item in later), default=_FOREVER)


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
