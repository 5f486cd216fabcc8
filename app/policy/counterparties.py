"""What may be kept where another person's words are in view, by the region of that person (pure).

Whoever is on the other side of a chat, a mail or a ticket has agreed to nothing, and the law of
the place where they are holds for their words. So the document for agents has a row for each region
with a floor: how much of each signal may be kept when somebody there is on the other side.

Rules:
1. A row is what floors and company policies of the region's chain leave of each signal. It is all
   deny where nothing may be captured at all: the region is blocked or stopped, no basis or no
   purpose is left, or a floor above it is missing.
2. Nothing else of that region counts. What makes capture of somebody lawful (consent,
   preconditions and their evidence, lead times) is about people who are recorded, and whoever is
   on the other side is not. Apps, hours, devices and the knob ``counterparty`` are about the laptop
   that records, and its own document says them.
3. A country of which parts have floors does not say whose law holds. Its row is the strictest of
   its own and of those of all these parts.
4. Regions above countries have no row: nobody is there. A region without a row is denied. A region
   that is not known is as strict as the strictest row.
5. So another layer, another stop and another region on the other side never allow more.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from app.kernel.canonical import Json
from app.kernel.forms import COUNTERPARTY_KIND
from app.kernel.places import country_of
from app.kernel.shapes import PARENTS
from app.kernel.vocabulary import Mode, Signal
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.model import InForce

SINCE = 2
"""The first form whose agents know the document."""

ModesBySignal: TypeAlias = Mapping[Signal, Mode]


@dataclass(frozen=True)
class Counterparties:
    """How much of each signal may be kept, by the region of the other side.

    Attributes:
        regions: a row for each region that somebody can be in and that has a floor, by code.
    """

    regions: Mapping[str, ModesBySignal]

    def mode(self, region: str | None, signal: Signal) -> Mode:
        """How much of a signal may be kept; None: the region is not known."""
        if region is None:
            return strictest(self.regions.values(), signal)
        return self.regions.get(region, {}).get(signal, Mode.DENY)


def strictest(rows: Iterable[ModesBySignal], signal: Signal) -> Mode:
    """The strictest mode of a signal in some rows; without a row: deny."""
    return min((row[signal] for row in rows), default=Mode.DENY)


def counterparties(
    floors: Collection[str], in_force: Callable[[str], InForce], registry: KnobRegistry = REGISTRY
) -> Counterparties:
    """Work out the rows.

    >>> from datetime import UTC, datetime
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy import timeline
    >>> noon, nothing = datetime(2026, 11, 22, tzinfo=UTC), timeline.History((), (), (), 0)
    >>> def holding(region: str) -> InForce:
    ...     return timeline.in_force(nothing, (region,), noon, compile_layers)
    >>> rows = counterparties(["EU", "DE"], holding)
    >>> list(rows.regions), rows.mode("DE", Signal.CLICK).word, rows.mode(None, Signal.CLICK).word
    (['DE'], 'deny', 'deny')

    Args:
        floors: the regions that have a floor at the instant.
        in_force: what holds at the instant in one region, whoever is there.
        registry: the signals that there are.
    """
    own = {
        region: left_of(in_force(region), registry)
        for region in sorted(floors)
        if region not in PARENTS
    }
    return Counterparties(
        {
            region: {
                signal: strictest(
                    (row for part, row in own.items() if region in {part, country_of(part)}), signal
                )
                for signal in registry.signals
            }
            for region in own
        }
    )


def left_of(in_force: InForce, registry: KnobRegistry = REGISTRY) -> ModesBySignal:
    """What the rules of one region leave of each signal (rule 1)."""
    if not_at_all(in_force):
        return dict.fromkeys(registry.signals, Mode.DENY)
    return {signal: rule.mode for signal, rule in in_force.compiled.signals.items()}


def not_at_all(in_force: InForce) -> bool:
    """Whether nothing may be captured in a region, whoever is there and whatever they decide."""
    compiled = in_force.compiled
    closed = bool(in_force.stopped) or bool(in_force.disputed)
    return compiled.blocked or closed or not compiled.purposes


def counterparty_document(
    rows: Counterparties, form: int = SINCE, registry: KnobRegistry = REGISTRY
) -> dict[str, Json]:
    """Write the document of a form; like policy documents it names the signals of the form.

    >>> clicks = Counterparties({"DE": dict.fromkeys(Signal, Mode.REDACT)})
    >>> written = counterparty_document(clicks)
    >>> written["kind"], written["v"], written["regions"]["DE"]["click"]
    ('counterparties', 2, 'redact')

    Args:
        rows: what may be kept.
        form: a number that the agent understands, from ``SINCE`` on.
        registry: says which signals the form has.
    """
    signals = registry.signals_in(form)

    def row(region: str | None) -> dict[str, Json]:
        return {signal.value: rows.mode(region, signal).word for signal in signals}

    return {
        "kind": COUNTERPARTY_KIND,
        "v": form,
        "regions": {region: row(region) for region in rows.regions},
        "unknown": row(None),
    }
