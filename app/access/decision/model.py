"""The access decision as a pure function of plain facts.

Rules:
1. Deny overrides. Every check is made and every reason is kept, in the order of ``AccessReason``;
   a permit is a decision without a reason.
2. The purpose floor is asked here, not by the caller: no fact can say that a purpose is allowed.
3. Missing context is a reason, never a default.
4. Narrowing facts never turn a deny into a permit: a withdrawal, a stop, a reporting line, one more
   layer of policy can only add reasons.
5. People are opaque ids (pseudonyms), so the same facts go into the log and are decided again from
   there (app/access/decision/record.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.access.floor.terms import (
    BREAK_GLASS,
    SEPARATED,
    TERMS,
    Outcome,
    Terms,
    Verdict,
    verdict,
)
from app.kernel.vocabulary import CONTENT_SIGNALS

CAPTURED_DATA = "captured_data"
"""The resource type that this decision is about; others are governed by the role rows alone."""

READ = "read"
"""The one action on captured data."""

GRANT_TTL_S = 60
"""How long a grant opens, seconds."""

USE_WITHIN = timedelta(hours=24)
"""How long after the decision a consumer can say what it did with the grant."""


class AccessReason(StrEnum):
    """Why an access is refused. Closed, and in the order in which reasons are listed."""

    PURPOSE_MISSING = "purpose_missing"
    PURPOSE_UNKNOWN = "purpose_unknown"
    PURPOSE_PROHIBITED = "purpose_prohibited"
    PURPOSE_UNAVAILABLE = "purpose_unavailable"
    CONSUMER_NOT_REGISTERED = "consumer_not_registered"
    CALLER_UNKNOWN = "caller_unknown"
    CALLER_SEPARATED = "caller_separated"
    CALLER_IN_LINE = "caller_in_line"
    MACHINE_ONLY = "machine_only"
    OWN_DATA_ONLY = "own_data_only"
    DUAL_CONTROL_MISSING = "dual_control_missing"
    DATASET_UNKNOWN = "dataset_unknown"
    PERSONS_MISSING = "persons_missing"
    PERSON_UNKNOWN = "person_unknown"
    PERSON_LEFT = "person_left"
    COHORT_TOO_SMALL = "cohort_too_small"
    CAPTURE_INTERVAL_MISSING = "capture_interval_missing"
    CONSENT_AT_CAPTURE = "consent_at_capture"
    CONSENT_NOW = "consent_now"
    SIGNALS_MISSING = "signals_missing"
    SIGNALS_NOT_FOR_PURPOSE = "signals_not_for_purpose"
    OUTSIDE_SCOPE = "outside_scope"
    OUTSIDE_POLICY = "outside_policy"
    RETENTION_PASSED = "retention_passed"
    REGION_UNKNOWN = "region_unknown"
    REGION_BLOCKED = "region_blocked"
    POLICY_MISSING = "policy_missing"
    PRECONDITION_MISSING = "precondition_missing"
    LEAD_TIME = "lead_time"
    STOPPED = "stopped"
    ROLE_POLICY = "role_policy"


CALLER_REASONS = frozenset(
    {
        AccessReason.PURPOSE_MISSING,
        AccessReason.PURPOSE_UNKNOWN,
        AccessReason.PURPOSE_PROHIBITED,
        AccessReason.PURPOSE_UNAVAILABLE,
        AccessReason.CONSUMER_NOT_REGISTERED,
        AccessReason.CALLER_UNKNOWN,
        AccessReason.CALLER_SEPARATED,
        AccessReason.CALLER_IN_LINE,
        AccessReason.MACHINE_ONLY,
        AccessReason.OWN_DATA_ONLY,
        AccessReason.DUAL_CONTROL_MISSING,
        AccessReason.DATASET_UNKNOWN,
    }
)
"""Reasons that lie in who asks and for what, not in the people asked about."""


@dataclass(frozen=True)
class Consumer:
    """A registered asker: a training pipeline, a data store.

    Attributes:
        purposes: allowed keys it may declare, sorted.
        functions: what it is for, sorted codes of ``floor.Function``.
        version: counts registrations of this id, from 1; only the newest counts.
    """

    id: str
    name: str
    purposes: tuple[str, ...]
    functions: tuple[str, ...]
    version: int = 1


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        purpose: as it was sent; any value at all, None where none was sent.
        resource: the AuthZEN resource type.
        action: the AuthZEN action name.
        dataset: code from the closed list of policies/purposes.yaml; None for any other.
        signals: codes of the signals to be read.
        captured_from, captured_to: when the data was captured; None where not said.
        asked_at: the instant of the decision.
    """

    purpose: object
    asked_at: datetime
    resource: str = CAPTURED_DATA
    action: str = READ
    dataset: str | None = None
    signals: tuple[str, ...] = ()
    captured_from: datetime | None = None
    captured_to: datetime | None = None

    @property
    def captured(self) -> tuple[datetime, datetime] | None:
        """When the capture began and ended; None unless both were said and lie in the past."""
        start, end = self.captured_from, self.captured_to
        if start is None or end is None or not start <= end <= self.asked_at:
            return None
        return start, end


@dataclass(frozen=True)
class Caller:
    """Who asks, and on whose behalf.

    Attributes:
        consumer: id of the authenticated consumer.
        purposes, functions: those it is registered with.
        kind: ``consumer`` (for itself), ``person`` (on a person's behalf), ``unknown``.
        person: that person's pseudonym; None unless ``kind`` is ``person``.
        person_functions: that person's functions, e.g. ``hr``.
        person_left: that person is no longer with the employer.
    """

    consumer: str
    purposes: tuple[str, ...]
    functions: tuple[str, ...]
    kind: str = "consumer"
    person: str | None = None
    person_functions: tuple[str, ...] = ()
    person_left: bool = False


@dataclass(frozen=True)
class PolicyFacts:
    """What the layers in force for a person say, as far as this question needs it.

    Attributes:
        layers: digests of the layers in force now, sorted.
        capture_layers: digests of those in force at any instant of the capture, sorted.
        bases: bases that hold now and held all through the capture.
        signals: those asked for that are not denied, each with its retention in days (None: no
            limit); now and all through the capture.
        purposes: those that no layer takes away, now and all through the capture.
        cohort_min: fewest people that may be read together.
        unknown: a region without a floor. blocked: a region where capture is not allowed.
        company: a company policy is in force, and was.
        missing: preconditions without valid evidence.
        lead_time: a lead time was running. stopped: the stop is on.
        What speaks against counts if it holds now or held at any instant of the capture.
    """

    layers: tuple[str, ...]
    capture_layers: tuple[str, ...]
    bases: tuple[str, ...]
    signals: Mapping[str, int | None]
    purposes: tuple[str, ...]
    cohort_min: int
    unknown: bool = False
    blocked: bool = False
    company: bool = True
    missing: tuple[str, ...] = ()
    lead_time: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class ScopeFacts:
    """What the person agreed to, in every decision that stood from capture until now."""

    signals: tuple[str, ...]
    purposes: tuple[str, ...]


@dataclass(frozen=True)
class PersonFacts:
    """One person asked about.

    Attributes:
        person: pseudonym.
        line: pseudonyms of the management chain, nearest first.
        standing: state of the person's decisions now.
        decision: id of the decision relied on; None where there is none.
        suffices_now: the standing is enough for the bases, now.
        suffices_at_capture: it was, at every instant of the capture.
        scope: None where nothing was agreed to.
        region: the home region, for readers of the log; it decides nothing. None in old entries.
    """

    person: str
    line: tuple[str, ...]
    standing: str
    decision: str | None
    suffices_now: bool
    suffices_at_capture: bool
    scope: ScopeFacts | None
    policy: PolicyFacts
    left: bool = False
    region: str | None = None


@dataclass(frozen=True)
class Facts:
    """What is known when the question is decided.

    Attributes:
        people: those asked about that the directory knows, each once.
        people_unknown: how many asked about it does not know.
        role_policy: what the role rows say of caller, resource type and action.
        policy_seq: number of the last policy event; None where no policy was asked about.
    """

    caller: Caller
    people: tuple[PersonFacts, ...] = ()
    people_unknown: int = 0
    role_policy: bool = False
    policy_seq: int | None = None


@dataclass(frozen=True)
class Decision:
    """The answer. ``retain_days``: whole days until the oldest data asked for must be gone."""

    reasons: tuple[AccessReason, ...]
    retain_days: int | None = field(default=None)

    @property
    def permit(self) -> bool:
        """No reason to refuse was found."""
        return not self.reasons


def decide(question: Question, facts: Facts) -> Decision:
    """Decide a question (rule 1). Total: never raises."""
    found = set(_reasons(question, facts))
    reasons = tuple(reason for reason in AccessReason if reason in found)
    return Decision(reasons, None if reasons else _retain_days(question, facts))


def _reasons(question: Question, facts: Facts) -> Iterator[AccessReason]:
    if question.resource == CAPTURED_DATA:
        word = verdict(question.purpose)
        # A purpose without terms is refused already; its further reasons are found by strict terms.
        terms = TERMS.get(word.key or "", Terms())
        own = _is_own(terms, facts)
        yield from _purpose(word, question, facts)
        yield from _caller(terms, facts, own=own)
        yield from _people(terms, facts)
        yield from _context(terms, question)
        for person in facts.people if terms.consent else ():
            yield from _consent(person, question, word)
            yield from _policy(person.policy, question, word)
    if not facts.role_policy:
        yield AccessReason.ROLE_POLICY


def _is_own(terms: Terms, facts: Facts) -> bool:
    """Whether somebody asks about themselves and nobody else, for a purpose that is for that."""
    return (
        terms.own
        and facts.caller.person is not None
        and facts.people_unknown == 0
        and [one.person for one in facts.people] == [facts.caller.person]
    )


def _purpose(word: Verdict, question: Question, facts: Facts) -> Iterator[AccessReason]:
    match word.outcome:
        case Outcome.PROHIBITED:
            yield AccessReason.PURPOSE_PROHIBITED
        case Outcome.UNKNOWN if question.purpose is None:
            yield AccessReason.PURPOSE_MISSING
        case Outcome.UNKNOWN if word.key in BREAK_GLASS:
            yield AccessReason.PURPOSE_UNAVAILABLE
        case Outcome.UNKNOWN:
            yield AccessReason.PURPOSE_UNKNOWN
        case Outcome.ALLOWED:
            if word.key not in facts.caller.purposes:
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
        if caller.person and any(caller.person in one.line for one in facts.people):
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
    if terms.consent:
        if any(one.left for one in facts.people):  # who cannot sign in cannot withdraw
            yield AccessReason.PERSON_LEFT
        known = len({one.person for one in facts.people})
        if known and known < max(one.policy.cohort_min for one in facts.people):
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


def _within(word: Verdict, purposes: tuple[str, ...]) -> bool:
    """Whether an allowed purpose is among these; one that is not allowed is refused already."""
    return word.outcome is not Outcome.ALLOWED or word.key in purposes


def _consent(person: PersonFacts, question: Question, word: Verdict) -> Iterator[AccessReason]:
    if not person.suffices_at_capture:
        yield AccessReason.CONSENT_AT_CAPTURE
    if not person.suffices_now:
        yield AccessReason.CONSENT_NOW
    scope = person.scope
    if scope is None:
        return  # nothing was agreed to: that is the reason above, not a matter of extent
    if not _within(word, scope.purposes) or set(question.signals) - set(scope.signals):
        yield AccessReason.OUTSIDE_SCOPE


def _policy(policy: PolicyFacts, question: Question, word: Verdict) -> Iterator[AccessReason]:
    if not _within(word, policy.purposes) or set(question.signals) - policy.signals.keys():
        yield AccessReason.OUTSIDE_POLICY
    # Whole days of age, so that no instant and no number of days is too large to reckon with.
    if question.captured and any(
        days is not None and (question.asked_at - question.captured[0]).days >= days
        for days in _retentions(policy, question)
    ):
        yield AccessReason.RETENTION_PASSED
    if policy.unknown:
        yield AccessReason.REGION_UNKNOWN
    if policy.blocked or not policy.bases:
        yield AccessReason.REGION_BLOCKED
    if not policy.company:
        yield AccessReason.POLICY_MISSING
    if policy.missing:
        yield AccessReason.PRECONDITION_MISSING
    if policy.lead_time:
        yield AccessReason.LEAD_TIME
    if policy.stopped:
        yield AccessReason.STOPPED


def _retentions(policy: PolicyFacts, question: Question) -> tuple[int | None, ...]:
    return tuple(policy.signals.get(signal) for signal in question.signals)


def _retain_days(question: Question, facts: Facts) -> int | None:
    if question.captured is None:
        return None
    found = [
        days
        for person in facts.people
        for days in _retentions(person.policy, question)
        if days is not None
    ]
    if not found:
        return None
    return max(0, min(found) + (question.captured[0] - question.asked_at).days)
