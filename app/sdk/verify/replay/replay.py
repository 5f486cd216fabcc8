"""Policy replay: every lease and every access decision, decided again from the log alone.

Consent, policy, directory, devices and consumers are folded in the order of the index; at each
lease and each decision the fold takes the place of what the entry says of itself, and the service's
own functions decide again.

The order of the index is that of the decisions: whoever decides about somebody, or about what is in
force, does it under a lock that is held until the commit, and the entry is written under it
(``PolicyService.hold``, ``DirectoryService.hold``, ``DirectoryService.lock``).

What is taken from the entry itself, because no other says it, is listed in ``REPLAY_LIMIT``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from app.access.decision.facts import caller_of, person_facts, scope_facts, stays_of
from app.access.decision.model import AccessDecision, Caller, PersonFacts, Question, ScopeFacts
from app.access.decision.record import AccessRecord, facts_from_entry, recorded
from app.access.decision.rules import Rules
from app.access.floor.terms import TERMS
from app.agents.leases.record import LeaseRecord
from app.audit.entries.model import Kind
from app.audit.entries.records import LogOpening
from app.audit.restore.record import RestoreRecord
from app.audit.tree.epoch import lease_seq
from app.capture.agreement import mask_of
from app.capture.situation import circumstances_of, regions_in_question
from app.consent.model import Standing
from app.directory.model import Person
from app.kernel.clock import instant, timestamp
from app.kernel.facts import decode, decode_part
from app.policy.agreement import Agreement, Limits, exceeding
from app.policy.knobs import LEASE_TTL_S, REGISTRY, KnobRegistry
from app.policy.model import InForce
from app.policy.timeline import SKEW
from app.sdk.verify.folded.law import LAW_KINDS, Law
from app.sdk.verify.folded.people import CONSENT_KINDS, Documents, People, Somebody, Unknown
from app.sdk.verify.folded.registry import Registry
from app.sdk.verify.folded.roles import RolesHeld
from app.sdk.verify.order.erasures import ErasureCheck
from app.sdk.verify.replay.acts import ActsCheck
from app.sdk.verify.replay.capture import NewerForm, directive_facts, form_of
from app.sdk.verify.replay.telling import CALLER, CIRCUMSTANCES, PERSON, POLICY, differences
from app.sdk.verify.replay.versions import Versions

_Take = Callable[[int, Mapping[str, Any]], Iterator[str]]

UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What a forged entry can make a pure function of its facts raise."""

_DECIDED = frozenset({Kind.LEASE_CHANGED, Kind.ACCESS_DECIDED})
"""Kinds whose entries follow from the rules; all others are folded alike under any version."""

REPLAY_LIMIT = (
    "The replay takes from the entry itself what no other entry says: where a laptop said it was, "
    "how many of the people asked about are unknown, and whether a consumer spoke for itself or "
    "for somebody."
)


class Replay:
    """Takes leaves in order; says of each what does not follow from those before it.

    Attributes:
        people: as they are known so far.
        leases, decisions: how many were decided again.
        erasures: whether each was by two custodians' word.
        acts: whether whoever acted held the role for it.
    """

    def __init__(
        self, documents: Documents, versions: Versions, registry: KnobRegistry = REGISTRY
    ) -> None:
        self._versions = versions
        self._knobs = registry
        self.people = People(documents)
        self._law = Law(documents, registry, lambda: versions.version)
        self._registry = Registry(documents)
        self._roles = RolesHeld(documents)
        self.acts = ActsCheck(self.people, self._law, self._roles)
        self.erasures = ErasureCheck(documents)
        self._takers: Mapping[Kind, _Take] = {
            Kind.DIRECTORY_PERSON: self._recorded,
            Kind.ROLES_ADOPTED: self._roles.adopted,
            Kind.NOTICE_ADOPTED: self.people.adopted,
            Kind.NOTICE_SHOWN: self._shown,
            Kind.SUBJECT_ERASED: self._erased,
            Kind.LOG_CUSTODIANS_ADOPTED: self.erasures.adopted,
            Kind.LOG_OPENED: self._named,
            Kind.LOG_RESTORED: self._restored,
            Kind.DEVICE_PAIRED: self._registry.paired,
            Kind.DEVICE_REVOKED: self._registry.revoked,
            Kind.ACCESS_CONSUMER_REGISTERED: self._registry.registered,
            Kind.POLICY_PURPOSES_ADOPTED: self._registry.purposes,
            Kind.LEASE_CHANGED: self._leased,
            Kind.ACCESS_DECIDED: self._decided,
            **dict.fromkeys(CONSENT_KINDS, self.people.decided),
            **dict.fromkeys(LAW_KINDS, self._law.see),
        }
        self._agreements: dict[str, Agreement] = {}
        self._names: tuple[str, ...] = ()
        self._newest: tuple[datetime, int] | None = None
        self.leases = 0
        self.decisions = 0

    def see(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take the leaf at a position; yield each disagreement, as what the entry does.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: it lacks what its kind must say.
        """
        yield from self.acts.see(leaf)
        take = self._takers.get(leaf["kind"])
        if take is None:
            return
        yield from self._when(position, leaf)
        if self._versions.now is None and leaf["kind"] in _DECIDED:
            return
        try:
            yield from take(position, leaf)
        except Unknown as error:
            yield str(error)
        except NewerForm:
            self._versions.of_newer_form(position)

    def _when(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Hold the instant of an entry against those before it, and against its integration.

        What holds is asked for at that instant: whoever may choose it freely escapes every stop,
        pause and lead time.
        """
        at = instant(leaf["occurred_at"])
        if at > instant(leaf["integrated_at"]) + SKEW:
            yield f"occurred at {timestamp(at)}, after it was integrated at {leaf['integrated_at']}"
        if self._newest is not None and at < self._newest[0] - SKEW:
            before = f"entry {self._newest[1]}, which it follows, at {timestamp(self._newest[0])}"
            yield f"occurred at {timestamp(at)}, before {before}"
        if self._newest is None or at > self._newest[0]:
            self._newest = (at, position)

    def _recorded(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        self._roles.recorded(position, leaf)
        yield from self.people.recorded(position, leaf)

    def _named(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Keep the log's name: a lease's numbers follow from its epoch."""
        yield from ()
        self._names += (decode(LogOpening, leaf["facts"]).origin,)

    def _restored(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        self._names += (decode(RestoreRecord, leaf["facts"]).restored.origin,)
        yield from self.people.restored(position, leaf)

    def _erased(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        yield from self.people.erased(position, leaf)
        yield from self.erasures.erased(position, leaf, self._names)

    @property
    def _rules(self) -> Rules:
        """The rules of the present entry; asked for only where there are some."""
        rules = self._versions.now
        assert rules is not None, "decisions are replayed by the rules of their stretch"
        return rules

    # Offers

    def _shown(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``notice.shown``: what is offered is what is in force, or later policy gets in."""
        yield from self.people.shown(position, leaf)
        rules = self._versions.now
        if rules is None or not rules.whole_offer:
            return
        (pseudonym,) = leaf["subjects"]
        person, at = self.people.of(pseudonym).person, instant(leaf["occurred_at"])
        offer = self.people.offer(leaf["facts"]["offer"])
        if offer.terms is None:
            yield "shows an offer that does not say what would be agreed to"
            return
        in_force = self._law.in_force(regions_in_question(person, None), at)
        agreed = self._law.agreement_to(offer, at)
        wider = exceeding(agreed, Limits(in_force.compiled, in_force.catalogue))
        if wider:
            yield f"offers more than was in force: {', '.join(wider)}"

    # Leases

    def _leased(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        record, at = decode(LeaseRecord, leaf["facts"]), instant(leaf["occurred_at"])
        form = form_of(record, self._knobs)
        self.leases += 1
        (pseudonym,) = leaf["subjects"]
        device, somebody = self._registry.device(record.device), self.people.of(pseudonym)
        if device.person != pseudonym or leaf["actor"] != {"kind": "device", "id": record.device}:
            yield f"gives {pseudonym} a lease for the device of {device.person}"
        person, standing = somebody.person, self.people.standing(somebody, at)
        regions = regions_in_question(person, record.regions.device)
        in_force = self._law.in_force(regions, at)
        active = device.revoked is None
        known = circumstances_of(
            person, standing, in_force, device_active=active, places=self._rules.places
        )
        in_entry = record.circumstances
        if in_entry != known:
            sources = self._sources(somebody, standing) | {"device_active": device.revoked}
            yield from differences(CIRCUMSTANCES, in_entry, known, sources, self._law.position)
        again = self._rules.directive(known, at)
        policy: str | None = None
        if again.capture:
            policy = self._law.for_agents(in_force, self._agreement(standing), form)
        expected = directive_facts(again, form, self._knobs)
        expected |= _lease_facts(in_force, standing, policy)
        yield from _compared(vars(record), expected)
        yield from self._numbered(record, person, standing)
        longest = max(1, in_force.compiled[LEASE_TTL_S])
        if record.ttl_s > longest:
            yield f"gives a lease of {record.ttl_s} s; by the log {longest} s are allowed"
        if record.capture == "on":
            yield from self._lost(standing)

    def _agreement(self, standing: Standing) -> Agreement | None:
        """What somebody agreed to, by the rules of the stretch."""
        decision = standing.agreed
        if decision is None:
            return None
        if not self._rules.whole_offer:
            return mask_of(decision, self._knobs)
        shown = self.people.shown_for(decision)
        known = self._agreements.get(shown.id)
        if known is None:
            known = self._law.agreement_to(shown.offer, shown.shown_at)
            self._agreements[shown.id] = known
        return known

    def _numbered(self, record: LeaseRecord, person: Person, standing: Standing) -> Iterator[str]:
        """Hold the regions of a lease and its number of the decision against the log."""
        yield from _compared(
            vars(record.regions),
            {"home": person.region, "place": person.place, "entity": person.entity_region},
        )
        seq = standing.number(every_decision=self._rules.every_decision)
        origin = self._names[-1] if self._names else ""
        yield from _compared(vars(record.seq), {"consent": lease_seq(origin, seq)})

    def _lost(self, standing: Standing) -> Iterator[str]:
        restored = self.people.lost(standing)
        if restored is not None and standing.decision is not None:
            yield (
                f"rests on entry {standing.decision.event_id}, which the restore of entry "
                f"{restored} calls into question and nobody revoked"
            )

    @staticmethod
    def _sources(somebody: Somebody, standing: Standing) -> dict[str, int | None]:
        """Which entry says what is known of a person, by the name of the fact."""
        decided = None if standing.decision is None else int(standing.decision.event_id)
        names = ("standing", "state", "decision", "scope", "suffices_now", "suffices_at_capture")
        directory = ("person_active", "region_changed", "left", "line", "region")
        return {**dict.fromkeys(names, decided), **dict.fromkeys(directory, somebody.position)}

    # Access decisions

    def _decided(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        self.decisions += 1
        facts = leaf["facts"]
        question, in_entry = facts_from_entry(facts)
        record = decode_part(AccessRecord, facts)
        if facts["asked_at"] != leaf["occurred_at"]:
            yield f"was decided at {leaf['occurred_at']} and says {facts['asked_at']}"
        if leaf["subjects"] != list(dict.fromkeys(subject.person for subject in in_entry.people)):
            yield "is filed under other people than those it decides about"
        if leaf["actor"] != {"kind": "consumer", "id": in_entry.caller.consumer}:
            yield f"answers {leaf['actor']['id']} and says {in_entry.caller.consumer}"
        listed = self._registry.datasets(record.purposes)
        if question.dataset is not None and question.dataset not in listed:
            yield f"names the dataset {question.dataset!r}, which is not on the list"
        caller, asked = self._caller(in_entry.caller)
        yield from differences(CALLER, in_entry.caller, caller, {}, asked)
        terms = TERMS.get(record.purpose or "")
        needs_consent = record.outcome == "permit" and terms is not None and terms.consent
        people: list[PersonFacts] = []
        for subject in in_entry.people:
            somebody, standing, known = self._person(subject, question)
            people.append(known)
            if subject != known:
                who, policy = f" of {subject.person}", self._law.position
                sources = self._sources(somebody, standing)
                yield from differences(PERSON, subject, known, sources, policy, who)
                yield from differences(POLICY, subject.policy, known.policy, {}, policy, who)
            if needs_consent:
                yield from self._lost(standing)
        role_policy = self._roles.policy(question, in_entry, caller)
        yield from _compared(vars(in_entry), {"role_policy": role_policy})
        again = self._rules.decide(
            question,
            replace(in_entry, caller=caller, people=tuple(people), role_policy=role_policy),
        )
        yield from _outcome(facts, again)

    def _caller(self, in_entry: Caller) -> tuple[Caller, int]:
        consumer, position = self._registry.consumer(in_entry.consumer)
        behalf: Person | None = None
        if in_entry.person is not None:
            somebody = self.people.of(in_entry.person)
            behalf, position = somebody.person, max(position, somebody.position)
        itself = in_entry.kind == "consumer"
        return caller_of(consumer, behalf, in_entry.person, itself=itself), position

    def _person(
        self, in_entry: PersonFacts, question: Question
    ) -> tuple[Somebody, Standing, PersonFacts]:
        somebody = self.people.of(in_entry.person)
        standing = self.people.standing(somebody, question.asked_at)
        stays = stays_of(somebody.person, somebody.versions, question)
        known = person_facts(
            somebody.person,
            (in_entry.person, *self.people.line(in_entry.person)),
            question,
            standing=standing,
            policy=self._law.policy_facts(stays, question.signals, places=self._rules.places),
            between=self.people.between(somebody),
            scope=self._scope(somebody, standing, question),
        )
        if in_entry.region is None:  # older than this field
            known = replace(known, region=None)
        return somebody, standing, known

    def _scope(
        self, somebody: Somebody, standing: Standing, question: Question
    ) -> ScopeFacts | None:
        start = question.captured[0] if question.captured else question.asked_at
        offers = partial(self.people.openings, somebody, start)
        return scope_facts(standing, question, offers if self._rules.whole_offer else None)


def _lease_facts(in_force: InForce, standing: Standing, policy: str | None) -> dict[str, Any]:
    """What the entry of a lease has to say of what it rests on."""
    decision = standing.decision
    return {
        "layers": tuple(sorted({layer.digest for layer in in_force.layers})),
        "policy": policy,
        "decision": decision.id if decision else None,
        "offer": decision.offer_digest if decision else None,
    }


def _outcome(facts: Mapping[str, Any], again: AccessDecision) -> Iterator[str]:
    """Hold what was answered against what follows from what is known."""
    then = recorded(facts)
    if then.reasons != again.reasons:
        word = "permits" if then.permit else "refuses"
        yield f"{word} what by the log is {_verdict(again.reasons)}"
    elif then != again:
        yield from _compared(facts, {"retain_days": again.retain_days})


def _verdict(reasons: Iterable[str]) -> str:
    return f"refused for {', '.join(reasons)}" if reasons else "permitted"


def _compared(in_entry: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for name, value in known.items():
        if in_entry[name] != value:
            yield f"says {name} {_shown(in_entry[name])}; by the log it is {_shown(value)}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
