"""What entries say about rows (pure): by this the tables are held against the log.

Rules:
1. A capability says for each kind of its entries which rows such an entry recorded, and what it
   shows of them. What an entry does not show is not claimed.
2. A chain is the rows about one thing. Its name is a code and never names a person: people appear
   as pseudonyms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.kernel.canonical import Json

Leaf = Mapping[str, Any]
"""One entry, as ``model.read_leaf`` gives it."""

LOG_CHAIN = "log"
"""The chain of the log itself: while it cannot be believed, nothing stands."""

Ahead = Callable[[str], int]
"""How many rows of a chain the entries before this one recorded."""


@dataclass(frozen=True)
class Recorded:
    """What one entry says about one row.

    Attributes:
        table: the table's name; empty where the entry ends something whose row is gone.
        key: the row's key, as in ``row_seal``.
        chain: what the row is about: ``consent:p_…``, ``device:d_…``, ``policy:DE``.
        fields: what the entry shows of the row, by column: as the row has it in JSON, a person as
            pseudonym, an instant as ``kernel.clock.timestamp`` writes it.
        kept: how long after the entry the row matters; None: for ever.
    """

    table: str
    key: str
    chain: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    kept: timedelta | None = None


Recording = Callable[[Leaf, Ahead], Iterable[Recorded]]
"""Reads the entries of one kind."""
