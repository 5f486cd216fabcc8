"""How far the tables were compared with the log."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from app.audit.tree.merkle import CompactRange


@dataclass(frozen=True)
class ComparedSoFar:
    """So far the entries were compared with their rows.

    Attributes:
        tree: of these entries.
        counts: how many rows of a chain they recorded, where the key of the next follows from it.
    """

    tree: CompactRange = field(default_factory=CompactRange)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Reached:
    """How far the reconciler has come.

    Attributes:
        entries: so many entries were compared with their rows.
        whole_at: when the whole database was compared last; None: not yet in this process.
        differences: how many were found then.
        place: where the next round goes on.
        saved: the size that is in the file.
        unraised: chains that do not agree and have no alarm yet: until then no place is kept.
        bad: the chains that they are of.
    """

    entries: int = 0
    whole_at: datetime | None = None
    differences: int = 0
    bad: AbstractSet[str] = frozenset()
    place: ComparedSoFar = field(default_factory=ComparedSoFar)
    saved: int = 0
    unraised: set[str] = field(default_factory=set)

    def to(self, place: ComparedSoFar) -> None:
        """Go on from a place."""
        self.place, self.entries = place, place.tree.size
