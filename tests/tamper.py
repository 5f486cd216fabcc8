"""Whoever owns the database: changes rows with SQL while the guards are away, and puts them back.

The guards are prevention and the owner can drop them; what these tests attack is what must hold
then. Afterwards the guards are as they were, so that the self-test at start sees nothing.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from app.db.engine import Database

_ALWAYS = (
    "SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger WHERE tgenabled = 'A'"
)


@contextmanager
def tampering(database: Database, *, keys: bool = True) -> Iterator[Connection]:
    """Give a connection that may change any row; what was done is committed at the end.

    Foreign keys and checks stay: whoever wants to be unnoticed leaves them in order. Without
    ``keys``, foreign keys are not looked at.
    """
    with database.engine.connect() as opened, _unchecked(opened, keys=keys):
        if database.dialect == "postgresql":
            with opened.begin():
                if not keys:
                    opened.exec_driver_sql("SET LOCAL session_replication_role = replica")
                always = opened.execute(text(_ALWAYS)).all()  # replicas are refused by these, too
                for table, name in always:
                    opened.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
                yield opened
                for table, name in always:
                    opened.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
            return
        connection = opened.execution_options(habeas_access="write")
        with connection.begin():
            triggers = connection.execute(
                text("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            ).all()
            for name, _ in triggers:
                connection.execute(text(f'DROP TRIGGER "{name}"'))
            yield connection
            for _, sql in triggers:
                connection.exec_driver_sql(sql)


@contextmanager
def _unchecked(opened: Connection, *, keys: bool) -> Iterator[None]:
    """SQLite looks at foreign keys or not by a switch of the connection."""
    driver = opened.connection.driver_connection
    off = not keys and isinstance(driver, sqlite3.Connection)
    if off:
        driver.execute("PRAGMA foreign_keys = OFF")
    yield
    if off:
        driver.execute("PRAGMA foreign_keys = ON")


def sql(database: Database, *statements: str, keys: bool = True) -> int:
    """Execute statements as their owner would; return how many rows they changed."""
    with tampering(database, keys=keys) as connection:
        return sum(connection.execute(text(statement)).rowcount for statement in statements)
