"""Database and transaction.

Rules:
1. A transaction begins with its first statement, in the thread that runs the statement. A request
   that waits for the writer therefore never holds a thread that the writer needs.
2. Whoever begins one has a ticket of the gate (gate.py): it orders who gets the next connection,
   and SQLite's writer.
3. A commit that fails may have been taken all the same; then nobody is told that nothing changed.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    and_,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import DataError, DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.db.connections import POOL_SIZE, RESERVED, Access, begin, open_engine, unavailable
from app.db.gate import Gate
from app.db.ring import Dispute, SealRing, row_seal
from app.kernel.errors import InvalidInput, Unavailable
from app.kernel.lanes import Lane, Ticket

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
            raise unavailable(error.orig) from error
        except PoolExhausted as error:
            raise unavailable(error) from error
        except (DataError, UnicodeEncodeError) as error:
            raise InvalidInput(
                "the text holds characters that cannot be kept",
                cure="Remove control characters and broken letters. Nothing was changed.",
            ) from error

    def _begin(self) -> Connection:
        if self._gate is not None:
            self._ticket = self._gate.enter(self.lane)
        try:
            self._connection = begin(self._engine, self._access, self.lane)
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
        try:
            self.seals.found(self.disputes.values())
        finally:
            connection, self._connection = self._connection, None
            try:
                if connection is not None:
                    connection.close()
            finally:
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
        Unavailable: as ``connections.open_engine``.
    """
    return Database(open_engine(url))
