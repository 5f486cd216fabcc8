"""Each lease, decided again from the entries before it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.access.decision.rules import Rules
from app.agents.leases.record import LeaseRecord
from app.audit.tree.epoch import lease_seq
from app.capture.agreement import mask_of
from app.capture.situation import circumstances_of, regions_in_question
from app.consent.model import Standing
from app.directory.model import Person
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.agreement import Agreement
from app.policy.knobs import LEASE_TTL_S, KnobRegistry
from app.policy.model import InForce
from app.sdk.verify.folded.alarms import DisputedEntry
from app.sdk.verify.folded.people import Somebody
from app.sdk.verify.folded.state import Folded
from app.sdk.verify.replay.capture import directive_facts, form_of
from app.sdk.verify.replay.doubts import of_lease
from app.sdk.verify.replay.telling import CIRCUMSTANCES, compared, differences, lost, sources_of


@dataclass
class LeaseReplay:
    """Takes the entries of leases.

    Attributes:
        rules: those that the present entry follows.
        count: how many were decided again.
    """

    folded: Folded
    rules: Callable[[], Rules]
    knobs: KnobRegistry
    count: int = 0
    _agreements: dict[str, Agreement] = field(default_factory=dict)

    def leased(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``lease.changed``.

        Raises:
            NewerForm: it is written in a form that is not known.
            Unknown: it rests on what no entry says.
        """
        record, at = decode(LeaseRecord, leaf["facts"]), instant(leaf["occurred_at"])
        form = form_of(record, self.knobs)
        self.count += 1
        (pseudonym,) = leaf["subjects"]
        device, somebody = (
            self.folded.registry.device(record.device),
            self.folded.people.of(pseudonym),
        )
        if device.person != pseudonym or leaf["actor"] != {"kind": "device", "id": record.device}:
            yield f"gives {pseudonym} a lease for the device of {device.person}"
        person, standing = somebody.person, self.folded.people.standing(somebody, at)
        regions = regions_in_question(person, record.regions.device)
        if record.circumstances.disputed:
            yield from self._in_doubt(position, record, leaf, somebody, regions)
            return
        in_force = self.folded.law.in_force(regions, at)
        active = device.revoked is None
        known = circumstances_of(
            person, standing, in_force, device_active=active, places=self.rules().places
        )
        in_entry = record.circumstances
        if in_entry != known:
            sources = sources_of(somebody, standing) | {"device_active": device.revoked}
            yield from differences(
                CIRCUMSTANCES, in_entry, known, sources, self.folded.law.position
            )
        again = self.rules().directive(known, at)
        policy: str | None = None
        if again.capture:
            policy = self.folded.law.for_agents(in_force, self._agreement(standing), form)
        expected = directive_facts(again, form, self.knobs)
        expected |= _lease_facts(in_force, standing, policy)
        yield from compared(vars(record), expected)
        yield from self._numbered(record, person, standing)
        longest = max(1, in_force.compiled[LEASE_TTL_S])
        if record.ttl_s > longest:
            yield f"gives a lease of {record.ttl_s} s; by the log {longest} s are allowed"
        if record.capture == "on":
            yield from lost(self.folded.people, standing)

    def _in_doubt(
        self,
        position: int,
        record: LeaseRecord,
        leaf: Mapping[str, Any],
        somebody: Somebody,
        regions: tuple[str, ...],
    ) -> Iterator[str]:
        """Take a lease that is off because rows do not agree with the log; see doubts.py."""
        alarms, circumstances = self.folded.alarms, record.circumstances
        alarms.refused += 1
        again = self.rules().directive(circumstances, instant(leaf["occurred_at"]))
        expected = directive_facts(again, record.form, self.knobs) | {"policy": None}
        yield from compared(vars(record), expected)
        said = of_lease(self.folded, circumstances, somebody, record.device, regions)
        integrated = instant(leaf["integrated_at"])
        for what, chains in said:
            alarms.refuse(DisputedEntry(position, f"the {what}", chains, integrated))

    def _agreement(self, standing: Standing) -> Agreement | None:
        """What somebody agreed to, by the rules of the stretch."""
        decision = standing.agreed
        if decision is None:
            return None
        if not self.rules().whole_offer:
            return mask_of(decision, self.knobs)
        shown = self.folded.people.shown_for(decision)
        known = self._agreements.get(shown.id)
        if known is None:
            known = self.folded.law.agreement_to(shown.offer, shown.shown_at)
            self._agreements[shown.id] = known
        return known

    def _numbered(self, record: LeaseRecord, person: Person, standing: Standing) -> Iterator[str]:
        """Hold the regions of a lease and its number of the decision against the log."""
        yield from compared(
            vars(record.regions),
            {"home": person.region, "place": person.place, "entity": person.entity_region},
        )
        seq = standing.number(every_decision=self.rules().every_decision)
        origin = self.folded.names[-1] if self.folded.names else ""
        yield from compared(vars(record.seq), {"consent": lease_seq(origin, seq)})


def _lease_facts(in_force: InForce, standing: Standing, policy: str | None) -> dict[str, Any]:
    """What the entry of a lease has to say of what it rests on."""
    decision = standing.decision
    return {
        "layers": tuple(sorted({layer.digest for layer in in_force.layers})),
        "policy": policy,
        "decision": decision.id if decision else None,
        "offer": decision.offer_digest if decision else None,
    }
