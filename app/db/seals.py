"""Seals: rows that somebody writes with SQL open nothing.

Every row that can open something, or whose absence could, carries a keyed MAC over its table, key
and content. People count as their pseudonyms, so that the seal of a row goes on fitting when an
erasure replaces a person's id by the pseudonym.

Rules:
1. A table that only grows has its seals in ``row_seal``, next to it, append-only like the table; a
   table whose rows change has a column ``seal``. ``insert`` and ``with_seal`` are the only ways to
   write such a row.
2. ``stands`` is the only way to believe one. One bad seal means that nothing in that chain stands.
   What it finds is noted, so that an alarm is raised, and the caller narrows.
3. A row's key in ``row_seal`` never names a person: it stays when the person is erased.
4. The content is every column but those that are left out by name. A column without a value does
   not count, so that a later column does not break the seals of earlier rows.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, RowMapping, Select, Table, and_, or_, select
from sqlalchemy import insert as insert_into

from app.db.engine import Tx
from app.db.ring import Dispute, Flaw, RowName, row_seal
from app.kernel.clock import timestamp
from app.kernel.shapes import PSEUDONYM, fits

Cells = Mapping[str, Any] | RowMapping | Row[Any]
C = TypeVar("C", bound=Cells)
_CHUNK = 500  # well below the bound on parameters of one statement


@dataclass(frozen=True)
class SealedTable:
    """A table whose rows are sealed.

    Attributes:
        table: the table.
        key: the columns that name a row.
        people: the columns that hold a person's id; they count as pseudonyms, in the key as well.
        left_out: columns that are not sealed: nothing is decided by them.
        in_row: the seal is in the row's own column ``seal``.
        older_key: what names a row of before, in which ``key`` has no value.
        programs: what columns of ``people`` hold where a program acted and no person.
    """

    table: Table
    key: tuple[str, ...]
    people: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    in_row: bool = False
    older_key: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()

    @cached_property
    def covered(self) -> tuple[str, ...]:
        """The columns that the seal is over."""
        outside = {"seal", *self.left_out}
        return tuple(column.name for column in self.table.c if column.name not in outside)

    def key_of(self, row: Cells, names: Mapping[str, str] | None = None) -> str:
        """What a row is called: the values of its key, joined by ``/``, and never a person's id.

        Args:
            row: with the columns of the key.
            names: pseudonyms by person id; needed where people are part of the key.
        """
        cells = _cells(row)
        older = self.older_key and cells[self.key[0]] is None
        parts = [
            _named(cells[name], names or {}) if name in self.people else _plain(cells[name])
            for name in (self.older_key if older else self.key)
        ]
        return "/".join(parts)


def insert(tx: Tx, sealed: SealedTable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with every value that is sealed, and seal them."""
    if not rows:
        return
    if sealed.in_row:
        tx.execute_each(insert_into(sealed.table), [with_seal(tx, sealed, row) for row in rows])
        return
    tx.execute_each(insert_into(sealed.table), rows)
    seal(tx, sealed, rows)


def seal(tx: Tx, sealed: SealedTable, rows: Sequence[Cells]) -> None:
    """Seal rows that are in their table already, next to it; kept with this transaction."""
    names = tx.seals.names.made(tx, _people(sealed, rows))
    for row in rows:
        cells = _cells(row)
        key = sealed.key_of(cells, names)
        mac = _mac(tx, sealed, key, cells, names)
        if mac is not None:
            tx.sealing[sealed.table.name, key] = mac


def with_seal(tx: Tx, sealed: SealedTable, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole row with the seal that belongs to it, to be inserted or to replace another."""
    names = tx.seals.names.made(tx, _people(sealed, [row]))
    whole = {column.name: row.get(column.name) for column in sealed.table.c}
    key = sealed.key_of(whole, names)
    return {**row, "seal": _mac(tx, sealed, key, whole, names)}


def stands(
    tx: Tx,
    chain: str,
    sealed: SealedTable,
    rows: Iterable[Cells],
    position: int | None = None,
    person: str | None = None,
) -> bool:
    """Return whether a chain can be believed; else note why not.

    Args:
        tx: the transaction that read the rows.
        chain: what they are about.
        sealed: what they are rows of.
        rows: all that the answer rests on, with every column that is sealed.
        position: how many rows the chain has; None where its rows are not counted.
        person: id of the person whom they are about, for the alarm.
    """
    ring = tx.seals
    if ring.broken is not None:  # it is told once, of the log, and not of every chain in it
        return False
    if ring.alarm_on(chain) or chain in tx.alarmed or chain in tx.disputes:
        return False
    bad = first_bad(tx, sealed, tuple(rows))
    if bad is not None:
        note(tx, Dispute(chain, Flaw.UNSEALED, sealed.table.name, bad, person))
        return False
    if position is not None and ring.behind(chain, position, tx.folded):
        note(tx, Dispute(chain, Flaw.BEHIND, sealed.table.name, None, person))
        return False
    return True


def first_bad(tx: Tx, sealed: SealedTable, rows: Sequence[Cells]) -> str | None:
    """The key of the first row whose seal does not fit; None where all fit."""
    if not rows:
        return None
    people = _people(sealed, rows)
    bad = _first_bad(tx, sealed, rows, tx.seals.names.known(tx, people))
    if bad is not None and people:
        bad = _first_bad(tx, sealed, rows, tx.seals.names.known(tx, people, fresh=True))
    return bad


def fitting(tx: Tx, sealed: SealedTable, rows: Sequence[C]) -> list[C]:
    """Those of the rows whose seals fit, in their order; few statements for many rows."""
    names = tx.seals.names.known(tx, _people(sealed, rows))
    judged = _judged(tx, sealed, rows, names)
    return [row for row, (_, fits_it) in zip(rows, judged, strict=True) if fits_it]


def _first_bad(
    tx: Tx, sealed: SealedTable, rows: Sequence[Cells], names: Mapping[str, str]
) -> str | None:
    return next((key for key, fits_it in _judged(tx, sealed, rows, names) if not fits_it), None)


def _judged(
    tx: Tx, sealed: SealedTable, rows: Sequence[Cells], names: Mapping[str, str]
) -> list[tuple[str, bool]]:
    """The key of each row, and whether its seal fits."""
    table, plain = sealed.table.name, [_cells(row) for row in rows]
    keys = [sealed.key_of(cells, names) for cells in plain]
    if sealed.in_row:
        has = [cells.get("seal") for cells in plain]
    else:
        kept = _side_seals(tx, [(table, key) for key in keys])
        has = [kept.get((table, key)) for key in keys]
    return [
        (key, _fits(tx, sealed, key, cells, seal_of, names))
        for key, cells, seal_of in zip(keys, plain, has, strict=True)
    ]


def _fits(
    tx: Tx,
    sealed: SealedTable,
    key: str,
    cells: Mapping[str, Any],
    has: object,
    names: Mapping[str, str],
) -> bool:
    """Whether a row's seal fits; what was found fitting lately is not worked out again."""
    content = _content(tx, sealed, cells, names)
    if content is None:
        return False
    name, said = (sealed.table.name, key), (content, has)
    if not tx.seals.fitted(name, said):
        if not _same(has, tx.seals.mac(sealed.table.name, key, content)):
            return False
        tx.seals.remember_fitting(name, said)
    # The row of now bears the pseudonym, so whoever appends an entry need not look it up again.
    tx.confirmed.update(
        (cells[column], content[column]) for column in sealed.people if cells[column] in names
    )
    return True


def _same(has: object, wanted: bytes | None) -> bool:
    if wanted is None or not isinstance(has, bytes | memoryview):
        return False
    return hmac.compare_digest(bytes(has), wanted)


def note(tx: Tx, dispute: Dispute) -> None:
    """Note that a chain does not stand; whoever writes next raises the alarm."""
    if not tx.seals.alarm_on(dispute.chain):
        tx.disputes.setdefault(dispute.chain, dispute)


def fetch(tx: Tx, *wanted: tuple[SealedTable, Sequence[Cells]]) -> None:
    """Read the side seals of rows of several tables at once, as far as they are not remembered."""
    people = {person for sealed, rows in wanted for person in _people(sealed, rows)}
    names = tx.seals.names.known(tx, people)
    _side_seals(tx, (name for sealed, rows in wanted for name in _row_names(sealed, rows, names)))


def select_seals(tx: Tx, sealed: SealedTable, keys: Sequence[str] | Select[Any]) -> Select[Any]:
    """What selects the side seals of rows, to be part of a greater statement."""
    columns = row_seal.c.table_name, row_seal.c.row_key, row_seal.c.seal
    return select(*columns).where(condition(tx, sealed, row_seal.c.row_key.in_(keys)))


def condition(tx: Tx, sealed: SealedTable, keys: ColumnElement[bool]) -> ColumnElement[bool]:
    """Which side seals are those of a table's rows under the key of now."""
    key_id = "" if tx.seals.key is None else tx.seals.key.id
    return and_(row_seal.c.table_name == sealed.table.name, keys, row_seal.c.key_id == key_id)


def remembered(tx: Tx, sealed: SealedTable, key: str) -> bool:
    """Whether the side seal of the row with this key is remembered."""
    return tx.seals.seal_of(sealed.table.name, key) is not None


def orphaned(tx: Tx, sealed: SealedTable, key: str) -> bool:
    """Whether a row that is not there was sealed: somebody deleted it."""
    return bool(_side_seals(tx, [(sealed.table.name, key)]))


def _row_names(
    sealed: SealedTable, rows: Iterable[Cells], names: Mapping[str, str]
) -> Iterator[RowName]:
    """What rows are called in the side table; nothing where seals are in the rows."""
    if not sealed.in_row:
        for row in rows:
            yield sealed.table.name, sealed.key_of(row, names)


def _side_seals(tx: Tx, wanted: Iterable[RowName]) -> dict[RowName, bytes]:
    """What the side table has for rows, from memory or in one statement."""
    ring = tx.seals
    kept: dict[RowName, bytes] = {}
    unknown = []
    for name in wanted:
        known = tx.sealing.get(name) or ring.seal_of(*name)
        if known is None:
            unknown.append(name)
        else:
            kept[name] = known
    if unknown and ring.key is not None:
        read = _read_seals(tx, unknown, ring.key.id)
        ring.remember((*name, mac) for name, mac in read.items())
        kept |= read
    return kept


def _read_seals(tx: Tx, unknown: Sequence[RowName], key_id: str) -> dict[RowName, bytes]:
    read: dict[RowName, bytes] = {}
    for start in range(0, len(unknown), _CHUNK):
        some = groupby(sorted(unknown[start : start + _CHUNK]), key=lambda name: name[0])
        # Not as pairs: SQLite would look through the whole table for them.
        these = or_(*(_of_table(table, [key for _, key in names]) for table, names in some))
        query = select(row_seal.c.table_name, row_seal.c.row_key, row_seal.c.seal)
        read |= {
            (row.table_name, row.row_key): bytes(row.seal)
            for row in tx.execute(query.where(row_seal.c.key_id == key_id, these))
            if isinstance(row.seal, bytes | memoryview)
        }
    return read


def _of_table(table: str, keys: Sequence[str]) -> ColumnElement[bool]:
    return and_(row_seal.c.table_name == table, row_seal.c.row_key.in_(keys))


def _people(sealed: SealedTable, rows: Sequence[Cells]) -> set[str]:
    """The person ids in rows; pseudonyms, which an erasure left there, are none."""
    if not sealed.people:
        return set()
    values = (_value(row, name) for row in rows for name in sealed.people)
    ids = {value for value in values if isinstance(value, str) and not fits(PSEUDONYM, value)}
    return ids - sealed.programs


def _mac(
    tx: Tx, sealed: SealedTable, key: str, cells: Mapping[str, Any], names: Mapping[str, str]
) -> bytes | None:
    """The seal that belongs to a row; None where somebody in it has no pseudonym that stands."""
    content = _content(tx, sealed, cells, names)
    return None if content is None else tx.seals.mac(sealed.table.name, key, content)


def _content(
    tx: Tx, sealed: SealedTable, cells: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any] | None:
    """What a seal is over; None where somebody in the row has no pseudonym that stands."""
    content = {name: cells.get(name) for name in sealed.covered}
    for name in sealed.people:
        value = content[name]
        if value is None or value in sealed.programs:
            continue
        content[name] = _pseudonym(tx, value, names)
        if content[name] is None:
            return None
    return content


def _named(value: object, names: Mapping[str, str]) -> str:
    """A person in a key; nothing where they have no pseudonym."""
    person = str(value)
    return names.get(person, person if fits(PSEUDONYM, person) else "")


def _pseudonym(tx: Tx, value: object, names: Mapping[str, str]) -> str | None:
    """Who a value names: a person by id, or somebody erased, whose pseudonym is left."""
    if not isinstance(value, str):
        return None
    if not fits(PSEUDONYM, value):
        return names.get(value)
    return value if tx.seals.names.erased(tx, value) else None


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return timestamp(value) if isinstance(value, datetime) else str(value)


def _value(row: Cells, column: str) -> object:
    return getattr(row, column) if isinstance(row, Row) else row.get(column)


def _cells(row: Cells) -> dict[str, Any]:
    """A row by the names of its columns. Not its own mapping, which is slow to look up in."""
    if isinstance(row, dict):
        return row
    if isinstance(row, Row):
        return dict(zip(row._fields, row, strict=True))
    return dict(row)
