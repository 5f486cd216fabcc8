"""Whether a row can be read: each value of the type that its column says.

SQLite keeps any value in any column, and guards can be dropped. Who reads rows that nobody sealed
asks this first, so that what somebody wrote there ends no page and no start.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Table

from app.db.metadata import UNREADABLE, UtcTime

_FIRST_YEAR, _LAST_YEAR = 1900, 9000
"""Instants between them can be reckoned with: days may be added and taken away."""


def readable(table: Table, row: Row[Any]) -> bool:
    """Return whether every column of the table has a value of its type, or may have none."""
    cells = row._mapping  # noqa: SLF001 - the documented way to read a Row by name
    return all(_fits(column, cells[column.name]) for column in table.c)


def _fits(column: Column[Any], value: object) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, UtcTime):
        if not isinstance(value, datetime) or value == UNREADABLE:
            return False
        return _FIRST_YEAR <= value.year < _LAST_YEAR
    return isinstance(value, column.type.python_type) and not isinstance(value, bool)
