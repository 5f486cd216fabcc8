"""A row that somebody deleted and that is written again under its name, whatever its table.

The service goes on, nothing is refused for it, and what was deleted is not made good: the row does
not stand unless it says the very same, and an alarm names it.
"""

from typing import Any

from sqlalchemy import Table, select

from app.db import seals
from app.reconcile.held import HeldTable
from app.wiring import Services
from app.wiring.held import HELD
from tests.tamper import tampering

NEXT_TO_IT = [held for held in HELD if not held.sealed.in_row]


def rows_of(services: Services, held: HeldTable) -> list[dict[str, Any]]:
    table = held.sealed.table
    with services.database.read() as tx:
        return [dict(row) for row in tx.execute(select(table).limit(3)).mappings()]


def delete(services: Services, table: Table, row: dict[str, Any]) -> None:
    with tampering(services.database, keys=False) as connection:
        key = [column == row[column.name] for column in table.primary_key]
        assert connection.execute(table.delete().where(*key)).rowcount == 1


def otherwise(held: HeldTable, row: dict[str, Any]) -> dict[str, Any]:
    """The row with another event, as whoever acts again writes it; else with another instant."""
    keys = {*held.sealed.key, *held.sealed.older_key}
    free = [name for name in ("event_id", "event") if name in row and name not in keys]
    if free:
        return {**row, free[0]: "00000000-0000-4000-8000-000000000000"}
    for name, value in row.items():
        if name.endswith("_at") and name in held.sealed.covered and value is not None:
            return {**row, name: value.replace(microsecond=7)}
    return row


def test_a_row_written_again_with_another_content_never_stands(sample: Services) -> None:
    tried = set()
    for held in NEXT_TO_IT:
        for row in rows_of(sample, held)[:1]:
            again = otherwise(held, row)
            if again == row:
                continue
            tried.add(held.name)
            delete(sample, held.sealed.table, row)
            with sample.database.write() as tx:
                seals.insert(tx, held.sealed, [again])
            with sample.database.read() as tx:
                key = [column == row[column.name] for column in held.sealed.table.primary_key]
                back = tx.execute(select(held.sealed.table).where(*key)).all()
                assert len(back) == 1, held.name
                assert seals.fitting(tx, held.sealed, back) == [], held.name
    assert len(tried) >= 6, tried
    findings = sample.reconciler.examine(lambda *_: None)
    assert {one.table for one in findings.differences} >= tried
