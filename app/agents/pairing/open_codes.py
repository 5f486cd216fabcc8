"""Tables of codes that wait to be typed, and of wrong codes.

Rules:
1. Strangers' rows are not sealed and are no evidence. What a code opens is the sealed request in
   its row: whoever writes SQL makes none, and a request under another code than its own is refused.
2. Codes, their first letters, sources and people are kept as keyed digests: who reads the table
   learns none, and cannot try them out.
3. Whoever types a code holds the lock of their own row of wrong codes, then those of the codes that
   begin so, until the end: what is counted is counted once, in whatever process.
4. Beginnings in one bucket take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.agents.pairing.codes import (
    GUESS_REST,
    GUESSES,
    MISSES,
    START_LENGTH,
    bucket_of,
    gives_way,
)
from app.agents.pairing.sealed import MAX_SEALED
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.db.metadata import UtcTime, metadata

pairing_code = Table(
    "pairing_code",
    metadata,
    Column("code", String(64), primary_key=True),  # keyed digest, hex
    Column("code_start", String(64), nullable=False),  # keyed digest of its first letters, hex
    Column("bucket", Integer, nullable=False),
    Column("source", String(64), nullable=False),  # keyed digest, hex
    Column("started_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("request", String(MAX_SEALED), nullable=False),
    Index("ix_pairing_code_code_start", "code_start"),
    Index("ix_pairing_code_bucket", "bucket"),
    Index("ix_pairing_code_expires_at", "expires_at"),
)

pairing_guess = Table(
    "pairing_guess",
    metadata,
    Column("who", String(64), primary_key=True),  # keyed digest of a person's id, hex
    Column("wrong", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Index("ix_pairing_guess_last_at", "last_at"),
)


@dataclass(frozen=True)
class NewCode:
    """A code that is to be opened."""

    user_code: str
    source: str
    request: str
    started_at: datetime
    expires_at: datetime


def open_code(tx: Tx, new: NewCode) -> None:
    """Keep a code until it is typed, has expired or gives way (app/agents/pairing/codes.py)."""
    source = _digest(tx, "source", new.source)
    bucket = bucket_of(source)
    if tx.dialect == "postgresql":
        number = LockNumber.OPEN_CODES + bucket
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": number})
    _forget(tx, select(pairing_code.c.code).where(pairing_code.c.expires_at <= new.started_at))
    _make_room(tx, bucket, source)
    row = {
        "code": _digest(tx, "code", new.user_code),
        "code_start": _digest(tx, "start", new.user_code[:START_LENGTH]),
        "bucket": bucket,
        "source": source,
        "started_at": new.started_at,
        "expires_at": new.expires_at,
        "missed": 0,
        "request": new.request,
    }
    tx.execute(pairing_code.insert(), row)


def _make_room(tx: Tx, bucket: int, source: str) -> None:
    counted = (
        select(pairing_code.c.source, func.count().label("codes"))
        .where(pairing_code.c.bucket == bucket)
        .group_by(pairing_code.c.source)
    )
    way = gives_way({row.source: row.codes for row in tx.execute(counted)}, source)
    if way is None:
        return
    whose, how_many = way
    of_source = (pairing_code.c.bucket == bucket) & (pairing_code.c.source == whose)
    oldest = (
        select(pairing_code.c.code)
        .where(of_source)
        .order_by(pairing_code.c.started_at, pairing_code.c.code)
        .limit(how_many)
    )
    _forget(tx, oldest)


def _forget(tx: Tx, codes: Select[Any]) -> None:
    """Delete codes, but for those that somebody is typing in this moment."""
    ended = tx.execute(codes.with_for_update(skip_locked=True)).scalars().all()
    if ended:
        tx.execute(delete(pairing_code).where(pairing_code.c.code.in_(ended)))


def close_code(tx: Tx, user_code: str) -> None:
    """Forget a code whose laptop was paired."""
    tx.execute(delete(pairing_code).where(pairing_code.c.code == _digest(tx, "code", user_code)))


def count_codes(tx: Tx, now: datetime) -> int:
    """How many codes wait to be typed."""
    counted = select(func.count()).where(pairing_code.c.expires_at > now)
    return int(tx.execute(counted).scalar_one())


def wrong_codes(tx: Tx, person_id: str, now: datetime) -> int:
    """How many wrong codes a person typed lately; nobody else counts theirs until the end."""
    who, guess = _digest(tx, "person", person_id), pairing_guess.c
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    first = dialect.insert(pairing_guess).values(who=who, wrong=0, last_at=now)
    tx.execute(first.on_conflict_do_nothing())
    row = tx.execute(
        select(guess.wrong, guess.last_at).where(guess.who == who).with_for_update()
    ).one_or_none()
    return 0 if row is None or now - row.last_at >= GUESS_REST else int(row.wrong)


def find_request(tx: Tx, user_code: str, now: datetime) -> str | None:
    """The sealed request that a code opens; None if there is none, and then it was missed."""
    begins_so = pairing_code.c.code_start == _digest(tx, "start", user_code[:START_LENGTH])
    rows = tx.execute(
        select(pairing_code)
        .where(begins_so, pairing_code.c.expires_at > now)
        .order_by(pairing_code.c.code)
        .with_for_update()
    ).all()
    code = _digest(tx, "code", user_code)
    for row in rows:
        if row.code == code and row.missed < MISSES:
            return str(row.request)
    _miss(tx, [row.code for row in rows])
    return None


def _miss(tx: Tx, codes: Sequence[str]) -> None:
    if codes:
        missed = update(pairing_code).where(pairing_code.c.code.in_(codes))
        tx.execute(missed.values(missed=pairing_code.c.missed + 1))


def count_wrong(tx: Tx, person_id: str, before: int, now: datetime) -> None:
    """Count one more wrong code of a person, after so many; forget whose time has passed."""
    who, guess = _digest(tx, "person", person_id), pairing_guess.c
    values = {"wrong": min(before + 1, GUESSES), "last_at": now}
    tx.execute(update(pairing_guess).where(guess.who == who).values(**values))
    rested = select(guess.who).where(guess.last_at <= now - GUESS_REST)
    ended = tx.execute(rested.with_for_update(skip_locked=True)).scalars().all()
    if ended:
        tx.execute(delete(pairing_guess).where(guess.who.in_(ended)))


def _digest(tx: Tx, of_what: str, value: str) -> str:
    return tx.seals.digest(f"pairing {of_what}", value)
