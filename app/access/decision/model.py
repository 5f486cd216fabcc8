"""What an access decision is made of: question, facts, reasons, answer (pure).

People are opaque ids (pseudonyms), so the same facts go into the log and are decided again from
there (app/access/decision/record.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.kernel.facts import fact
from app.kernel.tokens import GRANT_TYPE, LONGEST_LIFE

CAPTURED_DATA = "captured_data"
"""The resource type that this decision is about; others are governed by the role rows alone."""

READ = "read"
"""The one action on captured data."""

GRANT_TTL_S = int(LONGEST_LIFE[GRANT_TYPE].total_seconds())
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
    RECORD_DISPUTED = "record_disputed"
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
"""Reasons that come from who asks and for what, not in the people asked about."""


@dataclass(frozen=True)
class Consumer:
    """A registered asker: a training pipeline, a data store.

    Attributes:
        purposes: allowed keys it may declare, sorted.
        functions: what it is for, sorted codes of ``floor.Function``.
        version: counts registrations of this id, from 1; only the newest counts.
        overlap_until: until when the secret of the version before opens, too; None: it does not.
    """

    id: str = field(metadata=fact("consumer"))
    name: str = field(metadata=fact(apart=True))
    purposes: tuple[str, ...]
    functions: tuple[str, ...]
    version: int = 1
    overlap_until: datetime | None = field(default=None, metadata=fact(sparse=True))


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        purpose: as it was sent; any value at all, None where none was sent.
        resource: the AuthZEN resource type.
        action: the AuthZEN action name.
        dataset: code from the closed list of policies/purposes.yaml; None for any other.
        signals: codes of the signals to be read.
        captured_from, captured_to: when the data was captured; None where not given.
        asked_at: the instant of the decision.
    """

    purpose: object = field(metadata=fact(apart=True))
    asked_at: datetime
    resource: str = CAPTURED_DATA
    action: str = READ
    dataset: str | None = None
    signals: tuple[str, ...] = ()
    captured_from: datetime | None = None
    captured_to: datetime | None = None

    @property
    def captured(self) -> tuple[datetime, datetime] | None:
        """When the capture began and ended; None unless both are given and in the past."""
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
    purposes: tuple[str, ...] = field(metadata=fact("consumer_purposes"))
    functions: tuple[str, ...] = field(metadata=fact("caller_functions"))
    kind: str = field(default="consumer", metadata=fact("caller"))
    person: str | None = field(default=None, metadata=fact("on_behalf_of"))
    person_functions: tuple[str, ...] = field(default=(), metadata=fact("on_behalf_functions"))
    person_left: bool = field(default=False, metadata=fact("on_behalf_left"))


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
        too_wide: the home or the place of work does not say whose law holds (``kernel.places``).
        decision_content: what a decision has to say besides, now or at any instant of the capture.
        disputed: what is recorded of the rules does not agree with the log.
        What prevents reading counts if it holds now or held at any instant of the capture.
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
    too_wide: bool = field(default=False, metadata=fact(sparse=True))
    decision_content: tuple[str, ...] = field(default=(), metadata=fact(sparse=True))
    disputed: bool = field(default=False, metadata=fact(sparse=True))


@dataclass(frozen=True)
class ScopeFacts:
    """What the person agreed to, in every decision that stood from capture until now.

    Attributes:
        retention: most days that each signal asked for may be kept; None under rules 1, where no
            number of days was agreed to.
    """

    signals: tuple[str, ...]
    purposes: tuple[str, ...]
    retention: Mapping[str, int] | None = field(default=None, metadata=fact(sparse=True))


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
        lacking: what the decision that stands has to say and does not.
        disputed: what is recorded of the person does not agree with the log.
    """

    person: str
    line: tuple[str, ...]
    standing: str
    decision: str | None
    suffices_now: bool
    suffices_at_capture: bool
    scope: ScopeFacts | None = field(metadata=fact(shared="scopes"))
    policy: PolicyFacts = field(metadata=fact(shared="policies"))
    left: bool = False
    region: str | None = field(default=None, metadata=fact(appended=True))
    lacking: tuple[str, ...] = field(default=(), metadata=fact("decision_lacks", sparse=True))
    disputed: bool = field(default=False, metadata=fact(sparse=True))


@dataclass(frozen=True)
class Facts:
    """What is known when the question is decided.

    Attributes:
        people: those asked about that the directory knows, each once.
        people_unknown: how many asked about it does not know.
        role_policy: what the role rows say of caller, resource type and action.
        policy_seq: number of the last policy event; None where no policy was asked about.
    """

    caller: Caller = field(metadata=fact(inline=True))
    people: tuple[PersonFacts, ...] = ()
    people_unknown: int = 0
    role_policy: bool = False
    policy_seq: int | None = None


@dataclass(frozen=True)
class AccessDecision:
    """The answer. ``retain_days``: whole days until the oldest data asked for must be gone."""

    reasons: tuple[AccessReason, ...]
    retain_days: int | None = field(default=None)

    @property
    def permit(self) -> bool:
        """No reason to refuse was found."""
        return not self.reasons


@dataclass(frozen=True)
class Closed:
    """What a consumer did with a grant.

    Attributes:
        outcome: ``used`` or ``unused``.
        rows: how many rows were handed out under it.
        result: digest of what was handed out, ``sha256:…``, if the consumer says it.
        event_id: the entry of the log.
    """

    grant: str
    outcome: str
    rows: int
    result: str | None
    event_id: str
    at: datetime


@dataclass(frozen=True)
class Use:
    """One ask about one person, as that person sees it.

    Attributes:
        number: grows from ask to ask.
        purpose: an allowed key, the prohibited root that was asked for, or None (unknown).
        outcome: ``permit`` or ``deny``.
        reasons: codes of ``AccessReason``; empty for a permit.
        event_id: the entry of the log.
        closed: what the consumer says that it did with the grant; None: nothing so far, or there is
            no grant.
    """

    number: int
    consumer: str
    consumer_name: str
    purpose: str | None
    outcome: str
    reasons: tuple[str, ...]
    at: datetime
    event_id: str
    closed: Closed | None = None
