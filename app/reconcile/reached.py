"""How far the tables were compared with the log, and what was found of each chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.audit.tree.merkle import CompactRange

MOST_OF_CHAIN = 20
"""How many differences of one chain are named; the others are counted."""


@dataclass(frozen=True)
class ComparedSoFar:
    """So far the entries were compared with their rows.

    Attributes:
        tree: of these entries.
        counts: how many rows of a chain they recorded, where the key of the next follows from it.
    """

    tree: CompactRange = field(default_factory=CompactRange)
    counts: Mapping[str, int] = field(default_factory=dict)


class WrongRow(NamedTuple):
    """A row that does not agree with the log: which, and what is wrong with it."""

    row: str
    wrong: str


@dataclass(frozen=True)
class ChainFindings:
    """What does not agree with the log in one chain.

    Attributes:
        named: the first of it, at most 20.
        count: how much there is.
    """

    named: tuple[WrongRow, ...] = ()
    count: int = 0

    @property
    def more(self) -> int:
        """How many are counted and not named."""
        return self.count - len(self.named)

    def and_also(self, row: WrongRow) -> "ChainFindings":
        """With one more; what is named already counts once."""
        if row in self.named:
            return self
        named = self.named if len(self.named) >= MOST_OF_CHAIN else (*self.named, row)
        return ChainFindings(named, self.count + 1)


@dataclass
class Reached:
    """How far the reconciler has come.

    Attributes:
        entries: so many entries were compared with their rows.
        whole_at: when the whole database was compared last; None: not yet in this process.
        differences: how many were found then.
        bookmark: where the next round goes on.
        saved: the size that is in the file.
        unraised: chains that do not agree and have no alarm yet: until then no bookmark is kept.
        bad: what was found then, by chain.
        since: what new entries showed since, by chain.
    """

    entries: int = 0
    whole_at: datetime | None = None
    differences: int = 0
    bad: Mapping[str, ChainFindings] = field(default_factory=dict)
    since: Mapping[str, ChainFindings] = field(default_factory=dict)
    bookmark: ComparedSoFar = field(default_factory=ComparedSoFar)
    saved: int = 0
    unraised: set[str] = field(default_factory=set)

    def to(self, bookmark: ComparedSoFar) -> None:
        """Go on from a bookmark."""
        self.bookmark, self.entries = bookmark, bookmark.tree.size

    def whole(self, at: datetime, count: int, bad: Mapping[str, ChainFindings]) -> None:
        """The whole database was compared."""
        self.whole_at, self.differences, self.bad, self.since = at, count, bad, {}

    def also(self, told: Iterable[tuple[str, WrongRow]]) -> None:
        """New entries showed these, each with its chain."""
        since = dict(self.since)
        for chain, row in told:
            since[chain] = since.get(chain, ChainFindings()).and_also(row)
        self.since = since

    def found(self, chain: str) -> ChainFindings:
        """What is known to disagree in a chain, by both."""
        found = self.bad.get(chain, ChainFindings())
        for row in self.since.get(chain, ChainFindings()).named:
            found = found.and_also(row)
        return found
