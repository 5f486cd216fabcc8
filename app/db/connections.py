"""Connections: how they are opened, what each must be like, how a transaction begins.

Rules:
1. SQLite runs with WAL, synchronous=FULL, foreign_keys, recursive_triggers, trusted_schema=OFF and
   secure_delete. Each connection reads them back and refuses to work if one differs: without
   recursive_triggers an ``INSERT OR REPLACE`` deletes a row of an append-only table unseen, without
   secure_delete the file keeps what was erased.
2. A writing transaction on SQLite begins IMMEDIATE: it waits for the only writer instead of failing
   half-way. Another process may hold that writer: it is asked for every few milliseconds, so that a
   gap between two of its transactions is enough.
3. PostgreSQL commits with synchronous_commit on; a session that says otherwise is refused.
4. No wait is endless: locks, statements and idle transactions all have a limit.
"""

import sqlite3
import time
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from app.db.gate import WAITS_S
from app.kernel.errors import Unavailable
from app.kernel.lanes import Lane
from app.kernel.private import private_database

Access = Literal["read", "write"]

_BUSY_MS = 5_000
_PRAGMAS: tuple[tuple[str, str, str | int], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("recursive_triggers", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("secure_delete", "ON", 1),
    ("busy_timeout", str(_BUSY_MS), _BUSY_MS),
)

POOL_SIZE = 15
"""How many connections each process holds at most."""
RESERVED = 2
"""Of these, for opting out alone."""
_SPARE = 5
"""Connections beyond these, for what takes no ticket: migrations, checks at start."""
_POOL_WAIT_S = 5.0
_ASK_AGAIN_S = 0.002
_LIMITS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=60s "
    "-c idle_in_transaction_session_timeout=60s"
)


def open_engine(url: str) -> Engine:
    """Open ``sqlite:///PATH`` or ``postgresql+psycopg://…``.

    Raises:
        Unavailable: the database cannot be reached, refuses the required settings, or lies in a
            file that others can read (kind ``not-private``).
    """
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    engine = _sqlite(parsed) if is_sqlite else _postgresql(parsed)
    try:
        with engine.connect():
            pass
    except DBAPIError as error:
        raise unavailable(error.orig) from error
    return engine


def _sqlite(url: URL) -> Engine:
    if url.database and not url.database.startswith((":", "file:")):
        private_database(Path(url.database))
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=_SPARE,
        pool_timeout=_POOL_WAIT_S,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # a traceback in a log must not name people
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=_SPARE,
        pool_timeout=_POOL_WAIT_S,
        connect_args={"connect_timeout": 5, "options": _LIMITS},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def begin(engine: Engine, access: Access, lane: Lane) -> Connection:
    """Take a connection and begin a transaction on it."""
    connection = engine.connect()
    try:
        if engine.dialect.name == "sqlite":
            connection = connection.execution_options(habeas_access=access, habeas_lane=lane)
        elif access == "read":
            # One snapshot for the whole read, as SQLite gives it.
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("habeas_access", "write") == "read":
        connection.exec_driver_sql("BEGIN")
        return
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    deadline = time.monotonic() + WAITS_S[options.get("habeas_lane", Lane.PEOPLE)]
    driver.execute("PRAGMA busy_timeout=0")  # its own waits grow to a tenth of a second (rule 2)
    try:
        while not _has_writer(driver, deadline):
            time.sleep(_ASK_AGAIN_S)
    finally:
        driver.execute(f"PRAGMA busy_timeout={_BUSY_MS}")


def _has_writer(driver: sqlite3.Connection, deadline: float) -> bool:
    """Take SQLite's writer; False where another process holds it and there is time left.

    Raises:
        Unavailable: there is none, or something else is wrong.
    """
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)  # the module's own errors have none
        if code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
            raise unavailable(error) from error
        return False
    return True


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves (rule 2)
    cursor = dbapi_connection.cursor()
    try:
        for name, wanted, read_back in _PRAGMAS:
            cursor.execute(f"PRAGMA {name}={wanted}")
            value = cursor.execute(f"PRAGMA {name}").fetchone()[0]
            if value != read_back:
                raise Unavailable(
                    f"SQLite keeps {name}={value!r} where {read_back!r} is required",
                    cure="Put the database on a local disk that SQLite can lock, "
                    "and let no other program hold it.",
                )
    finally:
        cursor.close()


def _prepare_postgresql(dbapi_connection: Any, _record: object) -> None:
    with dbapi_connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        value = cursor.fetchone()[0]
    dbapi_connection.rollback()
    if value not in {"on", "remote_apply"}:
        raise Unavailable(
            f"PostgreSQL answers with synchronous_commit={value}: "
            "an acknowledged decision could be lost",
            cure="Set synchronous_commit to on (or remote_apply) for this database and role.",
        )


def unavailable(cause: BaseException | None) -> Unavailable:
    """The error of a database that did not take a request."""
    return Unavailable(
        f"the database did not take the request ({type(cause).__name__})",
        cure="Nothing was changed. Try again in a moment.",
    )
