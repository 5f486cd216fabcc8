"""Everything that somebody can do to one row of a table, told as a list; and how it is tried.

Rules:
1. The list is made of the rows that are there: each cell changed to what another row says, or to
   what is made up; the row deleted, with its seal and without; its seal deleted, or another's put
   there; the row once more under another key, with the seal of the first; what an earlier row of
   the same chain says put in the place of a later one; two rows exchanged.
2. Each is tried in a transaction of which nothing is kept. Guards and foreign keys are away.
3. Values of statements were read before anything was done: two operations are one after the other.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    UniqueConstraint,
    and_,
    delete,
    insert,
    select,
    text,
    update,
)

from app.db.engine import Database, Tx
from app.db.ring import SealRing, row_seal
from app.db.seals import SealedTable

Cells = Mapping[str, Any]

FAR = timedelta(days=900)
ANEW = 10**6
"""From here on are numbers of rows that are not there."""


@dataclass(frozen=True)
class Operation:
    """What is done to one row, or to two.

    Attributes:
        what: in a word.
        table: its name.
        row: the key of the row.
        told: what else it is.
        about: the people whom the rows are about, before and after; empty: nobody by name.
        statements: the SQL that does it.
    """

    what: str
    table: str
    row: str
    told: str
    about: frozenset[str]
    statements: tuple[Executable, ...] = field(repr=False, compare=False)

    def do(self, tx: Tx) -> None:
        """Do it.

        Raises:
            DBAPIError, HabeasError: the database refused it: a CHECK, a UNIQUE, a type.
        """
        for statement in self.statements:
            tx.execute(statement)


@dataclass(frozen=True)
class Attacked:
    """A table under attack.

    Attributes:
        table: the table.
        sealed: how its rows are sealed; None: they are not, but named by a digest.
        chain: the columns that say what rows belong together; none: all of them do.
        number: the column that orders them.
        made_up: values to try in columns, in place of what another row says there.
    """

    table: Table
    sealed: SealedTable | None = None
    chain: tuple[str, ...] = ()
    number: str | None = None
    made_up: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def side(self) -> SealedTable | None:
        """How rows are sealed whose seals are next to the table."""
        return None if self.sealed is None or self.sealed.in_row else self.sealed

    def operations(self, tx: Tx) -> tuple[Operation, ...]:
        """All that can be done to its rows as they are now."""
        ordered = select(self.table).order_by(*self.table.primary_key)
        rows = [dict(row) for row in tx.execute(ordered).mappings()]
        people = {row[name] for row in rows for name in self._people}
        names = tx.seals.names.known(tx, people)
        return tuple(_Rows(self, tuple(rows), names).operations())

    @property
    def _people(self) -> tuple[str, ...]:
        return () if self.sealed is None else self.sealed.people


@dataclass(frozen=True)
class _Rows:
    """The rows of a table, and what can be done to them."""

    of: Attacked
    rows: tuple[Cells, ...]
    names: Mapping[str, str]

    def operations(self) -> Iterator[Operation]:
        for row in self.rows:
            yield from self._flipped(row)
            yield from self._gone(row)
            yield from self._again(row)
        for one, other in combinations(self._in_order(), 2):
            if all(one[name] == other[name] for name in self.of.chain):
                yield from self._replayed(one, other)
                yield self._exchanged(one, other)

    def _in_order(self) -> Sequence[Cells]:
        number = self.of.number
        return sorted(self.rows, key=lambda row: row[number]) if number else self.rows

    # One row

    def _flipped(self, row: Cells) -> Iterator[Operation]:
        for column in self.of.table.c:
            for value in self._values(row, column.name):
                changed = {column.name: value}
                told = f"{column.name} = {str(value)[:40]!r}"
                yield self._operation("flip", row, told, self._set(row, changed), also=changed)

    def _values(self, row: Cells, name: str) -> tuple[Any, ...]:
        """What is made up; else an instant before and after, or what another row says there."""
        now, there = row[name], [each[name] for each in self.rows]
        values = self.of.made_up.get(name, ())
        if isinstance(now, datetime):
            values = (*values, now - FAR, now + FAR)
        values = values or tuple(value for value in there if value != now)[:1] or _made_up(now)
        return tuple(value for value in dict.fromkeys(values) if value != now)

    def _gone(self, row: Cells) -> Iterator[Operation]:
        gone = delete(self.of.table).where(self._here(row))
        yield self._operation("delete", row, "its seal stays", gone)
        if self.of.side is not None:
            seal = delete(row_seal).where(self._its_seal(row))
            yield self._operation("delete", row, "its seal, too", gone, seal)
            yield self._operation("unseal", row, "the row stays", seal)

    def _again(self, row: Cells) -> Iterator[Operation]:
        """The row once more, as the next of its chain."""
        fresh = self._fresh(row)
        again = insert(self.of.table).values(**{**row, **fresh})
        yield self._operation("again", row, "without a seal", again, also=fresh)
        if self.of.side is not None:
            copied = self._seal_for(row, {**row, **fresh})
            yield self._operation("again", row, "with the first one's seal", again, copied)
        kept = {name: value for name, value in fresh.items() if self._is_unique(name)}
        if kept != fresh:
            same = insert(self.of.table).values(**{**row, **kept})
            yield self._operation("again", row, "under the seal of the first", same)

    def _fresh(self, row: Cells) -> dict[str, Any]:
        number = self.of.number
        taken = [each[number] for each in self.rows] if number else []
        named = {"event_id", "event", "stop", *self.of.table.primary_key.columns.keys()}
        fresh = {
            name: ANEW if isinstance(row[name], int) else str(uuid.uuid4())
            for name in named
            if name in row and not self.of.table.c[name].foreign_keys
        }
        return fresh | ({number: max(taken) + 1} if number and number not in fresh else {})

    def _is_unique(self, name: str) -> bool:
        table = self.of.table
        limits = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        return name in table.primary_key.columns or any(name in one.columns for one in limits)

    # Two rows of one chain

    def _replayed(self, older: Cells, newer: Cells) -> Iterator[Operation]:
        """A later row says what an earlier one said, under its own seal or under that one's."""
        kept = {name for name in newer if self._is_unique(name)}
        said = {name: value for name, value in older.items() if name not in kept}
        told = f"by {_named(self.of, older)}"
        yield self._operation("replay", newer, told, self._set(newer, said))
        own = {name: value for name, value in said.items() if name not in self._key}
        if own != said:
            told = f"{told}, under its own name"
            yield self._operation("replay", newer, told, self._set(newer, own))

    @property
    def _key(self) -> tuple[str, ...]:
        return () if self.of.sealed is None else self.of.sealed.key

    def _exchanged(self, one: Cells, other: Cells) -> Operation:
        """Two rows change their numbers, or where they have none all but their keys."""
        number, key = self.of.number, set(self.of.table.primary_key.columns.keys())
        names = {number} if number and number not in key else set(one) - key
        first, second = ({name: row[name] for name in names} for row in (one, other))
        away = {name: self._away(name, value) for name, value in first.items()}
        sets = [self._set(one, away), self._set(other, first), self._set(one, second)]
        told = f"with {_named(self.of, other)}"
        return self._operation("exchange", one, told, *sets, also=other)

    def _away(self, name: str, value: Any) -> Any:
        """What stands in the way of no other row for a moment."""
        if not self._is_unique(name) or self.of.table.c[name].foreign_keys:
            return value
        return ANEW if isinstance(value, int) else str(uuid.uuid4())

    # Statements

    def _operation(
        self, what: str, row: Cells, told: str, *statements: Executable, also: Cells | None = None
    ) -> Operation:
        touched = (row, also or {})
        about = {cells[name] for cells in touched for name in self.of._people if name in cells}
        return Operation(
            what, self.of.table.name, _named(self.of, row), told, frozenset(about), statements
        )

    def _set(self, row: Cells, changed: Cells) -> Executable:
        return update(self.of.table).where(self._here(row)).values(**changed)

    def _here(self, row: Cells) -> ColumnElement[bool]:
        return and_(*(column == row[column.name] for column in self.of.table.primary_key.columns))

    def _its_seal(self, row: Cells) -> ColumnElement[bool]:
        assert self.of.side is not None
        key = self.of.side.key_of(row, self.names)
        return and_(row_seal.c.table_name == self.of.table.name, row_seal.c.row_key == key)

    def _seal_for(self, row: Cells, again: Cells) -> Executable:
        """The seal of a row once more, for another."""
        assert self.of.side is not None
        key = text(f"'{self.of.side.key_of(again, self.names)}'")
        kept = [key if column.name == "row_key" else column for column in row_seal.c]
        return insert(row_seal).from_select(
            [column.name for column in row_seal.c], select(*kept).where(self._its_seal(row))
        )


def _named(of: Attacked, row: Cells) -> str:
    return "/".join(str(row[column.name]) for column in of.table.primary_key.columns)


def _made_up(now: Any) -> tuple[Any, ...]:
    if isinstance(now, int):
        return (now + 1,)
    if isinstance(now, bytes):
        return (now + b" ",)
    return (f"{now} ",) if isinstance(now, str) else ()


def unguard(database: Database, tables: Sequence[Table]) -> None:
    """The guards are away and foreign keys are not looked at, for as long as the test lasts."""
    with database.engine.begin() as connection:
        if database.dialect == "postgresql":
            for table in (*tables, row_seal):
                connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))
            return
        found = text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for name in connection.execute(found).scalars().all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))


@contextmanager
def undone(database: Database, ring: SealRing | None = None) -> Iterator[Tx]:
    """A transaction of which nothing is kept, and what it finds raises no alarm.

    Args:
        database: whose.
        ring: what its process knows; as the service that runs where none is given.
    """
    tx = Tx(database.engine, "write", ring or database.seals)
    try:
        if tx.dialect == "sqlite":  # as if the connection looked at no foreign key
            tx.execute(text("PRAGMA defer_foreign_keys = ON"))
        yield tx
    finally:
        tx.disputes.clear()
        tx.close()
