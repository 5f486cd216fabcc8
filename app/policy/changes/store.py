"""Tables of changes of company policies, append-only: what was proposed and decided, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.kernel.errors import Conflict
from app.policy.changes.model import Step, StepTaken
from app.policy.law.layer import Direction
from app.policy.notes import unstorable
from app.policy.store import company_table

change_table = Table(
    "policy_change",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("region", String(6), nullable=False),
    Column("digest", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("base", String(71), ForeignKey("policy_document.digest")),
    Column("direction", String(8), nullable=False),
    Column("author", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("id", "author", "digest"),
    Index("ix_policy_change_region", "region"),
)

# Two people, one digest, also for whoever writes rows by hand: author and digest are tied to the
# change by a foreign key, and an approval by the author breaks a CHECK.
step_table = Table(
    "policy_step",
    metadata,
    Column("change_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("step", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("author", String(64), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("at", UtcTime, nullable=False),
    ForeignKeyConstraint(
        ["change_id", "author", "digest"],
        ["policy_change.id", "policy_change.author", "policy_change.digest"],
    ),
    UniqueConstraint("change_id", "step", "actor"),
    UniqueConstraint("change_id", "step", "role"),
    CheckConstraint("step <> 'approved' OR actor <> author", name="two_people"),
)


@dataclass(frozen=True)
class ChangeRow:
    """A change as it was written."""

    id: str
    region: str
    digest: str
    base: str | None
    direction: Direction
    author: str
    note: str
    created_at: datetime


def add_change(tx: Tx, change: ChangeRow) -> None:
    """Record a change; nothing about it is rewritten later."""
    tx.execute(insert(change_table).values(**vars(change)))


def add_company(
    tx: Tx, change: ChangeRow, direction: Direction, valid_from: datetime, at: datetime
) -> None:
    """Record that a company policy was published."""
    row = {
        "region": change.region,
        "digest": change.digest,
        "change_id": change.id,
        "direction": direction,
        "valid_from": valid_from,
        "recorded_at": at,
    }
    tx.execute(insert(company_table).values(**row))


def changes(tx: Tx, region: str | None = None) -> tuple[ChangeRow, ...]:
    """Return the changes of a region or of all, newest first."""
    if region is not None and unstorable(region) is not None:
        return ()
    statement = select(change_table).order_by(change_table.c.created_at.desc(), change_table.c.id)
    if region is not None:
        statement = statement.where(change_table.c.region == region)
    return tuple(_change(row) for row in tx.execute(statement))


def change(tx: Tx, change_id: str) -> ChangeRow | None:
    """Return one change."""
    if unstorable(change_id) is not None:
        return None
    row = tx.execute(select(change_table).where(change_table.c.id == change_id)).one_or_none()
    return None if row is None else _change(row)


def _change(row: Row[Any]) -> ChangeRow:
    return ChangeRow(
        id=row.id,
        region=row.region,
        digest=row.digest,
        base=row.base,
        direction=row.direction,
        author=row.author,
        note=row.note,
        created_at=row.created_at,
    )


def steps(tx: Tx, change_id: str) -> tuple[StepTaken, ...]:
    """Return what was done about a change, in order."""
    rows = tx.execute(
        select(step_table).where(step_table.c.change_id == change_id).order_by(step_table.c.seq)
    )
    return tuple(StepTaken(row.seq, Step(row.step), row.actor, row.role, row.at) for row in rows)


def add_step(tx: Tx, change: ChangeRow, taken: StepTaken) -> None:
    """Append a step to a change.

    Raises:
        Conflict: somebody took this number, or supplied this role, at the same moment; or the
            person did it before.
    """
    row = {
        "change_id": change.id,
        "seq": taken.seq,
        "step": taken.step.value,
        "actor": taken.actor,
        "role": taken.role,
        "author": change.author,
        "digest": change.digest,
        "at": taken.at,
    }
    try:
        tx.execute(insert(step_table).values(**row))
    except IntegrityError as error:
        raise Conflict(
            "the change moved on at the same moment", cure="Load it again and look."
        ) from error
