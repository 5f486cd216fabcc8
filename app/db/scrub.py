"""Write tables anew, so that nothing of an erased row is left in their files.

A deleted row stays in the file until its place is used again: in SQLite in pages and in the
write-ahead log, in PostgreSQL in dead tuples, and in the statistics of the planner. What copies,
archived write-ahead logs and standbys hold is beyond this program (docs/operate.md, Erasure).
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db.engine import Database

TRIES_S = 10


def scrub(database: Database, tables: Sequence[str]) -> str | None:
    """Write tables anew; SQLite: the whole file, and empty the write-ahead log.

    Returns:
        None when it is done, else in one sentence why it is not.
    """
    try:
        if database.dialect == "sqlite":
            return _scrub_sqlite(database)
        return _scrub_postgresql(database, tables)
    except DBAPIError as error:
        return f"the database is in use ({type(error.orig).__name__})"


def _scrub_sqlite(database: Database) -> str | None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        cursor = raw.cursor()
        try:
            if raw.in_transaction:
                raw.rollback()
            cursor.execute("VACUUM")
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.close()
    return (
        "somebody reads the database, so its write-ahead log still holds old pages"
        if busy
        else None
    )


def _scrub_postgresql(database: Database, tables: Sequence[str]) -> str | None:
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        foreign = connection.execute(
            text(
                "SELECT count(*) FROM pg_class WHERE relname = ANY(:names) "
                "AND relnamespace = current_schema()::regnamespace "
                "AND NOT pg_has_role(current_user, relowner, 'USAGE')"
            ),
            {"names": list(tables)},
        ).scalar_one()
        if foreign:
            return "the service's role does not own the tables"
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"SET lock_timeout = '{TRIES_S}s'"))
        try:
            for table in tables:
                connection.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
            if connection.execute(
                text(
                    "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database "
                    "WHERE datname = current_database()"
                )
            ).scalar_one():
                connection.execute(text("VACUUM FULL pg_catalog.pg_statistic"))
        finally:
            connection.execute(text("RESET statement_timeout"))
            connection.execute(text("RESET lock_timeout"))
    return None
