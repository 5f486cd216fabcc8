"""Gathering the facts of one question, under the locks of the people asked about.

Rules:
1. The directory is held still, and the people are locked, in order of their ids; what is read
   afterwards cannot change until the decision and its entry are committed. A withdrawal, a leave,
   another superior come wholly before or wholly after.
2. Policy is held next, in the order that ``PolicyService.hold`` asks for.
3. How the facts are put together is described in facts.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.access.decision.facts import (
    Stay,
    caller_of,
    person_facts,
    policy_facts,
    scope_facts,
    stays_of,
)
from app.access.decision.model import (
    CAPTURED_DATA,
    Caller,
    Consumer,
    Facts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.enforcer import ACTIONS
from app.audit.entries.service import AuditService
from app.consent.model import Standing
from app.consent.offers import Offer
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Line, Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority, Role
from app.kernel.errors import NotFound
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


@dataclass(frozen=True, kw_only=True)
class Inquirer:
    """Reads from directory, consent and policy what a decision needs.

    Attributes:
        whole_offer: a decision binds all that its offer showed (``Rules``).
        places: as the rules in force have it (``Rules.places``).
    """

    log: AuditService
    directory: DirectoryService
    policy: PolicyService
    consent: ConsentService
    authority: Authority
    datasets: frozenset[str]
    whole_offer: bool
    places: bool

    def inquire(
        self, tx: Tx, consumer: Consumer, request: EvaluationRequest, now: datetime
    ) -> Inquiry:
        """Gather everything for one request; writes nothing but missing pseudonyms."""
        question = _question(request, now, self.datasets)
        ids = sorted(set(request.persons))
        people = self._held(tx, ids)
        behalf = self._on_behalf(tx, request)
        lines = self.directory.lines(tx, [person.id for person in people])
        people = [self._throughout(tx, person, lines[person.id]) for person in people]
        named = {*lines, *(above for line in lines.values() for above in line.above)}
        named |= {behalf.id} if behalf else set()
        names = self.log.pseudonyms(tx, sorted(named))
        standings = {person.id: self.consent.standing(tx, person, now) for person in people}
        policies = self._policies(tx, people, question)
        asked_about = tuple(
            person_facts(
                person,
                (names[person.id], *(names[above] for above in lines[person.id].above)),
                question,
                standing=standings[person.id],
                policy=policies[person.id],
                between=partial(self.consent.standing_between, tx, person),
                scope=self._scope(tx, person, standings[person.id], question),
            )
            for person in people
        )
        itself = request.subject_type == "consumer" and request.subject_id == consumer.id
        caller = caller_of(consumer, behalf, names[behalf.id] if behalf else None, itself=itself)
        facts = Facts(
            caller,
            asked_about,
            len(ids) - len(people),
            self._role_policy(caller, request, behalf),
            self.policy.in_force(tx, people[0].regions, now).seq if people else None,
        )
        pseudonyms = {person.id: names[person.id] for person in people}
        return Inquiry(question, facts, pseudonyms, _relied_on(standings))

    def _scope(
        self, tx: Tx, person: Person, standing: Standing, question: Question
    ) -> ScopeFacts | None:
        """What a person agreed to, from the beginning of the capture until now."""
        start = question.captured[0] if question.captured else question.asked_at

        def offers() -> Iterator[Offer]:
            for decision in self.consent.openings_since(tx, person, start):
                yield self.consent.offer_of(tx, decision)[0]

        return scope_facts(standing, question, offers if self.whole_offer else None)

    def _held(self, tx: Tx, ids: Iterable[str]) -> list[Person]:
        """Lock the people that the directory knows, and hold policy still (rules 1 and 2)."""
        self.directory.hold(tx)  # before the people, as an import does
        people = [person for person in (self._locked(tx, id_) for id_ in ids) if person]
        self.policy.hold(tx)
        return people

    def _locked(self, tx: Tx, person_id: str) -> Person | None:
        try:
            self.directory.lock(tx, person_id)
            return self.directory.person(tx, person_id)
        except NotFound:
            return None

    def _throughout(self, tx: Tx, person: Person, line: Line) -> Person:
        """Somebody asked about, disputed also where their line or their past does not stand."""
        disputed = line.disputed or self.directory.past(tx, person.id).disputed
        return replace(person, disputed=True) if disputed else person

    def _on_behalf(self, tx: Tx, request: EvaluationRequest) -> Person | None:
        if request.subject_type != "person":
            return None
        try:
            person = self.directory.person(tx, request.subject_id)
        except NotFound:
            return None
        return None if person.disputed else person  # what their work is, nobody can say

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
        """What holds now for each, narrowed by what held during the capture."""
        throughout = partial(self.policy.throughout, tx)
        known: dict[tuple[Stay, ...], PolicyFacts] = {}
        policies: dict[str, PolicyFacts] = {}
        for person in people:
            stays = stays_of(person, self.directory.versions(tx, person.id), question)
            if stays not in known:
                known[stays] = policy_facts(stays, throughout, question.signals, places=self.places)
            policies[person.id] = known[stays]
        return policies


def _relied_on(standings: Mapping[str, Standing]) -> dict[str, str | None]:
    """The entry of the decision that each standing rests on, by person id."""
    return {
        person: standing.decision.event_id if standing.decision else None
        for person, standing in standings.items()
    }


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
