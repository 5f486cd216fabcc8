"""What may be kept of the other side, as legal reads it. Pure: the table in, words out.

Rules:
1. The marks are those of the document that agents fetch, row by row; a page works out none.
2. Each row says why it is as it is: who narrowed it, or why nothing is kept at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.kernel.places import country_of
from app.kernel.vocabulary import Mode, Signal
from app.policy.catalogue.model import OTHERS, Catalogue
from app.policy.changes.model import RegionView
from app.policy.counterparties import Counterparties, not_at_all
from app.policy.model import InForce
from app.web.legal.region_table import (
    blocked_in_words,
    disputed_in_words,
    stopped_in_words,
)
from app.web.words.policy_words import MODES, Mark, counted, listed
from app.web.words.region_words import Names, names_of, reasons
from app.web.words.text import OTHERS_WORDS, SIGNAL_WORDS

_ELSEWHERE = ""
"""The code of no region: what holds for each that has no row."""


@dataclass(frozen=True)
class OtherSideCell:
    """One signal while the other side is somewhere."""

    signal: str
    name: str
    mode: str

    @property
    def mark(self) -> Mark:
        """The mark of its mode."""
        return MODES[self.mode]


@dataclass(frozen=True)
class OtherSideRow:
    """Where the other side is, what may be kept then, and why; ``code`` is empty for no region."""

    code: str
    name: str
    cells: tuple[OtherSideCell, ...]
    why: str

    @property
    def nothing(self) -> bool:
        """Whether nothing may be kept."""
        return all(cell.mode == Mode.DENY.word for cell in self.cells)


def region_rows(table: Counterparties, views: Iterable[RegionView]) -> tuple[OtherSideRow, ...]:
    """A row for each region of the table, by name."""
    known = {view.region: view for view in views}
    names = names_of(known.values())
    rows = [
        OtherSideRow(region, names[region], _cells(table, region), _why(region, known, names))
        for region in table.regions
    ]
    return tuple(sorted(rows, key=lambda row: row.name.casefold()))


def other_rows(table: Counterparties) -> tuple[OtherSideRow, ...]:
    """What holds where the region is not known, and in every region without a row."""
    strictest = "the strictest of all regions above" if table.regions else "no region has rules"
    return (
        OtherSideRow("", "Not known", _cells(table, None), strictest),
        OtherSideRow("", "Any other region", _cells(table, _ELSEWHERE), "no rules describe it"),
    )


def headline(rows: Iterable[OtherSideRow]) -> str:
    """The page as one sentence, made from its rows."""
    every = tuple(rows)
    some = [row for row in every if not row.nothing]
    if not every:
        return "No region has rules, so nothing is kept where other people's words are in view."
    if not some:
        return "Nothing is kept where other people's words are in view, wherever they are."
    where = f"{len(some)} of {counted(len(every), 'region')}"
    return f"With the other side in {where} something may be kept, elsewhere nothing."


def showing_apps(catalogue: Catalogue) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The apps in which other people's words are shown, by what shows them; no empty kind."""
    shown = sorted(catalogue.apps.values(), key=lambda app: app.name.casefold())
    kinds = ((kind, tuple(app.name for app in shown if app.words == kind)) for kind in OTHERS)
    return tuple((OTHERS_WORDS[kind], names) for kind, names in kinds if names)


def _cells(table: Counterparties, region: str | None) -> tuple[OtherSideCell, ...]:
    return tuple(
        OtherSideCell(signal.value, SIGNAL_WORDS[signal.value], table.mode(region, signal).word)
        for signal in Signal
    )


def _why(region: str, views: Mapping[str, RegionView], names: Names) -> str:
    in_force = views[region].in_force
    if not_at_all(in_force):
        return _why_nothing(in_force, names)
    parts = sorted(names[part] for part in views if country_of(part) == region != part)
    if parts:
        return f"the strictest of its own rules and of those of {listed(parts)}"
    return _deciders(in_force, names)


def _why_nothing(in_force: InForce, names: Names) -> str:
    if in_force.stopped:
        return stopped_in_words(in_force, names)
    if in_force.disputed:
        return disputed_in_words(in_force, names)
    if in_force.unknown:
        return "a region above it has no floor"
    if in_force.compiled.blocked:
        return blocked_in_words(in_force, names)
    return "no purpose is left"


def _deciders(in_force: InForce, names: Names) -> str:
    """The regions that narrow a signal, the widest first."""
    why = in_force.compiled.why
    narrowed = [
        decider
        for signal, rule in in_force.compiled.signals.items()
        if rule.mode is not Mode.ALLOW
        for decider in reasons(why.get(f"signals.{signal}.mode", ()), names)
    ]
    places = {decider.place for decider in narrowed}
    ordered = [name for name in names.values() if name in places]
    return f"decided by {listed(ordered)}" if ordered else "no rule narrows it"
