"""How far the tables were compared with the log."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Reached:
    """How far the reconciler has come.

    Attributes:
        entries: so many entries were compared with their rows.
        whole_at: when the whole database was compared last; None: not yet in this process.
        differences: how many were found then.
    """

    entries: int = 0
    whole_at: datetime | None = None
    differences: int = 0
