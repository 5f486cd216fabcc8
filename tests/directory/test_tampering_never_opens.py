"""Whatever somebody does to rows of the directory, nobody is believed to be more than they are.

Rows are changed at random in a transaction that is undone: cells get the value of another row or
none, rows are deleted, copied, put in place of others, and put back as they once were, with their
seals or without.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, and_, select, text
from sqlalchemy.exc import DBAPIError

from app.audit.entries import store as log
from app.audit.entries.subjects import SealedNames
from app.db.engine import Tx
from app.db.ring import SealRing, row_seal
from app.directory.model import Line, Past, Person
from app.directory.sessions import Session, session_table
from app.directory.tables import person_table, version_table
from tests.directory.company import EVERYBODY, OTHER, Company

TABLES: tuple[Table, ...] = (person_table, version_table, session_table, log.subject, row_seal)
IDS = tuple(person.id for person in EVERYBODY)


@dataclass(frozen=True)
class Change:
    """One thing that is done: to which row, with what of which other row."""

    what: str
    table: int
    row: int
    other: int
    column: int


changes = st.builds(
    Change,
    what=st.sampled_from(
        ["copy a cell", "empty a cell", "delete", "copy the row", "take its key", "put back"]
    ),
    table=st.integers(0, len(TABLES) - 1),
    row=st.integers(0, 40),
    other=st.integers(0, 40),
    column=st.integers(0, 20),
)


@dataclass(frozen=True)
class Seen:
    """What is believed of everybody, and who is signed in."""

    people: dict[str, Person]
    lines: dict[str, Line]
    pasts: dict[str, Past]
    sessions: dict[str, Session | None]


def seen(company: Company, tx: Tx, tokens: dict[str, str]) -> Seen:
    directory, sessions = company.services.directory, company.services.sessions
    now = company.clock.now()
    return Seen(
        {one.id: one for one in directory.people(tx)},
        directory.lines(tx, IDS),
        {id_: directory.past(tx, id_) for id_ in IDS},
        {id_: sessions.find(tx, token, now) for id_, token in tokens.items()},
    )


Rows = dict[str, list[dict[str, Any]]]
"""What tables held, by name."""


def do(tx: Tx, change: Change, old: Rows) -> None:
    """Do it, unless the database itself refuses: keys collide, somebody else needs the row."""
    table = TABLES[change.table]
    order = list(table.primary_key)
    rows = [dict(row) for row in tx.execute(select(table).order_by(*order)).mappings()]
    if not rows:
        return
    row, other = rows[change.row % len(rows)], rows[change.other % len(rows)]
    name = list(table.c)[change.column % len(table.c)].name
    here = and_(*(key == row[key.name] for key in order))
    keys = {key.name for key in order}
    statements: dict[str, Any] = {
        "copy a cell": table.update().where(here).values({name: other[name]}),
        "empty a cell": table.update().where(here).values({name: None}),
        "delete": table.delete().where(here),
        "copy the row": table.insert().values({**row, name: other[name]}),
        "take its key": table.update()
        .where(here)
        .values({column: value for column, value in other.items() if column not in keys}),
    }
    tx.execute(text("SAVEPOINT done"))
    try:
        if change.what == "put back":
            _put_back(tx, table, old[table.name][change.row % len(old[table.name])])
        else:
            tx.execute(statements[change.what])
    except DBAPIError:
        tx.execute(text("ROLLBACK TO done"))


def _put_back(tx: Tx, table: Table, row: dict[str, Any]) -> None:
    here = and_(*(key == row[key.name] for key in table.primary_key))
    if tx.execute(table.update().where(here).values(row)).rowcount == 0:
        tx.execute(table.insert().values(row))


@contextmanager
def undone(company: Company) -> Iterator[Tx]:
    """A transaction in which no guard holds, of a process that has read nothing yet."""
    services, known = company.services, company.services.database.seals
    ring = SealRing()
    assert known.key is not None
    ring.take(known.key)
    ring.names = SealedNames(services.log.vault)
    ring.positions, ring.size = dict(known.positions), known.size
    tx = Tx(services.database.engine, "write", ring)
    try:
        for statement in _guards_off(tx):
            tx.execute(text(statement))
        yield tx
    finally:
        tx.close()


def _guards_off(tx: Tx) -> list[str]:
    if tx.dialect == "postgresql":
        return [
            *(f"ALTER TABLE {table.name} DISABLE TRIGGER USER" for table in TABLES),
            "SET LOCAL session_replication_role = replica",
        ]
    names = tx.execute(text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")).scalars()
    return [f'DROP TRIGGER "{name}"' for name in names.all()]


@pytest.fixture
def tokens(company: Company) -> dict[str, str]:
    services, tokens = company.services, {}
    for person in ("E-3", "E-4"):
        with services.database.write() as tx:
            now = company.clock.now()
            tokens[person] = services.sessions.start(tx, person, "https://idp", person, now)
    services.integrator.integrate()
    return tokens


@pytest.fixture
def old(company: Company, tokens: dict[str, str]) -> Rows:
    """What the tables held while an auditor was one and reported to another manager."""
    del tokens
    with company.services.database.read() as tx:
        kept = {
            table.name: [dict(row) for row in tx.execute(select(table)).mappings()]
            for table in TABLES
        }
    company.bring(replace(OTHER, roles=(), manager="E-2"))
    return kept


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.lists(changes, min_size=1, max_size=4))
def test_nobody_is_more_than_they_were(
    done: list[Change], company: Company, tokens: dict[str, str], old: Rows
) -> None:
    with company.services.database.read() as tx:
        before = seen(company, tx, tokens)
    with undone(company) as tx:
        for change in done:
            do(tx, change, old)
        after = seen(company, tx, tokens)
    for id_, person in after.people.items():
        was = before.people.get(id_)
        if person.disputed:
            assert person.roles == ()
            assert not person.active or (was is not None and was.active)
        else:
            assert was is not None
            assert vars(person) | {"name": ""} == vars(was) | {"name": ""}
    for id_ in IDS:
        assert after.lines[id_] == before.lines[id_] or after.lines[id_].disputed
        assert after.pasts[id_] == before.pasts[id_] or after.pasts[id_].disputed
    for id_, session in after.sessions.items():
        assert session in {None, before.sessions[id_]}
