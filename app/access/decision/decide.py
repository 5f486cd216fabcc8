"""The access decision as a pure function of plain facts.

Rules:
1. Deny overrides. Every check is made and every reason is kept, in the order of ``AccessReason``;
   a permit is a decision without a reason.
2. The purpose floor is asked here, not by the caller: no fact can say that a purpose is allowed.
3. Missing context is a reason, never a default.
4. Narrowing facts never turn a deny into a permit: a withdrawal, a stop, a reporting line, one more
   layer of policy can only add reasons.
5. What prevents capture prevents reading (``capture.obstacles``). Which of the person's
   own obstacles it is, a consumer is not told: whoever refused, withdrew or never decided is the
   same to them.
"""

from collections.abc import Iterator, Mapping

from app.access.decision.model import (
    CAPTURED_DATA,
    AccessDecision,
    AccessReason,
    Facts,
    PersonFacts,
    Question,
)
from app.access.floor.terms import (
    BREAK_GLASS,
    SEPARATED,
    TERMS,
    FloorVerdict,
    Outcome,
    Terms,
    verdict,
)
from app.capture.obstacles import OWN, Obstacle, Personal, conditions_of, obstacles
from app.consent.model import State
from app.kernel.vocabulary import CONTENT_SIGNALS

ACCESS: Mapping[Obstacle, AccessReason | None] = {
    Obstacle.LEFT: AccessReason.PERSON_LEFT,  # who cannot sign in cannot withdraw
    Obstacle.RECORD_DISPUTED: AccessReason.RECORD_DISPUTED,
    Obstacle.PLACE_TOO_WIDE: AccessReason.REGION_UNKNOWN,
    Obstacle.REGION_UNKNOWN: AccessReason.REGION_UNKNOWN,
    Obstacle.REGION_BLOCKED: AccessReason.REGION_BLOCKED,
    # Where no decision of a person can suffice, none does.
    Obstacle.BASIS_INSUFFICIENT: AccessReason.CONSENT_NOW,
    Obstacle.POLICY_MISSING: AccessReason.POLICY_MISSING,
    Obstacle.STOPPED: AccessReason.STOPPED,
    Obstacle.PRECONDITION_MISSING: AccessReason.PRECONDITION_MISSING,
    Obstacle.LEAD_TIME: AccessReason.LEAD_TIME,
    **dict.fromkeys(OWN, AccessReason.CONSENT_NOW),
    # No matter of reading: what was captured before is judged by the signals and purpose asked for.
    Obstacle.DEVICE_REVOKED: None,
    Obstacle.NOTHING_ALLOWED: None,
    Obstacle.NOTHING_AGREED: None,
}
"""What an access decision says of each obstacle; the order is that of ``AccessReason``."""

_STATES = {state.value: state for state in State}


def decide(question: Question, facts: Facts) -> AccessDecision:
    """Decide a question (rule 1). Total: never raises.

    >>> from datetime import UTC, datetime
    >>> from app.access.decision.model import Caller
    >>> asked = Question("employee ranking", datetime(2026, 11, 22, tzinfo=UTC))
    >>> decide(asked, Facts(Caller("trainer", (), ()), ())).reasons[0].value
    'purpose_prohibited'
    """
    applying = set(_reasons(question, facts))
    reasons = tuple(reason for reason in AccessReason if reason in applying)
    return AccessDecision(reasons, None if reasons else _retain_days(question, facts))


def _reasons(question: Question, facts: Facts) -> Iterator[AccessReason]:
    if question.resource == CAPTURED_DATA:
        purpose = verdict(question.purpose)
        # A purpose without terms is refused already; its further reasons follow from strict terms.
        terms = TERMS.get(purpose.key or "", Terms())
        own = _is_own(terms, facts)
        yield from _purpose(purpose, question, facts)
        yield from _caller(terms, facts, own=own)
        yield from _people(terms, facts)
        yield from _context(terms, question)
        for person in facts.people if terms.consent else ():
            yield from _standing(person, question, purpose)
            yield from _policy(person, question, purpose)
            yield from _obstacles(person)
    if not facts.role_policy:
        yield AccessReason.ROLE_POLICY


def _is_own(terms: Terms, facts: Facts) -> bool:
    """Whether somebody asks about themselves and nobody else, for a purpose that is for that."""
    return (
        terms.own
        and facts.caller.person is not None
        and facts.people_unknown == 0
        and [person.person for person in facts.people] == [facts.caller.person]
    )


def _purpose(purpose: FloorVerdict, question: Question, facts: Facts) -> Iterator[AccessReason]:
    match purpose.outcome:
        case Outcome.PROHIBITED:
            yield AccessReason.PURPOSE_PROHIBITED
        case Outcome.UNKNOWN if question.purpose is None:
            yield AccessReason.PURPOSE_MISSING
        case Outcome.UNKNOWN if purpose.key in BREAK_GLASS:
            yield AccessReason.PURPOSE_UNAVAILABLE
        case Outcome.UNKNOWN:
            yield AccessReason.PURPOSE_UNKNOWN
        case Outcome.ALLOWED:
            if purpose.key not in facts.caller.purposes:
                yield AccessReason.CONSUMER_NOT_REGISTERED


def _caller(terms: Terms, facts: Facts, *, own: bool) -> Iterator[AccessReason]:
    caller = facts.caller
    if caller.kind not in {"consumer", "person"} or (caller.kind == "person") != bool(
        caller.person
    ):
        yield AccessReason.CALLER_UNKNOWN
    if SEPARATED & set(caller.functions):
        yield AccessReason.CALLER_SEPARATED
    if not own:  # everybody may see their own data, whatever their work is
        if SEPARATED & set(caller.person_functions):
            yield AccessReason.CALLER_SEPARATED
        if caller.person_left:
            yield AccessReason.CALLER_UNKNOWN
        if caller.person and any(caller.person in person.line for person in facts.people):
            yield AccessReason.CALLER_IN_LINE
    if terms.machine_only and caller.kind != "consumer":
        yield AccessReason.MACHINE_ONLY
    if terms.own and not own:
        yield AccessReason.OWN_DATA_ONLY
    if terms.dual_control:
        yield AccessReason.DUAL_CONTROL_MISSING


def _people(terms: Terms, facts: Facts) -> Iterator[AccessReason]:
    if not facts.people and not facts.people_unknown:
        yield AccessReason.PERSONS_MISSING
    if facts.people_unknown:
        yield AccessReason.PERSON_UNKNOWN
    # For every purpose: who is above somebody disputed, and so must not ask, nobody knows.
    if any(person.disputed for person in facts.people):
        yield AccessReason.RECORD_DISPUTED
    if terms.consent:
        known = len({person.person for person in facts.people})
        if known and known < max(person.policy.cohort_min for person in facts.people):
            yield AccessReason.COHORT_TOO_SMALL


def _context(terms: Terms, question: Question) -> Iterator[AccessReason]:
    if question.dataset is None:
        yield AccessReason.DATASET_UNKNOWN
    if question.captured is None:
        yield AccessReason.CAPTURE_INTERVAL_MISSING
    if terms.signals and not question.signals:
        yield AccessReason.SIGNALS_MISSING
    asked = set(question.signals)
    if (asked and not terms.signals) or (asked & CONTENT_SIGNALS and not terms.content):
        yield AccessReason.SIGNALS_NOT_FOR_PURPOSE


def _within(purpose: FloorVerdict, purposes: tuple[str, ...]) -> bool:
    """Whether a purpose is among these, if it is allowed; any other is refused already."""
    return purpose.outcome is not Outcome.ALLOWED or purpose.key in purposes


def _standing(
    person: PersonFacts, question: Question, purpose: FloorVerdict
) -> Iterator[AccessReason]:
    if not person.suffices_at_capture:
        yield AccessReason.CONSENT_AT_CAPTURE
    scope = person.scope
    if scope is None:
        return  # nothing was agreed to: that is an obstacle, not a matter of extent
    if not _within(purpose, scope.purposes) or set(question.signals) - set(scope.signals):
        yield AccessReason.OUTSIDE_SCOPE


def _policy(
    person: PersonFacts, question: Question, purpose: FloorVerdict
) -> Iterator[AccessReason]:
    policy = person.policy
    if not _within(purpose, policy.purposes) or set(question.signals) - policy.signals.keys():
        yield AccessReason.OUTSIDE_POLICY
    # Whole days of age, so that no instant and no number of days is too large to reckon with.
    if question.captured and any(
        days is not None and (question.asked_at - question.captured[0]).days >= days
        for days in _retentions(person, question)
    ):
        yield AccessReason.RETENTION_PASSED


def _obstacles(person: PersonFacts) -> Iterator[AccessReason]:
    """Name what prevents capture, by the reasons of access decisions."""
    policy = person.policy
    given = conditions_of(
        policy,
        lead_time=policy.lead_time,
        person=Personal(
            state=_STATES.get(person.standing, State.NONE),
            suffices=person.suffices_now,
            active=not person.left,
            placed=not policy.too_wide,
            disputed=person.disputed,
        ),
    )
    reasons = (ACCESS[obstacle] for obstacle in obstacles(given))
    yield from (reason for reason in reasons if reason is not None)


def _retentions(person: PersonFacts, question: Question) -> Iterator[int | None]:
    """Days that policy allows, and days that the person agreed to, for each signal asked for."""
    agreed = person.scope.retention if person.scope else None
    for signal in question.signals:
        yield person.policy.signals.get(signal)
        yield agreed.get(signal) if agreed is not None else None


def _retain_days(question: Question, facts: Facts) -> int | None:
    if question.captured is None:
        return None
    limits = [
        days
        for person in facts.people
        for days in _retentions(person, question)
        if days is not None
    ]
    if not limits:
        return None
    return max(0, min(limits) + (question.captured[0] - question.asked_at).days)
