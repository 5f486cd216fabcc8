"""Tables that only grow: every table, but for the few that are named here with their reason."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.audit.entries import cosigned
from app.audit.entries.cosigned import Alarm
from app.audit.tree.checkpoint import parse_note
from app.audit.tree.cosignature import WitnessKey, cosign, parse_answer
from app.db.engine import Database, Tx
from app.db.metadata import metadata
from app.db.protection import MAY_CHANGE  # a new table that may change is listed there
from app.demo.custodians import sample_custodians
from app.kernel.signing import LocalSigner
from app.settings import Settings
from app.wiring import build
from tests.architecture.test_every_change_is_an_entry import (
    Story,
    erase,
    evaluate,
    lease,
    propose_catalogue,
    report,
    revoke_device,
    start_session,
    stop,
    use,
)
from tests.fakes import FakeClock
from tests.postgresql import copy_database
from tests.templates import FILE, Templates, copy_folders

APPEND_ONLY = sorted(set(metadata.tables) - set(MAY_CHANGE))
REFUSAL = r"append-only|takes the next index|has its entry"


def fill(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """The sample organisation after a day in which every append-only table got a row."""
    templates: Templates = request.getfixturevalue("templates")
    template = templates.folder(kind, "sample")
    copy_folders(template, folder)
    url = f"sqlite:///{folder / 'db.sqlite'}"
    if kind == "sqlite":
        shutil.copyfile(template / FILE, folder / "db.sqlite")
    else:
        server = request.getfixturevalue("postgresql_server")
        copy_database(server, "habeas_filled", templates.database("sample"))
        url = server.format(db="habeas_filled")
    custodians = sample_custodians(folder / "custodians")  # their list is a document of the log
    settings = Settings(var=folder / "var", database_url=url, demo=True, custodians=custodians)
    services = build(settings, clock=FakeClock(), shipped=request.getfixturevalue("shipped"))
    with services.database.write() as tx:
        day = Story(services, tx)
        for story in (stop, propose_catalogue, lease, report, revoke_device, evaluate, use, erase):
            story(day)
        for _ in range(100):  # enough entries for one full tile of the tree
            start_session(day)
    services.integrator.integrate()
    with services.database.write() as tx:
        witnessed(tx, services.clock.now())
    yield services.database
    services.database.engine.dispose()


def witnessed(tx: Tx, now: datetime) -> None:
    """A witness cosigned the newest checkpoint, and another one says that it cannot be."""
    signed, signer = cosigned.newest(tx), LocalSigner.generate()
    assert signed is not None
    text = parse_note(signed.note.encode()).text
    line = cosign(text, "witness", signer, int(now.timestamp()))
    found = parse_answer(text, f"{line}\n".encode(), WitnessKey("witness", signer.public))
    cosigned.add(tx, signed.size, found, now)
    cosigned.add_quorum(tx, "sha256:" + "0" * 64, signed.size, now)
    cosigned.add_alarm(tx, Alarm(found.key.vkey, "contradicted", signed.size, "No.", now))


@pytest.fixture(scope="module")
def on_sqlite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    yield from fill("sqlite", request, tmp_path_factory.mktemp("filled"))


@pytest.fixture(scope="module")
def on_postgresql(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    yield from fill("postgresql", request, tmp_path_factory.mktemp("filled"))


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest) -> Database:
    """Both, one after the other; nothing here changes a row."""
    database: Database = request.getfixturevalue(f"on_{request.param}")
    return database


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
    assert before, "a row trigger needs a row to speak about"
    with pytest.raises(DBAPIError, match="append-only"), database.engine.connect() as connection:
        connection.execute(text(statement))
    assert rows(database, table) == before


@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_replace_does_not_swallow_a_row_on_sqlite(
    on_sqlite: Database, table: str, recursive_triggers: str
) -> None:
    """Also not on a connection of somebody else, who left recursive_triggers off."""
    before = rows(on_sqlite, table)
    assert before
    path = make_url(str(on_sqlite.engine.url)).database
    assert path is not None
    with sqlite3.connect(Path(path)) as connection:
        connection.execute(f"PRAGMA recursive_triggers={recursive_triggers}")
        with pytest.raises(sqlite3.DatabaseError, match=REFUSAL):
            connection.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert rows(on_sqlite, table) == before


@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_replace_does_not_swallow_a_row_by_its_rowid_on_sqlite(
    on_sqlite: Database, table: str, recursive_triggers: str
) -> None:
    """Every other column new: only the hidden row number collides."""
    before = rows(on_sqlite, table)
    assert before
    path = make_url(str(on_sqlite.engine.url)).database
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
        with pytest.raises(sqlite3.DatabaseError, match=REFUSAL):
            connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({rowid}, {fresh})"
            )
    assert rows(on_sqlite, table) == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_replica_role_does_not_switch_the_triggers_off(
    on_postgresql: Database, table: str
) -> None:
    """On PostgreSQL a superuser may set session_replication_role; the triggers fire always."""
    assert rows(on_postgresql, table)
    column = metadata.tables[table].columns.keys()[0]
    with pytest.raises(DBAPIError, match="append-only"), on_postgresql.engine.connect() as open_:
        open_.execute(text("SET session_replication_role = replica"))
        open_.execute(text(f"UPDATE {table} SET {column} = {column}"))


def test_each_table_that_may_change_exists_and_says_why() -> None:
    assert set(MAY_CHANGE) <= set(metadata.tables)
    assert {table for table, why in MAY_CHANGE.items() if len(why.split()) < 3} == set()
