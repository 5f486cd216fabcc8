"""Cells of another type or shape than the program writes: named in a sentence, and nothing breaks.

One cell of each column is spoiled, each in a row of its own where there are so many. SQLite keeps
any type in any column; PostgreSQL refuses most of these by itself.
"""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Integer, Table

from app.audit.entries.model import SYSTEM
from app.audit.export.writing import export_log
from app.db.engine import Database, open_database
from app.db.metadata import metadata
from app.kernel.errors import HabeasError
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.held import HELD
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.tamper import tampering
from tests.templates import Templates

VALUES = {"a word": "'many words'", "bytes": "x'00ff'", "a number": "9e300", "nothing": "NULL"}
TABLES = sorted(
    {held.sealed.table.name for held in HELD}
    | {"audit_leaf", "audit_pending", "audit_head", "audit_document", "audit_checkpoint"}
    | {"audit_adopted", "row_seal"}
)
EMPTY = {
    "access_grant", "access_use", "agent_device", "agent_lease", "agent_pairing",
    "agent_revocation", "agent_token", "audit_erasure", "audit_pending", "consent_decision",
    "notice_shown", "person_session", "policy_catalogue_step", "policy_stop",
}  # fmt: skip
"""Tables of which the sample organisation has no rows; their rooms have tests of their own."""


def spoiled(table: Table, database: Database, value: str, *, without: str = "seal") -> int:
    """Write a value into one cell of each column; return how many cells took it."""
    changed = 0
    with tampering(database, keys=False) as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        if value == "NULL":
            drop = "replace(replace(sql, ' NOT NULL, ', ', '), ' NOT NULL,' || char(10), ',')"
            connection.exec_driver_sql("PRAGMA writable_schema = ON")
            connection.exec_driver_sql(
                f"UPDATE sqlite_schema SET sql = {drop} WHERE name = '{table.name}'"
            )
            connection.exec_driver_sql("PRAGMA writable_schema = RESET")
        rows = [row[0] for row in connection.exec_driver_sql(f"SELECT rowid FROM {table.name}")]
        for at, column in enumerate(columns(table, without)):
            where = f"rowid = {rows[at % len(rows)]}" if rows else "FALSE"
            changed += connection.exec_driver_sql(
                f"UPDATE OR IGNORE {table.name} SET {column} = {value} WHERE {where}"
            ).rowcount
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
    return changed


def columns(table: Table, without: str) -> list[str]:
    """All but the number of a row, in whose place SQLite keeps nothing else."""
    return [
        column.name
        for column in table.c
        if column.name != without and not (column.primary_key and isinstance(column.type, Integer))
    ]


def names_what_is_wrong(services: Services, folder: Path) -> bool:
    """Whether a service that started names it; all that it does otherwise goes on or is refused."""
    findings = services.reconciler.examine(lambda *_: None)
    while services.reconciler.follow():
        pass
    services.integrator.integrate()
    now = services.clock.now()
    with services.database.read() as tx:
        for person in list(services.directory.people(tx))[:6]:
            services.consent.standing(tx, person, now)
    export_log(
        services.database,
        services.log,
        services.integrator,
        folder / "log.tar",
        actor=SYSTEM,
        now=now,
        documents=services.exports.documents,
    )
    return findings.count > 0 and all(one.sentence for one in findings.differences)


def outcome(settings: Settings, shipped: Shipped, folder: Path) -> tuple[bool, HabeasError | None]:
    """Start and go on: whether what is wrong is named, and what was refused."""
    try:
        with closing(build(settings, clock=FakeClock(), shipped=shipped)) as services:
            return names_what_is_wrong(services, folder), None
    except HabeasError as refused:
        return True, refused


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", [name for name in TABLES if name not in EMPTY])
def test_a_cell_of_another_shape_is_named_and_breaks_nothing(
    templates: Templates, shipped: Shipped, tmp_path: Path, name: str, value: str
) -> None:
    with templates.copy("sqlite", "sample", tmp_path) as url:
        database = open_database(url)
        without = "leaf_hash" if name == "audit_leaf" else "seal"
        cells = spoiled(metadata.tables[name], database, VALUES[value], without=without)
        database.engine.dispose()
        assert cells or value == "nothing", "a key that must be something"
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        named, refused = outcome(settings, shipped, tmp_path)
        assert named or not cells
        assert refused is None or ("log" in refused.problem and refused.cure), (
            "only the log itself stops a start or an export, and a sentence says what to do"
        )


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
def test_a_hash_of_another_shape_is_the_hash_of_nothing(
    templates: Templates, shipped: Shipped, tmp_path: Path, value: str
) -> None:
    with templates.copy("sqlite", "sample", tmp_path) as url:
        database = open_database(url)
        with tampering(database) as connection:
            connection.exec_driver_sql("PRAGMA writable_schema = ON")
            connection.exec_driver_sql(
                "UPDATE sqlite_schema SET sql = replace(sql, 'leaf_hash BLOB NOT NULL',"
                " 'leaf_hash BLOB') WHERE name = 'audit_leaf'"
            )
            connection.exec_driver_sql("PRAGMA writable_schema = RESET")
            connection.exec_driver_sql(
                f"UPDATE audit_leaf SET leaf_hash = {VALUES[value]} WHERE idx = 3"
            )
        database.engine.dispose()
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        named, _ = outcome(settings, shipped, tmp_path)
        assert named


def test_the_tables_without_rows_are_empty(templates: Templates, tmp_path: Path) -> None:
    with templates.copy("sqlite", "sample", tmp_path) as url:
        database = open_database(url)
        with database.engine.connect() as connection:
            counts = {
                name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()
                for name in TABLES
            }
        database.engine.dispose()
    assert {name for name, count in counts.items() if not count} == EMPTY
