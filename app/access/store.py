"""Rows of access: consumers, decisions as people see them, grants and their uses, purpose files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from app.access.decision.model import Closed, Consumer, Use
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.errors import Conflict

access_consumer = Table(
    "access_consumer",
    metadata,
    Column("row", RowNumber, primary_key=True),
    Column("consumer_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("functions", Text, nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("registered_at", UtcTime, nullable=False),
    UniqueConstraint("consumer_id", "version"),
    UniqueConstraint("secret_sha256"),
)
"""Append-only. The newest version of a consumer counts; its older secrets no longer open."""

access_decision = Table(
    "access_decision",
    metadata,
    Column("row", RowNumber, primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("consumer_id", String(64), nullable=False),
    Column("purpose", String(64), nullable=True),
    Column("outcome", String(8), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    UniqueConstraint("event_id", "person_id"),
    Index("ix_access_decision_person_id_row", "person_id", "row"),
)
"""A projection of the log for the person asked about. Names people, so it can be erased."""

access_grant = Table(
    "access_grant",
    metadata,
    Column("grant_id", String(36), primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("consumer_id", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("decided_at", UtcTime, nullable=False),
)
"""Append-only. Each grant that was issued; names nobody."""

access_use = Table(
    "access_use",
    metadata,
    Column("grant_id", String(36), ForeignKey("access_grant.grant_id"), primary_key=True),
    Column("outcome", String(8), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("result", String(71), nullable=True),
    Column("event_id", String(36), nullable=False),
    Column("used_at", UtcTime, nullable=False),
)
"""Append-only. What a consumer did with a grant, once."""

access_purposes = Table(
    "access_purposes",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("document", Text, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
)
"""Append-only. Each content of policies/purposes.yaml that was ever in force here."""


_LOCK = 4_841_028  # the number after that of the directory


@dataclass(frozen=True)
class GrantRow:
    """A grant as it was issued."""

    id: str
    event_id: str
    consumer: str
    purpose: str
    decided_at: datetime


def lock_consumers(tx: Tx) -> None:
    """Let one transaction at a time register; waits for all who ``hold_consumers``.

    SQLite has one writer anyway, once a writing transaction has begun; it begins here.
    """
    _lock(tx, "pg_advisory_xact_lock", _LOCK)


def hold_consumers(tx: Tx) -> None:
    """Keep the consumers as they are until this transaction ends; others may hold them too."""
    _lock(tx, "pg_advisory_xact_lock_shared", _LOCK)


def lock_grant(tx: Tx, grant_id: str) -> None:
    """Let one transaction at a time close a grant.

    Not by its row: who may only append may lock no row on PostgreSQL.
    """
    number = int.from_bytes(hashlib.sha256(grant_id.encode()).digest()[:8], signed=True)
    _lock(tx, "pg_advisory_xact_lock", number)


def _lock(tx: Tx, function: str, key: int) -> None:
    if tx.dialect == "postgresql":
        tx.execute(text(f"SELECT {function}(:key)"), {"key": key})
    else:
        tx.execute(text("SELECT 1"))


def insert_consumer(tx: Tx, consumer: Consumer, secret_sha256: str, now: datetime) -> None:
    """Add a version of a consumer.

    Raises:
        Conflict: this version exists already.
    """
    values = {
        "consumer_id": consumer.id,
        "version": consumer.version,
        "name": consumer.name,
        "purposes": codes_as_text(consumer.purposes),
        "functions": codes_as_text(consumer.functions),
        "secret_sha256": secret_sha256,
        "registered_at": now,
    }
    try:
        tx.execute(access_consumer.insert(), values)
    except IntegrityError as error:
        raise Conflict(
            "the consumer was registered by somebody else at the same time",
            cure="Look at what is registered, then register again if it is still needed.",
        ) from error


def newest_consumer(tx: Tx, consumer_id: str) -> Consumer | None:
    """The version of a consumer that counts."""
    table = access_consumer.c
    row = tx.execute(
        select(access_consumer)
        .where(table.consumer_id == consumer_id)
        .order_by(table.version.desc())
        .limit(1)
    ).first()
    return _consumer(row) if row else None


def consumer_by_secret(tx: Tx, secret_sha256: str) -> Consumer | None:
    """The consumer version that a secret was issued to, newest or not."""
    row = tx.execute(
        select(access_consumer).where(access_consumer.c.secret_sha256 == secret_sha256)
    ).first()
    return _consumer(row) if row else None


def consumers(tx: Tx) -> tuple[Consumer, ...]:
    """All consumers in their newest version, by id."""
    rows = tx.execute(
        select(access_consumer).order_by(access_consumer.c.consumer_id, access_consumer.c.version)
    )
    newest = {consumer.id: consumer for consumer in map(_consumer, rows)}
    return tuple(newest.values())


def insert_decisions(tx: Tx, rows: Iterable[dict[str, object]]) -> None:
    """Add the projection rows of one decision, one for each person asked about."""
    listed = list(rows)
    if listed:
        tx.execute(access_decision.insert(), listed)


def insert_grant(tx: Tx, grant: GrantRow) -> None:
    """Keep a grant that is issued."""
    values = {
        "grant_id": grant.id,
        "event_id": grant.event_id,
        "consumer_id": grant.consumer,
        "purpose": grant.purpose,
        "decided_at": grant.decided_at,
    }
    tx.execute(access_grant.insert(), values)


def grant(tx: Tx, grant_id: str) -> GrantRow | None:
    """A grant that was issued."""
    table = access_grant.c
    row = tx.execute(select(access_grant).where(table.grant_id == grant_id)).first()
    if row is None:
        return None
    return GrantRow(row.grant_id, row.event_id, row.consumer_id, row.purpose, row.decided_at)


def people_of(tx: Tx, event_id: str) -> tuple[str, ...]:
    """Whom a decision was about: person ids; those erased since are left out."""
    table = access_decision.c
    rows = tx.execute(select(table.person_id).where(table.event_id == event_id).order_by(table.row))
    return tuple(row.person_id for row in rows)


def insert_use(tx: Tx, closed: Closed) -> None:
    """Keep what a consumer did with a grant."""
    values = {
        "grant_id": closed.grant,
        "outcome": closed.outcome,
        "row_count": closed.rows,
        "result": closed.result,
        "event_id": closed.event_id,
        "used_at": closed.at,
    }
    tx.execute(access_use.insert(), values)


def use(tx: Tx, grant_id: str) -> Closed | None:
    """What a consumer did with a grant; None while it has not reported it."""
    row = tx.execute(select(access_use).where(access_use.c.grant_id == grant_id)).first()
    if row is None:
        return None
    return Closed(row.grant_id, row.outcome, row.row_count, row.result, row.event_id, row.used_at)


_ASKED = (
    select(
        access_decision,
        access_grant.c.grant_id,
        access_use.c.outcome.label("used"),
        access_use.c.row_count,
        access_use.c.result,
        access_use.c.event_id.label("use_event_id"),
        access_use.c.used_at,
    )
    .select_from(
        access_decision.outerjoin(
            access_grant, access_grant.c.event_id == access_decision.c.event_id
        ).outerjoin(access_use, access_use.c.grant_id == access_grant.c.grant_id)
    )
    .order_by(access_decision.c.row.desc())
)
"""What was asked, each with what became of its grant."""


def uses_of(
    tx: Tx, person_id: str, limit: int, before: int | None = None, outcome: str | None = None
) -> tuple[Use, ...]:
    """What was asked about a person, newest first; ``before``: only with a smaller number."""
    table = access_decision.c
    query = _ASKED.where(table.person_id == person_id).limit(limit)
    if before is not None:
        query = query.where(table.row < before)
    if outcome is not None:
        query = query.where(table.outcome == outcome)
    rows = tx.execute(query).all()
    names = {consumer.id: consumer.name for consumer in consumers(tx)} if rows else {}
    return tuple(_use(row, names.get(row.consumer_id, row.consumer_id)) for row in rows)


def count_uses(tx: Tx, person_id: str) -> dict[str, int]:
    """How often was asked about a person, by outcome."""
    table = access_decision.c
    counted = select(table.outcome, func.count().label("times")).group_by(table.outcome)
    rows = tx.execute(counted.where(table.person_id == person_id))
    return {row.outcome: row.times for row in rows}


def _use(row: Row[Any], consumer_name: str) -> Use:
    closed = None
    if row.used is not None:
        closed = Closed(
            row.grant_id, row.used, row.row_count, row.result, row.use_event_id, row.used_at
        )
    return Use(
        number=row.row,
        consumer=row.consumer_id,
        consumer_name=consumer_name,
        purpose=row.purpose,
        outcome=row.outcome,
        reasons=_codes(row.reasons),
        at=row.decided_at,
        event_id=row.event_id,
        closed=closed,
    )


def purposes_known(tx: Tx, digest: str) -> bool:
    """Whether this content of the purpose file was adopted before."""
    known = select(access_purposes.c.digest).where(access_purposes.c.digest == digest)
    return tx.execute(known).first() is not None


def insert_purposes(tx: Tx, digest: str, document: bytes, now: datetime) -> None:
    """Keep the canonical bytes of a purpose file."""
    tx.execute(
        access_purposes.insert(),
        {"digest": digest, "document": document.decode("utf-8"), "adopted_at": now},
    )


def purposes_documents(tx: Tx) -> tuple[tuple[str, bytes], ...]:
    """Every adopted purpose file as (digest, canonical bytes), oldest first."""
    rows = tx.execute(
        select(access_purposes).order_by(access_purposes.c.adopted_at, access_purposes.c.digest)
    )
    return tuple((row.digest, row.document.encode("utf-8")) for row in rows)


def codes_as_text(codes: Iterable[str]) -> str:
    """Codes as canonical text, in the order given."""
    return canonical(list(codes)).decode("utf-8")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(parse_canonical(text.encode("utf-8")))


def _consumer(row: Row[Any]) -> Consumer:
    return Consumer(
        id=row.consumer_id,
        name=row.name,
        purposes=_codes(row.purposes),
        functions=_codes(row.functions),
        version=row.version,
    )
