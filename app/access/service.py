"""Access: consumers, decisions about captured data, grants.

Rules:
1. A decision and its entry are one transaction; permit or deny, there is always an entry (law 2).
2. A permit carries a grant: signed, for one consumer, one purpose, one set of people, 60 seconds.
   The consumer closes it by saying what it did with it (uses.py).
3. The answer to somebody who may not ask at all says nothing about the people asked about: whether
   they agreed, or are known, is not for a manager or for HR to learn by asking.
4. The text of an unknown purpose never enters a leaf. Where one person is asked about it is kept in
   the encrypted body.
"""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access import store
from app.access.decision.inquiry import EvaluationRequest, Inquirer, Inquiry
from app.access.decision.model import (
    CALLER_REASONS,
    CAPTURED_DATA,
    GRANT_TTL_S,
    AccessReason,
    Consumer,
    Decision,
    decide,
)
from app.access.decision.record import entry_facts, written
from app.access.decision.sentences import SENTENCES
from app.access.floor.purposes import PurposeFile
from app.access.floor.terms import ALLOWED, PROHIBITED, Function, Outcome, verdict
from app.access.grants.uses import Uses
from app.access.store import Closed, GrantRow, Use
from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.service import AuditService
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.canonical import Json
from app.kernel.errors import Fault, Forbidden, InvalidInput, Unauthenticated
from app.kernel.shapes import CODE
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import GRANT_TYPE
from app.policy.service import PolicyService

USES_SHOWN = 200
"""How many asks about a person are listed, the newest first."""

_LONGEST_NAME = 120
_LONGEST_PURPOSE = 200


@dataclass(frozen=True)
class Answer:
    """An AuthZEN decision: yes or no, and the context that explains it."""

    decision: bool
    context: Mapping[str, Any]


class AccessService:
    """Answers whether a consumer may read captured data, and keeps who asked."""

    def __init__(
        self,
        log: AuditService,
        directory: DirectoryService,
        policy: PolicyService,
        consent: ConsentService,
        authority: Authority,
        signer: Signer,
        issuer: str,
        purposes: PurposeFile,
    ) -> None:
        self.purposes = purposes
        self._log = log
        self._authority = authority
        self._signer = signer
        self._issuer = issuer
        self._uses = Uses(log)
        self._inquirer = Inquirer(
            log, directory, policy, consent, authority, frozenset(purposes.datasets)
        )

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Bring the purpose file into the database and the log, once for each content."""
        name = self.purposes.digest
        if store.purposes_known(tx, name):
            return
        store.insert_purposes(tx, name, self.purposes.document, now)
        facts: dict[str, Json] = {
            "policy": name,
            "allowed": sorted(ALLOWED),
            "prohibited": sorted(PROHIBITED),
        }
        self._log.append(tx, Event(Kind.POLICY_PURPOSES_ADOPTED, SYSTEM, facts), now)

    def documents(self, tx: Tx) -> tuple[tuple[str, bytes], ...]:
        """Every purpose file ever adopted: (digest, canonical bytes), for exports."""
        return store.purposes_documents(tx)

    def register(
        self,
        tx: Tx,
        actor: Person,
        id: str,  # noqa: A002 - the consumer's id, as everywhere
        name: str,
        purposes: Iterable[str],
        functions: Iterable[str],
        now: datetime,
    ) -> str:
        """Register a consumer, or its next version; return its secret, which is shown only now.

        Args:
            tx: the transaction.
            actor: who registers; needs a role that may.
            id: 1 to 64 of ``a-z 0-9 . _ -``.
            name: for people, up to 120 characters.
            purposes: allowed keys, exactly as they are written.
            functions: what the consumer is for; at least one of ``floor.Function``.
            now: the present instant.

        Raises:
            Forbidden: the actor may not.
            InvalidInput: a field is wrong; a purpose that is not on the list.
            Conflict: somebody registered the same consumer at the same time.
        """
        if not actor.active:
            raise Forbidden("who has left registers nothing")
        self._authority.require(actor.roles, None, "consumer", "register")
        wanted, doing = tuple(sorted(set(purposes))), tuple(sorted(set(functions)))
        _require_valid(id, name, wanted, doing)
        store.lock_consumers(tx)
        before = store.newest_consumer(tx, id)
        consumer = Consumer(id, name.strip(), wanted, doing, before.version + 1 if before else 1)
        secret = secrets.token_urlsafe(32)
        store.insert_consumer(tx, consumer, _hashed(secret), now)
        facts: dict[str, Json] = {
            "consumer": id,
            "version": consumer.version,
            "purposes": list(wanted),
            "functions": list(doing),
        }
        event = Event(Kind.ACCESS_CONSUMER_REGISTERED, Actor("person", actor.id), facts)
        self._log.append(tx, event, now)
        return secret

    def consumers(self, tx: Tx) -> tuple[Consumer, ...]:
        """All consumers in their newest version."""
        return store.consumers(tx)

    def authenticate(self, tx: Tx, bearer: str) -> Consumer:
        """Return the consumer whose secret this is.

        Raises:
            Unauthenticated: nobody's, or replaced by a newer one.
        """
        found = store.consumer_by_secret(tx, _hashed(bearer))
        if found is None or found != store.newest_consumer(tx, found.id):
            raise _unknown_secret()
        return found

    def evaluate(
        self, tx: Tx, consumer: Consumer, request: EvaluationRequest, now: datetime
    ) -> Answer:
        """Decide a request, record the decision, and for a permit issue the grant.

        Args:
            tx: a writing transaction; holds the locks of the people until it ends.
            consumer: as ``authenticate`` returned it, perhaps in an earlier transaction.
            request: the question.
            now: the present instant.

        Raises:
            Unauthenticated: the consumer was registered anew since it was authenticated.
            TooLarge: the record would not fit; ask about fewer people at once.
        """
        store.hold_consumers(tx)
        self._require_newest(tx, consumer)
        inquiry = self._inquirer.inquire(tx, consumer, request, now)
        decision = decide(inquiry.question, inquiry.facts)
        granted = decision.permit and inquiry.question.resource == CAPTURED_DATA
        grant_id = str(uuid.uuid4()) if granted else None
        event_id = self._record(tx, inquiry, decision, grant_id)
        grant = self._grant(inquiry, decision, grant_id, event_id) if grant_id else None
        return Answer(decision.permit, self._context(tx, inquiry, decision, event_id, grant))

    def use(
        self,
        tx: Tx,
        consumer: Consumer,
        grant_id: str,
        outcome: str,
        now: datetime,
        *,
        rows: int = 0,
        result: str | None = None,
    ) -> Closed:
        """Take what a consumer did with a grant; the same word again changes nothing.

        Args:
            tx: a writing transaction.
            consumer: as ``authenticate`` returned it, perhaps in an earlier transaction.
            grant_id: the grant's ``jti``.
            outcome: ``used`` or ``unused``.
            now: the present instant.
            rows: how many rows were handed out under it; 0 if unused.
            result: digest of what was handed out; None: not said.

        Raises:
            Unauthenticated: the consumer was registered anew since it was authenticated.
            InvalidInput: a field is wrong.
            NotFound: there is no such grant, or it is another consumer's.
            Conflict: it was closed with another word, or more than 24 hours have passed.
        """
        self._require_newest(tx, consumer)
        return self._uses.close(tx, consumer, grant_id, outcome, rows, result, now)

    def uses(self, tx: Tx, person_id: str) -> tuple[Use, ...]:
        """What was asked about a person, permitted and refused, the newest first."""
        return store.uses_of(tx, person_id, USES_SHOWN)

    def _require_newest(self, tx: Tx, consumer: Consumer) -> None:
        if consumer != store.newest_consumer(tx, consumer.id):
            raise _unknown_secret()

    def _record(self, tx: Tx, inquiry: Inquiry, decision: Decision, grant_id: str | None) -> str:
        question, consumer = inquiry.question, inquiry.facts.caller.consumer
        key = verdict(question.purpose).key
        facts = entry_facts(
            question, inquiry.facts, decision, purposes=self.purposes.digest, grant=grant_id
        )
        event = Event(
            Kind.ACCESS_DECIDED,
            Actor("consumer", consumer),
            facts,
            subjects=tuple(inquiry.people),
            purpose=key,
            body=_body(inquiry),
        )
        event_id = self._log.append(tx, event, question.asked_at)
        store.insert_decisions(
            tx,
            [
                {
                    "event_id": event_id,
                    "person_id": person_id,
                    "consumer_id": consumer,
                    "purpose": key,
                    "outcome": facts["outcome"],
                    "reasons": store.written(reason.value for reason in decision.reasons),
                    "decided_at": question.asked_at,
                }
                for person_id in inquiry.people
            ],
        )
        if grant_id is not None:
            store.insert_grant(
                tx, GrantRow(grant_id, event_id, consumer, str(key), question.asked_at)
            )
        return event_id

    def _grant(self, inquiry: Inquiry, decision: Decision, grant_id: str, event_id: str) -> str:
        question = inquiry.question
        issued = int(question.asked_at.timestamp())
        claims: dict[str, Json] = {
            "iss": self._issuer,
            "aud": inquiry.facts.caller.consumer,
            "jti": grant_id,
            "iat": issued,
            "exp": issued + GRANT_TTL_S,
            "purpose": str(question.purpose),
            "dataset": question.dataset,
            "signals": list(question.signals),
            "captured_from": written(question.captured_from),
            "captured_to": written(question.captured_to),
            "persons": [person.person for person in inquiry.facts.people],
            "event": event_id,
            "obligations": _obligations(inquiry, decision),
        }
        return sign_token(self._signer, GRANT_TYPE, claims)

    def _context(
        self, tx: Tx, inquiry: Inquiry, decision: Decision, event_id: str, grant: str | None
    ) -> dict[str, Any]:
        told = told_reasons(decision)
        silent = bool(CALLER_REASONS & set(told))  # rule 3
        context: dict[str, Any] = {
            "reasons": [{"code": reason.value, "sentence": SENTENCES[reason]} for reason in told],
            "policy": []
            if silent
            else sorted({one for p in inquiry.facts.people for one in p.policy.layers}),
            "purposes": self.purposes.digest,
            "consent_index": None,
            "consent_event": None,
            "log_event": event_id,
            "grant": grant,
            "obligations": None,
        }
        if grant is not None:
            context["obligations"] = _obligations(inquiry, decision)
            context["persons"] = dict(inquiry.people)
            events = dict(inquiry.consents)
            indexes = {
                person: self._log.index_of(tx, event) if event else None
                for person, event in events.items()
            }
            context["consent_index"] = _one_or_all(indexes)
            context["consent_event"] = _one_or_all(events)
        return context


def told_reasons(decision: Decision) -> tuple[AccessReason, ...]:
    """The reasons that the asker is told: if the asker is at fault, nothing about the people."""
    about_caller = tuple(reason for reason in decision.reasons if reason in CALLER_REASONS)
    return about_caller or decision.reasons


def _obligations(inquiry: Inquiry, decision: Decision) -> dict[str, Json]:
    return {
        "retain_days": decision.retain_days,
        "purpose": str(inquiry.question.purpose),
        "no_individual_evaluation": True,
    }


def _one_or_all(found: Mapping[str, Any]) -> Any:
    """The value itself for one person; by person id for several."""
    return next(iter(found.values())) if len(found) == 1 else dict(found)


def _body(inquiry: Inquiry) -> dict[str, Json] | None:
    asked = inquiry.question.purpose
    word = verdict(asked)
    if word.outcome is Outcome.ALLOWED or not isinstance(asked, str) or len(inquiry.people) != 1:
        return None
    clean = asked[:_LONGEST_PURPOSE].encode("utf-8", "replace").decode("utf-8")
    return {"asked_purpose": clean}


def _unknown_secret() -> Unauthenticated:
    return Unauthenticated(
        "the consumer's secret is not known here",
        cure="Send Authorization: Bearer with the secret shown at registration.",
    )


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _require_valid(
    consumer_id: str, name: str, purposes: tuple[str, ...], functions: tuple[str, ...]
) -> None:
    faults: list[Fault] = []
    if not CODE.fullmatch(consumer_id):
        faults.append(
            Fault("id", "not a consumer's id", "Use 1 to 64 of a-z, 0-9, dot, hyphen, underscore.")
        )
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        faults.append(Fault("name", "empty or too long", f"Up to {_LONGEST_NAME} characters."))
    for purpose in purposes:
        word = verdict(purpose)
        if word.outcome is not Outcome.ALLOWED:
            problem = "prohibited" if word.outcome is Outcome.PROHIBITED else "not on the list"
            cure = f"The purposes are {', '.join(sorted(ALLOWED))}."
            faults.append(Fault("purposes", f"{purpose!r} is {problem}", cure))
    unknown = sorted(set(functions) - {function.value for function in Function})
    if unknown or not functions:
        problem = f"{unknown[0]!r} is not known" if unknown else "none is given"
        cure = f"The functions are {', '.join(sorted(Function))}."
        faults.append(Fault("functions", problem, cure))
    if faults:
        raise InvalidInput(f"{faults[0].field}: {faults[0].problem}", faults=tuple(faults))
