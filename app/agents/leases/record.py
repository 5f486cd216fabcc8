"""The entry of a lease: everything that the directive follows from (pure)."""

from dataclasses import dataclass, field
from typing import Literal, cast

from app.agents.devices.model import Device
from app.agents.leases.terms import LeaseSeq, LeaseTerms
from app.audit.entries.model import Actor, Event, Kind
from app.capture.directive import Circumstances
from app.capture.situation import Situation
from app.kernel.facts import encode, fact
from app.kernel.forms import FIRST_FORM


@dataclass(frozen=True)
class LeaseRegions:
    """The regions in question; ``device`` is where the laptop said it was."""

    home: str
    place: str
    entity: str
    device: str | None


@dataclass(frozen=True)
class LeaseRecord:
    """``lease.changed``.

    Attributes:
        reasons: codes of the lease's form.
        layers: digests of the layers in force, sorted.
        policy: digest of the document for agents; None where capture is off.
        decision, offer: what the standing rests on.
        form: told from the second one on.
    """

    circumstances: Circumstances = field(metadata=fact(inline=True))
    device: str
    capture: Literal["on", "off"]
    reasons: tuple[str, ...]
    regions: LeaseRegions
    layers: tuple[str, ...]
    policy: str | None
    decision: str | None
    offer: str | None
    seq: LeaseSeq
    ttl_s: int
    form: int = field(default=FIRST_FORM, metadata=fact(sparse=True))


def lease_changed(
    device: Device, situation: Situation, terms: LeaseTerms, place: str | None
) -> Event:
    """The entry of a lease of these terms, for a laptop that says it is at a place."""
    person, decision = situation.person, situation.standing.decision
    record = LeaseRecord(
        circumstances=situation.circumstances,
        device=device.id,
        capture="on" if situation.directive.capture else "off",
        reasons=tuple(cast("list[str]", terms.content["reasons"])),
        regions=LeaseRegions(person.region, person.place, person.entity_region, place),
        layers=tuple(sorted({layer.digest for layer in situation.in_force.layers})),
        policy=situation.policy_digest,
        decision=decision.id if decision else None,
        offer=decision.offer_digest if decision else None,
        seq=terms.seq,
        ttl_s=terms.ttl_s,
        form=situation.form,
    )
    actor = Actor("device", device.id)
    return Event(Kind.LEASE_CHANGED, actor, encode(record), subjects=(device.person_id,))
