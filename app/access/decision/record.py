"""An access decision as the facts of a log entry, and back.

The entry carries everything ``decide`` was given, so that a verifier decides again from the entry
alone and compares. Policies and scopes are written once and referred to by their place: people of
one region share them, and an entry has room for 65,535 bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.access.decision.decide import decide
from app.access.decision.model import (
    CAPTURED_DATA,
    AccessReason,
    Caller,
    Decision,
    Facts,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.floor.terms import FLOOR_VERSION, verdict
from app.consent.model import State, suffices
from app.kernel.canonical import Json
from app.kernel.clock import instant, timestamp

MAX_PERSONS = 64
"""Most people in one question, so that its entry fits."""

_ASKED_FOR_OTHER = "(not on the list)"
"""Stands for a purpose whose text is not in the log. The floor does not know it."""


def entry_facts(
    question: Question, facts: Facts, decision: Decision, *, purposes: str, grant: str | None
) -> dict[str, Json]:
    """Write question, facts and decision as the facts of an ``access.decided`` entry.

    Args:
        question: as given to ``decide``.
        facts: as given to ``decide``.
        decision: what it returned.
        purposes: digest of the purpose file in force.
        grant: id of the grant issued; None for a deny.
    """
    word = verdict(question.purpose)
    policies = list(_distinct(person.policy for person in facts.people))
    scopes = list(_distinct(person.scope for person in facts.people if person.scope is not None))
    caller = facts.caller
    return {
        "consumer": caller.consumer,
        "consumer_purposes": list(caller.purposes),
        "caller_functions": list(caller.functions),
        "caller": caller.kind,
        "on_behalf_of": caller.person,
        "on_behalf_functions": list(caller.person_functions),
        "on_behalf_left": caller.person_left,
        "resource": question.resource,
        "action": question.action,
        "dataset": question.dataset,
        "purpose": word.key,
        "floor": "missing" if question.purpose is None else word.outcome.value,
        "floor_version": FLOOR_VERSION,
        "purposes": purposes,
        "signals": list(question.signals),
        "captured_from": written(question.captured_from),
        "captured_to": written(question.captured_to),
        "asked_at": timestamp(question.asked_at),
        "people": [_person(person, policies, scopes) for person in facts.people],
        "people_unknown": facts.people_unknown,
        "policies": [_policy(policy) for policy in policies],
        "scopes": [
            {"signals": list(scope.signals), "purposes": list(scope.purposes)} for scope in scopes
        ],
        "role_policy": facts.role_policy,
        "policy_seq": facts.policy_seq,
        "outcome": "permit" if decision.permit else "deny",
        "reasons": [reason.value for reason in decision.reasons],
        "retain_days": decision.retain_days,
        "grant": grant,
    }


def facts_from_entry(facts: Mapping[str, Any]) -> tuple[Question, Facts]:
    """Read back what was asked and known.

    Raises:
        ValueError: the facts are not those of an access decision, or contradict each other.
    """
    try:
        question, known = _question(facts), _facts(facts)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        msg = f"the entry lacks facts of an access decision: {error}"
        raise ValueError(msg) from error
    for person in known.people:
        _require_consistent(person)
    return question, known


def recompute(facts: Mapping[str, Any]) -> Decision:
    """Decide again from an entry.

    Raises:
        ValueError: the facts are not those of an access decision, or contradict each other.
    """
    return decide(*facts_from_entry(facts))


def recorded(facts: Mapping[str, Any]) -> Decision:
    """The decision that an entry records, to compare with ``recompute``.

    Raises:
        ValueError: outcome, reasons and grant are not those of a decision.
    """
    try:
        reasons = tuple(AccessReason(reason) for reason in facts["reasons"])
        if facts["outcome"] != ("deny" if reasons else "permit"):
            msg = "outcome and reasons contradict each other"
            raise ValueError(msg)
        if facts["grant"] is not None and (reasons or facts["resource"] != CAPTURED_DATA):
            msg = "a grant where nothing was granted: the decision contradicts it"
            raise ValueError(msg)
        return Decision(reasons, facts["retain_days"])
    except (KeyError, TypeError) as error:
        msg = f"the entry records no access decision: {error}"
        raise ValueError(msg) from error


def written(at: datetime | None) -> str | None:
    """An instant as the log and the grants write it."""
    return None if at is None else timestamp(at)


def _distinct(values: Any) -> Sequence[Any]:
    """Each value once, in order of appearance; by equality, for policies hold a mapping."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _person(
    person: PersonFacts, policies: list[PolicyFacts], scopes: list[ScopeFacts]
) -> dict[str, Json]:
    return {
        "person": person.person,
        "line": list(person.line),
        "standing": person.standing,
        "decision": person.decision,
        "suffices_now": person.suffices_now,
        "suffices_at_capture": person.suffices_at_capture,
        "left": person.left,
        "region": person.region,
        "scope": None if person.scope is None else scopes.index(person.scope),
        "policy": policies.index(person.policy),
    }


def _policy(policy: PolicyFacts) -> dict[str, Json]:
    return {
        "layers": list(policy.layers),
        "capture_layers": list(policy.capture_layers),
        "bases": list(policy.bases),
        "signals": dict(policy.signals),
        "purposes": list(policy.purposes),
        "cohort_min": policy.cohort_min,
        "unknown": policy.unknown,
        "blocked": policy.blocked,
        "company": policy.company,
        "missing": list(policy.missing),
        "lead_time": policy.lead_time,
        "stopped": policy.stopped,
    }


def _question(facts: Mapping[str, Any]) -> Question:
    start, end = facts["captured_from"], facts["captured_to"]
    purpose = facts["purpose"]
    if purpose is None and facts["floor"] != "missing":
        purpose = _ASKED_FOR_OTHER
    return Question(
        purpose=purpose,
        asked_at=instant(facts["asked_at"]),
        resource=facts["resource"],
        action=facts["action"],
        dataset=facts["dataset"],
        signals=tuple(facts["signals"]),
        captured_from=None if start is None else instant(start),
        captured_to=None if end is None else instant(end),
    )


def _facts(facts: Mapping[str, Any]) -> Facts:
    policies = [_read_policy(policy) for policy in facts["policies"]]
    scopes = [
        ScopeFacts(tuple(scope["signals"]), tuple(scope["purposes"])) for scope in facts["scopes"]
    ]
    return Facts(
        caller=Caller(
            consumer=facts["consumer"],
            purposes=tuple(facts["consumer_purposes"]),
            functions=tuple(facts["caller_functions"]),
            kind=facts["caller"],
            person=facts["on_behalf_of"],
            person_functions=tuple(facts["on_behalf_functions"]),
            person_left=facts["on_behalf_left"],
        ),
        people=tuple(_read_person(person, policies, scopes) for person in facts["people"]),
        people_unknown=facts["people_unknown"],
        role_policy=facts["role_policy"],
        policy_seq=facts["policy_seq"],
    )


def _require_consistent(person: PersonFacts) -> None:
    """What can be told from other facts of the entry must be as told from them."""
    state = State(person.standing)
    if person.suffices_now != suffices(person.policy.bases, state):
        msg = f"{person.standing!r} and the bases contradict suffices_now"
        raise ValueError(msg)
    if (person.scope is not None) != (state in {State.GIVEN, State.ACKNOWLEDGED}):
        msg = f"{person.standing!r} contradicts the scope"
        raise ValueError(msg)


def _read_person(
    person: Mapping[str, Any], policies: list[PolicyFacts], scopes: list[ScopeFacts]
) -> PersonFacts:
    return PersonFacts(
        person=person["person"],
        line=tuple(person["line"]),
        standing=person["standing"],
        decision=person["decision"],
        suffices_now=person["suffices_now"],
        suffices_at_capture=person["suffices_at_capture"],
        left=person["left"],
        region=person.get("region"),
        scope=None if person["scope"] is None else scopes[person["scope"]],
        policy=policies[person["policy"]],
    )


def _read_policy(policy: Mapping[str, Any]) -> PolicyFacts:
    return PolicyFacts(
        layers=tuple(policy["layers"]),
        capture_layers=tuple(policy["capture_layers"]),
        bases=tuple(policy["bases"]),
        signals=dict(policy["signals"]),
        purposes=tuple(policy["purposes"]),
        cohort_min=policy["cohort_min"],
        unknown=policy["unknown"],
        blocked=policy["blocked"],
        company=policy["company"],
        missing=tuple(policy["missing"]),
        lead_time=policy["lead_time"],
        stopped=policy["stopped"],
    )
