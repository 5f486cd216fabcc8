"""Every knob of a policy, one row each. Whatever else is written about a knob derives from its row.

Rules:
1. What a row says is described in knob_row.py.
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
from functools import cached_property
from types import MappingProxyType
from typing import Any

from app.kernel.forms import REASONS, ReasonRow, reasons_in
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import CONTENT_SIGNALS, Basis, Mode, Reason, Signal
from app.policy.catalogue.matchers import MATCHERS, MatcherRow
from app.policy.knob_row import AgentPart, Applied, Judged, Knob, LeastInterval, ModeCap, When
from app.policy.knob_shapes import (
    NOT_APPROVED,
    ApprovalStatus,
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Week,
    least,
    most,
    shared,
    united,
)
from app.policy.own_exclusions import OwnExclusion

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

_NONE: frozenset[str] = frozenset()
_NO_PLACES: frozenset[OwnExclusion] = frozenset()
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
TENANTS = Knob(
    "tenants",
    NameSet("tenant", NameSource.TENANTS),
    shared,
    _NONE,
    AgentPart(Judged()),
    since=2,
    companys=True,
)
OWN_EXCLUSIONS = Knob(
    "own_exclusions",
    OwnExclusions(),
    united,
    _NO_PLACES,
    AgentPart(Judged()),
    since=2,
    companys=True,
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
        TENANTS,
        EXCLUSIONS,
        OWN_EXCLUSIONS,
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
