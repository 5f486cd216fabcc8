"""Engine and transaction.

Rules:
1. SQLite runs with WAL, synchronous=FULL, foreign_keys, recursive_triggers, trusted_schema=OFF and
   secure_delete. Each connection reads them back and refuses to work if one differs: without
   recursive_triggers an ``INSERT OR REPLACE`` deletes a row of an append-only table unseen, without
   secure_delete the file keeps what was erased.
2. A writing transaction on SQLite begins IMMEDIATE: it waits for the only writer instead of failing
   half-way.
3. A transaction begins with its first statement, in the thread that runs the statement. A request
   that waits for the writer therefore never holds a thread that the writer needs.
4. PostgreSQL commits with synchronous_commit on; a session that says otherwise is refused.
5. No wait is endless: the gate, locks, statements and idle transactions all have a limit.
6. A commit that fails may have been taken all the same; then nobody is told that nothing changed.
7. Whoever begins a transaction has a ticket of the gate (gate.py): it orders who gets the next
   connection, and SQLite's writer. Another process may hold that writer, too: it is asked for every
   few milliseconds, so that a gap between two of its transactions is enough.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    and_,
    create_engine,
    event,
    insert,
    make_url,
    or_,
    select,
)
from sqlalchemy.exc import DataError, DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import QueuePool

from app.db.gate import WAITS_S, Gate
from app.db.ring import Dispute, SealRing, row_seal
from app.kernel.errors import InvalidInput, Unavailable
from app.kernel.lanes import Lane, Ticket
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


_INSERT_SEALS = insert(row_seal)
_SEALS_AT_ONCE = 500  # well below the bound on parameters of one statement


class Tx:
    """One transaction; begun by its first statement, ended by whoever opened it.

    Services and stores receive it and execute in it; none of them commits.

    Attributes:
        lane: who it is for.
        seals: keys and what the log knows, shared by all transactions (app/db/seals.py).
        folded: how far the log was known before this transaction saw anything.
        sealing: side seals of rows that it writes, by table and key; kept at the commit.
        named: pseudonyms by person id that it read or made, for itself alone until it commits.
        confirmed: pseudonyms by person id that rows which it read bear under their seals.
        disputes: what it found that does not stand, by chain.
        alarmed: chains on which it raised an alarm.
    """

    def __init__(
        self,
        engine: Engine,
        access: Access,
        seals: SealRing | None = None,
        gate: Gate | None = None,
        lane: Lane = Lane.PEOPLE,
    ) -> None:
        self._engine = engine
        self._access = access
        self._gate = gate
        self._ticket: Ticket | None = None
        self._connection: Connection | None = None
        self.lane = lane
        self.seals = seals or SealRing()
        self.folded = self.seals.size
        self.sealing: dict[tuple[str, str], bytes] = {}
        self.named: dict[str, str] = {}
        self.confirmed: dict[str, str] = {}
        self.disputes: dict[str, Dispute] = {}
        self.alarmed: set[str] = set()

    @property
    def writes(self) -> bool:
        """Whether it may write."""
        return self._access == "write"

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def begun(self) -> bool:
        """Whether a statement was executed."""
        return self._connection is not None

    def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Execute one statement (with a list of parameters: once for each).

        Raises:
            Unavailable: the database cannot be reached or is too busy; nothing was changed.
            InvalidInput: a text that the database cannot hold (NUL, lone surrogates).
        """
        try:
            connection = self._connection or self._begin()
            return connection.execute(statement, parameters)
        except (OperationalError, InternalError) as error:
            raise _unavailable(error.orig) from error
        except PoolExhausted as error:
            raise _unavailable(error) from error
        except (DataError, UnicodeEncodeError) as error:
            raise InvalidInput(
                "the text holds characters that cannot be kept",
                cure="Remove control characters and broken letters. Nothing was changed.",
            ) from error

    def _begin(self) -> Connection:
        if self._gate is not None:
            self._ticket = self._gate.enter(self.lane)
        try:
            self._connection = _begin(self._engine, self._access, self.lane)
        except BaseException:
            self._give_back()
            raise
        return self._connection

    def _give_back(self) -> None:
        if self._gate is not None and self._ticket is not None:
            self._gate.leave(self._ticket)
            self._ticket = None

    def execute_each(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement for each row; one row is one plain statement, which costs less.

        Raises:
            Unavailable, InvalidInput: as ``execute``.
        """
        self.execute(statement, rows[0] if len(rows) == 1 else rows)

    def forget(self, person_id: str) -> None:
        """Remember nothing of somebody who is being erased, neither here nor in this process."""
        self.named.pop(person_id, None)
        self.confirmed.pop(person_id, None)
        self.seals.names.forget(person_id)
        self.seals.forget_fitting()

    def commit(self) -> None:
        """Make the work durable. Called once, by the opener.

        Raises:
            Unavailable: the database did not confirm; kind ``outcome-unknown``.
        """
        if self._connection is not None:
            self._keep_seals()
            try:
                self._connection.commit()
            except DBAPIError as error:
                raise Unavailable(
                    "the database did not confirm: we do not know whether this was kept",
                    cure="Look whether it was before you do it again.",
                    kind="outcome-unknown",
                ) from error
            self.seals.remember((*named, seal) for named, seal in self.sealing.items())
            self.seals.names.remember(self.named)
            self.seals.raised(self.alarmed)
            for chain in self.alarmed:
                self.disputes.pop(chain, None)

    def _keep_seals(self) -> None:
        """Write the side seals of all rows of this transaction, in one statement.

        A row of that name may have been sealed before: somebody deleted it, and it is written anew,
        or somebody put a seal there. Its seal stays as it is, so that the row does not stand unless
        it says the very same; stops and revocations hold, and none of them is refused for it.
        """
        key = self.seals.key
        if not self.sealing or key is None:
            return
        for name in self._sealed_before(key.id):
            del self.sealing[name]
        if not self.sealing:
            return
        rows = [
            {"table_name": table, "row_key": row_key, "key_id": key.id, "seal": seal}
            for (table, row_key), seal in self.sealing.items()
        ]
        self.execute_each(_INSERT_SEALS, rows)

    def _sealed_before(self, key_id: str) -> list[tuple[str, str]]:
        """Those of the rows that this transaction seals whose names have a seal already."""
        columns, known, names = row_seal.c, [], sorted(self.sealing)
        for start in range(0, len(names), _SEALS_AT_ONCE):
            tables = groupby(names[start : start + _SEALS_AT_ONCE], key=itemgetter(0))
            # Not as pairs: SQLite would look through the whole table for them.
            these = (
                and_(columns.table_name == table, columns.row_key.in_([key for _, key in some]))
                for table, some in tables
            )
            query = select(columns.table_name, columns.row_key)
            found = self.execute(query.where(columns.key_id == key_id, or_(*these)))
            known += [(row.table_name, row.row_key) for row in found]
        return known

    def close(self) -> None:
        """Undo what was not committed and give the connection back."""
        self.seals.found(self.disputes.values())
        if self._connection is not None:
            try:
                self._connection.close()
            finally:
                self._connection = None
                self._give_back()


@dataclass(frozen=True)
class Database:
    """Opens transactions on one engine."""

    engine: Engine
    committed: threading.Event = field(default_factory=threading.Event)
    """Set after each writing commit: a hint for the integrator in this process."""
    seals: SealRing = field(default_factory=SealRing)
    """Keys of seals, and what the log knows; ``wiring`` fills it."""
    readers: Gate = field(init=False)
    """Where those who read wait. On PostgreSQL it is that of those who write, too."""
    writers: Gate = field(init=False)
    """Where those who write wait: SQLite has one writer."""

    def __post_init__(self) -> None:
        """Open the gates of this engine."""
        readers = Gate(POOL_SIZE, RESERVED)
        object.__setattr__(self, "readers", readers)
        object.__setattr__(self, "writers", Gate(1) if self.dialect == "sqlite" else readers)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def write(self, lane: Lane = Lane.PEOPLE) -> Iterator[Tx]:
        """Open a transaction that commits at the end of the block, or leaves nothing."""
        tx = Tx(self.engine, "write", self.seals, self.writers, lane)
        try:
            yield tx
            begun = tx.begun
            tx.commit()
        finally:
            tx.close()
        if begun:
            self.committed.set()

    @contextmanager
    def read(self, lane: Lane = Lane.PEOPLE) -> Iterator[Tx]:
        """Open a transaction that sees one snapshot and keeps nothing."""
        tx = Tx(self.engine, "read", self.seals, self.readers, lane)
        try:
            yield tx
        finally:
            tx.close()


def open_database(url: str) -> Database:
    """Open ``sqlite:///PATH`` or ``postgresql+psycopg://…``.

    Raises:
        Unavailable: the database cannot be reached, refuses the required settings, or lies in a
            file that others can read (kind ``not-private``).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and not parsed.database.startswith((":", "file:")):
            private_database(Path(parsed.database))
        engine = create_engine(
            parsed,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=POOL_SIZE,
            max_overflow=_SPARE,
            pool_timeout=_POOL_WAIT_S,
            connect_args={"check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            parsed,
            hide_parameters=True,  # a traceback in a log must not name people
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=_SPARE,
            pool_timeout=_POOL_WAIT_S,
            connect_args={"connect_timeout": 5, "options": _LIMITS},
        )
        event.listen(engine, "connect", _prepare_postgresql)
    try:
        with engine.connect():
            pass
    except DBAPIError as error:
        raise _unavailable(error.orig) from error
    return Database(engine)


def _begin(engine: Engine, access: Access, lane: Lane) -> Connection:
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
    driver.execute("PRAGMA busy_timeout=0")  # its own waits grow to a tenth of a second (rule 7)
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
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
            raise _unavailable(error) from error
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


def _unavailable(cause: BaseException | None) -> Unavailable:
    return Unavailable(
        f"the database did not take the request ({type(cause).__name__})",
        cure="Nothing was changed. Try again in a moment.",
    )
