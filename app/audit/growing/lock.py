"""The lock store: how far the log has come, kept outside the database.

A tiny database of its own, so that a main database which was restored from a copy, or exchanged, is
noticed: the lock store names a size and a root which the log had, under the log's own signature.
Who restores the main database leaves the lock store as it is.

Rules:
1. The checkpoint moves by compare-and-swap only. Two processes that publish at once cannot both go
   on from the same one.
2. What is written is durable before it is believed (SQLite: synchronous=FULL).
3. Erased people are remembered here by pseudonym: a restored database brings them back, and this is
   how it is known whom to erase again.
4. So are the key sets, each before anybody can see it: a restored database has lost those that came
   after its copy, and with them which keys were revoked (app/keys/kept.py). A version has one text
   for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.audit.tree.checkpoint import BadNote, parse_checkpoint, parse_note
from app.db.engine import Database, Tx, open_database
from app.db.locks import LockNumber
from app.db.metadata import UtcTime
from app.kernel.errors import Conflict, Unavailable
from app.kernel.lanes import Lane

_tables = MetaData()

_checkpoint = Table(
    "lock_checkpoint",
    _tables,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("published_at", UtcTime, nullable=False),
)

_erased = Table(
    "lock_erased",
    _tables,
    Column("pseudonym", Text, primary_key=True),
    Column("erased_at", UtcTime, nullable=False),
)

_key_set = Table(
    "lock_key_set",
    _tables,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("noted_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class NotedKeySet:
    """A signed key set, and when it was noted."""

    version: int
    note: bytes
    at: datetime

    def require_same(self, note: bytes) -> None:
        """Return if this is the set of a note; who signed it may differ.

        Raises:
            Unavailable: its text is another one (kind ``another-log``).
        """
        if _text(self.note) != _text(note):
            raise Unavailable(
                f"key set {self.version} of the lock store and of the database are two",
                cure="Database and lock store do not belong together; see docs/operate.md, "
                "Restore.",
                kind="another-log",
            )


@dataclass(frozen=True)
class Published:
    """The newest signed checkpoint, and when it was last published."""

    note: bytes
    at: datetime


@dataclass(frozen=True)
class LockStore:
    """The newest checkpoint and who was erased; shared by all processes of one log."""

    database: Database

    def published(self) -> Published | None:
        """The newest checkpoint; None while nothing was published.

        Raises:
            Unavailable: the lock store does not answer; so do all its methods.
        """
        with self._reading() as tx:
            row = tx.execute(select(_checkpoint)).one_or_none()
        return None if row is None else Published(bytes(row.note), row.published_at)

    def read(self) -> bytes | None:
        """The newest signed checkpoint; None while nothing was published."""
        published = self.published()
        return None if published is None else published.note

    def advance(self, old: bytes | None, new: bytes, now: datetime) -> None:
        """Replace the checkpoint ``old`` by ``new``; the same again renews when it was published.

        Raises:
            Conflict: another checkpoint is kept (kind ``lock-moved``): read it, look, try again.
            Unavailable: the lock store does not answer; nothing was changed.
        """
        fresh = {"id": 1, "note": new, "published_at": now}
        try:
            with self._writing() as tx:
                if old is None:
                    tx.execute(insert(_checkpoint), fresh)
                    return
                kept = update(_checkpoint).where(_checkpoint.c.note == old).values(fresh)
                if tx.execute(kept).rowcount != 1:
                    raise _moved()
        except IntegrityError as error:
            raise _moved() from error

    def note_erased(self, pseudonym: str, at: datetime) -> None:
        """Remember that a person was erased; again is nothing new."""
        with self._writing() as tx:
            known = select(_erased.c.pseudonym).where(_erased.c.pseudonym == pseudonym)
            if tx.execute(known).scalar() is None:
                tx.execute(insert(_erased), {"pseudonym": pseudonym, "erased_at": at})

    def erased(self) -> frozenset[str]:
        """The pseudonyms of everybody who was erased."""
        with self._reading() as tx:
            return frozenset(tx.execute(select(_erased.c.pseudonym)).scalars())

    def note_key_set(self, noted: NotedKeySet, after: int | None = None) -> None:
        """Remember a key set that is to come into force; again is nothing new.

        Args:
            noted: the set.
            after: the newest version that may be known before it; None: any.

        Raises:
            Conflict: another set beyond ``after`` is known (kind ``lock-moved``).
            Unavailable: that version is known with another text (kind ``another-log``), or the
                lock store does not answer.
        """
        with self._writing() as tx:
            if after is not None:
                _require_unmoved(tx, noted, after)
            known = select(_key_set.c.note).where(_key_set.c.version == noted.version)
            note = tx.execute(known).scalar()
            if note is None:
                row = {"version": noted.version, "note": noted.note, "noted_at": noted.at}
                tx.execute(insert(_key_set), row)
            else:
                noted.require_same(bytes(note))

    def key_sets(self, beyond: int) -> tuple[NotedKeySet, ...]:
        """The key sets of later versions than one, the oldest first."""
        later = select(_key_set).where(_key_set.c.version > beyond).order_by(_key_set.c.version)
        with self._reading() as tx:
            rows = tx.execute(later).all()
        return tuple(NotedKeySet(row.version, bytes(row.note), row.noted_at) for row in rows)

    def newest_key_set(self) -> int:
        """The version of the newest key set; 0 where none is noted."""
        with self._reading() as tx:
            return tx.execute(select(func.max(_key_set.c.version))).scalar() or 0

    @contextmanager
    def _reading(self) -> Iterator[Tx]:
        with _answering(), self.database.read(Lane.LOG) as tx:
            yield tx

    @contextmanager
    def _writing(self) -> Iterator[Tx]:
        with _answering(), self.database.write(Lane.LOG) as tx:
            yield tx

    def adopt_file(self, file: Path, now: datetime) -> None:
        """Take over the checkpoint that earlier releases kept in a file, once.

        Raises:
            Unavailable: the file holds no checkpoint (kind ``another-log``).
        """
        if self.read() is not None or not file.exists():
            return
        note = file.read_bytes()
        try:
            parse_checkpoint(parse_note(note).text)
        except BadNote as error:
            raise Unavailable(
                f"{file.name} is no checkpoint: {error}",
                cure="Put the file back from its copy; see docs/operate.md, Restore.",
                kind="another-log",
            ) from error
        self.advance(None, note, now)


def open_lock(url: str) -> LockStore:
    """Open a lock store, and make its tables where they are missing.

    Raises:
        Unavailable: it cannot be reached.
    """
    database = open_database(url)
    with _answering(), database.engine.begin() as connection:
        if database.dialect == "postgresql":  # two starting processes take turns
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LockNumber.LOCK_STORE:d})")
        _tables.create_all(connection)
    return LockStore(database)


@contextmanager
def _answering() -> Iterator[None]:
    """Whatever the lock store's database says besides "there is one already" is no answer."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise Unavailable(
            f"the lock store does not answer ({type(error.orig).__name__})",
            cure="See whether HABEAS_LOCK_URL names a database whose tables this process may make, "
            "read and write; see docs/operate.md, Keys.",
        ) from error


def _text(note: bytes) -> bytes:
    """What is signed: all before the last empty line."""
    return note.rpartition(b"\n\n")[0] or note


def _require_unmoved(tx: Tx, noted: NotedKeySet, after: int) -> None:
    """Of those who would note a set after the same one the first does; they take turns."""
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LockNumber.LOCK_STORE})
    beyond = tx.execute(select(_key_set.c.note).where(_key_set.c.version > after)).scalars()
    if any(_text(bytes(note)) != _text(noted.note) for note in beyond):
        raise Conflict("another key set is in the lock store", kind="lock-moved")


def _moved() -> Conflict:
    return Conflict("another checkpoint is in the lock store", kind="lock-moved")
