"""Every knob of a policy, one row each. Whatever else is written about a knob derives from its row.

Rules:
1. A row says the knob's name, its shape with the range, how layers meet on it, its value where no
   layer names it, what an agent does with it, and since which document form agents are told.
2. From the rows follow: what a file may say (law/), the lattice, the compiled value (model), the
   document for agents (document), what the guard checks and keeps to (app/sdk/agent), differences,
   and the order, meaning and formatting of the rows of pages (app/web).
3. What cannot be derived is the name for people (app/web/words/policy_words.py) and the line in
   docs/knobs.md. tests/policy/test_knobs.py names the place where one is missing.
4. An agent that understands older forms only cannot keep to a newer knob. So wherever such a knob
   limits anything, the signals that it governs are denied to that agent. Where nobody names it, it
   limits nothing, so that no agent is told less because the program was updated.
5. The names of a closed set that agents are told are numbered too (``NameSet.later``).
6. Whatever agents are told is agreed to (``agreed``, see agreement.py), so that no new row can
   forget it. What makes capture lawful at all is not told and not agreed to: status, bases,
   preconditions, approvers, what a notice contains, lead times.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar, cast

from app.kernel.forms import FIRST_FORM, REASONS, ReasonRow, reasons_in
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import CONTENT_SIGNALS, Basis, Mode, Reason, Signal
from app.policy.catalogue.matchers import MATCHERS, MatcherRow
from app.policy.knob_shapes import (
    NOT_APPROVED,
    ApprovalStatus,
    Meet,
    Modes,
    NameSet,
    NameSource,
    Number,
    Shape,
    Value,
    Week,
    least,
    most,
    shared,
    united,
)

T = TypeVar("T")

LEASE_LIFE_S = 900
"""Seconds a lease lives where no layer says less."""

PRECONDITIONS = ("works_agreement", "dpia", "permit", "consultation", "risk_assessment")
APPROVERS = ("works_council", "dpo")
"""Roles that a layer may ask for on top of the second person of legal."""
SAID = (Basis.ACKNOWLEDGEMENT.value,)
REDACTORS = (
    "account_names",
    "bank_accounts",
    "credentials",
    "email_addresses",
    "mail_contents",
    "national_ids",
    "payment_cards",
    "person_names",
    "phone_numbers",
)
"""What an agent can remove from content; it removes all of it or captures nothing."""
LATER_REDACTORS: tuple[tuple[str, int], ...] = ()
"""Those that came after the first document form, each with its first form."""


class When(StrEnum):
    """What must be so for a mode to bind."""

    OFF_HOURS = "off_hours"
    PERSONAL_DEVICE = "personal_device"
    COUNTERPARTY = "counterparty"


@dataclass(frozen=True)
class ModeCap:
    """The guard allows no more than this mode when something is so."""

    when: When
    refusal: Reason | Refusal


@dataclass(frozen=True)
class LeastInterval:
    """The guard lets this many seconds pass between two events of a governed signal."""

    refusal: Refusal


@dataclass(frozen=True)
class Judged:
    """The guard has code of its own for it: places, hours, that there is a purpose at all."""


@dataclass(frozen=True)
class Applied:
    """The recorder applies it to what it keeps; the guard hands it on with each allowed event."""


AgentUse: TypeAlias = ModeCap | LeastInterval | Judged | Applied


@dataclass(frozen=True)
class AgentPart:
    """How agents take part in a knob.

    Attributes:
        use: what they do with it.
        governs: the signals that are denied to an agent that cannot judge it; None: every signal.
        names_govern: the signals that are denied to an agent that does not know one of the names
            in it; None: every signal.
    """

    use: AgentUse
    governs: frozenset[str] | None = None
    names_govern: frozenset[str] | None = None


@dataclass(frozen=True)
class Knob(Generic[T]):
    """One knob; T is the type of its compiled value.

    Attributes:
        unnamed: its value where no layer names it.
        agent: None if agents are not told.
        since: the first document form that has it.
        of_signal: agents are told it with the signal that it is about.
    """

    name: str
    shape: Shape
    meet: Meet
    unnamed: T
    agent: AgentPart | None = None
    since: int = FIRST_FORM
    of_signal: bool = False

    @property
    def agreed(self) -> bool:
        """Whether people agree to its value with the offer (rule 6)."""
        return self.agent is not None or self.of_signal

    @property
    def unites(self) -> bool:
        """Whether each layer adds to it, so that no layer has to close it."""
        return self.meet is united

    @property
    def use(self) -> AgentUse | None:
        """What agents do with it; None if they are not told."""
        return None if self.agent is None else self.agent.use

    def governs(self, signal: str) -> bool:
        """Whether agents keep to it for events of a signal."""
        part = self.agent
        return part is not None and (part.governs is None or signal in part.governs)

    def names_govern(self, signal: str) -> bool:
        """Whether agents that do not know one of its names may not capture a signal."""
        part = self.agent
        return part is not None and (part.names_govern is None or signal in part.names_govern)

    @property
    def names_since(self) -> tuple[int, ...]:
        """The forms that brought a name of it."""
        later = self.shape.later if isinstance(self.shape, NameSet) else ()
        return tuple(form for _, form in later)

    def names_newer(self, value: Any, form: int) -> bool:
        """Whether a value has a name that agents of a form do not know."""
        return isinstance(self.shape, NameSet) and bool(value & self.shape.newer_than(form))

    def compiled(self, value: Value | None) -> T:
        """The typed value of the meet; what nobody names is as the row says."""
        if value is None:
            return self.unnamed
        if isinstance(self.shape, NameSet) and isinstance(value, frozenset):
            return cast("T", value - self.shape.void)
        return cast("T", value)

    def readable(self, value: Value | None) -> Any:
        """Write a value as files and pages do; None is what nobody names."""
        return None if value is None else self.shape.write(cast("Any", value))

    def limits(self, value: Value | None) -> bool:
        """Whether a value asks anything of an agent."""
        match self.shape:
            case Modes():
                return value is not Mode.ALLOW
            case Number() if self.meet is most:
                return value != 0
            case NameSet() if self.unites:
                return bool(value)
            case _:
                return value is not None


_NONE: frozenset[str] = frozenset()
_SCREENSHOT = frozenset({Signal.SCREENSHOT})

STATUS = Knob("status", ApprovalStatus(), least, NOT_APPROVED)
BASES = Knob(
    "bases",
    NameSet("basis", tuple(Basis), void=frozenset({Basis.PROHIBITED})),
    shared,
    _NONE,
)
PRECONDITIONS_ASKED = Knob("preconditions", NameSet("precondition", PRECONDITIONS), united, _NONE)
APPROVER_ROLES = Knob("approver_roles", NameSet("role that approves", APPROVERS), united, _NONE)
NOTICE_LEAD_DAYS = Knob("notice_lead_days", Number(0, 730, "day"), most, 0)
NOTICE_CONTENT = Knob("notice_content", NameSet("notice content", NameSource.ANY), united, _NONE)
DECISION_CONTENT = Knob("decision_content", NameSet("decision content", SAID), united, _NONE)
PURPOSES = Knob(
    "purposes",
    NameSet("purpose that can be allowed", NameSource.PURPOSES),
    shared,
    _NONE,
    AgentPart(Judged()),
)
APPS = Knob(
    "apps",
    NameSet("app of the catalogue", NameSource.APPS),
    shared,
    _NONE,
    AgentPart(Judged()),
)
EXCLUSIONS = Knob(
    "exclusions",
    NameSet("exclusion of the catalogue", NameSource.EXCLUSIONS),
    united,
    _NONE,
    AgentPart(Judged()),
)
REDACTORS_ASKED = Knob(
    "redactors",
    NameSet("redactor", REDACTORS, later=LATER_REDACTORS),
    united,
    _NONE,
    AgentPart(Applied(), names_govern=CONTENT_SIGNALS),
)
HOURS: Knob[frozenset[int] | None] = Knob("hours", Week(), shared, None, AgentPart(Judged()))
OFF_HOURS = Knob(
    "off_hours",
    Modes(),
    least,
    Mode.DENY,
    AgentPart(ModeCap(When.OFF_HOURS, Reason.OFF_HOURS)),
)
PERSONAL_DEVICE = Knob(
    "personal_device",
    Modes(),
    least,
    Mode.DENY,
    AgentPart(ModeCap(When.PERSONAL_DEVICE, Reason.PERSONAL_DEVICE)),
)
COUNTERPARTY = Knob(
    "counterparty",
    Modes(),
    least,
    Mode.DENY,
    AgentPart(ModeCap(When.COUNTERPARTY, Refusal.COUNTERPARTY)),
)
SCREENSHOT_MIN_INTERVAL_S = Knob(
    "screenshot_min_interval_s",
    Number(0, 86_400, "second"),
    most,
    0,
    AgentPart(LeastInterval(Refusal.SCREENSHOT_INTERVAL), _SCREENSHOT),
)
LEASE_TTL_S = Knob("lease_ttl_s", Number(1, 86_400, "second"), least, LEASE_LIFE_S)
COHORT_MIN = Knob("cohort_min", Number(1, 1_000_000, "person"), most, 1)


def mode_of(signal: str) -> Knob[Mode]:
    """The knob that says how much of a signal may be kept.

    >>> mode_of("screenshot").name, mode_of("screenshot").unnamed.word
    ('signals.screenshot.mode', 'deny')
    """
    return Knob(f"signals.{signal}.mode", Modes(), least, Mode.DENY, of_signal=True)


def retention_of(signal: str) -> Knob[int]:
    """The knob that says for how many days a signal may be kept.

    >>> retention_of("click").name, retention_of("click").meet(30, 90)
    ('signals.click.retention_days', 30)
    """
    days = Number(0, 3_650, "day")
    return Knob(f"signals.{signal}.retention_days", days, least, 0, of_signal=True)


@dataclass(frozen=True)
class KnobRegistry:
    """All knobs, with the signals and reasons that are numbered with them.

    Attributes:
        knobs: those of a document's head (``STATUS``) and of its ``knobs``, in the order of pages.
        signals: each with the first form that has it; an older form does not name it.
        matchers: how apps and exclusions are recognised.
    """

    knobs: tuple[Knob[Any], ...]
    signals: Mapping[Signal, int]
    reasons: tuple[ReasonRow, ...] = REASONS
    matchers: tuple[MatcherRow, ...] = MATCHERS

    @cached_property
    def newest(self) -> int:
        """The newest form: of the first form that has everything which agents are told."""
        rows = (
            *(row.since for row in self.reasons),
            *(row.since for row in self.matchers),
            *(since for row in self._told() for since in (row.since, *row.names_since)),
        )
        return max(*self.signals.values(), *rows)

    @cached_property
    def rows(self) -> Mapping[str, Knob[Any]]:
        """Every knob by name, those of the signals too, in the order of differences."""
        return MappingProxyType({row.name: row for row in self._rows()})

    @cached_property
    def in_files(self) -> Mapping[str, Knob[Any]]:
        """The knobs that are under ``knobs`` in a file, by name; the signals are apart."""
        return {row.name: row for row in self.knobs if not isinstance(row.shape, ApprovalStatus)}

    @cached_property
    def agreed(self) -> tuple[Knob[Any], ...]:
        """The knobs that people agree to, those of the signals too."""
        return tuple(row for row in self.rows.values() if row.agreed)

    def signals_in(self, form: int) -> tuple[Signal, ...]:
        """The signals that a document of this form names."""
        return tuple(signal for signal, since in self.signals.items() if since <= form)

    def told_in(self, form: int) -> tuple[Knob[Any], ...]:
        """The knobs that a document of this form names."""
        return tuple(row for row in self._told() if row.since <= form)

    def newer_than(self, form: int) -> tuple[Knob[Any], ...]:
        """The knobs that agents of this form cannot judge."""
        return tuple(row for row in self._told() if row.since > form)

    def matchers_of_apps(self, form: int) -> tuple[MatcherRow, ...]:
        """The matchers that apps of a document of this form have."""
        return tuple(row for row in self.matchers if row.for_apps(form))

    def matchers_of_exclusions(self, form: int) -> tuple[MatcherRow, ...]:
        """The matchers that exclusions of a document of this form have."""
        return tuple(row for row in self.matchers if row.for_exclusions(form))

    def matchers_newer_than(self, form: int) -> tuple[MatcherRow, ...]:
        """The matchers that agents of this form do not know."""
        return tuple(row for row in self.matchers if row.since > form)

    def reasons_in(self, form: int, reasons: tuple[str, ...]) -> tuple[str, ...]:
        """Reasons as agents of this form are given them."""
        return reasons_in(form, reasons, self.reasons)

    def _told(self) -> Iterator[Knob[Any]]:
        return (row for row in self.knobs if row.agent is not None)

    def _rows(self) -> Iterator[Knob[Any]]:
        yield from (STATUS, BASES)
        for signal in self.signals:
            yield mode_of(signal)
            yield retention_of(signal)
        yield from (row for row in self.knobs if row not in {STATUS, BASES})


REGISTRY = KnobRegistry(
    knobs=(
        STATUS,
        BASES,
        PRECONDITIONS_ASKED,
        APPROVER_ROLES,
        NOTICE_LEAD_DAYS,
        NOTICE_CONTENT,
        DECISION_CONTENT,
        PURPOSES,
        APPS,
        EXCLUSIONS,
        REDACTORS_ASKED,
        HOURS,
        OFF_HOURS,
        PERSONAL_DEVICE,
        COUNTERPARTY,
        SCREENSHOT_MIN_INTERVAL_S,
        LEASE_TTL_S,
        COHORT_MIN,
    ),
    signals={signal: signal.row.since for signal in Signal},
)
