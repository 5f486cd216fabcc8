"""Access: decisions about captured data, and what consumers say they did with their grants.

Rules:
1. A decision and its entry are one transaction; permit or deny, there is always an entry (law 2).
2. A permit carries a grant (grants/permit.py). The consumer closes it by saying what it did with it
   (grants/uses.py).
3. The text of an unknown purpose never enters a leaf. Where one person is asked about it is kept in
   the encrypted body.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access import store
from app.access.consumers import ConsumerService
from app.access.decision.inquiry import EvaluationRequest, Inquirer, Inquiry
from app.access.decision.model import CAPTURED_DATA, AccessDecision, Closed, Consumer, Use
from app.access.decision.record import entry_facts
from app.access.decision.rules import CURRENT, Rules
from app.access.floor.purposes import PurposeFile
from app.access.floor.terms import ALLOWED, PROHIBITED, Outcome, PurposesAdoption, verdict
from app.access.grants.permit import GrantSigner, explained, permitted
from app.access.grants.uses import Uses
from app.access.store import GrantRow
from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.kernel.canonical import Json
from app.kernel.facts import encode

_LONGEST_PURPOSE = 200


@dataclass(frozen=True)
class AccessAnswer:
    """An AuthZEN decision: yes or no, and the context that explains it."""

    decision: bool
    context: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AccessService:
    """Answers whether a consumer may read captured data, and keeps who asked."""

    log: AuditService
    consumers: ConsumerService
    inquirer: Inquirer
    grants: GrantSigner
    purposes: PurposeFile
    rules: Rules = CURRENT

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Bring the purpose file into the database and the log, once for each content."""
        name = self.purposes.digest
        if store.purposes_known(tx, name):
            return
        store.insert_purposes(tx, name, self.purposes.document, now)
        facts = encode(PurposesAdoption(name, tuple(sorted(ALLOWED)), tuple(sorted(PROHIBITED))))
        self.log.append(tx, Event(Kind.POLICY_PURPOSES_ADOPTED, SYSTEM, facts), now)

    def documents(self, tx: Tx) -> tuple[tuple[str, bytes], ...]:
        """Every purpose file ever adopted: (digest, canonical bytes), for exports."""
        return store.purposes_documents(tx)

    def evaluate(
        self, tx: Tx, consumer: Consumer, request: EvaluationRequest, now: datetime
    ) -> AccessAnswer:
        """Decide a request, record the decision, and for a permit issue the grant.

        Args:
            tx: a writing transaction; holds the locks of the people until it ends.
            consumer: as ``authenticate`` returned it, perhaps in an earlier transaction.
            request: the question.
            now: the present instant.

        Raises:
            Unauthenticated: the consumer was registered anew since it was authenticated, or its
                secret was ended.
            TooLarge: the record would not fit; ask about fewer people at once.
        """
        self.consumers.hold(tx)
        consumer = self.consumers.require_newest(tx, consumer, now)
        inquiry = self.inquirer.inquire(tx, consumer, request, now)
        decision = self.rules.decide(inquiry.question, inquiry.facts)
        granted = decision.permit and inquiry.question.resource == CAPTURED_DATA
        grant_id = str(uuid.uuid4()) if granted else None
        event_id = self._record(tx, inquiry, decision, grant_id)
        context = explained(inquiry, decision, purposes=self.purposes.digest, event_id=event_id)
        if grant_id is not None:
            grant = self.grants.sign(inquiry, decision, grant_id, event_id)
            context |= permitted(inquiry, decision, grant, self._indexes(tx, inquiry))
        return AccessAnswer(decision.permit, context)

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
        """Take what a consumer did with a grant; the same report again changes nothing.

        Args:
            tx: a writing transaction.
            consumer: as ``authenticate`` returned it, perhaps in an earlier transaction.
            grant_id: the grant's ``jti``.
            outcome: ``used`` or ``unused``.
            now: the present instant.
            rows: how many rows were handed out under it; 0 if unused.
            result: digest of what was handed out; None: not reported.

        Raises:
            Unauthenticated: the consumer was registered anew since it was authenticated, or its
                secret was ended.
            InvalidInput: a field is wrong.
            NotFound: there is no such grant, or it is another consumer's.
            Conflict: it was closed with another report, or more than 24 hours have passed.
        """
        consumer = self.consumers.require_newest(tx, consumer, now)
        return Uses(self.log).close(tx, consumer, grant_id, outcome, rows, result, now)

    def uses(
        self,
        tx: Tx,
        person_id: str,
        *,
        limit: int = 50,
        before: int | None = None,
        outcome: str | None = None,
    ) -> tuple[Use, ...]:
        """What was asked about a person, the newest first, and what became of each grant.

        Args:
            tx: a transaction.
            person_id: the person.
            limit: at most so many.
            before: only those with a smaller number, for the next page.
            outcome: ``permit`` or ``deny``; None: both.
        """
        return store.uses_of(tx, person_id, limit, before, outcome)

    def count_uses(self, tx: Tx, person_id: str) -> Mapping[str, int]:
        """How often was asked about a person: ``permit`` and ``deny``, as far as there are any."""
        return store.count_uses(tx, person_id)

    def _record(
        self, tx: Tx, inquiry: Inquiry, decision: AccessDecision, grant_id: str | None
    ) -> str:
        event = _decided(inquiry, decision, self.purposes.digest, grant_id)
        event_id = self.log.append(tx, event, inquiry.question.asked_at)
        store.insert_decisions(tx, _rows(event, event_id, inquiry, decision))
        if grant_id is not None:
            asked_at, consumer = inquiry.question.asked_at, event.actor.id
            grant = GrantRow(grant_id, event_id, consumer, str(event.purpose), asked_at)
            store.insert_grant(tx, grant)
        return event_id

    def _indexes(self, tx: Tx, inquiry: Inquiry) -> dict[str, int | None]:
        return {
            person: self.log.index_of(tx, event) if event else None
            for person, event in inquiry.consents.items()
        }


def _decided(
    inquiry: Inquiry, decision: AccessDecision, purposes: str, grant_id: str | None
) -> Event:
    """The entry of a decision."""
    return Event(
        Kind.ACCESS_DECIDED,
        Actor("consumer", inquiry.facts.caller.consumer),
        entry_facts(inquiry.question, inquiry.facts, decision, purposes=purposes, grant=grant_id),
        subjects=tuple(inquiry.people),
        purpose=verdict(inquiry.question.purpose).key,
        body=_body(inquiry),
    )


def _rows(
    event: Event, event_id: str, inquiry: Inquiry, decision: AccessDecision
) -> list[dict[str, object]]:
    """One row for each person asked about, who sees there who asked."""
    return [
        {
            "event_id": event_id,
            "person_id": person_id,
            "consumer_id": event.actor.id,
            "purpose": event.purpose,
            "outcome": event.facts["outcome"],
            "reasons": store.codes_as_text(reason.value for reason in decision.reasons),
            "decided_at": inquiry.question.asked_at,
        }
        for person_id in inquiry.people
    ]


def _body(inquiry: Inquiry) -> dict[str, Json] | None:
    """The purpose as it was sent, for the encrypted body (rule 3)."""
    asked = inquiry.question.purpose
    allowed = verdict(asked).outcome is Outcome.ALLOWED
    if allowed or not isinstance(asked, str) or len(inquiry.people) != 1:
        return None
    clean = asked[:_LONGEST_PURPOSE].encode("utf-8", "replace").decode("utf-8")
    return {"asked_purpose": clean}
