"""What policy computes and what people do with it: plain values.

What a document says is in ``layer``; its names can be had from here as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.law.layer import Claim, CompanyPolicy, Direction, Evidence, Floor, Layer, Value, Why

__all__ = [
    "App",
    "Catalogue",
    "Change",
    "Claim",
    "CompanyPolicy",
    "Compiled",
    "Direction",
    "Evidence",
    "Exclusion",
    "Floor",
    "InForce",
    "KnobChange",
    "Layer",
    "Matchers",
    "Preview",
    "RegionView",
    "SignalRule",
    "State",
    "Step",
    "StepTaken",
    "Stop",
    "Value",
    "Why",
]


@dataclass(frozen=True)
class Matchers:
    """How an app or an exclusion is recognised; one matcher that fits is enough."""

    bundle_ids: tuple[str, ...] = ()
    executables: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class App:
    """A work application or site of the catalogue."""

    id: str
    name: str
    group: str
    match: Matchers


@dataclass(frozen=True)
class Exclusion:
    """A place or field that is never captured."""

    id: str
    name: str
    why: str
    match: Matchers


@dataclass(frozen=True)
class Catalogue:
    """The apps and exclusions that policies can name, by id."""

    apps: Mapping[str, App]
    exclusions: Mapping[str, Exclusion]

    @property
    def body(self) -> bytes:
        """The canonical bytes."""
        return canonical(
            {
                "v": 1,
                "kind": "catalogue",
                "apps": [
                    {"id": app.id, "name": app.name, "group": app.group, "match": _match(app.match)}
                    for _, app in sorted(self.apps.items())
                ],
                "exclusions": [
                    {"id": item.id, "name": item.name, "why": item.why, "match": _match(item.match)}
                    for _, item in sorted(self.exclusions.items())
                ],
            }
        )

    @property
    def digest(self) -> str:
        """The name of its bytes."""
        return digest(self.body)

    @classmethod
    def read(cls, body: bytes) -> "Catalogue":
        """Read the bytes of ``body`` back.

        Raises:
            ValueError: other bytes.
        """
        document = parse_canonical(body)
        if document.get("kind") != "catalogue":
            msg = "the document is no catalogue"
            raise ValueError(msg)
        apps = [
            App(item["id"], item["name"], item["group"], _read_match(item["match"]))
            for item in document["apps"]
        ]
        exclusions = [
            Exclusion(item["id"], item["name"], item["why"], _read_match(item["match"]))
            for item in document["exclusions"]
        ]
        return cls({app.id: app for app in apps}, {item.id: item for item in exclusions})


@dataclass(frozen=True)
class SignalRule:
    """What may be kept of a signal, and for how many days at most."""

    mode: Mode
    retention_days: int


@dataclass(frozen=True)
class Compiled:
    """The meet of all layers, with what nobody names closed.

    Attributes:
        hours: allowed hours of the week, 0 = Monday 00:00-00:59 … 167, local time of the device;
            None where no layer limits them.
        why: who holds each knob where it is; also ``preconditions.dpia`` and the like for each
            member of a knob that is a union.
        layers: digests of the layers that were met.
    """

    blocked: bool
    bases: frozenset[Basis]
    signals: Mapping[Signal, SignalRule]
    lease_ttl_s: int
    screenshot_min_interval_s: int
    lead_days: int
    cohort_min: int
    preconditions: frozenset[str]
    exclusions: frozenset[str]
    redactors: frozenset[str]
    notice_content: frozenset[str]
    approver_roles: frozenset[str]
    apps: frozenset[str]
    purposes: frozenset[str]
    hours: frozenset[int] | None
    personal_device: Mode
    off_hours: Mode
    counterparty: Mode
    why: Mapping[str, tuple[Why, ...]]
    layers: frozenset[str]


@dataclass(frozen=True)
class InForce:
    """What holds for somebody whose regions are given, at an instant.

    Attributes:
        layers: floors and company policies that were met, each once.
        unknown: regions without a floor, or whose floor's parent has none.
        company: a company policy is published for the home region or one above it.
        evidence: the evidence that counts.
        missing: preconditions without valid evidence in a company policy of the region that asks,
            or of one below it in the same chain.
        stopped: regions of the chains that are under a stop.
        lead_until: the end of a lead time that must pass before capture may start.
        seq: number of the last policy event; grows with every change of floors, policies, stops.
    """

    compiled: Compiled
    layers: tuple[Layer, ...]
    unknown: tuple[str, ...]
    company: bool
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
    stopped: tuple[str, ...]
    lead_until: datetime | None
    seq: int


@dataclass(frozen=True)
class KnobChange:
    """One difference between two policies, in values that canonical JSON can hold."""

    knob: str
    before: Any
    after: Any
    direction: Direction


@dataclass(frozen=True)
class Preview:
    """What publishing a text would mean."""

    policy: CompanyPolicy
    direction: Direction
    changes: tuple[KnobChange, ...]
    approvals_needed: tuple[str, ...]
    lead_days: int


class State(StrEnum):
    """Where a change of a company policy stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What somebody does with a change."""

    PROPOSED = "proposed"
    TIGHTENED = "tightened"
    APPROVED = "approved"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class StepTaken:
    """One step of a change; the role is the one an approval supplies, else empty."""

    seq: int
    step: Step
    actor: str
    role: str
    at: datetime


@dataclass(frozen=True)
class Change:
    """A company policy on its way, with everything that was done about it.

    Attributes:
        author: a person's id.
        changes: differences from the policy that was in force when it was written.
        approvals_needed: roles still to approve.
        valid_from: when it replaces the policy before; None until it is published.
    """

    id: str
    region: str
    policy: CompanyPolicy
    direction: Direction
    author: str
    note: str
    created_at: datetime
    state: State
    steps: tuple[StepTaken, ...]
    changes: tuple[KnobChange, ...]
    approvals_needed: tuple[str, ...]
    valid_from: datetime | None

    @property
    def digest(self) -> str:
        """The digest that an approval binds."""
        return self.policy.digest


@dataclass(frozen=True)
class Stop:
    """A region where capture is off, or everywhere (GLOBAL).

    Attributes:
        proposed_by: the person who proposed to resume, if one did since the last stop.
    """

    id: str
    region: str
    stopped_by: str
    note: str
    stopped_at: datetime
    proposed_by: str | None


@dataclass(frozen=True)
class RegionView:
    """A region as legal sees it.

    Attributes:
        policy: the newest published company policy of this very region, if any.
        scheduled: when it replaces the one before, if that is still to come.
        stop: the stop of this very region; ``in_force.stopped`` also names those above.
    """

    region: str
    chain: tuple[str, ...]
    floor: Floor
    in_force: InForce
    policy: CompanyPolicy | None
    scheduled: datetime | None
    stop: Stop | None
    changes: tuple[Change, ...]


def _match(match: Matchers) -> dict[str, Any]:
    return {
        "bundle_ids": sorted(match.bundle_ids),
        "executables": sorted(match.executables),
        "urls": sorted(match.urls),
        "fields": sorted(match.fields),
        "private": match.private,
    }


def _read_match(said: Mapping[str, Any]) -> Matchers:
    return Matchers(
        bundle_ids=tuple(said["bundle_ids"]),
        executables=tuple(said["executables"]),
        urls=tuple(said["urls"]),
        fields=tuple(said["fields"]),
        private=said["private"],
    )
