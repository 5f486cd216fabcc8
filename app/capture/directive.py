"""The directive: may this device capture now, and if not, why (pure).

Rules:
1. On only if no obstacle applies that a lease has a reason for (``LEASE``).
2. ``Circumstances`` are plain values: a ``lease.changed`` entry holds all of them, and anyone can
   compute the directive again from the entry alone (app/kernel/facts.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.capture.obstacles import Conditions, Obstacle, Personal, conditions_of, obstacles
from app.consent.model import State, suffices
from app.kernel.facts import fact
from app.kernel.vocabulary import Basis, Reason


@dataclass(frozen=True)
class Circumstances:
    """Everything the directive depends on.

    Attributes:
        person_active: the person works here.
        device_active: the device is not revoked.
        unknown: regions in question that have no floor.
        blocked: a layer in force forbids capture, or no basis is left.
        company: the company has published a policy for the person's region.
        stopped: regions of the chain under a stop.
        missing: preconditions without valid evidence.
        lead_until: end of the lead time still running, if any.
        bases: what can make capture lawful here.
        state: the person's standing.
        region_changed: why a decision is invalidated: the region changed (else the notice did).
        too_wide: home or place of work, where it does not say whose law holds
            (``kernel.places``); in entries only where there is one.
        lacking: what the decision has to say here and does not; nothing in old entries.
        disputed: what does not agree with the log (``situation.doubts``); nothing in old entries.
    """

    person_active: bool
    device_active: bool
    unknown: tuple[str, ...] = field(metadata=fact(unordered=True))
    blocked: bool
    company: bool
    stopped: tuple[str, ...] = field(metadata=fact(unordered=True))
    missing: tuple[str, ...] = field(metadata=fact("preconditions_missing", unordered=True))
    lead_until: datetime | None
    bases: frozenset[Basis]
    state: State = field(metadata=fact("standing"))
    region_changed: bool = False
    too_wide: tuple[str, ...] = field(default=(), metadata=fact(sparse=True, unordered=True))
    lacking: tuple[str, ...] = field(
        default=(), metadata=fact("decision_lacks", unordered=True, sparse=True)
    )
    disputed: tuple[str, ...] = field(default=(), metadata=fact(unordered=True, sparse=True))

    def conditions(self, at: datetime) -> Conditions:
        """The same as what can prevent capture at an instant."""
        return conditions_of(
            self,
            lead_time=self.lead_until is not None and at < self.lead_until,
            person=Personal(
                state=self.state,
                suffices=suffices(self.bases, self.state, self.lacking),
                active=self.person_active,
                device_active=self.device_active,
                region_changed=self.region_changed,
                placed=not self.too_wide,
            ),
        )


@dataclass(frozen=True)
class Directive:
    """On, or off and why."""

    capture: bool
    reasons: tuple[Reason, ...]


LEASE: Mapping[Obstacle, Reason | None] = {
    Obstacle.LEFT: Reason.LEFT,
    Obstacle.DEVICE_REVOKED: Reason.DEVICE_REVOKED,
    Obstacle.RECORD_DISPUTED: Reason.RECORD_DISPUTED,
    Obstacle.PLACE_TOO_WIDE: Reason.REGION_UNKNOWN,
    Obstacle.REGION_UNKNOWN: Reason.REGION_UNKNOWN,
    Obstacle.REGION_BLOCKED: Reason.REGION_BLOCKED,
    Obstacle.BASIS_INSUFFICIENT: Reason.REGION_BLOCKED,
    Obstacle.POLICY_MISSING: Reason.POLICY_MISSING,
    Obstacle.STOPPED: Reason.STOPPED,
    Obstacle.PRECONDITION_MISSING: Reason.PRECONDITION_MISSING,
    Obstacle.LEAD_TIME: Reason.LEAD_TIME,
    Obstacle.CONSENT_MISSING: Reason.CONSENT_MISSING,
    Obstacle.CONSENT_INSUFFICIENT: Reason.CONSENT_MISSING,
    Obstacle.CONSENT_EXPIRED: Reason.CONSENT_MISSING,
    Obstacle.RESIDENCE_CHANGED: Reason.CONSENT_MISSING,
    Obstacle.NOTICE_PENDING: Reason.NOTICE_PENDING,
    Obstacle.CONSENT_REFUSED: Reason.CONSENT_REFUSED,
    Obstacle.CONSENT_WITHDRAWN: Reason.CONSENT_WITHDRAWN,
    Obstacle.CONSENT_REVOKED: Reason.CONSENT_WITHDRAWN,
    Obstacle.PAUSED: Reason.PAUSED,
    # Such a lease says on; the policy document that it names lists nothing that could be captured.
    Obstacle.NOTHING_ALLOWED: None,
    Obstacle.NOTHING_AGREED: None,
}
"""What a lease says of each obstacle, in the order in which it is signed."""


def directive(given: Circumstances, at: datetime) -> Directive:
    """Decide whether capture is on at an instant; all reasons that apply, in the signed order.

    >>> from dataclasses import replace
    >>> from datetime import UTC
    >>> at, consent = datetime(2026, 11, 22, tzinfo=UTC), frozenset({Basis.CONSENT})
    >>> fine = Circumstances(True, True, (), False, True, (), (), None, consent, State.GIVEN)
    >>> directive(fine, at)
    Directive(capture=True, reasons=())
    >>> directive(replace(fine, stopped=("DE",)), at).reasons
    (<Reason.STOPPED: 'stopped'>,)
    """
    reasons = reasons_of(obstacles(given.conditions(at)))
    return Directive(capture=not reasons, reasons=reasons)


def reasons_of(applying: Collection[Obstacle]) -> tuple[Reason, ...]:
    """What a lease says of these obstacles, each reason once, in the signed order.

    >>> reasons_of([Obstacle.CONSENT_EXPIRED, Obstacle.NOTHING_ALLOWED, Obstacle.STOPPED])
    (<Reason.STOPPED: 'stopped'>, <Reason.CONSENT_MISSING: 'consent_missing'>)
    """
    given = (reason for obstacle, reason in LEASE.items() if obstacle in applying)
    return tuple(dict.fromkeys(reason for reason in given if reason is not None))
