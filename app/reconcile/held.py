"""Which tables are held against the log, and how their rows are put next to entries."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, RowMapping

from app.db.engine import Tx
from app.db.seals import SealedTable
from app.kernel.canonical import Json
from app.kernel.clock import timestamp
from app.kernel.shapes import PSEUDONYM, fits

Fields = Mapping[str, Json]
"""A row as entries say it: by column, people as pseudonyms, instants as text."""


@dataclass(frozen=True)
class HeldTable:
    """A sealed table.

    Attributes:
        sealed: the table, and what is sealed of its rows.
        chain: what a row is about, as ``Recorded.chain``.
        recorded: every row was recorded by an entry; else only its seal is looked at.
        also: what entries say of a row in other words than its columns.
        astray: those of its rows that do not say what rows that entries recorded say.
    """

    sealed: SealedTable
    chain: Callable[[Fields], str]
    recorded: bool = True
    also: Callable[[Fields], Fields] = lambda _fields: {}
    astray: Callable[[Tx, Sequence[Row[Any]]], Sequence[Row[Any]]] = lambda _tx, _rows: ()

    @property
    def name(self) -> str:
        """The table's name."""
        return self.sealed.table.name

    def fields(self, cells: Mapping[str, Any] | RowMapping, names: Mapping[str, str]) -> Fields:
        """A row as entries say it.

        Args:
            cells: the row.
            names: pseudonyms by person id; a person without one is ``?``.
        """
        plain = {
            name: self._named(cells[name], names)
            if name in self.sealed.people
            else _plain(cells[name])
            for name in (column.name for column in self.sealed.table.c)
        }
        return {**plain, **self.also(plain)}

    def _named(self, value: object, names: Mapping[str, str]) -> Json:
        if value is None or fits(PSEUDONYM, value) or value in self.sealed.programs:
            return value  # type: ignore[return-value]
        return names.get(str(value), "?")


def same(shown: Json, has: Json) -> bool:
    """Whether a row has what an entry shows; rows keep lists as JSON or with semicolons.

    >>> same(["a", "b"], '["a","b"]'), same(["a", "b"], "a;b"), same(1, "1")
    (True, True, False)
    """
    if isinstance(shown, list) and isinstance(has, str):
        return shown == _listed(has)
    return type(shown) is type(has) and shown == has


def _listed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return [part for part in text.split(";") if part]


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value if isinstance(value, str | int | bool | None) else repr(value)
