"""The witness's own small database: whom it trusts, what it cosigned last, what contradicts it.

rotated     keys of this witness after its first, for ever
trusted     logs and their keys, for ever: trust is added, never changed
cosigned    one row a log; it only grows
evidence    pairs of notes that a log signed and that cannot both be true; append-only
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

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
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from app.audit.tree.checkpoint import Checkpoint, VerifierKey, parse_vkey
from app.db.engine import Database, Tx, open_database
from app.db.metadata import UtcTime
from app.kernel.errors import Conflict

MOST_EVIDENCE = 100
"""Pairs of notes kept of one log: one proves enough, and its key could sign pairs without end."""

_tables = MetaData()

_rotated = Table(
    "witness_rotated",
    _tables,
    Column("row", Integer, primary_key=True),
    Column("vkey", Text, nullable=False, unique=True),
    Column("overlap_until", UtcTime, nullable=False),
    Column("rotated_at", UtcTime, nullable=False),
)

_trusted = Table(
    "witness_trusted",
    _tables,
    Column("vkey", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("trusted_at", UtcTime, nullable=False),
)

_cosigned = Table(
    "witness_cosigned",
    _tables,
    Column("origin", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("line", Text, nullable=False),
    Column("cosigned_at", UtcTime, nullable=False),
)

_evidence = Table(
    "witness_evidence",
    _tables,
    Column("origin", Text, primary_key=True),
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("cosigned_note", LargeBinary, nullable=False),
    Column("other_note", LargeBinary, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

_REFUSAL = "BEGIN SELECT RAISE(ABORT, 'a witness does not take back what it saw'); END"
_TRIGGERS = {
    f"{table}_no_{what}": f"{what} ON {table} {_REFUSAL}"
    for table in ("witness_rotated", "witness_trusted", "witness_evidence")
    for what in ("update", "delete")
} | {
    "witness_cosigned_no_delete": f"DELETE ON witness_cosigned {_REFUSAL}",
    # The last line of defence for the rule that the program keeps: forward only, one root a size.
    "witness_cosigned_grows": (
        "UPDATE ON witness_cosigned WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size "
        f"OR (NEW.size = OLD.size AND NEW.root <> OLD.root) {_REFUSAL}"
    ),
}


@dataclass(frozen=True)
class Rotated:
    """A key that followed another one, and until when those before it sign, too."""

    vkey: str
    overlap_until: datetime
    at: datetime


@dataclass(frozen=True)
class Trusted:
    """A log that this witness watches, and where its pages are (empty: not given)."""

    key: VerifierKey
    url: str
    at: datetime


@dataclass(frozen=True)
class Cosigned:
    """What was cosigned last of one log.

    Attributes:
        note: the log's signed note, as it was sent.
        line: our cosignature, without its newline; while two keys overlap, a line of each.
    """

    checkpoint: Checkpoint
    note: bytes
    line: str
    at: datetime


@dataclass(frozen=True)
class NotePair:
    """Two notes that one log signed for one size, with different roots."""

    origin: str
    size: int
    cosigned_note: bytes
    other_note: bytes
    seen_at: datetime


def open_store(path: str) -> Database:
    """Open the database file, and make its tables where they are missing.

    Raises:
        Unavailable: it cannot be used.
    """
    database = open_database(f"sqlite:///{path}")
    _tables.create_all(database.engine)
    with database.write() as tx:
        for name, rule in _TRIGGERS.items():
            tx.execute(text(f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {rule}"))
    return database


@contextmanager
def alone(database: Database) -> Iterator[Tx]:
    """Open a writing transaction: looking and keeping are one step, for threads and processes."""
    try:
        with database.write() as tx:
            yield tx
    except IntegrityError as error:
        raise Conflict("this witness has moved on meanwhile; nothing was changed") from error


def rotate(tx: Tx, vkey: str, overlap_until: datetime, now: datetime) -> None:
    """Cosign by another key from now on."""
    row = {"vkey": vkey, "overlap_until": overlap_until, "rotated_at": now}
    tx.execute(insert(_rotated), row)


def rotated(tx: Tx) -> tuple[Rotated, ...]:
    """The keys after the first, the oldest first."""
    rows = tx.execute(select(_rotated).order_by(_rotated.c.row))
    return tuple(Rotated(row.vkey, row.overlap_until, row.rotated_at) for row in rows)


def trust(tx: Tx, key: VerifierKey, url: str, now: datetime) -> None:
    """Watch a log from now on; the same again is nothing new."""
    row = {"vkey": key.vkey, "origin": key.name, "url": url, "trusted_at": now}
    tx.execute(sqlite.insert(_trusted).on_conflict_do_nothing(), row)


def trusted(tx: Tx) -> tuple[Trusted, ...]:
    """The logs that are watched, in the order of their names."""
    rows = tx.execute(select(_trusted).order_by(_trusted.c.origin, _trusted.c.trusted_at))
    return tuple(Trusted(parse_vkey(row.vkey), row.url, row.trusted_at) for row in rows)


def cosigned(tx: Tx, origin: str) -> Cosigned | None:
    """What was cosigned last of a log; None before the first."""
    row = tx.execute(select(_cosigned).where(_cosigned.c.origin == origin)).one_or_none()
    if row is None:
        return None
    checkpoint = Checkpoint(row.origin, row.size, bytes(row.root))
    return Cosigned(checkpoint, bytes(row.note), row.line, row.cosigned_at)


def keep(tx: Tx, new: Cosigned) -> None:
    """Keep what is cosigned now in the place of what was."""
    fresh = {
        "size": new.checkpoint.size,
        "root": new.checkpoint.root,
        "note": new.note,
        "line": new.line,
        "cosigned_at": new.at,
    }
    statement = sqlite.insert(_cosigned).on_conflict_do_update(["origin"], set_=fresh)
    tx.execute(statement, {"origin": new.checkpoint.origin, **fresh})


def add_evidence(tx: Tx, new: Checkpoint, note: bytes, last: Cosigned, now: datetime) -> None:
    """Keep both notes; the same contradiction again is nothing new, and so many are enough."""
    known = select(func.count()).select_from(_evidence).where(_evidence.c.origin == new.origin)
    if tx.execute(known).scalar_one() >= MOST_EVIDENCE:
        return
    row = {
        "origin": new.origin,
        "size": new.size,
        "root": new.root,
        "cosigned_note": last.note,
        "other_note": note,
        "seen_at": now,
    }
    tx.execute(sqlite.insert(_evidence).on_conflict_do_nothing(), row)


def evidence(tx: Tx) -> tuple[NotePair, ...]:
    """Every contradiction that was ever shown to this witness, the newest first."""
    rows = tx.execute(select(_evidence).order_by(_evidence.c.seen_at.desc(), _evidence.c.size))
    return tuple(
        NotePair(row.origin, row.size, bytes(row.cosigned_note), bytes(row.other_note), row.seen_at)
        for row in rows
    )
