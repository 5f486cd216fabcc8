"""Which entry recorded a row of before: rows did not name their entries then (SQL only)."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Leaf
from app.audit.entries.store import leaf
from app.db.engine import Tx
from app.db.seals import SealedTable

Wanted = tuple[tuple[Kind, ...], datetime, Mapping[str, object]]
"""The kinds of entry that can have recorded a row, when, and facts that it must have."""


def events_of(
    tx: Tx, sealed: SealedTable, rows: Sequence[Row[Any]], wanted: Callable[[Row[Any]], Wanted]
) -> dict[str, str]:
    """The event of the entry that recorded each row without one, by the key of the row's seal.

    Two entries that say the same at the same instant are taken in the order of the log.
    """
    events: dict[str, str] = {}
    for row in rows:
        if row.event_id is None:
            event = _event(tx, *wanted(row), taken=frozenset(events.values()))
            if event is not None:
                events[sealed.key_of(row)] = event
    return events


def _event(
    tx: Tx,
    kinds: tuple[Kind, ...],
    at: datetime,
    facts: Mapping[str, object],
    taken: frozenset[str],
) -> str | None:
    query = select(leaf.c.event_id, leaf.c.entry).where(
        leaf.c.kind.in_([kind.value for kind in kinds]), leaf.c.occurred_at == at
    )
    for row in tx.execute(query.order_by(leaf.c.idx)):
        said: Leaf = json.loads(row.entry)
        if row.event_id not in taken and facts.items() <= said["facts"].items():
            return str(row.event_id)
    return None
