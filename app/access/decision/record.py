"""An access decision as the facts of a log entry, and back.

The entry carries everything ``decide`` was given, so that a verifier decides again from the entry
alone and compares. How a question and its facts are written derives from their fields
(app/kernel/facts.py): policies and scopes once, each person naming theirs by the place, for people
of one region share them and an entry has room for 65,535 bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.access.decision.model import (
    CAPTURED_DATA,
    AccessDecision,
    Facts,
    PersonFacts,
    Question,
)
from app.access.floor.terms import FLOOR_VERSION, verdict
from app.consent.model import State, suffices
from app.kernel.canonical import Json
from app.kernel.facts import decode_part, encode, require_only

MAX_PERSONS = 64
"""Most people in one question, so that its entry fits."""

_ASKED_FOR_OTHER = "(not on the list)"
"""Stands for a purpose whose text is not in the log. The floor does not know it."""

_MISSING = "missing"
"""What an entry says of the floor where no purpose was sent."""


@dataclass(frozen=True)
class AccessRecord:
    """What an ``access.decided`` entry says next to question, facts and decision.

    Attributes:
        purpose: the floor's key or root for what was asked; None where it knows none.
        floor: what the floor says of the purpose, or ``missing`` where none was sent.
        purposes: digest of the purpose file in force.
        grant: id of the grant issued; None for a deny.
    """

    purpose: str | None
    floor: str
    floor_version: int
    purposes: str
    outcome: str
    grant: str | None


@dataclass(frozen=True)
class UseRecord:
    """What an ``access.used`` entry says: how a consumer closed a grant.

    Attributes:
        decision: event id of the decision that issued the grant.
        outcome: ``used`` or ``unused``.
        result: digest of what was read, if the consumer named one.
    """

    grant: str
    decision: str
    consumer: str
    outcome: str
    rows: int
    result: str | None


def entry_facts(
    question: Question, facts: Facts, decision: AccessDecision, *, purposes: str, grant: str | None
) -> dict[str, Json]:
    """Write question, facts and decision as the facts of an ``access.decided`` entry.

    Args:
        question: as given to ``decide``.
        facts: as given to ``decide``.
        decision: what it returned.
        purposes: digest of the purpose file in force.
        grant: id of the grant issued; None for a deny.
    """
    ruling = verdict(question.purpose)
    record = AccessRecord(
        purpose=ruling.key,
        floor=_MISSING if question.purpose is None else ruling.outcome.value,
        floor_version=FLOOR_VERSION,
        purposes=purposes,
        outcome=_outcome(decision),
        grant=grant,
    )
    return encode(record) | encode(question) | encode(facts) | encode(decision)


def facts_from_entry(facts: Mapping[str, Any]) -> tuple[Question, Facts]:
    """Read back what was asked and known.

    Raises:
        ValueError: the facts are not those of an access decision, or contradict each other.
    """
    require_only(facts, AccessRecord, Question, Facts, AccessDecision)
    purpose, known = _purpose(decode_part(AccessRecord, facts)), decode_part(Facts, facts)
    for person in known.people:
        _require_consistent(person)
    return decode_part(Question, facts, purpose=purpose), known


def _purpose(record: AccessRecord) -> str | None:
    """What was asked for, or what replaces it where its text is not in the log."""
    if record.purpose is None and record.floor != _MISSING:
        return _ASKED_FOR_OTHER
    return record.purpose


def recorded(facts: Mapping[str, Any]) -> AccessDecision:
    """The decision that an entry records, to compare with what its facts lead to.

    Raises:
        ValueError: outcome, reasons and grant are not those of a decision.
    """
    decision, record = decode_part(AccessDecision, facts), decode_part(AccessRecord, facts)
    if record.outcome != _outcome(decision):
        msg = "outcome and reasons contradict each other"
        raise ValueError(msg)
    granted = decision.permit and facts["resource"] == CAPTURED_DATA
    if record.grant is not None and not granted:
        msg = "a grant where nothing was granted: the decision contradicts it"
        raise ValueError(msg)
    return decision


def _outcome(decision: AccessDecision) -> str:
    return "permit" if decision.permit else "deny"


def _require_consistent(person: PersonFacts) -> None:
    """What can be told from other facts of the entry must be as told from them."""
    state = State(person.standing)
    if not set(person.lacking) <= set(person.policy.decision_content):
        raise ValueError("the decision lacks what nobody asks for")
    if person.suffices_now != suffices(person.policy.bases, state, person.lacking):
        msg = f"{person.standing!r} and the bases contradict suffices_now"
        raise ValueError(msg)
    if (person.scope is not None) != (state in {State.GIVEN, State.ACKNOWLEDGED}):
        msg = f"{person.standing!r} contradicts the scope"
        raise ValueError(msg)
