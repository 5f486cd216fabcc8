"""Gathering the facts of one question, under the locks of the people asked about.

Rules:
1. The people are locked first, in order of their ids; what is read afterwards cannot change until
   the decision and its entry are committed. A withdrawal comes wholly before or wholly after.
2. Policy is held next, in the order that ``PolicyService.hold`` asks for.
3. What the policies say counts now and at every instant of the capture, for the regions that the
   directory gave the person then. What is allowed must be allowed throughout; what speaks against
   speaks against if any of it says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

from app.access.enforcer import ACTIONS
from app.access.floor import ALLOWED
from app.access.model import (
    CAPTURED_DATA,
    Caller,
    Consumer,
    Facts,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.audit.service import AuditService
from app.consent.model import Standing, suffices
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person, PersonVersion
from app.directory.service import DirectoryService
from app.kernel.authority import Authority, Role
from app.kernel.errors import NotFound
from app.kernel.vocabulary import Basis, Mode
from app.policy.model import InForce
from app.policy.service import PolicyService

OTHER = "other"
"""Stands in the log for a resource type, an action or a subject type outside the closed lists."""


@dataclass(frozen=True)
class EvaluationRequest:
    """An AuthZEN 1.0 evaluation request, its shape checked.

    Attributes:
        subject_type: ``consumer`` (the caller itself) or ``person`` (on whose behalf).
        resource_id: for captured data the dataset.
        persons: ids asked about, as sent. signals: codes.
        purpose: whatever was sent as ``context.purpose``; None where nothing was.
    """

    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str
    persons: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    purpose: object = None


@dataclass(frozen=True)
class Inquiry:
    """A question with its facts, and the names behind the pseudonyms.

    Attributes:
        people: pseudonym by person id, of those asked about that are known.
        consents: event id of the decision relied on, by person id; None where there is none.
    """

    question: Question
    facts: Facts
    people: Mapping[str, str]
    consents: Mapping[str, str | None]


@dataclass(frozen=True)
class Stay:
    """A stretch of time, start and end included, in which a person's regions were the same."""

    regions: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Inquirer:
    """Reads from directory, consent and policy what a decision needs."""

    log: AuditService
    directory: DirectoryService
    policy: PolicyService
    consent: ConsentService
    authority: Authority
    datasets: frozenset[str]

    def inquire(
        self, tx: Tx, consumer: Consumer, request: EvaluationRequest, now: datetime
    ) -> Inquiry:
        """Gather everything for one request; writes nothing but missing pseudonyms."""
        question = _question(request, now, self.datasets)
        ids = sorted(set(request.persons))
        known = [person for person in (self._locked(tx, one) for one in ids) if person]
        self.policy.hold(tx)
        behalf = self._on_behalf(tx, request)
        lines = self.directory.lines(tx, [person.id for person in known])
        named = {*lines, *(above for line in lines.values() for above in line)}
        named |= {behalf.id} if behalf else set()
        names = self.log.pseudonyms(tx, sorted(named))
        standings = {person.id: self.consent.standing(tx, person, now) for person in known}
        policies = self._policies(tx, known, question)
        people = tuple(
            self._person(
                tx,
                person,
                question,
                standing=standings[person.id],
                policy=policies[person.id],
                names=(names[person.id], *(names[above] for above in lines[person.id])),
            )
            for person in known
        )
        caller = _caller(consumer, request, behalf, names)
        facts = Facts(
            caller,
            people,
            len(ids) - len(known),
            self._role_policy(caller, request, behalf),
            self.policy.in_force(tx, known[0].regions, now).seq if known else None,
        )
        return Inquiry(
            question,
            facts,
            {person.id: names[person.id] for person in known},
            {
                key: standing.decision.event_id if standing.decision else None
                for key, standing in standings.items()
            },
        )

    def _locked(self, tx: Tx, person_id: str) -> Person | None:
        try:
            self.directory.lock(tx, person_id)
            return self.directory.person(tx, person_id)
        except NotFound:
            return None

    def _on_behalf(self, tx: Tx, request: EvaluationRequest) -> Person | None:
        if request.subject_type != "person":
            return None
        try:
            return self.directory.person(tx, request.subject_id)
        except NotFound:
            return None

    def _role_policy(
        self, caller: Caller, request: EvaluationRequest, behalf: Person | None
    ) -> bool:
        roles = tuple(Role(f"consumer:{function}") for function in caller.functions)
        if request.resource_type != CAPTURED_DATA:
            if caller.kind == "unknown":
                return False
            roles = behalf.roles if behalf and behalf.active else roles if not behalf else ()
        return self.authority.may(roles, None, request.resource_type, request.action)

    def _policies(
        self, tx: Tx, people: Iterable[Person], question: Question
    ) -> dict[str, PolicyFacts]:
        """What holds now for each, narrowed by what held during the capture (rule 3)."""
        known: dict[tuple[Stay, ...], PolicyFacts] = {}
        found: dict[str, PolicyFacts] = {}
        for person in people:
            stays = [Stay(person.regions, question.asked_at, question.asked_at)]
            if question.captured is not None:  # any other interval is refused for itself
                stays += _stays(self.directory.versions(tx, person.id), *question.captured)
            key = tuple(stays)
            if key not in known:
                known[key] = reduce(narrower, self._rules(tx, key, question.signals))
            found[person.id] = known[key]
        return found

    def _rules(
        self, tx: Tx, stays: Iterable[Stay], signals: Sequence[str]
    ) -> Iterator[PolicyFacts]:
        for stay in stays:
            for at, in_force in self.policy.throughout(tx, stay.regions, stay.start, stay.end):
                yield _rules(in_force, at, signals)

    def _person(
        self,
        tx: Tx,
        person: Person,
        question: Question,
        *,
        standing: Standing,
        policy: PolicyFacts,
        names: tuple[str, ...],
    ) -> PersonFacts:
        """Facts of one person; ``names``: the person's pseudonym, then those of the line upward."""
        bases = frozenset(Basis(basis) for basis in policy.bases)
        start, end = question.captured_from, question.captured_to
        allowed = isinstance(question.purpose, str) and question.purpose in ALLOWED
        return PersonFacts(
            person=names[0],
            line=names[1:],
            standing=standing.state.value,
            decision=standing.decision.id if standing.decision else None,
            suffices_now=suffices(bases, standing.state),
            suffices_at_capture=start is not None
            and end is not None
            and self.consent.standing_between(
                tx,
                person,
                start,
                end,
                bases=bases,
                purpose=str(question.purpose) if allowed else None,
                signals=question.signals,
            ),
            scope=None
            if standing.scope is None
            else ScopeFacts(
                tuple(sorted(standing.scope.signals)), tuple(sorted(standing.scope.purposes))
            ),
            policy=policy,
            left=not person.active,
        )


def narrower(now: PolicyFacts, then: PolicyFacts) -> PolicyFacts:
    """What both allow, and everything that speaks against in either (rule 2)."""
    return PolicyFacts(
        layers=now.layers,
        capture_layers=tuple(sorted({*now.capture_layers, *then.layers})),
        bases=_both(now.bases, then.bases),
        signals={
            signal: _shorter(days, then.signals[signal])
            for signal, days in now.signals.items()
            if signal in then.signals
        },
        purposes=_both(now.purposes, then.purposes),
        cohort_min=max(now.cohort_min, then.cohort_min),
        unknown=now.unknown or then.unknown,
        blocked=now.blocked or then.blocked,
        company=now.company and then.company,
        missing=tuple(sorted({*now.missing, *then.missing})),
        lead_time=now.lead_time or then.lead_time,
        stopped=now.stopped or then.stopped,
    )


def _stays(versions: Sequence[PersonVersion], start: datetime, end: datetime) -> Iterator[Stay]:
    """Where a person was from start to end, as the directory had it then.

    Before the directory knew the person, what it said first counts.
    """
    for place, version in enumerate(versions):
        since = start if place == 0 else max(start, version.recorded_at)
        until = end
        if place + 1 < len(versions):
            until = min(end, versions[place + 1].recorded_at - timedelta.resolution)
        if since <= until:
            entity_region = version.entity.partition("/")[0]
            regions = dict.fromkeys((version.region, version.place, entity_region))
            yield Stay(tuple(regions), since, until)


def _rules(in_force: InForce, at: datetime, signals: Iterable[str]) -> PolicyFacts:
    compiled = in_force.compiled
    return PolicyFacts(
        # An unknown region stands in with a layer that no document describes.
        layers=tuple(sorted(name for name in compiled.layers if name)),
        capture_layers=(),
        bases=tuple(sorted(basis.value for basis in compiled.bases)),
        signals={
            signal.value: rule.retention_days
            for signal, rule in compiled.signals.items()
            if rule.mode is not Mode.DENY and signal.value in set(signals)
        },
        purposes=tuple(sorted(compiled.purposes)),
        cohort_min=compiled.cohort_min,
        unknown=bool(in_force.unknown),
        blocked=compiled.blocked,
        company=in_force.company,
        missing=tuple(sorted(in_force.missing)),
        lead_time=in_force.lead_until is not None and at < in_force.lead_until,
        stopped=bool(in_force.stopped),
    )


def _both(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(one) & set(other)))


def _shorter(one: int | None, other: int | None) -> int | None:
    return min((days for days in (one, other) if days is not None), default=None)


def _question(request: EvaluationRequest, now: datetime, datasets: frozenset[str]) -> Question:
    known = request.resource_type in ACTIONS
    listed = request.resource_type == CAPTURED_DATA and request.resource_id in datasets
    return Question(
        purpose=request.purpose if request.resource_type == CAPTURED_DATA else None,
        asked_at=now,
        resource=request.resource_type if known else OTHER,
        action=request.action
        if request.action in ACTIONS.get(request.resource_type, ())
        else OTHER,
        dataset=request.resource_id if listed else None,
        signals=tuple(sorted(set(request.signals))),
        captured_from=request.captured_from,
        captured_to=request.captured_to,
    )


def _caller(
    consumer: Consumer,
    request: EvaluationRequest,
    behalf: Person | None,
    names: Mapping[str, str],
) -> Caller:
    itself = request.subject_type == "consumer" and request.subject_id == consumer.id
    return Caller(
        consumer=consumer.id,
        purposes=consumer.purposes,
        functions=consumer.functions,
        kind="person" if behalf else "consumer" if itself else "unknown",
        person=names[behalf.id] if behalf else None,
        person_functions=behalf.functions if behalf else (),
        person_left=behalf is not None and not behalf.active,
    )
