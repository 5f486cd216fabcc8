"""Entries for tests."""

from collections.abc import Callable
from datetime import UTC, datetime

from app.access.decision.decide import decide
from app.access.decision.model import (
    Caller,
    Facts,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.decision.record import entry_facts
from app.access.floor.terms import ALLOWED, PROHIBITED
from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.db.engine import Database, Tx
from app.kernel.canonical import digest
from tests.fakes import FakeClock

TRAINING = "ai_training.computer_use"
TESTING = "ai_training.evaluation"
FORBIDDEN = "performance_evaluation"
DOCUMENTS = {digest(text): text for text in (b'{"purposes":"sample"}', b'{"layer":"sample"}')}
PURPOSES, LAYER = DOCUMENTS
ASKED_AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
CAPTURED_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def decision(number: int, purpose: str = TRAINING) -> Event:
    """A decision about one of seven people, made from facts that permit an allowed purpose."""
    consumer, person = f"pipeline-{number % 3}", f"E-{number % 7}"
    policy = PolicyFacts(
        layers=(LAYER,),
        capture_layers=(LAYER,),
        bases=("consent",),
        signals={"click": 90},
        purposes=(TRAINING, TESTING),
        cohort_min=1,
    )
    about = PersonFacts(
        person=f"p_{number % 7:032x}",
        line=(),
        standing="given",
        decision=f"d-{number % 7}",
        suffices_now=True,
        suffices_at_capture=True,
        scope=ScopeFacts(("click",), (TRAINING, TESTING)),
        policy=policy,
    )
    question = Question(
        purpose=purpose,
        asked_at=ASKED_AT,
        dataset="sample",
        signals=("click",),
        captured_from=CAPTURED_AT,
        captured_to=CAPTURED_AT,
    )
    facts = Facts(Caller(consumer, (TRAINING, TESTING), ("training",)), (about,), role_policy=True)
    decided = decide(question, facts)
    said = entry_facts(question, facts, decided, purposes=PURPOSES, grant=None)
    key = said["purpose"]
    assert key is None or isinstance(key, str)
    return Event(
        Kind.ACCESS_DECIDED, Actor("consumer", consumer), said, subjects=(person,), purpose=key
    )


def adopted(allowed: frozenset[str] = ALLOWED, prohibited: frozenset[str] = PROHIBITED) -> Event:
    """The purposes taken into force."""
    facts = {"policy": PURPOSES, "allowed": sorted(allowed), "prohibited": sorted(prohibited)}
    return Event(Kind.POLICY_PURPOSES_ADOPTED, SYSTEM, facts)


def withdrawal(number: int) -> Event:
    """A person says no, and why, which nobody else may read; no decision is about them."""
    person = f"E-{100 + number % 7}"
    return Event(
        Kind.CONSENT_WITHDRAWN,
        Actor("person", person),
        {"decision": f"d-{number}", "seq": number},
        subjects=(person,),
        body={"note": f"Sample reason {number}"},
    )


def documents(_tx: Tx) -> list[tuple[str, bytes]]:
    """What the entries made here name."""
    return list(DOCUMENTS.items())


def ordinary(number: int) -> Event:
    """Mostly permits, some refusals, some withdrawals."""
    if number % 5 == 0:
        return withdrawal(number)
    return decision(number, FORBIDDEN if number % 11 == 0 else TRAINING)


def fill(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    count: int,
    event: Callable[[int], Event] = ordinary,
) -> None:
    """Give the log ``count`` entries: opened, purposes adopted, then what ``event`` makes."""
    with database.write() as tx:
        log.open(tx, clock.now())
        if count > 1:
            log.append(tx, adopted(), clock.now())
        for number in range(2, count):
            log.append(tx, event(number), clock.advance(1))
    integrator.integrate()
