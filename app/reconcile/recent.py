"""New entries against their rows: what was changed right after it was committed shows at once.

Only what an entry recorded is looked for, by the first column of its key. Rows that nobody recorded
are found by who reads them, as they have no seal, and by the look at everything (examination).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from app.audit.entries import store
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Recorded
from app.db.engine import Tx
from app.db.ring import Flaw
from app.reconcile.difference import Difference
from app.reconcile.examination import Examination, differing
from app.reconcile.held import HeldTable

_MOST = 1_000


def compare_recent(
    tx: Tx, examination: Examination, start: int, end: int
) -> tuple[int, list[Difference]]:
    """Compare the entries from ``start``, at most 1,000 and before ``end``.

    Returns:
        The index that was reached, and what does not agree.
    """
    reached = min(end, start + _MOST)
    recorded: dict[str, list[tuple[int, Recorded]]] = defaultdict(list)
    for idx, raw in enumerate(store.raw_entries(tx, start, reached), start=start):
        for row in _recorded(examination, raw):
            recorded[row.table].append((idx, row))
    differences = []
    for table in examination.tables:
        if (wanted := recorded.get(table.name)) and len(table.sealed.key) == 1:
            differences += _compared(tx, table, wanted)
    return reached, differences


def _recorded(examination: Examination, raw: bytes) -> Sequence[Recorded]:
    try:
        leaf = json.loads(raw)
        reading = examination.recording.get(Kind(leaf["kind"]))
        return () if reading is None else tuple(reading(leaf, lambda _chain: 0))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ()  # the fold has named it


def _compared(tx: Tx, table: HeldTable, wanted: Sequence[tuple[int, Recorded]]) -> list[Difference]:
    rows = _rows(tx, table, [row.key for _, row in wanted])
    people = {
        value
        for row in rows.values()
        for name in table.sealed.people
        if isinstance(value := row._mapping[name], str)  # noqa: SLF001 - SQLAlchemy's public name
    }
    names = tx.seals.names.known(tx, people)
    found = []
    for idx, recorded in wanted:
        row = rows.get(recorded.key)
        if row is None:
            continue  # erased, or deleted: then the chain is behind, which its readers see
        fields = table.fields(row._mapping, names)  # noqa: SLF001 - SQLAlchemy's public name
        columns = differing(recorded.fields, fields)
        if columns:
            found.append(
                Difference(recorded.chain, Flaw.DIFFERS, table.name, recorded.key, columns, idx)
            )
    return found


def _rows(tx: Tx, table: HeldTable, keys: Sequence[str]) -> dict[str, Row[Any]]:
    column = table.sealed.table.c[table.sealed.key[0]]
    query = select(table.sealed.table)
    return {
        table.sealed.key_of(row): row
        for some in store.chunks(keys)
        for row in tx.execute(query.where(column.in_(some)))
    }
