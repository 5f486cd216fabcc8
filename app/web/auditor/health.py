"""Whether the log is in order: checkpoint, promised entries, witnesses, lock store, restores.

A log that has halted is shown by no page; each says why instead (app/api/deps.py).
"""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, EntryFilter, Event, Kind
from app.audit.growing.lock import Published
from app.audit.tree.checkpoint import Checkpoint, parse_checkpoint, parse_note
from app.db.engine import Tx
from app.kernel.canonical import Json
from app.kernel.errors import Unavailable
from app.web.auditor.health_rows import LogState, checks, export_row, headline
from app.web.shell.door import SignedIn
from app.web.shell.render import page
from app.wiring import Services

router = APIRouter()

EXPORTS = 10
"""The last exports that are listed."""
OVERDUE = 100


@router.get("/health")
def show_health(
    request: Request, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> HTMLResponse:
    """Every check with its words, and the last exports."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    found = checks(_state(services, tx, now), now)
    exports = services.log.search(tx, EntryFilter(kind=Kind.LOG_EXPORTED.value, limit=EXPORTS))
    facts: dict[str, Json] = {
        "kind": Kind.LOG_EXPORTED.value,
        "subject": None,
        "count": len(exports),
    }
    services.log.append(tx, Event(Kind.LOG_READ, Actor("person", visitor.person.id), facts), now)
    return page(
        request,
        "auditor_health.html",
        checks=found,
        headline=headline(found),
        exports=[export_row(entry) for entry in exports],
        origin=services.log.origin,
        vkey=services.integrator.vkey,
        may_export=services.authority.may(visitor.person.roles, None, "log", "export"),
    )


def _state(services: Services, tx: Tx, now: Now) -> LogState:
    note = services.log.checkpoint(tx)
    published, answers = _published(services)
    overdue = services.log.overdue(tx, now, OVERDUE)
    restores = EntryFilter(kind=Kind.LOG_RESTORED.value)
    custodians = services.custodians
    return LogState(
        size=services.log.size(tx),
        signed=_checkpoint(note.encode()) if note else None,
        pending=services.log.pending(tx),
        waiting_since=services.log.pending_since(tx),
        overdue=[one.event_id for one in overdue],
        within=services.log.merge_within,
        lock=_checkpoint(published.note) if published else None,
        lock_at=published.at if published else None,
        lock_answers=answers,
        witnesses=services.witnesses.state(tx),
        custodians=[key.name for key in custodians.keys] if custodians else (),
        restores=services.log.search(tx, restores),
    )


def _published(services: Services) -> tuple[Published | None, bool]:
    """What the lock store holds, and whether it answers."""
    try:
        return services.lock.published(), True
    except Unavailable:
        return None, False


def _checkpoint(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)
