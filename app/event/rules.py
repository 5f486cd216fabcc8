"""What a policy document says about events, made ready once so that judging is fast (pure).

Rules:
1. Rules are made from a document that was read strictly, the counterparty document of the same
   lease, the zones in which hours are judged, and whether the laptop is the person's own.
2. Every knob that is judged has its code in this room: ``JUDGED``. A guard refuses a document with
   any other: it would be a rule that nobody keeps to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from app.event.recognition import AppIndex, ExclusionIndex
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason, Signal
from app.policy.knob_row import Applied, LeastInterval, ModeCap, When
from app.policy.knobs import (
    APPS,
    EXCLUSIONS,
    HOURS,
    OWN_EXCLUSIONS,
    PURPOSES,
    REGISTRY,
    TENANTS,
    KnobRegistry,
)
from app.policy.tenants import Tenant, read_tenant

JUDGED = frozenset(row.name for row in (APPS, TENANTS, EXCLUSIONS, OWN_EXCLUSIONS, PURPOSES, HOURS))
"""The judged knobs that have code here."""


@dataclass(frozen=True)
class Cap:
    """No more than this mode may be kept when something is so."""

    when: When
    mode: Mode
    refusal: Reason | Refusal


@dataclass(frozen=True)
class SignalRules:
    """What a document says of one signal.

    Attributes:
        intervals: seconds between two events, and the refusal of what comes too soon.
        apply: what the recorder applies to what it keeps, by knob.
    """

    mode: Mode
    caps: tuple[Cap, ...]
    intervals: tuple[tuple[int, Refusal], ...]
    apply: Mapping[str, Any]


@dataclass(frozen=True)
class Circumstance:
    """Of the laptop: in which zones hours are judged, and whether it is the person's own.

    Attributes:
        zones: the device's and those of the home region; None is a zone that is not known.
    """

    zones: tuple[tzinfo | None, ...] = ()
    personal_device: bool = False


@dataclass(frozen=True)
class EventRules:
    """All that an event is judged by.

    Attributes:
        tenants: the company's accounts, by app.
        hours: of the week; None: no hours are named.
        counterparties: modes by region and signal, where the other side is there; the region
            ``unknown`` is for whoever is nobody knows where.
    """

    apps: AppIndex
    tenants: Mapping[str, tuple[Tenant, ...]]
    exclusions: ExclusionIndex
    signals: Mapping[Signal, SignalRules]
    hours: frozenset[int] | None
    counterparties: Mapping[str, Mapping[str, Mode]]
    circumstance: Circumstance

    @classmethod
    def of(
        cls,
        document: Mapping[str, Any],
        counterparties: Mapping[str, Any],
        circumstance: Circumstance,
        registry: KnobRegistry = REGISTRY,
    ) -> "EventRules":
        """Make documents ready.

        Args:
            document: a policy document of a form that has signed programs, read strictly.
            counterparties: the counterparty document that goes with it.
            circumstance: of the laptop.
            registry: the knobs that there are.

        Raises:
            KeyError, ValueError: a document was not read strictly before.
        """
        hours = document[HOURS.name]
        return cls(
            AppIndex.of(document[APPS.name]),
            _tenants(document[TENANTS.name]),
            ExclusionIndex.of((*document[EXCLUSIONS.name], *document[OWN_EXCLUSIONS.name])),
            _signals(document, registry),
            None if hours is None else frozenset(hours),
            _modes(counterparties),
            circumstance,
        )

    def outside_hours(self, at: datetime) -> bool:
        """Whether an instant is outside the hours somewhere (the stricter zone holds)."""
        if self.hours is None:
            return False
        for zone in self.circumstance.zones or (None,):
            if zone is None:
                return True
            local = at.astimezone(zone)
            if 24 * local.weekday() + local.hour not in self.hours:
                return True
        return False

    def among(self, regions: tuple[str, ...] | None, signal: Signal) -> Mode:
        """How much of a signal may be kept where the other people are in these regions."""
        rows = [
            self.counterparties.get(name) for name in (("unknown",) if regions is None else regions)
        ]
        modes = (Mode.DENY if row is None else row.get(signal, Mode.DENY) for row in rows)
        return min(modes, default=Mode.ALLOW)


def _tenants(texts: Iterable[str]) -> Mapping[str, tuple[Tenant, ...]]:
    tenants: dict[str, list[Tenant]] = defaultdict(list)
    for tenant in map(read_tenant, texts):
        tenants[tenant.app].append(tenant)
    return {app: tuple(named) for app, named in tenants.items()}


def _signals(document: Mapping[str, Any], registry: KnobRegistry) -> Mapping[Signal, SignalRules]:
    purposeless = not document[PURPOSES.name]
    told = registry.told_in(document["v"])
    signals: dict[Signal, SignalRules] = {}
    for signal in registry.signals_in(document["v"]):
        rows = [row for row in told if row.governs(signal)]
        mode = Mode[document["signals"][str(signal)]["mode"].upper()]
        signals[signal] = SignalRules(
            Mode.DENY if purposeless else mode,
            tuple(
                Cap(row.use.when, Mode[document[row.name].upper()], row.use.refusal)
                for row in told
                if isinstance(row.use, ModeCap)
            ),
            tuple(
                (document[row.name], row.use.refusal)
                for row in rows
                if isinstance(row.use, LeastInterval) and document[row.name] is not None
            ),
            MappingProxyType(
                {
                    row.name: document[row.name]
                    for row in rows
                    if isinstance(row.use, Applied) and document[row.name] not in (None, [])
                }
            ),
        )
    return MappingProxyType(signals)


def _modes(counterparties: Mapping[str, Any]) -> Mapping[str, Mapping[str, Mode]]:
    rows = {**counterparties["regions"], "unknown": counterparties["unknown"]}
    return {
        region: {signal: Mode[word.upper()] for signal, word in modes.items()}
        for region, modes in rows.items()
    }
