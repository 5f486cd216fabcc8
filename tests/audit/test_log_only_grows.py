"""Each trigger attacked, as a program would that holds the application's own connection."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.db.engine import Database
from tests.audit import make
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow

APPEND_ONLY = {
    "audit_leaf": "kind",
    "audit_leaf_subject": "pseudonym",
    "audit_tile": "root",
    "audit_checkpoint": "note",
    "audit_body": "owner",
}
TABLES = (*APPEND_ONLY, "audit_pending", "audit_head")

Attack = Callable[..., None]


@pytest.fixture
def attack(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> Iterator[Attack]:
    """Run a statement against a log with a full tile and something pending; it must be refused."""
    make.fill(database, log, integrator, clock, 260)
    with database.write() as tx:
        log.append(tx, make.withdrawal(1), clock.now())
    before = contents(database)

    def refused(*statements: str) -> None:
        with database.engine.connect() as connection:
            for statement in statements[:-1]:
                connection.execute(text(statement))
            with pytest.raises(
                DBAPIError, match=r"append-only|only grows|next index|stands|leaf|one head"
            ):
                connection.execute(text(statements[-1]))

    yield refused
    assert contents(database) == before


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as tx:
        return {
            table: sorted(tuple(row) for row in tx.execute(text(f"SELECT * FROM {table}")))
            for table in TABLES
        }


@pytest.mark.parametrize(("table", "column"), APPEND_ONLY.items())
def test_no_row_of_the_log_is_changed_or_removed(
    attack: Attack, database: Database, table: str, column: str
) -> None:
    attack(f"UPDATE {table} SET {column} = {column}")
    attack(f"DELETE FROM {table}")
    if database.dialect == "postgresql":
        attack(f"TRUNCATE {table}")
        attack(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("table", [*APPEND_ONLY, "audit_pending", "audit_head"])
def test_no_row_is_replaced_whatever_the_connection_sets(
    attack: Attack, table: str, recursive: str
) -> None:
    """SQLite deletes the row a REPLACE meets without asking the DELETE trigger, unless told to."""
    attack(
        "COMMIT",
        f"PRAGMA recursive_triggers={recursive}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_no_entry_is_replaced_through_its_event(attack: Attack, recursive: str) -> None:
    pragma = f"PRAGMA recursive_triggers={recursive}"
    attack(
        "COMMIT",
        pragma,
        "INSERT OR REPLACE INTO audit_leaf SELECT 260, event_id, entry, leaf_hash, kind, actor, "
        "purpose, outcome, occurred_at FROM audit_leaf WHERE idx = 3",
    )
    attack(
        "COMMIT",
        pragma,
        "INSERT OR REPLACE INTO audit_pending (event_id, submission, created_at) "
        "SELECT event_id, x'00', created_at FROM audit_pending",
    )
    attack("COMMIT", pragma, "UPDATE OR REPLACE audit_pending SET event_id = 'x'")


@pytest.mark.parametrize("idx", ["-1", "261", "999", "0", "259"])
def test_an_entry_takes_the_next_index_and_no_other(attack: Attack, idx: str) -> None:
    columns = "entry, leaf_hash, kind, actor, purpose, outcome, occurred_at"
    attack(
        f"INSERT INTO audit_leaf (idx, event_id, {columns}) "
        f"SELECT {idx}, 'new', {columns} FROM audit_leaf WHERE idx = 3"
    )


def test_several_entries_in_one_statement_follow_each_other(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 3)
    copy = (
        "INSERT INTO audit_leaf (idx, event_id, entry, leaf_hash, kind, actor, occurred_at) "
        "SELECT column1, column2, x.entry, x.leaf_hash, x.kind, x.actor, x.occurred_at "
        "FROM (VALUES (3, 'a'), ({second}, 'b')) AS v, audit_leaf AS x WHERE x.idx = 0"
    )
    with database.engine.connect() as connection:
        connection.execute(text(copy.format(second=4)))
        connection.rollback()
        with pytest.raises(IntegrityError, match="next index"):
            connection.execute(text(copy.format(second=5)))


def test_a_submission_is_kept_until_it_is_an_entry(attack: Attack, database: Database) -> None:
    attack("DELETE FROM audit_pending")
    attack("UPDATE audit_pending SET submission = submission")
    if database.dialect == "postgresql":
        attack("TRUNCATE audit_pending")


def test_the_head_only_grows(attack: Attack, database: Database) -> None:
    attack("UPDATE audit_head SET size = size - 1")
    attack("UPDATE audit_head SET root = root")
    attack("UPDATE audit_head SET size = 0")
    attack("DELETE FROM audit_head")
    if database.dialect == "postgresql":
        attack("TRUNCATE audit_head")


def test_there_is_one_head(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(
            text("INSERT INTO audit_head SELECT 2, size, root, frontier, seal FROM audit_head")
        )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_triggers_hold_against_a_replication_role(database: Database) -> None:
    """With session_replication_role=replica only triggers enabled ALWAYS fire."""
    with database.read() as tx:
        modes = tx.execute(
            text(
                "SELECT tgname, tgenabled FROM pg_trigger "
                "WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'audit%'"
            )
        ).all()
    # psycopg gives PostgreSQL's one-byte type "char" as text.
    ordinary = [name for name, enabled in modes if enabled not in {"A", b"A"}]
    assert modes
    assert ordinary == []
