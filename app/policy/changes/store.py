"""Changes of company policies: what was proposed and decided, in order.

A change and its steps are a chain, ``change:ID``. What of it cannot be read is left out; whether
the rest stands is said with it, and whoever reads it decides by that.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError

from app.db import seals
from app.db.engine import Tx
from app.db.readable import readable
from app.db.ring import Dispute, Flaw
from app.kernel.errors import Conflict
from app.policy import store
from app.policy.changes.model import Step, StepTaken
from app.policy.law.layer import Direction
from app.policy.notes import unstorable
from app.policy.rows import chain_of_change
from app.policy.tables import CHANGE, COMPANY, STEP, change_table, step_table

_STEPS = frozenset(step.value for step in Step)


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


@dataclass(frozen=True)
class Taken:
    """What was done about a change, in order.

    Attributes:
        stands: whether the change and its steps can be believed; an approval counts only then.
        next_seq: the number of the next step.
    """

    steps: tuple[StepTaken, ...]
    stands: bool
    next_seq: int


def add_change(tx: Tx, change: ChangeRow) -> None:
    """Record a change; nothing about it is rewritten later."""
    seals.insert(tx, CHANGE, [vars(change)])


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
    store.add(tx, COMPANY, row)


def changes(tx: Tx, region: str | None = None) -> tuple[ChangeRow, ...]:
    """Return the changes of a region or of all that can be read, newest first."""
    if region is not None and unstorable(region) is not None:
        return ()
    statement = select(change_table).order_by(change_table.c.created_at.desc(), change_table.c.id)
    if region is not None:
        statement = statement.where(change_table.c.region == region)
    read = (_change(tx, row) for row in tx.execute(statement).all())
    return tuple(row for row in read if row is not None)


def change(tx: Tx, change_id: str) -> ChangeRow | None:
    """Return one change; None where there is none that can be read."""
    if unstorable(change_id) is not None:
        return None
    row = tx.execute(select(change_table).where(change_table.c.id == change_id)).one_or_none()
    return None if row is None else _change(tx, row)


def _change(tx: Tx, row: Row[Any]) -> ChangeRow | None:
    if not readable(change_table, row):
        seals.note(tx, Dispute(chain_of_change(row.id), Flaw.SHAPE, change_table.name))
        return None
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


def steps(tx: Tx, change_id: str) -> Taken:
    """Return what was done about a change, as far as it can be read, and whether it stands."""
    chain = chain_of_change(change_id)
    changed = tx.execute(select(change_table).where(change_table.c.id == change_id)).all()
    rows = tx.execute(
        select(step_table).where(step_table.c.change_id == change_id).order_by(step_table.c.seq)
    ).all()
    position = len(changed) + len(rows)
    stands = seals.stands(tx, chain, CHANGE, changed, position) and seals.stands(
        tx, chain, STEP, rows, position
    )
    if stands and [row.seq for row in rows] != list(range(1, len(rows) + 1)):
        seals.note(tx, Dispute(chain, Flaw.SHAPE, step_table.name))
        stands = False
    taken = tuple(
        StepTaken(row.seq, Step(row.step), row.actor, row.role, row.at)
        for row in rows
        if readable(step_table, row) and row.step in _STEPS
    )
    numbers = [row.seq for row in rows if isinstance(row.seq, int)]
    return Taken(taken, stands, max(numbers, default=0) + 1)


def add_step(tx: Tx, change: ChangeRow, taken: StepTaken, event: str) -> None:
    """Append a step to a change; ``event`` is the id of its entry.

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
        "event_id": event,
    }
    try:
        seals.insert(tx, STEP, [row])
    except IntegrityError as error:
        raise Conflict(
            "the change moved on at the same moment", cure="Load it again and look."
        ) from error
