"""The tables of the log, and the SQL of requests: submit and look up.

pending     what requests have committed and the integrator has not numbered yet
leaf        the log, a row an entry; leaf_subject: which people (pseudonyms) an entry concerns;
            leaf_region: which regions
tally       how many entries of a kind each hour brought: for charts, the log is the authority
tile        full tiles of the tree (C2SP tlog-tiles), so that a proof needs few reads
head        one row: how far the tree has grown; checkpoint: what was signed
stream      the last entry of each stream
body        encrypted detail; subject: a person's pseudonym and wrapped data key
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.types import NullType

from app.audit.entries.halt import head_unsealed
from app.audit.entries.leaves import as_hash, entry_of, read_leaf
from app.audit.entries.model import Entry
from app.audit.tree.merkle import CompactRange
from app.audit.tree.tiles import TILE_WIDTH, cut
from app.db import seals
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.seals import SealedTable

pending = Table(
    "audit_pending",
    metadata,
    Column("pid", RowNumber, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("submission", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seal", LargeBinary),
    CheckConstraint("pid > 0", name="pid"),
)
PENDING = SealedTable(pending, key=("event_id",), left_out=("pid",), in_row=True)

leaf = Table(
    "audit_leaf",
    metadata,
    Column("idx", RowNumber, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text),
    Column("outcome", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Index(None, "kind", "idx"),
    Index(None, "actor", "idx"),
    Index(None, "purpose", "idx"),
    Index(None, "outcome", "idx"),
)

leaf_subject = Table(
    "audit_leaf_subject",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("idx", RowNumber, primary_key=True, autoincrement=False),
)

leaf_region = Table(
    "audit_leaf_region",
    metadata,
    Column("region", Text, primary_key=True),
    Column("idx", RowNumber, primary_key=True, autoincrement=False),
)

tally = Table(
    "audit_tally",
    metadata,
    Column("hour", UtcTime, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("refusal", Text, primary_key=True),
    Column("entries", RowNumber, nullable=False),
)

tile = Table(
    "audit_tile",
    metadata,
    Column("level", RowNumber, primary_key=True, autoincrement=False),
    Column("n", RowNumber, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)

checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", RowNumber, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

head = Table(
    "audit_head",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=False),
    Column("size", RowNumber, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("seal", LargeBinary),
    CheckConstraint("id = 1", name="one_row"),
)
HEAD = SealedTable(head, key=("id",), in_row=True)

stream = Table(
    "audit_stream",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("last_seq", RowNumber, nullable=False),
    Column("last_idx", RowNumber, nullable=False),
)

body = Table(
    "audit_body",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

subject = Table(
    "audit_subject",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("pseudonym", Text, nullable=False, unique=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)

SUBJECT = SealedTable(subject, key=("pseudonym",))

_HEADLESS = "was removed, or made unreadable,"
_CHUNK = 500  # well below the bound on parameters of one statement
T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """An encrypted body; ``owner`` is the pseudonym whose key opens it."""

    owner: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True)
class Wrapped:
    """A data key as it is stored in the database, and whose it is."""

    pseudonym: str
    wrapped_key: bytes


@dataclass(frozen=True)
class Signed:
    """A checkpoint and its note."""

    size: int
    root: bytes
    note: str


def chunks(items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces that one statement can carry."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


# Writing, by requests ---------------------------------------------------------------------------


def add_pending(tx: Tx, event_id: str, submission: bytes, now: datetime) -> None:
    """Submit an entry in the caller's transaction."""
    row = {"event_id": event_id, "submission": submission, "created_at": now}
    seals.insert(tx, PENDING, [row])


def add_body(tx: Tx, event_id: str, sealed: Body) -> None:
    """Keep an encrypted body next to the log."""
    tx.execute(
        insert(body),
        {
            "event_id": event_id,
            "owner": sealed.owner,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
        },
    )


def pseudonyms(tx: Tx, person_ids: Sequence[str]) -> dict[str, str]:
    """The pseudonyms of those who have one."""
    names: dict[str, str] = {}
    for some in chunks(person_ids):
        rows = tx.execute(
            select(subject.c.person_id, subject.c.pseudonym).where(subject.c.person_id.in_(some))
        )
        names.update((row.person_id, row.pseudonym) for row in rows)
    return names


def people(tx: Tx, pseudonyms: Sequence[str]) -> dict[str, str]:
    """The person ids of those pseudonyms that are known."""
    ids: dict[str, str] = {}
    for some in chunks(pseudonyms):
        rows = tx.execute(
            select(subject.c.pseudonym, subject.c.person_id).where(subject.c.pseudonym.in_(some))
        )
        ids.update((row.pseudonym, row.person_id) for row in rows)
    return ids


def wrapped_key(tx: Tx, pseudonym: str) -> bytes | None:
    """A person's wrapped data key; None once it is destroyed."""
    key: bytes | None = tx.execute(
        select(subject.c.wrapped_key).where(subject.c.pseudonym == pseudonym)
    ).scalar()
    return key


def any_wrapped_key(tx: Tx) -> Wrapped | None:
    """Somebody's wrapped data key; None while nobody has one."""
    query = select(subject.c.pseudonym, subject.c.wrapped_key).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else Wrapped(row.pseudonym, bytes(row.wrapped_key))


# The head ---------------------------------------------------------------------------------------


def lock(tx: Tx) -> None:
    """Be the only integrator until the transaction ends.

    On SQLite a writing transaction is alone already (BEGIN IMMEDIATE).
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LockNumber.LOG})


def size_of(tx: Tx) -> int:
    """How many entries the log has.

    Raises:
        Unavailable: the head is not there, or cannot be read (kind ``head-unsealed``).
    """
    size = tx.execute(select(type_coerce(head.c.size, NullType()))).scalar()
    if not isinstance(size, int):
        raise head_unsealed(_HEADLESS)
    return size


def head_of(tx: Tx, *, for_update: bool = False) -> CompactRange:
    """How far the tree has grown.

    Raises:
        Unavailable: as ``size_of``.
    """
    query = select(head.c.size, head.c.frontier)
    row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise head_unsealed(_HEADLESS)
    try:
        return CompactRange(row.size, tuple(bytes(node) for node in cut(row.frontier)))
    except (AttributeError, TypeError, ValueError) as error:  # SQLite keeps any type in any column
        raise head_unsealed(_HEADLESS) from error


# Reading ----------------------------------------------------------------------------------------


def row_hashes(tx: Tx, level: int, start: int, end: int) -> bytes:
    """The hashes [start, end) of a tile level, joined: leaf hashes, or roots of the tiles below."""
    if level == 0:
        query = select(leaf.c.leaf_hash).where(leaf.c.idx >= start, leaf.c.idx < end)
        return b"".join(map(as_hash, tx.execute(query.order_by(leaf.c.idx)).scalars()))
    query = select(tile.c.root).where(tile.c.level == level - 1, tile.c.n >= start, tile.c.n < end)
    return b"".join(map(as_hash, tx.execute(query.order_by(tile.c.n)).scalars()))


def tile_hashes(tx: Tx, level: int, n: int) -> bytes | None:
    """The 8,192 bytes of a full tile; None where it is not full yet."""
    hashes: bytes | None = tx.execute(
        select(tile.c.hashes).where(tile.c.level == level, tile.c.n == n)
    ).scalar()
    return hashes


def hashes_of(tx: Tx, level: int, n: int, width: int = TILE_WIDTH) -> bytes:
    """The first ``width`` hashes of a tile: kept where it is full, else from the rows below."""
    full = tile_hashes(tx, level, n) if width == TILE_WIDTH else None
    return full or row_hashes(tx, level, n * TILE_WIDTH, n * TILE_WIDTH + width)


def last_checkpoint(tx: Tx) -> Signed | None:
    """The newest checkpoint; None while nothing is integrated."""
    query = select(checkpoint.c.size, checkpoint.c.root, checkpoint.c.note)
    row = tx.execute(query.order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    # Whatever somebody wrote instead of a text is no checkpoint, and is said to be none.
    return Signed(row.size, row.root, row.note if isinstance(row.note, str) else "")


def index_of(tx: Tx, event_id: str) -> int | None:
    """The index of an event; None while it is pending or unknown."""
    idx: int | None = tx.execute(select(leaf.c.idx).where(leaf.c.event_id == event_id)).scalar()
    return idx


def first_event(tx: Tx) -> str | None:
    """The event of the entry that is, or will be, the first; None where there is none."""
    first = tx.execute(select(leaf.c.event_id).where(leaf.c.idx == 0)).scalar()
    if first is None:
        first = tx.execute(select(pending.c.event_id).order_by(pending.c.pid).limit(1)).scalar()
    return first


def submission_of(tx: Tx, event_id: str) -> dict[str, Any] | None:
    """What an event says, integrated or not."""
    row = tx.execute(select(leaf.c.idx, leaf.c.entry).where(leaf.c.event_id == event_id)).first()
    if row is not None:
        return read_leaf(row.idx, row.entry)
    raw = tx.execute(select(pending.c.submission).where(pending.c.event_id == event_id)).scalar()
    return None if raw is None else json.loads(raw)


def body_of(tx: Tx, event_id: str) -> Body | None:
    """The encrypted body of an event."""
    row = tx.execute(select(body).where(body.c.event_id == event_id)).one_or_none()
    return None if row is None else Body(row.owner, row.nonce, row.ciphertext)


def entries_between(tx: Tx, start: int, end: int) -> tuple[Entry, ...]:
    """Entries with start <= index < end, in the order of the index."""
    query = select(leaf.c.idx, leaf.c.entry, leaf.c.leaf_hash)
    return _read(tx, query.where(leaf.c.idx >= start, leaf.c.idx < end).order_by(leaf.c.idx))


def _read(tx: Tx, query: Any) -> tuple[Entry, ...]:
    return tuple(entry_of(row) for row in tx.execute(query))


def raw_entries(tx: Tx, start: int, end: int) -> tuple[bytes, ...]:
    """The bytes of the entries with start <= index < end, in the order of the index."""
    query = select(leaf.c.entry).where(leaf.c.idx >= start, leaf.c.idx < end)
    return tuple(tx.execute(query.order_by(leaf.c.idx)).scalars())


def any_pending(tx: Tx) -> bool:
    """Whether there is any submission, whoever put it there."""
    return tx.execute(select(pending.c.pid).limit(1)).first() is not None


def purposes(tx: Tx) -> dict[str, int]:
    """Every purpose that was ever asked for, and by how many entries; each has a stream."""
    named = stream.c.stream.startswith("purpose:", autoescape=True)
    query = select(stream.c.stream, stream.c.last_seq).where(named).order_by(stream.c.stream)
    return {row.stream.partition(":")[2]: row.last_seq for row in tx.execute(query)}


def has_body(tx: Tx, event_id: str) -> bool:
    """Whether the encrypted body of an event and the key that opens it are still there."""
    query = select(body.c.event_id).join(subject, subject.c.pseudonym == body.c.owner)
    query = query.where(body.c.event_id == event_id, subject.c.wrapped_key.is_not(None))
    return tx.execute(query).one_or_none() is not None
