"""New entries against their rows: what was changed or deleted after it was committed shows at once.

Rules:
1. What an entry recorded is looked for by its key; a person in a key by whom the pseudonym stands
   for. A row that is not there is missing, unless whoever it is about was erased.
2. Rows that nobody recorded are found by who reads them, as they have no seal, and by the look at
   everything (examination). So is what an entry recorded of a table whose older rows have no event:
   such a row is not known by the entry's key.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Integer, Row, select

from app.audit.entries import store
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Leaf, Recorded
from app.audit.tree.merkle import leaf_hash
from app.db.engine import Tx
from app.db.ring import Flaw
from app.kernel.shapes import PSEUDONYM, fits
from app.reconcile.difference import Difference
from app.reconcile.examination import Examination, differing
from app.reconcile.held import HeldTable
from app.reconcile.reached import ComparedSoFar

MOST = 1_000
"""How many entries are compared at once."""


class _Wanted(NamedTuple):
    """One row that an entry recorded, and whom the entry is about."""

    idx: int
    row: Recorded
    about: tuple[str, ...]


def compare_recent(
    tx: Tx, examination: Examination, bookmark: ComparedSoFar, end: int
) -> tuple[ComparedSoFar, list[Difference]]:
    """Compare the entries from a bookmark on, at most 1,000 and before ``end``.

    Returns:
        The bookmark that was reached, and what does not agree.
    """
    start, reached = bookmark.tree.size, min(end, bookmark.tree.size + MOST)
    raws = [raw if isinstance(raw, bytes) else b"" for raw in store.raw_entries(tx, start, reached)]
    counts = dict(bookmark.counts)
    wanted: dict[str, list[_Wanted]] = defaultdict(list)
    for idx, raw in enumerate(raws, start=start):
        leaf = _leaf(raw)
        for row in _recorded(examination, leaf, counts):
            about = row.fields.get("person_id"), *leaf.get("subjects", ())
            wanted[row.table].append(_Wanted(idx, row, _about(row, about)))
    differences = []
    for table in examination.tables:
        if wanted[table.name]:
            differences += _compared(tx, table, wanted[table.name])
    return ComparedSoFar(bookmark.tree.extend(leaf_hash(raw) for raw in raws), counts), differences


def _leaf(raw: bytes) -> Leaf:
    try:
        leaf = json.loads(raw)
    except ValueError:
        return {}  # the fold has named it
    return leaf if isinstance(leaf, dict) else {}


def _recorded(examination: Examination, leaf: Leaf, counts: dict[str, int]) -> Sequence[Recorded]:
    """What an entry recorded; rows are counted of chains whose next key follows from it."""

    def ahead(chain: str) -> int:
        return counts.setdefault(chain, 0)

    try:
        reading = examination.recording.get(Kind(leaf["kind"]))
        rows = () if reading is None else tuple(reading(leaf, ahead))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ()  # the fold has named it
    for row in rows:
        if row.chain in counts:
            counts[row.chain] += 1
    return rows


def _about(row: Recorded, others: Sequence[object]) -> tuple[str, ...]:
    """The person of a chain; else whoever the entry is about, as of a device."""
    name = row.chain.partition(":")[2]
    if fits(PSEUDONYM, name):
        return (name,)
    return tuple(str(other) for other in others if fits(PSEUDONYM, other))


def _compared(tx: Tx, table: HeldTable, wanted: Sequence[_Wanted]) -> list[Difference]:
    rows, names = _rows(tx, table, [one.row.key for one in wanted])
    found = []
    for idx, recorded, about in wanted:
        row = rows.get(recorded.key)
        if row is None:
            erased = any(tx.seals.names.erased(tx, person) for person in about)
            if not table.sealed.older_key and not erased and not _settled(tx, recorded.chain, idx):
                found.append(
                    Difference(recorded.chain, Flaw.BEHIND, table.name, recorded.key, idx=idx)
                )
            continue
        columns = _differing(table, row, names, recorded)
        if columns:
            found.append(
                Difference(recorded.chain, Flaw.DIFFERS, table.name, recorded.key, columns, idx)
            )
    return found


def _settled(tx: Tx, chain: str, idx: int) -> bool:
    """Whether two people cleared an alarm on a chain that went on after an entry.

    The last row of a chain is never settled; ``Ledger.missing`` says it exactly.
    """
    last = tx.seals.positions.get(chain)
    return tx.seals.was_cleared(chain) and last is not None and last.idx > idx


def _differing(
    table: HeldTable, row: Row[Any], names: Mapping[str, str], recorded: Recorded
) -> tuple[str, ...]:
    try:
        fields = table.fields(row._mapping, names)  # noqa: SLF001 - SQLAlchemy's public name
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return tuple(sorted(recorded.fields))
    return differing(recorded.fields, fields)


def _rows(
    tx: Tx, table: HeldTable, keys: Sequence[str]
) -> tuple[dict[str, Row[Any]], Mapping[str, str]]:
    """The rows with these keys, found by the first column of the key; and the people in them."""
    first = table.sealed.key[0]
    column, values = table.sealed.table.c[first], {key.partition("/")[0] for key in keys}
    if first in table.sealed.people:
        known = store.people(tx, sorted(values)).values()
        values |= {person for person in known if isinstance(person, str)}
    if isinstance(column.type, Integer):
        values = {value for value in values if value.isdecimal()}
    query = select(table.sealed.table)
    rows = [
        row
        for some in store.chunks(sorted(values))
        for row in tx.execute(query.where(column.in_(some)))
    ]
    people = {
        value
        for row in rows
        for name in table.sealed.people
        if isinstance(value := row._mapping[name], str)  # noqa: SLF001 - SQLAlchemy's public name
    }
    names = tx.seals.names.known(tx, people)
    return {table.sealed.key_of(row, names): row for row in rows}, names
