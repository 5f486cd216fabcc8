"""The log as a stream of lines, for a security monitor that keeps up with it.

Rules:
1. Order and position are the index, so a reader resumes after the last index it kept. It gets every
   entry at least once: nothing is skipped, and what it had not kept comes again.
2. Only entries below a published checkpoint leave: each can be proved from then on. An entry gets
   its index after its transaction was committed, so none can appear behind the reader.
3. No transaction is open while the reader is slow: a page is read, the transaction ends, the page
   is handed on.
4. A tail is an entry of the log it reads, as an export is.
5. A log that was restored under the reader ends the tail: what comes next under these indices is
   not what follows what the reader has.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from app.audit.entries import store
from app.audit.entries.model import Actor, Entry
from app.audit.entries.service import AuditService
from app.audit.export.projections import ExportForm
from app.audit.export.writing import announce
from app.audit.growing.integrator import Integrator
from app.audit.reading import lookup
from app.audit.tree.checkpoint import origin_of
from app.db.engine import Database, Tx
from app.kernel.errors import Conflict

EVERY_S = 1.0
"""How long a following tail waits before it looks again, seconds."""

Wait = Callable[[float], bool]
"""Waits so many seconds; True ends the tail."""


def begin_tail(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    *,
    actor: Actor,
    now: datetime,
    start: int,
    form: ExportForm,
    follow: bool,
) -> None:
    """Append the entry about a tail from index ``start`` on.

    Raises:
        Conflict: the log has fewer entries: whoever read so far has read another log.
    """
    integrator.integrate()
    with database.read() as tx:
        _, published = _published(tx)
    _require_reached(start, published)
    announce(database, log, actor, now, form, start=start, follow=follow)
    integrator.integrate()


def tail(
    database: Database, start: int, *, limit: int | None = None, wait: Wait | None = None
) -> Iterator[Entry]:
    """Yield the published entries from index ``start`` on, in order.

    Args:
        database: where the log is; no transaction of it is open while an entry is out.
        start: the first index.
        limit: at most so many entries.
        wait: called when there is nothing new; None ends the tail there.

    Raises:
        Conflict: the log was restored meanwhile (rule 5).
    """
    at = start
    end = None if limit is None else start + limit
    name = ""
    while end is None or at < end:
        with database.read() as tx:
            origin, published = _published(tx)
            _require_reached(at, published)
            if name and origin != name:
                raise Conflict(
                    f"the log goes on as {origin} since a restore: index {at} is not the next of "
                    f"what you read of {name}",
                    cure="Find the entry log.restored: it says up to which index the two are one.",
                )
            name = origin
            last = min(at + lookup.PAGE, published, published if end is None else end)
            page = store.entries_between(tx, at, last)
        yield from page
        at += len(page)
        if not page and (wait is None or wait(EVERY_S)):
            return


def _published(tx: Tx) -> tuple[str, int]:
    """Name and size of the published log; both are empty while there is none."""
    signed = store.last_checkpoint(tx)
    return (origin_of(signed.note.encode()), signed.size) if signed else ("", 0)


def _require_reached(at: int, published: int) -> None:
    if at > published:
        raise Conflict(
            f"the log has {published} published entries: index {at} is not the next of any "
            "reader of this log",
            cure="Compare your last entry with the log's; if the log is older than you are, "
            "somebody restored it.",
        )
