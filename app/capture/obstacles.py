"""Why nothing can be captured: one closed list, and one function that says what applies.

Rules:
1. ``Obstacle`` is in the order of telling: what nobody here can change, what the person decided,
   what others have to do, what the person can do.
2. Everything that prevents capture is named, so that one cured obstacle shows the next.
3. Every fault or withdrawn input only adds obstacles (law 7).
4. A collective agreement or a permit is a precondition and never enough by itself: where no other
   basis is left, no decision of a person can suffice, so nothing can be captured.
5. What leases and access decisions sign keeps an order and codes of its own; each is one table from
   this list (``directive.LEASE``, ``access.decision.decide.ACCESS``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.consent.model import State, suffices


class Obstacle(StrEnum):
    """One reason why nothing can be captured now. Closed; the order is that of telling."""

    LEFT = "left"
    DEVICE_REVOKED = "device_revoked"
    RECORD_DISPUTED = "record_disputed"
    PLACE_TOO_WIDE = "place_too_wide"
    REGION_UNKNOWN = "region_unknown"
    REGION_BLOCKED = "region_blocked"
    BASIS_INSUFFICIENT = "basis_insufficient"
    POLICY_MISSING = "policy_missing"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_REVOKED = "consent_revoked"
    CONSENT_REFUSED = "consent_refused"
    PAUSED = "paused"
    STOPPED = "stopped"
    PRECONDITION_MISSING = "precondition_missing"
    LEAD_TIME = "lead_time"
    NOTICE_PENDING = "notice_pending"
    RESIDENCE_CHANGED = "residence_changed"
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_INSUFFICIENT = "consent_insufficient"
    CONSENT_MISSING = "consent_missing"
    NOTHING_ALLOWED = "nothing_allowed"
    NOTHING_AGREED = "nothing_agreed"


OWN = frozenset(
    {
        Obstacle.CONSENT_WITHDRAWN,
        Obstacle.CONSENT_REVOKED,
        Obstacle.CONSENT_REFUSED,
        Obstacle.PAUSED,
        Obstacle.NOTICE_PENDING,
        Obstacle.RESIDENCE_CHANGED,
        Obstacle.CONSENT_EXPIRED,
        Obstacle.CONSENT_INSUFFICIENT,
        Obstacle.CONSENT_MISSING,
    }
)
"""Obstacles that come from the person's own decision."""

FINAL = frozenset(
    {
        Obstacle.LEFT,
        Obstacle.PLACE_TOO_WIDE,
        Obstacle.REGION_UNKNOWN,
        Obstacle.REGION_BLOCKED,
        Obstacle.BASIS_INSUFFICIENT,
    }
)
"""Obstacles next to which no other matters: nobody here can remove them, or nothing is known of the
others before they are."""

UNPLACED = frozenset({Obstacle.PLACE_TOO_WIDE, Obstacle.REGION_UNKNOWN})
"""Obstacles under which nobody knows what the law allows; it is not said to forbid anything."""

BARRED = FINAL - {Obstacle.LEFT}
"""Obstacles under which no decision of anybody could let a signal be captured."""

CLOSED = FINAL | {
    Obstacle.RECORD_DISPUTED,
    Obstacle.POLICY_MISSING,
    Obstacle.PRECONDITION_MISSING,
    Obstacle.NOTHING_ALLOWED,
}
"""Obstacles under which agreeing would lead to nothing."""


@dataclass(frozen=True)
class Personal:
    """What matters for one person, and on one device of theirs.

    Attributes:
        active: the person works here.
        device_active: the device is not revoked.
        state: what the person's decisions add up to.
        suffices: that state is enough under the bases that are left.
        region_changed: why a decision is invalidated: the residence changed (else the notice did).
        placed: the directory says closely enough where the person lives and works to know whose law
            holds there.
        agreed: something of what is allowed was agreed to; nothing is asked where nothing stands.
        disputed: what is recorded of the person or the device does not agree with the log.
    """

    state: State
    suffices: bool
    active: bool = True
    device_active: bool = True
    region_changed: bool = False
    placed: bool = True
    agreed: bool = True
    disputed: bool = False


@dataclass(frozen=True)
class Conditions:
    """Everything that can prevent capture.

    Attributes:
        unknown: a region in question has no floor.
        blocked: a layer in force forbids capture, or no basis is left.
        bases: names of ``Basis``: what can make capture lawful here.
        company: the company has published a policy for the home region.
        stopped: a stop holds.
        missing: a precondition lacks valid evidence.
        lead_time: a lead time is running.
        allowed: some signal, app and purpose is left.
        disputed: what is recorded of the rules does not agree with the log.
        person: None where nobody in particular is meant.
    """

    unknown: bool
    blocked: bool
    bases: frozenset[str]
    company: bool
    stopped: bool
    missing: bool
    lead_time: bool
    allowed: bool = True
    disputed: bool = False
    person: Personal | None = None


OF_POLICY = (
    frozenset(Obstacle)
    - OWN
    - {
        Obstacle.LEFT,
        Obstacle.DEVICE_REVOKED,
        Obstacle.PLACE_TOO_WIDE,
        Obstacle.NOTHING_AGREED,
    }
)
"""Obstacles that come from the rules of regions, whoever is asked about."""


class Ruling(Protocol):
    """What the rules of regions say, in whatever form it is kept: as names, or as yes and no."""

    @property
    def unknown(self) -> object:
        """Regions without a floor."""
        ...

    @property
    def blocked(self) -> bool:
        """Whether nothing can be captured."""
        ...

    @property
    def bases(self) -> Iterable[str]:
        """What can make capture lawful."""
        ...

    @property
    def company(self) -> bool:
        """Whether the company has a policy for the home region."""
        ...

    @property
    def stopped(self) -> object:
        """Regions under a stop."""
        ...

    @property
    def missing(self) -> object:
        """Preconditions without valid evidence."""
        ...

    @property
    def disputed(self) -> object:
        """What is recorded and does not agree with the log."""
        ...


def conditions_of(
    ruling: Ruling,
    *,
    lead_time: bool,
    allowed: bool = True,
    person: Personal | None = None,
) -> Conditions:
    """Read what can prevent capture from what the rules say; whoever asks for obstacles asks here.

    >>> rules = dict(unknown=False, blocked=False, bases=frozenset({"consent"}), company=True)
    >>> fine = Conditions(**rules, stopped=False, missing=False, lead_time=False)
    >>> obstacles(conditions_of(fine, lead_time=True))
    (<Obstacle.LEAD_TIME: 'lead_time'>,)
    """
    return Conditions(
        unknown=bool(ruling.unknown),
        blocked=ruling.blocked,
        bases=frozenset(ruling.bases),
        company=ruling.company,
        stopped=bool(ruling.stopped),
        missing=bool(ruling.missing),
        lead_time=lead_time,
        allowed=allowed,
        disputed=bool(ruling.disputed),
        person=person,
    )


def obstacles(given: Conditions) -> tuple[Obstacle, ...]:
    """Name everything that prevents capture, in the order of the list.

    >>> person = Personal(state=State.WITHDRAWN, suffices=False)
    >>> rules = dict(unknown=False, blocked=False, bases=frozenset({"consent"}), company=True)
    >>> now = dict(stopped=True, missing=False, lead_time=False)
    >>> [obstacle.value for obstacle in obstacles(Conditions(**rules, **now, person=person))]
    ['consent_withdrawn', 'stopped']
    """
    applying = {*_of_policy(given), *_of_person(given.person)}
    return tuple(obstacle for obstacle in Obstacle if obstacle in applying)


def _of_policy(given: Conditions) -> Iterator[Obstacle]:
    against = {
        Obstacle.REGION_UNKNOWN: given.unknown,
        Obstacle.REGION_BLOCKED: given.blocked or not given.bases,
        Obstacle.BASIS_INSUFFICIENT: bool(given.bases) and not suffices(given.bases, State.GIVEN),
        Obstacle.POLICY_MISSING: not given.company,
        Obstacle.STOPPED: given.stopped,
        Obstacle.PRECONDITION_MISSING: given.missing,
        Obstacle.LEAD_TIME: given.lead_time,
        Obstacle.NOTHING_ALLOWED: not given.allowed,
        Obstacle.RECORD_DISPUTED: given.disputed,
    }
    yield from (obstacle for obstacle, applies in against.items() if applies)


def _of_person(person: Personal | None) -> Iterator[Obstacle]:
    if person is None:
        return
    if not person.active:
        yield Obstacle.LEFT
    if not person.device_active:
        yield Obstacle.DEVICE_REVOKED
    if person.disputed:
        yield Obstacle.RECORD_DISPUTED
    if not person.placed:
        yield Obstacle.PLACE_TOO_WIDE
    if not person.suffices:
        yield _of_standing(person.state, region_changed=person.region_changed)
    elif not person.agreed:
        yield Obstacle.NOTHING_AGREED


_STANDINGS: Mapping[State, Obstacle] = {
    State.NONE: Obstacle.CONSENT_MISSING,
    # The region asks for another kind of decision.
    State.GIVEN: Obstacle.CONSENT_INSUFFICIENT,
    State.ACKNOWLEDGED: Obstacle.CONSENT_INSUFFICIENT,
    State.EXPIRED: Obstacle.CONSENT_EXPIRED,
    State.INVALIDATED: Obstacle.NOTICE_PENDING,
    State.REFUSED: Obstacle.CONSENT_REFUSED,
    State.WITHDRAWN: Obstacle.CONSENT_WITHDRAWN,
    State.REVOKED: Obstacle.CONSENT_REVOKED,
    State.PAUSED: Obstacle.PAUSED,
}


def _of_standing(state: State, *, region_changed: bool) -> Obstacle:
    """Say what is wrong with a standing that does not suffice."""
    if state is State.INVALIDATED and region_changed:
        return Obstacle.RESIDENCE_CHANGED
    return _STANDINGS[state]
