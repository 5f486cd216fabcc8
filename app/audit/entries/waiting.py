"""What waits for its index: how much, since when, and what was handed in."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.audit.entries.store import leaf, pending
from app.db.engine import Tx
from app.kernel.canonical import digest
from app.kernel.clock import instant


@dataclass(frozen=True)
class WaitingEntry:
    """A submission without an index yet."""

    pid: int
    event_id: str
    created_at: datetime


def backlog(tx: Tx, most: int) -> tuple[int, WaitingEntry | None]:
    """How many submissions wait, counted up to ``most``, and the submission that waits longest."""
    some = select(pending.c.pid).limit(most).subquery()
    count = select(func.count()).select_from(some).scalar_subquery()
    oldest = select(pending.c.pid, pending.c.event_id, pending.c.created_at, count.label("waiting"))
    row = tx.execute(oldest.order_by(pending.c.pid).limit(1)).one_or_none()
    if row is None:
        return 0, None
    return row.waiting, WaitingEntry(row.pid, row.event_id, row.created_at)


def waiting(tx: Tx, limit: int, before: datetime | None = None) -> tuple[WaitingEntry, ...]:
    """The submissions that wait longest; ``before``: only those made earlier."""
    query = select(pending.c.pid, pending.c.event_id, pending.c.created_at)
    if before is not None:
        query = query.where(pending.c.created_at < before)
    rows = tx.execute(query.order_by(pending.c.pid).limit(limit))
    return tuple(WaitingEntry(row.pid, row.event_id, row.created_at) for row in rows)


def submission_digest(tx: Tx, event_id: str) -> tuple[str, datetime] | None:
    """The digest of what was handed in for an event, and when; None where there is no such."""
    raw = tx.execute(select(leaf.c.entry).where(leaf.c.event_id == event_id)).scalar()
    if raw is not None:
        content = json.loads(raw)
        return content["submission"], instant(content["occurred_at"])
    query = select(pending.c.submission, pending.c.created_at)
    row = tx.execute(query.where(pending.c.event_id == event_id)).one_or_none()
    return None if row is None else (digest(row.submission), row.created_at)
