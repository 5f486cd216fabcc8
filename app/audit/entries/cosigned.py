"""Cosignatures next to the log: which witness signed which checkpoint, and what is served.

cosignature     each verified line, for ever; a witness signs one checkpoint again for a later time
quorum          from which sizes on enough witnesses had cosigned, under which policy (its digest)
witness_alarm   a statement of a witness that an honest log never gets
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Index, Table, Text, and_, func, insert, select
from sqlalchemy.dialects import postgresql

from app.audit.entries import documents, store
from app.audit.entries.store import Signed
from app.audit.tree.checkpoint import origin_of
from app.audit.tree.cosignature import Cosignature
from app.audit.tree.quorum import parse_policy
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata

ADOPTED = "policy"
"""Under which name ``documents`` knows the witness policy in force; the fact of its entry, too."""

cosignature = Table(
    "audit_cosignature",
    metadata,
    Column("size", RowNumber, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("time", RowNumber, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Index(None, "witness", "size", "time"),
)

quorum = Table(
    "audit_quorum",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("size", RowNumber, primary_key=True, autoincrement=False),
    Column("met_at", UtcTime, nullable=False),
)

alarm = Table(
    "audit_witness_alarm",
    metadata,
    Column("witness", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("size", RowNumber, primary_key=True, autoincrement=False),
    Column("said", Text, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class Last:
    """The last cosignature of a witness: of which size, at which time of its clock (POSIX)."""

    size: int
    time: int


@dataclass(frozen=True)
class Alarm:
    """A statement of a witness that an honest log never gets.

    Attributes:
        witness: its verifier key.
        what: ``contradicted`` or ``ahead``; see app/audit/witnesses/asking.py.
        size: of the checkpoint that it was shown.
        said: one sentence.
    """

    witness: str
    what: str
    size: int
    said: str
    raised_at: datetime


def add(tx: Tx, size: int, signed: Cosignature, now: datetime) -> None:
    """Keep a verified line; the same again is nothing new."""
    row = {
        "size": size,
        "witness": signed.key.vkey,
        "time": signed.time,
        "line": signed.line,
        "received_at": now,
    }
    _add_new(tx, cosignature, row)


def add_quorum(tx: Tx, policy: str, size: int, now: datetime) -> None:
    """Note that enough witnesses have cosigned; the first time stays."""
    _add_new(tx, quorum, {"policy": policy, "size": size, "met_at": now})


def add_alarm(tx: Tx, raised: Alarm) -> None:
    """Keep an alarm; the first of its kind about one size stays."""
    _add_new(tx, alarm, vars(raised))


def _add_new(tx: Tx, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row unless one of its key is there."""
    if tx.dialect == "postgresql":
        tx.execute(postgresql.insert(table).on_conflict_do_nothing(), row)
        return
    # On SQLite the guard against REPLACE refuses a row that collides, whatever the insert says; and
    # a writer is alone, so looking first is enough.
    same = (column == row[column.name] for column in table.primary_key)
    if tx.execute(select(table).where(*same).limit(1)).first() is None:
        tx.execute(insert(table), row)


def alarms(tx: Tx, witnesses: Sequence[str], limit: int = 20) -> tuple[Alarm, ...]:
    """The alarms about these witnesses, the newest first."""
    query = select(alarm).where(alarm.c.witness.in_(witnesses))
    rows = tx.execute(query.order_by(alarm.c.raised_at.desc()).limit(limit))
    return tuple(Alarm(row.witness, row.what, row.size, row.said, row.raised_at) for row in rows)


def last_of(tx: Tx, witness: str) -> Last | None:
    """The last cosignature of the largest tree by a witness (its verifier key)."""
    query = select(cosignature.c.size, cosignature.c.time).where(cosignature.c.witness == witness)
    newest = query.order_by(cosignature.c.size.desc(), cosignature.c.time.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    return None if row is None else Last(row.size, row.time)


def note_of(tx: Tx, signed: Signed) -> str:
    """A checkpoint's note with every witness's latest line; verifiers ignore those unknown."""
    latest = (
        select(cosignature.c.witness, func.max(cosignature.c.time).label("time"))
        .where(cosignature.c.size == signed.size)
        .group_by(cosignature.c.witness)
        .subquery()
    )
    is_latest = and_(
        cosignature.c.size == signed.size,
        cosignature.c.witness == latest.c.witness,
        cosignature.c.time == latest.c.time,
    )
    query = select(cosignature.c.line).join(latest, is_latest).order_by(cosignature.c.witness)
    return signed.note + "".join(f"{line}\n" for line in tx.execute(query).scalars())


def newest(tx: Tx) -> Signed | None:
    """The newest checkpoint, cosigned or not; None while nothing was published."""
    return store.last_checkpoint(tx)


def served(tx: Tx) -> Signed | None:
    """The newest checkpoint that enough witnesses cosigned; without a quorum, the newest.

    Returns:
        None while no checkpoint of the log under its present name satisfies the policy in force.
    """
    last = store.last_checkpoint(tx)
    policy = documents.in_force(tx, ADOPTED)
    if last is None or policy is None or not _needs(documents.content_of(tx, policy)):
        return last
    at = store.checkpoint
    query = (
        select(at.c.size, at.c.root, at.c.note)
        .join(quorum, quorum.c.size == at.c.size)
        .where(quorum.c.policy == policy)
    )
    row = tx.execute(query.order_by(quorum.c.size.desc()).limit(1)).one_or_none()
    if row is None or origin_of(row.note.encode()) != origin_of(last.note.encode()):
        return None
    return Signed(row.size, row.root, row.note)


def at_size(tx: Tx, size: int) -> Signed | None:
    """The checkpoint of exactly this size; None where none was published."""
    at = store.checkpoint
    row = tx.execute(select(at.c.size, at.c.root, at.c.note).where(at.c.size == size)).one_or_none()
    return None if row is None else Signed(row.size, row.root, row.note)


def published_between(tx: Tx, low: int, high: int) -> bool:
    """Whether a checkpoint has a size with low <= size < high."""
    at = store.checkpoint
    query = select(at.c.size).where(at.c.size >= low, at.c.size < high).limit(1)
    return tx.execute(query).scalar() is not None


def policy_in_force(tx: Tx) -> bytes | None:
    """The text of the witness policy that was adopted last; None where none ever was."""
    policy = documents.in_force(tx, ADOPTED)
    return None if policy is None else documents.content_of(tx, policy)


@lru_cache(maxsize=8)
def _needs(policy: bytes | None) -> bool:
    return policy is not None and parse_policy(policy).quorum is not None
