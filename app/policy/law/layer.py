"""Floors, company policies and their content: plain values.

Rules:
1. A floor or a company policy is a canonical document (app/kernel/canonical.py). Its digest names
   it for ever: what was approved, what is in force and what the log cites are the same bytes.
2. A layer is what a document says about the knobs. A knob that a layer does not name is not
   constrained by it.
3. Every value remembers why it stands: the layer, the citation and how sure we are of it.
4. Days are days in UTC. ``valid_to`` is the last day on which a document holds. After it the
   document blocks, it does not vanish: an expired rule must not loosen anything (law 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from app.kernel.canonical import digest, parse_canonical
from app.kernel.facts import decode
from app.policy.knob_shapes import NOT_APPROVED, Value
from app.policy.knobs import REGISTRY, STATUS, KnobRegistry, mode_of, retention_of

STATUSES = ("approved", "blocked", "draft")
CONFIDENCES = ("C", "C2", "G")
Direction: TypeAlias = Literal["narrows", "widens", "same"]
LayerKind: TypeAlias = Literal["floor", "company", "system"]


@dataclass(frozen=True, order=True)
class Why:
    """Who holds a value where it is: the layer's id, its citation, its mark (C, C2, G or empty)."""

    layer: str
    cite: str = ""
    confidence: str = ""


@dataclass(frozen=True)
class Claim:
    """What one layer says about one knob."""

    value: Value
    why: Why


_EXPIRED: Mapping[LayerKind, str] = {
    "floor": "the floor has expired",
    "company": "the company policy has expired",
}
"""Why a layer is blocked whose last day is over, by its kind."""


@dataclass(frozen=True)
class Layer:
    """What one document says about the knobs.

    Attributes:
        id: ``floor/DE`` or ``company/DE``.
        digest: of the document's canonical bytes.
        knobs: the knobs it names; names as in ``registry``.
        registry: the knobs that there were for whoever read it.
    """

    id: str
    kind: LayerKind
    region: str
    digest: str
    knobs: Mapping[str, Claim]
    registry: KnobRegistry = field(default=REGISTRY, repr=False, compare=False)

    @property
    def forbids(self) -> bool:
        """Whether it forbids capture by itself: it is not approved."""
        status = self.knobs.get(STATUS.name)
        return status is not None and status.value == NOT_APPROVED

    @property
    def expired(self) -> bool:
        """Whether it forbids capture because its last day is over (``at`` of floor and policy)."""
        status = self.knobs.get(STATUS.name)
        return status is not None and status.why.cite in _EXPIRED.values()

    def blocked(self, because: str) -> "Layer":
        """The same layer, not approved any more."""
        status = Claim(NOT_APPROVED, Why(self.id, because))
        return replace(self, knobs=MappingProxyType({**self.knobs, STATUS.name: status}))


@dataclass(frozen=True)
class Evidence:
    """What shows that a precondition is met: a works agreement, an impact assessment, a permit.

    Attributes:
        kind: one of ``knobs.PRECONDITIONS``.
        reference: the company's own name for it.
        sha256: 64 hex digits of the document, which stays with the company.
        valid_to: its last day, ``YYYY-MM-DD``; None if it does not end.
    """

    kind: str
    reference: str
    sha256: str
    valid_to: str | None = None

    def valid(self, at: datetime) -> bool:
        """Whether it has not expired."""
        end = day_after(self.valid_to)
        return end is None or at < end


@dataclass(frozen=True)
class FloorAdoption:
    """The entry of a floor: which document holds where, from when until when."""

    region: str
    parent: str | None
    policy: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True)
class Floor:
    """What the law of a region allows at most, as shipped.

    Attributes:
        valid_to: the first instant at which it holds no more; None if it does not end.
    """

    region: str
    name: str
    parent: str | None
    status: str
    summary: str
    reviewed_by: str
    valid_from: datetime
    valid_to: datetime | None
    layer: Layer
    body: bytes

    @property
    def digest(self) -> str:
        """The name of its bytes."""
        return self.layer.digest

    @property
    def adoption(self) -> FloorAdoption:
        """What its entry says."""
        return FloorAdoption(self.region, self.parent, self.digest, self.valid_from, self.valid_to)

    def at(self, at: datetime) -> Layer:
        """The layer as it stands at an instant: blocked once it has expired."""
        expired = self.valid_to is not None and at >= self.valid_to
        return self.layer.blocked(_EXPIRED["floor"]) if expired else self.layer

    @classmethod
    def read(cls, body: bytes, registry: KnobRegistry = REGISTRY) -> "Floor":
        """Read the canonical bytes of a floor.

        Raises:
            ValueError: other bytes.
        """
        document = parse_canonical(body)
        if document.get("kind") != "floor":
            msg = "the document is no floor"
            raise ValueError(msg)
        return cls(
            region=document["region"],
            name=document["name"],
            parent=document["parent"],
            status=document["status"],
            summary=document["summary"],
            reviewed_by=document["reviewed_by"],
            valid_from=day(document["valid_from"]),
            valid_to=day_after(document["valid_to"]),
            layer=read_layer(document, digest(body), registry),
            body=body,
        )


@dataclass(frozen=True)
class CompanyPolicy:
    """What legal publishes for a region on top of its floors."""

    region: str
    name: str
    summary: str
    valid_from: datetime | None
    valid_to: datetime | None
    layer: Layer
    evidence: tuple[Evidence, ...]
    body: bytes

    @property
    def digest(self) -> str:
        """The name of its bytes."""
        return self.layer.digest

    def at(self, at: datetime) -> Layer:
        """The layer as it stands at an instant: blocked once it has expired."""
        expired = self.valid_to is not None and at >= self.valid_to
        return self.layer.blocked(_EXPIRED["company"]) if expired else self.layer

    def evidenced(self, at: datetime) -> frozenset[str]:
        """The preconditions it shows valid evidence for."""
        return frozenset(item.kind for item in self.evidence if item.valid(at))

    @classmethod
    def read(cls, body: bytes, registry: KnobRegistry = REGISTRY) -> "CompanyPolicy":
        """Read the canonical bytes of a company policy.

        Raises:
            ValueError: other bytes.
        """
        document = parse_canonical(body)
        if document.get("kind") != "company":
            msg = "the document is no company policy"
            raise ValueError(msg)
        return cls(
            region=document["region"],
            name=document["name"],
            summary=document["summary"],
            valid_from=day(document["valid_from"]) if document["valid_from"] else None,
            valid_to=day_after(document["valid_to"]),
            layer=read_layer(document, digest(body), registry),
            evidence=tuple(decode(Evidence, item) for item in document["evidence"]),
            body=body,
        )


def day(text: str) -> datetime:
    """The first instant of a day written ``YYYY-MM-DD``."""
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)


def day_after(text: str | None) -> datetime | None:
    """The first instant after a last day; None for no last day."""
    return None if text is None else day(text) + timedelta(days=1)


def chain(parents: Mapping[str, str | None], region: str) -> tuple[str, ...] | None:
    """The region and those above it; None if one of them is unknown or the chain has no end."""
    walked: dict[str, None] = {}
    at: str | None = region
    while at is not None:
        if at in walked or at not in parents:
            return None
        walked[at] = None
        at = parents[at]
    return tuple(walked)


def read_layer(document: Mapping[str, Any], name: str, registry: KnobRegistry = REGISTRY) -> Layer:
    """Read the knobs of a document whose shape was checked when it was taken in.

    Args:
        document: a floor or company policy.
        name: the digest of its canonical bytes.
        registry: the knobs that there are.

    Raises:
        ValueError: it names a knob that this release does not know.
    """
    kind, region = document["kind"], document["region"]
    identity = f"{kind}/{region}"
    why = Why(identity, f"status: {document['status']}")
    claims = {STATUS.name: Claim(STATUS.shape.read(document["status"]), why)}
    for knob, setting in document["knobs"].items():
        if knob == "signals":
            for signal, rule in setting.items():
                claims |= _signal_claims(identity, signal, rule)
        elif knob in registry.in_files:
            why = Why(identity, setting["cite"], setting["confidence"])
            claims[knob] = Claim(registry.rows[knob].shape.read(setting["value"]), why)
    unknown = {*document["knobs"], *claims} - {"signals", *registry.rows}
    if unknown:
        msg = f"{identity} names the knob {min(unknown)}, which this release does not know"
        raise ValueError(msg)
    return Layer(identity, kind, region, name, MappingProxyType(claims), registry)


def _signal_claims(identity: str, signal: str, rule: Mapping[str, Any]) -> dict[str, Claim]:
    why = Why(identity, rule["cite"], rule["confidence"])
    mode, retention = mode_of(signal), retention_of(signal)
    claims = {}
    if "mode" in rule:
        claims[mode.name] = Claim(mode.shape.read(rule["mode"]), why)
    if rule.get("mode") == "deny":  # what is not captured is not kept either
        claims[retention.name] = Claim(0, why)
    elif "retention_days" in rule:
        claims[retention.name] = Claim(rule["retention_days"], why)
    return claims
