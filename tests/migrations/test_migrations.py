"""The schema: the same from migrations and from code, up, down and up again, on both kinds."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from app.db.engine import Database, open_database
from app.db.metadata import metadata
from app.db.migrate import alembic_config, bring_up, migrate, newest
from app.kernel.errors import Unavailable


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'db.sqlite'}")
        yield opened
        opened.engine.dispose()
        return
    server = request.getfixturevalue("postgresql_server")
    admin = create_engine(server.format(db="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS habeas_empty WITH (FORCE)")
        connection.exec_driver_sql("CREATE DATABASE habeas_empty")
    opened = open_database(server.format(db="habeas_empty"))
    yield opened
    opened.engine.dispose()
    admin.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_code(empty: Database) -> None:
    migrate(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_schema_goes_down_to_nothing_and_up_again(empty: Database) -> None:
    migrate(empty)
    command.downgrade(alembic_config(empty), "base")
    assert inspect(empty.engine).get_table_names() == ["alembic_version"]
    migrate(empty)
    assert set(metadata.tables) <= set(inspect(empty.engine).get_table_names())


def test_migrating_twice_changes_nothing(empty: Database) -> None:
    migrate(empty)
    migrate(empty)
    assert set(metadata.tables) <= set(inspect(empty.engine).get_table_names())


def test_the_newest_file_is_the_newest_revision(empty: Database) -> None:
    """A start compares the database with the file's name, before it loads any migration."""
    assert ScriptDirectory.from_config(alembic_config(empty)).get_heads() == [newest()]
    migrate(empty)
    with empty.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (newest(),)


def test_a_start_brings_up_a_database_of_nothing_or_of_an_older_release(empty: Database) -> None:
    bring_up(empty)
    command.downgrade(alembic_config(empty), "-1")
    bring_up(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_program_that_is_older_than_the_schema_says_so_and_stops(empty: Database) -> None:
    migrate(empty)
    with empty.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999_of_tomorrow'"))
    for start in (bring_up, migrate):
        with pytest.raises(
            Unavailable, match=r"older than the database: .* 9999_of_tomorrow"
        ) as no:
            start(empty)
        assert no.value.kind == "schema"
        assert "Roll back" in str(no.value.cure)
