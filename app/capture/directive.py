"""The directive: may this device capture now, and if not, why (pure).

Rules:
1. On only if nothing speaks against it. Every circumstance that speaks against it is named, in the
   order of ``Reason``-giving below, so that one cured fault shows the next.
2. Every fault or withdrawn input only adds reasons (law 7).
3. ``Circumstances`` are plain values: a ``lease.changed`` entry holds all of them, and anyone can
   compute the directive again from the entry alone (``Circumstances.from_facts``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from app.consent.model import State, suffices
from app.kernel.canonical import Json
from app.kernel.clock import instant, timestamp
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
    """

    person_active: bool
    device_active: bool
    unknown: tuple[str, ...]
    blocked: bool
    company: bool
    stopped: tuple[str, ...]
    missing: tuple[str, ...]
    lead_until: datetime | None
    bases: frozenset[Basis]
    state: State
    region_changed: bool = False

    def facts(self) -> dict[str, Json]:
        """Write the circumstances as facts of an entry."""
        return {
            "person_active": self.person_active,
            "device_active": self.device_active,
            "unknown": sorted(self.unknown),
            "blocked": self.blocked,
            "company": self.company,
            "stopped": sorted(self.stopped),
            "preconditions_missing": sorted(self.missing),
            "lead_until": timestamp(self.lead_until) if self.lead_until else None,
            "bases": sorted(self.bases),
            "standing": str(self.state),
            "region_changed": self.region_changed,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Read them back from the facts of an entry.

        Raises:
            KeyError, ValueError, TypeError: the entry does not hold them.
        """
        return cls(
            person_active=facts["person_active"],
            device_active=facts["device_active"],
            unknown=tuple(facts["unknown"]),
            blocked=facts["blocked"],
            company=facts["company"],
            stopped=tuple(facts["stopped"]),
            missing=tuple(facts["preconditions_missing"]),
            lead_until=instant(facts["lead_until"]) if facts["lead_until"] else None,
            bases=frozenset(Basis(basis) for basis in facts["bases"]),
            state=State(facts["standing"]),
            region_changed=facts["region_changed"],
        )


@dataclass(frozen=True)
class Directive:
    """On, or off and why."""

    capture: bool
    reasons: tuple[Reason, ...]


def directive(given: Circumstances, at: datetime) -> Directive:
    """Decide whether capture is on at an instant; all reasons that apply, in a fixed order."""
    against = {
        Reason.LEFT: not given.person_active,
        Reason.DEVICE_REVOKED: not given.device_active,
        Reason.REGION_UNKNOWN: bool(given.unknown),
        Reason.REGION_BLOCKED: given.blocked or not suffices(given.bases, State.GIVEN),
        Reason.POLICY_MISSING: not given.company,
        Reason.STOPPED: bool(given.stopped),
        Reason.PRECONDITION_MISSING: bool(given.missing),
        Reason.LEAD_TIME: given.lead_until is not None and at < given.lead_until,
    }
    reasons = [reason for reason, applies in against.items() if applies]
    if not suffices(given.bases, given.state):
        reasons.append(_standing_reason(given.state, region_changed=given.region_changed))
    return Directive(capture=not reasons, reasons=tuple(reasons))


def _standing_reason(state: State, *, region_changed: bool) -> Reason:
    """Say what is wrong with a standing that does not suffice."""
    match state:
        case State.NONE | State.EXPIRED | State.GIVEN | State.ACKNOWLEDGED:
            # Given or acknowledged, yet not enough: the region asks for another kind of decision.
            return Reason.CONSENT_MISSING
        case State.INVALIDATED:
            return Reason.CONSENT_MISSING if region_changed else Reason.NOTICE_PENDING
        case State.REFUSED:
            return Reason.CONSENT_REFUSED
        case State.WITHDRAWN | State.REVOKED:
            return Reason.CONSENT_WITHDRAWN
        case State.PAUSED:
            return Reason.PAUSED
