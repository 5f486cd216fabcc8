"""What waits for its index: how much, since when, and what was handed in.

Rules:
1. Only what this service handed in waits. A submission without its seal never gets an index, nor
   does one that has its index already and was put back: it is noted, so that an alarm names it, and
   counts as nothing that is late.
2. What was there before rows were sealed (``seals.adopted``) is taken as it is; where the log
   cannot be believed, nobody knows whether it was before.
3. Counting looks at the seals of the oldest submissions only: what nobody handed in stays, so that
   it is among those. The others are counted as they are.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import func, select

from app.audit.entries.codes import is_code
from app.audit.entries.store import PENDING, chunks, leaf, pending
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw
from app.kernel.canonical import digest
from app.kernel.clock import instant

PENDING_CHAIN = "log:pending"
"""The chain of what waits; an alarm on it stops nothing but what it is about."""

_PAGE = 100
_JUDGED = 200
"""How many of the oldest submissions are judged where they are counted (rule 3)."""


@dataclass(frozen=True)
class Pending:
    """A submission that waits for its index."""

    pid: int
    event_id: str
    submission: bytes
    created_at: datetime
    seal: bytes | None


@dataclass(frozen=True)
class WaitingEntry:
    """A submission without an index yet."""

    pid: int
    event_id: str
    created_at: datetime


def judged(
    tx: Tx, page: int = _PAGE, before: datetime | None = None
) -> Iterator[tuple[Pending, Flaw | None]]:
    """Every submission, the oldest first, and why it gets no index; None: it gets one.

    Args:
        tx: any transaction.
        page: how many are read at once.
        before: only those made earlier.
    """
    query = select(pending).order_by(pending.c.pid).limit(page)
    if before is not None:
        query = query.where(pending.c.created_at < before)
    after = 0
    while rows := tx.execute(query.where(pending.c.pid > after)).all():
        read = [Pending(**row._asdict()) for row in rows]
        numbered = _numbered(tx, [row.event_id for row in read])
        for row in read:
            yield row, Flaw.UNRECORDED if row.event_id in numbered else _flaw(tx, row)
        after = read[-1].pid


def handed_in(tx: Tx, limit: int, before: datetime | None = None) -> tuple[Pending, ...]:
    """The submissions of this service that wait longest, at most so many (rule 1)."""
    page = min(max(limit, _PAGE), 1_000)
    return tuple(islice(_ours(tx, judged(tx, page, before)), limit))


def _ours(tx: Tx, rows: Iterator[tuple[Pending, Flaw | None]]) -> Iterator[Pending]:
    for row, flaw in rows:
        if flaw is None:
            yield row
        else:
            seals.note(tx, Dispute(PENDING_CHAIN, flaw, pending.name, name_of(row)))


def name_of(row: Pending) -> str:
    """What a submission is called; nothing where somebody called it what no event is called."""
    return row.event_id if isinstance(row.event_id, str) and is_code(row.event_id) else ""


def _numbered(tx: Tx, events: Sequence[str]) -> frozenset[str]:
    """Those of the events that have an index."""
    return frozenset(
        event
        for some in chunks(events)
        for event in tx.execute(select(leaf.c.event_id).where(leaf.c.event_id.in_(some))).scalars()
    )


def _flaw(tx: Tx, row: Pending) -> Flaw | None:
    if tx.seals.key is None or not tx.seals.required:
        return None
    return None if seals.first_bad(tx, PENDING, [vars(row)]) is None else Flaw.UNSEALED


def backlog(tx: Tx, most: int, before: datetime) -> tuple[int, WaitingEntry | None]:
    """How many submissions wait, counted up to ``most``, and the submission that waits longest.

    Whose they are is looked up only where that matters: where there are so many, or the oldest was
    made before ``before``. This is in the way of every request.
    """
    count, oldest = _backlog(tx, most)
    if oldest is None or (count < most and oldest.created_at >= before):
        return count, oldest
    ours = handed_in(tx, 1)
    return _backlog(tx, most, ours[0].pid) if ours else (0, None)


def _backlog(tx: Tx, most: int, first: int = 1) -> tuple[int, WaitingEntry | None]:
    """The same of all from a row on, whoever put them there."""
    some = select(pending.c.pid).where(pending.c.pid >= first).limit(most).subquery()
    count = select(func.count()).select_from(some).scalar_subquery()
    oldest = select(pending.c.pid, pending.c.event_id, pending.c.created_at, count.label("waiting"))
    query = oldest.where(pending.c.pid >= first).order_by(pending.c.pid).limit(1)
    row = tx.execute(query).one_or_none()
    if row is None:
        return 0, None
    return row.waiting, WaitingEntry(row.pid, row.event_id, row.created_at)


def waiting(tx: Tx, limit: int, before: datetime | None = None) -> tuple[WaitingEntry, ...]:
    """The submissions that wait longest; ``before``: only those made earlier."""
    return tuple(_waits(row) for row in handed_in(tx, limit, before))


def count_waiting(tx: Tx) -> int:
    """How many submissions wait (rule 3)."""
    ours, last = 0, 0
    for row, flaw in islice(judged(tx), _JUDGED):
        ours, last = ours + (flaw is None), row.pid
    others = select(func.count()).select_from(pending).where(pending.c.pid > last)
    return ours + int(tx.execute(others).scalar_one())


def waiting_since(tx: Tx) -> datetime | None:
    """When the submission that waits longest was made; None where none waits."""
    oldest = handed_in(tx, 1)
    return oldest[0].created_at if oldest else None


def _waits(row: Pending) -> WaitingEntry:
    return WaitingEntry(row.pid, row.event_id, row.created_at)


def submission_digest(tx: Tx, event_id: str) -> tuple[str, datetime] | None:
    """The digest of what was handed in for an event, and when; None where there is no such."""
    raw = tx.execute(select(leaf.c.entry).where(leaf.c.event_id == event_id)).scalar()
    if raw is not None:
        content = json.loads(raw)
        return content["submission"], instant(content["occurred_at"])
    query = select(pending.c.submission, pending.c.created_at)
    row = tx.execute(query.where(pending.c.event_id == event_id)).one_or_none()
    return None if row is None else (digest(row.submission), row.created_at)
