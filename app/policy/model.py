"""What policy computes: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast

from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.catalogue.model import NO_CATALOGUE, Catalogue
from app.policy.knob_row import Knob
from app.policy.knob_shapes import APPROVED
from app.policy.knobs import (
    APPS,
    BASES,
    DECISION_CONTENT,
    PURPOSES,
    REGISTRY,
    STATUS,
    KnobRegistry,
    mode_of,
    retention_of,
)
from app.policy.law.layer import Direction, Evidence, Layer, Why

T = TypeVar("T")

_EVERY_BASIS = frozenset(Basis) - {Basis.PROHIBITED}


@dataclass(frozen=True)
class SignalRule:
    """What may be kept of a signal, and for how many days at most."""

    mode: Mode
    retention_days: int


@dataclass(frozen=True)
class Compiled:
    """The meet of all layers, with what nobody names closed.

    A value is asked for by its row, ``compiled[knobs.LEASE_TTL_S]``, and has the row's type.

    Attributes:
        values: the value of every knob, by name.
        why: who holds each knob where it is; also ``preconditions.dpia`` and the like for each
            member of a knob that unites.
        layers: digests of the layers that were met.
        registry: the knobs that there are.
    """

    values: Mapping[str, Any]
    why: Mapping[str, tuple[Why, ...]]
    layers: frozenset[str]
    registry: KnobRegistry = field(default=REGISTRY, repr=False, compare=False)

    def __getitem__(self, knob: Knob[T]) -> T:
        return cast("T", self.values[knob.name])

    @property
    def blocked(self) -> bool:
        """Whether nothing can be captured: a layer is not approved, or no basis is left."""
        return self[STATUS] != APPROVED or not self.bases

    @cached_property
    def bases(self) -> frozenset[Basis]:
        """What can make capture lawful."""
        return frozenset(Basis(name) for name in self[BASES])

    @property
    def apps(self) -> frozenset[str]:
        """The apps in which anything may be captured, by id."""
        return self[APPS]

    @property
    def decision_content(self) -> frozenset[str]:
        """What a decision has to say besides."""
        return self[DECISION_CONTENT]

    @property
    def purposes(self) -> frozenset[str]:
        """What may be captured for."""
        return self[PURPOSES]

    @cached_property
    def signals(self) -> Mapping[Signal, SignalRule]:
        """What may be kept of each signal."""
        return MappingProxyType(
            {
                signal: SignalRule(self[mode_of(signal)], self[retention_of(signal)])
                for signal in self.registry.signals
            }
        )


@dataclass(frozen=True)
class InForce:
    """What holds for somebody whose regions are given, at an instant.

    Attributes:
        layers: floors and company policies that were met, each once.
        unknown: regions without a floor, or whose floor's parent has none.
        too_wide: regions that do not say whose law holds (``kernel.places``).
        company: a company policy is published for the home region or one above it.
        evidence: the evidence that counts.
        missing: preconditions without valid evidence in a company policy of the region that asks,
            or of one below it in the same chain.
        stopped: regions of the chains that are under a stop.
        lead_until: the end of a lead time that must pass before capture may start.
        seq: number of the last policy event; grows with every change of floors, policies, stops.
        catalogue: how apps and exclusions are recognised.
        disputed: regions of the chains whose rows cannot be believed (``app.policy.rows``).
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
    too_wide: tuple[str, ...] = ()
    catalogue: Catalogue = NO_CATALOGUE
    disputed: tuple[str, ...] = ()

    @cached_property
    def blocked(self) -> bool:
        """Whether what is known forbids capture; what is unknown forbids nothing, it is unknown.

        ``compiled.blocked`` also counts the regions without a floor: nothing is left there either.
        """
        if not self.unknown:
            return self.compiled.blocked
        return any(layer.forbids for layer in self.layers) or not self.bases

    @cached_property
    def bases(self) -> frozenset[Basis]:
        """What can make capture lawful, as far as is known: a basis that nobody took away is left.

        ``compiled.bases`` are none where the home region has no floor.
        """
        if not self.unknown:
            return self.compiled.bases
        claims = (layer.knobs.get(BASES.name) for layer in self.layers)
        named = [cast("frozenset[str]", claim.value) for claim in claims if claim is not None]
        if not named:
            return _EVERY_BASIS
        return frozenset(Basis(name) for name in frozenset.intersection(*named))

    @property
    def lead_time(self) -> bool:
        """Whether a lead time is running; what is in force knows of no end that has passed."""
        return self.lead_until is not None


@dataclass(frozen=True)
class KnobChange:
    """One difference between two policies, in values that canonical JSON can hold."""

    knob: str
    before: Any
    after: Any
    direction: Direction
