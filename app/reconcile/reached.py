"""How far the tables were compared with the log."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime


@dataclass
class Reached:
    """How far the reconciler has come.

    Attributes:
        entries: so many entries were compared with their rows.
        whole_at: when the whole database was compared last; None: not yet in this process.
        differences: how many were found then.
        bad: the chains that they are of.
    """

    entries: int = 0
    whole_at: datetime | None = None
    differences: int = 0
    bad: AbstractSet[str] = frozenset()
