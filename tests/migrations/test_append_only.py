"""Tables that only grow: every table, but for the few that are named here with their reason."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app import wiring
from app.db.engine import Database, open_database
from app.db.metadata import metadata

assert wiring, "importing the services adds every table to the metadata"

MAY_CHANGE = {
    "access_decision": "a projection of the log that names people: erasable",
    "agent_pairing": "a code is approved, then used up",
    "agent_token": "a token is revoked",
    "assertion_jti": "a used assertion is forgotten once it has expired",
    "audit_head": "the one row of the log's head; it may only grow",
    "audit_pending": "a row leaves when its leaf exists, and only then",
    "audit_stream": "the last place of each stream",
    "audit_subject": "a person's key: destroying it is erasure",
    "person": "the directory as it is now; person_version keeps what was",
    "person_session": "a session is touched and ended",
}
APPEND_ONLY = sorted(set(metadata.tables) - set(MAY_CHANGE))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, sample_template: Callable[[str], Path]
) -> Iterator[Database]:
    """The sample organisation, so that nearly every table holds rows; nothing here changes one."""
    folder = sample_template(request.param)
    url = f"sqlite:///{folder / 'db.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_server").format(db="habeas_sample")
    database = open_database(url)
    yield database
    database.engine.dispose()


def rows(database: Database, table: str) -> list[tuple[object, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "attack",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"],
)
def test_a_row_once_written_stays(filled: Database, table: str, attack: str) -> None:
    database = filled
    if attack.startswith("TRUNCATE") and database.dialect == "sqlite":
        attack = "DELETE FROM {table}"  # SQLite has no other way to empty a table
    before = rows(database, table)
    column = metadata.tables[table].columns.keys()[0]
    statement = attack.format(table=table, column=column)
    if not before and not attack.startswith("TRUNCATE"):
        # A row trigger needs a row to speak about; the trigger itself must be there.
        assert triggers(database, table)
        return
    with pytest.raises(DBAPIError, match="append-only"), database.engine.connect() as connection:
        connection.execute(text(statement))
    assert rows(database, table) == before


def triggers(database: Database, table: str) -> list[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        if database.dialect == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass)"
    )
    with database.engine.connect() as connection:
        return list(connection.execute(text(query), {"table": table}).scalars())


@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_replace_does_not_swallow_a_row_on_sqlite(
    filled: Database, table: str, recursive_triggers: str
) -> None:
    """Also not on a connection of somebody else, who left recursive_triggers off."""
    if filled.dialect != "sqlite":
        assert filled.dialect == "postgresql"  # has no REPLACE
        return
    before = rows(filled, table)
    if not before:
        return
    path = make_url(str(filled.engine.url)).database
    assert path is not None
    with sqlite3.connect(Path(path)) as connection:
        connection.execute(f"PRAGMA recursive_triggers={recursive_triggers}")
        with pytest.raises(sqlite3.DatabaseError, match=r"append-only|takes the next index"):
            connection.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert rows(filled, table) == before


@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_replace_does_not_swallow_a_row_by_its_rowid_on_sqlite(
    filled: Database, table: str, recursive_triggers: str
) -> None:
    """Every other column new: only the hidden row number collides."""
    if filled.dialect != "sqlite":
        assert filled.dialect == "postgresql"  # has neither REPLACE nor a row number to write
        return
    before = rows(filled, table)
    if not before:
        return
    path = make_url(str(filled.engine.url)).database
    assert path is not None
    with sqlite3.connect(Path(path)) as connection:
        # A column that is the row number itself is not written a second time.
        columns = [
            name
            for _, name, kind, _, _, key in connection.execute(f"PRAGMA table_info({table})")
            if not (key and kind == "INTEGER")
        ]
        names = ", ".join(["rowid", *columns])
        fresh = ", ".join(f"{9**15 + place}" for place, _ in enumerate(columns))
        connection.execute(f"PRAGMA recursive_triggers={recursive_triggers}")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        rowid = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]
        with pytest.raises(sqlite3.DatabaseError, match=r"append-only|takes the next index"):
            connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({rowid}, {fresh})"
            )
    assert rows(filled, table) == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_replica_role_does_not_switch_the_triggers_off(filled: Database, table: str) -> None:
    """On PostgreSQL a superuser may set session_replication_role; the triggers fire always."""
    if filled.dialect != "postgresql" or not rows(filled, table):
        return
    column = metadata.tables[table].columns.keys()[0]
    with pytest.raises(DBAPIError, match="append-only"), filled.engine.connect() as open_:
        open_.execute(text("SET session_replication_role = replica"))
        open_.execute(text(f"UPDATE {table} SET {column} = {column}"))


def test_each_table_that_may_change_exists_and_says_why() -> None:
    assert set(MAY_CHANGE) <= set(metadata.tables)
    assert all(MAY_CHANGE.values())
