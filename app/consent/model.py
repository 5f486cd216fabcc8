"""Decisions, and what they add up to.

Rules:
1. Decisions of a person are ordered by ``seq``. Clocks may run backwards; the order does not.
2. Given or acknowledged stands until the next act that is not a pause. After refused, withdrawn or
   revoked nothing suffices until the person acts anew.
3. A pause narrows what stands and nothing else: it ends by itself at ``until`` (the latest of
   several), or all pauses end with ``resumed``, and what stood before stands again, with the end
   that it had. Over what does not suffice neither changes anything.
4. What was given holds for the notice version that was shown, in the residence where it was given,
   for a year. After that it is invalidated or expired; only a new act renews it.
5. Adding a decision that is not given or acknowledged never lets more be captured than without the
   pauses.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from app.consent.offers import NoticeName, Shown
from app.directory.model import Person
from app.kernel.facts import fact
from app.kernel.vocabulary import Basis

VALIDITY = timedelta(days=365)
"""How long given or acknowledged holds (rule 4)."""

FOREVER = datetime.max.replace(tzinfo=UTC)
"""Later than any instant that is compared with it."""


class Act(StrEnum):
    """What a person decides; only ``revoked`` is done by somebody else."""

    GIVEN = "given"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    PAUSED = "paused"
    REVOKED = "revoked"
    RESUMED = "resumed"


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


ENOUGH = frozenset({State.GIVEN, State.ACKNOWLEDGED})
"""The states that can suffice."""


@dataclass(frozen=True)
class Decision:
    """One decision, as recorded. Never changed, never removed.

    Its entry holds all that ``standing`` folds, so that the log alone gives what stood when.

    Attributes:
        notice: the text that the decision rests on; None where it rests on none.
        seq: 1, 2, 3 … per person; the order (rule 1).
        region: the home region when deciding.
        residence: the count of the person's home regions when deciding (directory, rule 2).
        until: the end of a pause, else None.
        valid_until: the end of what was given or acknowledged, else None.
        decided_at: the time of the clock.
        recorded_at: the same, but never before the previous decision's.
        event_id: the entry in the log.
        content: what it says besides, as its offer asked for.
    """

    id: str = field(metadata=fact("decision"))
    person_id: str = field(metadata=fact(apart=True))
    seq: int
    act: Act = field(metadata=fact(apart=True))
    region: str
    residence: int
    notice: NoticeName | None
    shown_id: str | None = field(metadata=fact("shown"))
    offer_digest: str | None = field(metadata=fact("offer"))
    signals: tuple[str, ...]
    purposes: tuple[str, ...]
    apps: tuple[str, ...]
    until: datetime | None
    valid_until: datetime | None
    decided_at: datetime = field(metadata=fact(apart=True))
    recorded_at: datetime
    event_id: str = field(metadata=fact(apart=True))
    content: tuple[str, ...] = field(
        default=(), metadata=fact("decision_content", unordered=True, sparse=True)
    )

    @property
    def says(self) -> frozenset[str]:
        """What it says besides; an acknowledgement says that by itself."""
        own = {Basis.ACKNOWLEDGEMENT.value} if self.act is Act.ACKNOWLEDGED else set()
        return frozenset(own.union(self.content))

    @property
    def notice_version(self) -> int | None:
        """The version of the notice that it rests on."""
        return None if self.notice is None else self.notice.version


@dataclass(frozen=True)
class DecidedSoFar:
    """What a person decided, as far as it is believed.

    Attributes:
        decisions: by ``seq``.
        disputed: the rows do not agree with the log, so that nothing in them opens; what narrows is
            here all the same.
        last: the number of the last decision that the rows or the log know; 0 where there is none.
    """

    decisions: tuple[Decision, ...] = ()
    disputed: bool = False
    last: int = 0


@dataclass(frozen=True)
class Standing:
    """What a person's decisions add up to.

    Attributes:
        decision: the decision that the state rests on; None if there is none.
        until: when the state ends by itself: a pause's end, or the end of validity.
        agreed: the decision by which the person agreed, also while that rests behind a pause; None
            where nothing is agreed to.
        last: the number of the person's last decision, whether or not the state rests on it.
        disputed: the decisions in the database do not agree with the log; nothing is agreed to.
        pause: the pause that has not ended, also over what has ended by itself; else None.
    """

    state: State
    decision: Decision | None = None
    until: datetime | None = None
    agreed: Decision | None = None
    last: int = field(default=0, compare=False)
    disputed: bool = False
    pause: Decision | None = field(default=None, compare=False)

    def number(self, *, every_decision: bool) -> int:
        """How far the person's decisions have come, as leases say it; 0: there is none.

        >>> Standing(State.NONE, last=3).number(every_decision=True)
        3

        Args:
            every_decision: as ``Rules`` say: the last decision counts, so that the number never
                falls; else the one that the state rests on, which is an older one after a pause.
        """
        if every_decision:
            return self.last
        return self.decision.seq if self.decision else 0

    @property
    def stands(self) -> bool:
        """Whether something is agreed to and does not rest behind a pause."""
        return self.agreed is not None and self.state is not State.PAUSED


Bases: TypeAlias = Iterable[Basis | str]


def suffices(bases: Bases, state: State, lacking: Iterable[str] = ()) -> bool:
    """Say whether a state is enough under these bases; more bases never make it less.

    What is asked for and ``lacking`` in the decision makes it too little, whatever the bases are.

    Collective agreement and permit are preconditions, never enough by themselves: choice 3 of
    docs/law.md.

    >>> suffices([Basis.CONSENT], State.GIVEN), suffices([Basis.CONSENT], State.ACKNOWLEDGED)
    (True, False)
    """
    names = {str(basis) for basis in bases}
    if tuple(lacking):
        return False
    if state is State.GIVEN:
        return not names.isdisjoint({Basis.CONSENT, Basis.ACKNOWLEDGEMENT, Basis.NOTICE})
    if state is State.ACKNOWLEDGED:
        return not names.isdisjoint({Basis.ACKNOWLEDGEMENT, Basis.NOTICE})
    return False


def lacking(decision: Decision | None, asked: Iterable[str]) -> tuple[str, ...]:
    """What a decision would have to say and does not, sorted; nothing is lacking without one.

    >>> lacking(None, {"acknowledgement"})
    ()
    """
    return () if decision is None else tuple(sorted(set(asked) - decision.says))


def opening_act(bases: Bases) -> Act | None:
    """The act by which a person lets capture happen under these bases; None: no act does.

    >>> opening_act([Basis.NOTICE]), opening_act([Basis.PERMIT])
    (<Act.ACKNOWLEDGED: 'acknowledged'>, None)
    """
    names = {str(basis) for basis in bases}
    if Basis.CONSENT in names:
        return Act.GIVEN
    if names & {Basis.ACKNOWLEDGEMENT, Basis.NOTICE}:
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

    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "DE", "DE/Sample", "IT", None, ())
    >>> now = datetime(2026, 11, 22, tzinfo=UTC)
    >>> history = [next_decision((), alex, Act.REFUSED, now, decision_id="1")]
    >>> standing(history, now, region="DE", notice_version=1).state.value
    'refused'

    Args:
        history: the person's decisions; ``seq`` orders them, whatever order they come in.
        at: the instant; ends pauses and validity, and orders nothing.
        region: the person's home region now.
        notice_version: the notice's version now; None (no notice): nothing that was shown holds.
        residence: the person's residence now; None: only the region is compared.
    """
    decisions = tuple(history)
    last = max((decision.seq for decision in decisions), default=0)
    found = _resting_on(*_fold(decisions), at, region, notice_version, residence)
    return replace(found, last=last)


def _resting_on(
    base: Decision | None,
    pauses: list[Decision],
    at: datetime,
    region: str,
    notice_version: int | None,
    residence: int | None,
) -> Standing:
    """What the last act and its pauses add up to (rules 2 to 4)."""
    if base is None:
        return Standing(State.NONE)
    if base.act not in OPENING:
        return Standing(State(base.act.value), base)
    pause = pauses[-1] if pauses and at < pause_end(pauses[-1]) else None
    moved = base.region != region or (residence is not None and base.residence != residence)
    if moved or notice_version is None or base.notice_version != notice_version:
        return Standing(State.INVALIDATED, base, pause=pause)
    if base.valid_until is None or at >= base.valid_until:
        return Standing(State.EXPIRED, base, pause=pause)
    if pause is not None:
        ends = min(pause_end(pause), base.valid_until)
        return Standing(State.PAUSED, pause, ends, agreed=base, pause=pause)
    return Standing(State(base.act.value), base, base.valid_until, agreed=base)


def next_decision(
    history: tuple[Decision, ...],
    person: Person,
    act: Act,
    now: datetime,
    *,
    decision_id: str,
    shown: Shown | None = None,
    until: datetime | None = None,
    after: int | None = None,
) -> Decision:
    """Make the person's next decision; its event is filled in when the log has taken it.

    Its number is the next after ``after``, or after the history's last where none is given.

    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "DE", "DE/Sample", "IT", None, ())
    >>> now = datetime(2026, 11, 22, tzinfo=UTC)
    >>> first = next_decision((), alex, Act.REFUSED, now, decision_id="1")
    >>> next_decision((first,), alex, Act.WITHDRAWN, now, decision_id="2").seq
    2
    """
    offer = shown.offer if shown else None
    decision = Decision(
        id=decision_id,
        person_id=person.id,
        seq=1 + (after if after is not None else history[-1].seq if history else 0),
        act=act,
        region=person.region,
        residence=person.residence,
        notice=shown.notice.name if shown else None,
        shown_id=shown.id if shown else None,
        offer_digest=offer.digest if offer else None,
        signals=tuple(sorted(set(offer.signals))) if offer else (),
        purposes=tuple(sorted(set(offer.purposes))) if offer else (),
        apps=tuple(sorted(set(offer.apps))) if offer else (),
        until=until,
        valid_until=now + VALIDITY if shown else None,
        decided_at=now,
        recorded_at=max(now, history[-1].recorded_at) if history else now,
        event_id="",
        content=tuple(sorted(set(offer.decision_content))) if offer else (),
    )
    return _restoring(decision, history) if act is Act.RESUMED else decision


def _restoring(resumed: Decision, history: tuple[Decision, ...]) -> Decision:
    """Let a resume say what it restores: text, offer and end are those of the act under the pause.

    It says so for whoever reads the receipt; ``standing`` goes on resting on that act itself.
    """
    base, _ = _fold(history)
    if base is None:
        return resumed
    return replace(
        resumed,
        notice=base.notice,
        shown_id=base.shown_id,
        offer_digest=base.offer_digest,
        signals=base.signals,
        purposes=base.purposes,
        apps=base.apps,
        valid_until=base.valid_until,
        content=base.content,
    )


def _fold(history: Iterable[Decision]) -> tuple[Decision | None, list[Decision]]:
    """Return the last act but pausing and resuming, and the pauses that run, the longest last."""
    base: Decision | None = None
    pauses: list[Decision] = []
    for decision in sorted(history, key=lambda decision: decision.seq):
        if decision.act is Act.PAUSED:
            pauses.append(decision)
        elif decision.act is Act.RESUMED:
            pauses = []
        else:
            base, pauses = decision, []
    return base, sorted(pauses, key=pause_end)


def pause_end(pause: Decision) -> datetime:
    """When a pause ends; a pause without an end would be a fault, and never ends."""
    return pause.until or FOREVER
