"""How the rows of a sealed table are held against what entries of the log recorded of them.

An entry says of a row what ``audit.entries.recorded`` makes of it: its key, its chain and some of
its columns, in JSON. The same is made here of the row itself, so that the two can be compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, tuple_

from app.db.engine import Tx
from app.db.seals import SealedTable
from app.kernel.canonical import Json
from app.kernel.clock import timestamp

Pseudonyms = Mapping[str, str]
"""By person id."""

_BATCH = 500


def as_it_is(tx: Tx, rows: Sequence[Row[Any]]) -> Mapping[str, str]:
    """Every row is recorded under the key that its seal has."""
    del tx, rows
    return {}


@dataclass(frozen=True)
class Rows:
    """The rows of one table.

    Attributes:
        sealed: how they are sealed.
        chain_of: what a row is about.
        recorded_as: of rows whose entries call them otherwise than their seals do, the key that the
            entry has, by the key that the seal has: rows of before the column of their key.
    """

    sealed: SealedTable
    chain_of: Callable[[Row[Any], Pseudonyms], str]
    recorded_as: Callable[[Tx, Sequence[Row[Any]]], Mapping[str, str]] = as_it_is

    def fields(self, row: Row[Any], names: Pseudonyms) -> dict[str, Json]:
        """What a row says, by column, as entries show it; bytes are in none and left out."""
        cells = row._mapping  # noqa: SLF001 - the documented way to read a Row by name
        return {
            name: _shown(cells[name], names if name in self.sealed.people else {})
            for name in self.sealed.covered
            if not isinstance(cells[name], bytes | memoryview)
        }

    def batches(self, tx: Tx, size: int = _BATCH) -> Iterator[Sequence[Row[Any]]]:
        """Every row, in the order of the table's primary key, at most so many at once."""
        key = tuple(self.sealed.table.primary_key.columns)
        query = select(self.sealed.table).order_by(*key).limit(size)
        rows = tx.execute(query).all()
        while rows:
            yield rows
            last = tuple(rows[-1]._mapping[column.name] for column in key)  # noqa: SLF001 - as above
            rows = tx.execute(query.where(tuple_(*key) > last)).all()


def _shown(value: object, names: Pseudonyms) -> Json:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, str):
        return names.get(value, value)
    return value if value is None or isinstance(value, int) else str(value)
