"""The databases: settings read back, one transaction, all or nothing."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Table, Text, func, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from app.db.engine import Database, open_database
from app.db.metadata import UtcTime
from app.kernel.errors import InvalidInput, Unavailable

SCRATCH = Table(
    "scratch", MetaData(), Column("name", Text, primary_key=True), Column("at", UtcTime)
)


@pytest.fixture
def scratch(database: Database) -> Database:
    SCRATCH.create(database.engine)
    return database


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(SCRATCH.c.name).order_by(SCRATCH.c.name)).scalars())


def test_a_block_that_ends_is_kept(scratch: Database) -> None:
    with scratch.write() as tx:
        tx.execute(insert(SCRATCH), [{"name": "a"}, {"name": "b"}])
    assert names(scratch) == ["a", "b"]


def test_a_block_that_fails_leaves_nothing(scratch: Database) -> None:
    with pytest.raises(RuntimeError), scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "a"})
        raise RuntimeError
    assert names(scratch) == []


def test_a_reader_sees_one_snapshot(scratch: Database) -> None:
    with scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "a"})
    count = select(func.count()).select_from(SCRATCH)
    with scratch.read() as reader:
        assert reader.execute(count).scalar() == 1
        with scratch.write() as writer:
            writer.execute(insert(SCRATCH), {"name": "b"})
        assert reader.execute(count).scalar() == 1
    assert names(scratch) == ["a", "b"]


def test_writers_take_turns_and_none_is_refused(scratch: Database) -> None:
    def write(number: int) -> None:
        for step in range(5):
            with scratch.write() as tx:
                tx.execute(select(func.count()).select_from(SCRATCH)).scalar()
                tx.execute(insert(SCRATCH), {"name": f"{number}-{step}"})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(scratch)) == 40


def test_an_instant_comes_back_as_it_went_whatever_its_offset(scratch: Database) -> None:
    at = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "a", "at": at})
    with scratch.read() as tx:
        value = tx.execute(select(SCRATCH.c.at)).scalar_one()
    assert value == at
    assert value.tzinfo is UTC


def test_an_instant_without_a_time_zone_is_refused(scratch: Database) -> None:
    with pytest.raises(StatementError, match="no time zone"), scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "a", "at": datetime(2026, 3, 1)})  # noqa: DTZ001


def test_sqlite_keeps_the_settings_that_durability_and_the_triggers_need(sqlite_url: str) -> None:
    with open_database(sqlite_url).engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }


def test_sqlite_that_cannot_keep_them_is_refused() -> None:
    """A database in memory has no write-ahead log."""
    with pytest.raises(Unavailable, match="journal_mode"):
        open_database("sqlite://")


def test_postgresql_that_may_lose_a_commit_is_refused(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    name = database.engine.url.database
    with database.engine.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        connection.commit()
    database.engine.dispose()
    with pytest.raises(Unavailable, match="synchronous_commit"):
        open_database(postgresql_url)


def test_a_database_that_is_not_there_is_named_as_the_fault(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_database(f"sqlite:///{tmp_path / 'missing' / 'habeas.sqlite'}")


@pytest.mark.parametrize(
    ("database_url", "name"),
    [("sqlite", "a\ud800b"), ("postgresql", "a\ud800b"), ("postgresql", "a\x00b")],
    indirect=["database_url"],
)
def test_a_text_that_cannot_be_kept_is_bad_input_and_no_accident(
    scratch: Database, name: str
) -> None:
    with pytest.raises(InvalidInput, match="cannot be kept"), scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": name})
    assert names(scratch) == []


def test_a_commit_that_is_not_confirmed_is_not_called_undone(postgresql_url: str) -> None:
    """The server ends the session between the work and the commit."""
    database = open_database(postgresql_url)
    SCRATCH.create(database.engine)
    with pytest.raises(Unavailable) as raised, database.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "a"})
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert raised.value.kind == "outcome-unknown"
    assert "Nothing was changed" not in raised.value.cure
    database.engine.dispose()


def test_no_wait_on_postgresql_is_endless(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    with database.engine.connect() as connection:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            assert connection.execute(text(f"SHOW {name}")).scalar_one() not in {"0", ""}, name
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == (
            "read committed"
        )
    database.engine.dispose()


def test_an_error_of_the_database_does_not_repeat_what_was_written(scratch: Database) -> None:
    with scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "Anna Muster"})
    with pytest.raises(IntegrityError) as raised, scratch.write() as tx:
        tx.execute(insert(SCRATCH), {"name": "Anna Muster"})
    assert "[parameters" not in str(raised.value)
