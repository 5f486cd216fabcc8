"""Whatever is done to sealed rows of policy never allows more: generated over all tables."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Table, and_, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from app.db.engine import Tx
from app.db.ring import row_seal
from app.demo.seed import DATA
from app.kernel.errors import HabeasError
from app.policy.model import InForce
from app.policy.reader import PolicyReader
from app.policy.tables import document_table
from app.wiring.held import HELD
from tests.policy.tampered import Instance, captured, new_id
from tests.row_attacks import undone, unguard

REGIONS = ("DE", "FR", "GB", "IN", "US-CA", "US-NY")
ROWS = {table.name: table for table in HELD if table.name.startswith("policy_")}
TABLES = (*(rows.sealed.table for rows in ROWS.values()), document_table)
INSTANTS = tuple(
    datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days) for days in (-900, 0, 900)
)
ACTS = ("flip", "delete", "copy", "copy with its seal", "exchange", "reorder")

numbers = st.integers(0, 10**6)


@dataclass(frozen=True)
class Act:
    """What somebody does to one row, or to two; numbers choose among what there is."""

    what: str
    table: int
    row: int
    other: int
    column: int
    value: int


acts = st.lists(
    st.builds(Act, st.sampled_from(ACTS), numbers, numbers, numbers, numbers, numbers),
    min_size=1,
    max_size=3,
)


def key(table: Table, row: Any) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))


def other_value(row: Any, column: Any, value: int, rows: list[Any]) -> Any:
    """Another value for a column: that of another row, or one that is made up."""
    there = [one[column.name] for one in rows if one[column.name] != row[column.name]]
    now = row[column.name]
    made: list[Any] = list(INSTANTS) if isinstance(now, datetime) else [now, None]
    if isinstance(now, int):
        made += [now + 1, now - 1, 0]
    if isinstance(now, str):
        made += [now[:-1], now[::-1], "resumed", "approved", "published", "GB", "E-0026"]
    if isinstance(now, bytes):
        made += [now[:-1], now + b" ", b"{}"]
    choices = [*there, *made]
    return choices[value % len(choices)]


def do(tx: Tx, act: Act) -> None:
    table = TABLES[act.table % len(TABLES)]
    rows = [dict(row) for row in tx.execute(select(table)).mappings()]
    if not rows:
        return
    row, other = rows[act.row % len(rows)], rows[act.other % len(rows)]
    column = list(table.c)[act.column % len(table.c)]
    match act.what:
        case "flip":
            changed = {column.name: other_value(row, column, act.value, rows)}
            tx.execute(update(table).where(key(table, row)).values(**changed))
        case "delete":
            tx.execute(delete(table).where(key(table, row)))
        case "exchange":
            first, second = row[column.name], other[column.name]
            tx.execute(update(table).where(key(table, row)).values(**{column.name: second}))
            tx.execute(update(table).where(key(table, other)).values(**{column.name: first}))
        case "reorder" if "id" in table.c and isinstance(row["id"], int):
            tx.execute(update(table).where(key(table, row)).values(id=10**6 + act.value))
        case "copy" | "copy with its seal":
            copy(tx, act, table, row, column, rows)


def copy(tx: Tx, act: Act, table: Table, row: Any, column: Any, rows: list[Any]) -> None:
    """The row once more, under a name of its own and with one value changed."""
    again = {**row, column.name: other_value(row, column, act.value, rows)}
    fresh = {"id": 10**6 + act.value if isinstance(row.get("id"), int) else new_id()}
    fresh |= {"event_id": new_id(), "event": new_id(), "seq": 90, "stop": new_id()}
    again |= {name: value for name, value in fresh.items() if name in table.c}
    tx.execute(insert(table).values(**again))
    if act.what == "copy with its seal" and table.name in ROWS:
        sealed = ROWS[table.name].sealed
        seal = tx.seals.seal_of(table.name, sealed.key_of(row))
        assert seal is not None
        assert tx.seals.key is not None
        name, key_id = sealed.key_of(again), tx.seals.key.id
        values = {"table_name": table.name, "row_key": name, "key_id": key_id, "seal": seal}
        tx.execute(insert(row_seal).values(**values))


def look(tx: Tx, instance: Instance) -> dict[str, InForce]:
    """What holds where, by somebody who remembers nothing."""
    reader, now = PolicyReader(), instance.services.clock.now()
    return {region: reader.in_force(tx, (region,), now) for region in REGIONS}


def test_nothing_done_to_rows_allows_more(instance: Instance) -> None:
    instance.stop("GB")
    instance.stop("DE")
    instance.resume("DE")
    text_ = (DATA / "company" / "DE.yaml").read_text(encoding="utf-8")
    instance.propose("DE", text_.replace("_days: 14", "_days: 13"))
    database = instance.services.database
    unguard(database, TABLES)
    with instance.services.database.read() as tx:
        before = look(tx, instance)
    assert captured(before["DE"])
    assert before["GB"].stopped == ("GB",)

    @settings(
        max_examples=200,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        deadline=None,
    )
    @given(done=acts)
    def never_more(done: list[Act]) -> None:
        with undone(database) as tx:
            try:
                for act in done:
                    do(tx, act)
            except (DBAPIError, HabeasError):  # a CHECK or UNIQUE refused it
                reject()
            after = look(tx, instance)
            for region, now in after.items():
                was = before[region]
                # No changed value is taken; a number that is behind opens nothing.
                assert replace(now, seq=was.seq) == was or now.disputed, (region, done)
                assert now.seq <= was.seq or now.disputed, (region, done)
                assert not now.disputed or not captured(now), (region, done)
                assert set(was.stopped) <= set(now.stopped) | set(now.disputed), (region, done)

    never_more()
