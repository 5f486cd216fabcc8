"""Rows of access: consumers by version, decisions as people see them, adopted purpose files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError

from app.access.model import Consumer
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

access_purposes = Table(
    "access_purposes",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("document", Text, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
)
"""Append-only. Each content of policies/purposes.yaml that was ever in force here."""


@dataclass(frozen=True)
class Use:
    """One ask about one person, as that person sees it.

    Attributes:
        purpose: an allowed key, the prohibited root that was asked for, or None (unknown).
        outcome: ``permit`` or ``deny``.
        reasons: codes of ``AccessReason``; empty for a permit.
        event_id: the entry of the log.
    """

    consumer: str
    consumer_name: str
    purpose: str | None
    outcome: str
    reasons: tuple[str, ...]
    at: datetime
    event_id: str


def insert_consumer(tx: Tx, consumer: Consumer, secret_sha256: str, now: datetime) -> None:
    """Add a version of a consumer.

    Raises:
        Conflict: this version exists already.
    """
    values = {
        "consumer_id": consumer.id,
        "version": consumer.version,
        "name": consumer.name,
        "purposes": written(consumer.purposes),
        "functions": written(consumer.functions),
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
    newest = {found.id: found for found in map(_consumer, rows)}
    return tuple(newest.values())


def insert_decisions(tx: Tx, rows: Iterable[dict[str, object]]) -> None:
    """Add the projection rows of one decision, one for each person asked about."""
    found = list(rows)
    if found:
        tx.execute(access_decision.insert(), found)


def uses_of(tx: Tx, person_id: str, limit: int) -> tuple[Use, ...]:
    """What was asked about a person, newest first."""
    table = access_decision.c
    rows = tx.execute(
        select(access_decision)
        .where(table.person_id == person_id)
        .order_by(table.row.desc())
        .limit(limit)
    ).all()
    names = {found.id: found.name for found in consumers(tx)} if rows else {}
    return tuple(
        Use(
            row.consumer_id,
            names.get(row.consumer_id, row.consumer_id),
            row.purpose,
            row.outcome,
            _codes(row.reasons),
            row.decided_at,
            row.event_id,
        )
        for row in rows
    )


def purposes_known(tx: Tx, digest: str) -> bool:
    """Whether this content of the purpose file was adopted before."""
    found = select(access_purposes.c.digest).where(access_purposes.c.digest == digest)
    return tx.execute(found).first() is not None


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


def written(codes: Iterable[str]) -> str:
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
