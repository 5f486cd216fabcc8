"""SQL of access: consumers, decisions as people see them, grants and their uses, purpose files.

Rules:
1. A consumer counts only while its chain stands: its newest version is the newest that the log
   knows, and both that row and the one of the secret have their seals. Otherwise it is unknown.
2. A grant is closed only while grant and use stand: one whose use was deleted is not closed again.
3. A purpose file is the one that its digest names, or it is none.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.exc import IntegrityError

from app.access.decision.model import Closed, Consumer, Use
from app.access.recorded import PURPOSES_CHAIN, consumer_chain, grant_chain
from app.access.tables import (
    CONSUMER,
    GRANT,
    PURPOSES,
    USE,
    access_consumer,
    access_decision,
    access_grant,
    access_purposes,
    access_use,
)
from app.db import seals
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.db.ring import Dispute, Flaw
from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.errors import Conflict

_MOST_VERSIONS = 2**31 - 1  # nor is a text counted, which SQLite puts above all numbers


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
    _lock(tx, "pg_advisory_xact_lock", LockNumber.CONSUMERS)


def hold_consumers(tx: Tx) -> None:
    """Keep the consumers as they are until this transaction ends; others may hold them too."""
    _lock(tx, "pg_advisory_xact_lock_shared", LockNumber.CONSUMERS)


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
        "overlap_until": consumer.overlap_until,
    }
    try:
        seals.insert(tx, CONSUMER, [values])
    except IntegrityError as error:
        raise Conflict(
            "the consumer was registered by somebody else at the same time",
            cure="Look at what is registered, then register again if it is still needed.",
        ) from error


def last_version(tx: Tx, consumer_id: str) -> int:
    """The highest version of a consumer that there is, or was; 0 where there was none.

    A version that nobody registered counts, and is noted: the log leaves its number out.
    """
    newest_consumer(tx, consumer_id)
    table = access_consumer.c
    query = select(func.max(table.version)).where(
        table.consumer_id == consumer_id, table.version < _MOST_VERSIONS
    )
    known = tx.seals.positions.get(consumer_chain(consumer_id))
    return max(tx.execute(query).scalar_one() or 0, known.rows if known else 0)


def newest_consumer(tx: Tx, consumer_id: str) -> Consumer | None:
    """The version of a consumer that counts; None where there is none that stands (rule 1)."""
    table = access_consumer.c
    row = tx.execute(
        select(access_consumer)
        .where(table.consumer_id == consumer_id)
        .order_by(table.version.desc())
        .limit(1)
    ).first()
    return _newest(tx, row) if row else None


def consumer_by_secret(tx: Tx, secret_sha256: str) -> Consumer | None:
    """The consumer version that a secret was issued to, newest or not."""
    row = tx.execute(
        select(access_consumer).where(access_consumer.c.secret_sha256 == secret_sha256)
    ).first()
    if row is None:
        return None
    bad = seals.first_bad(tx, CONSUMER, [row])
    if bad is None:
        return _consumer(row)
    chain = consumer_chain(row.consumer_id)
    seals.note(tx, Dispute(chain, Flaw.UNSEALED, access_consumer.name, bad))
    return None


def consumers(tx: Tx) -> tuple[tuple[Consumer, datetime], ...]:
    """All consumers that count in their newest version, and when that was registered, by id."""
    rows = tx.execute(
        select(access_consumer).order_by(access_consumer.c.consumer_id, access_consumer.c.version)
    ).all()
    newest = {row.consumer_id: row for row in rows}
    seals.fetch(tx, (CONSUMER, tuple(newest.values())))
    judged = ((_newest(tx, row), row.registered_at) for row in newest.values())
    return tuple((consumer, at) for consumer, at in judged if consumer is not None)


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
    seals.insert(tx, GRANT, [values])


def grant(tx: Tx, grant_id: str) -> tuple[GrantRow | None, Closed | None]:
    """A grant that was issued, and its use if that was reported.

    Raises:
        Conflict: their rows do not stand (rule 2).
    """
    issued = tx.execute(select(access_grant).where(access_grant.c.grant_id == grant_id)).first()
    closed = tx.execute(select(access_use).where(access_use.c.grant_id == grant_id)).first()
    if issued is None:
        return None, None
    if not _stand(tx, issued, closed):
        raise Conflict(
            "the record of this grant does not fit the log",
            cure="Tell the auditor: until two people have looked at it, the grant stays as it is.",
            kind="record-disputed",
        )
    row = GrantRow(
        issued.grant_id, issued.event_id, issued.consumer_id, issued.purpose, issued.decided_at
    )
    return row, None if closed is None else _closed(closed)


def _stand(tx: Tx, issued: Row[Any], closed: Row[Any] | None) -> bool:
    chain, uses = grant_chain(issued.grant_id), [closed] if closed else []
    seals.fetch(tx, (GRANT, [issued]), (USE, uses))
    if not seals.stands(tx, chain, GRANT, [issued], position=1 + len(uses)):
        return False
    if closed is not None:
        return seals.stands(tx, chain, USE, uses)
    if seals.orphaned(tx, USE, issued.grant_id):
        seals.note(tx, Dispute(chain, Flaw.BEHIND, access_use.name, issued.grant_id))
        return False
    return True


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
    seals.insert(tx, USE, [values])


def _closed(row: Row[Any]) -> Closed:
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
    names = {consumer.id: consumer.name for consumer, _ in consumers(tx)} if rows else {}
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
    """Whether this content of the purpose file was adopted before.

    Nothing is narrowed where it was not, for what may be asked for is in the program; the alarm
    names it, and the file is adopted with an entry.
    """
    rows = tx.execute(select(access_purposes)).all()
    # Not counted: a file that was adopted again has one row and several entries.
    if seals.stands(tx, PURPOSES_CHAIN, PURPOSES, rows) and rows:
        return any(row.digest == digest for row in rows)
    same = [row for row in rows if row.digest == digest]
    if not same and seals.orphaned(tx, PURPOSES, digest):
        return True  # it was: its row is gone or has another key, and is not sealed a second time
    return bool(same) and (not tx.seals.required or seals.first_bad(tx, PURPOSES, same) is None)


def insert_purposes(tx: Tx, digest: str, document: bytes, now: datetime) -> None:
    """Keep the canonical bytes of a purpose file, unless somebody else put them there."""
    table = access_purposes.c
    if tx.execute(select(table.digest).where(table.digest == digest)).first() is None:
        row = {"digest": digest, "document": document.decode("utf-8"), "adopted_at": now}
        seals.insert(tx, PURPOSES, [row])


def purposes_documents(tx: Tx) -> tuple[tuple[str, bytes], ...]:
    """Every adopted purpose file as (digest, canonical bytes), oldest first (rule 3)."""
    rows = tx.execute(
        select(access_purposes).order_by(access_purposes.c.adopted_at, access_purposes.c.digest)
    )
    texts = (row for row in rows if isinstance(row.document, str))
    documents = ((row.digest, row.document.encode("utf-8")) for row in texts)
    return tuple((name, document) for name, document in documents if digest(document) == name)


def codes_as_text(codes: Iterable[str]) -> str:
    """Codes as canonical text, in the order given."""
    return canonical(list(codes)).decode("utf-8")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(parse_canonical(text.encode("utf-8")))


def _newest(tx: Tx, row: Row[Any]) -> Consumer | None:
    chain = consumer_chain(row.consumer_id)
    stands = seals.stands(tx, chain, CONSUMER, [row], position=row.version)
    return _consumer(row) if stands else None


def _consumer(row: Row[Any]) -> Consumer:
    return Consumer(
        id=row.consumer_id,
        name=row.name,
        purposes=_codes(row.purposes),
        functions=_codes(row.functions),
        version=row.version,
        overlap_until=row.overlap_until,
    )
