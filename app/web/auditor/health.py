"""Whether the log is in order: checkpoint, entries, witnesses, lock store, keys, restores.

A log that has halted is shown by no page; each says why instead (app/api/deps.py).
"""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.audit.growing.lock import Published
from app.audit.reading.shown import LogHealth
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.kernel.errors import Unavailable
from app.web.auditor.rows.health import LogState, checks, export_row, headline
from app.web.shell.visit import Visit, WriteVisit, needs
from app.wiring import Services

router = APIRouter()

EXPORTS = 10
"""The last exports that are listed."""


@router.get("/health", dependencies=[needs("log", "read")])
def show_health(visit: WriteVisit) -> HTMLResponse:
    """Every check with its words, and the last exports."""
    services = visit.services
    health = services.desk.health(visit.tx, visit.person, EXPORTS, visit.now)
    shown = checks(_state(visit, health), visit.now)
    return visit.page(
        "auditor_health.html",
        checks=shown,
        headline=headline(shown),
        exports=[export_row(entry) for entry in health.exports],
        origin=services.log.origin,
        vkey=services.integrator.vkey,
        may_export=visit.may("log", "export"),
    )


def _state(visit: Visit, health: LogHealth) -> LogState:
    services = visit.services
    published, answers = _published(services)
    lock = parse_checkpoint(parse_note(published.note).text) if published else None
    return LogState(
        size=health.size,
        signed=health.checkpoint,
        pending=health.pending,
        waiting_since=health.waiting_since,
        overdue=[entry.event_id for entry in health.overdue],
        within=services.log.merge_within,
        lock=lock,
        lock_at=published.at if published else None,
        lock_answers=answers,
        witnesses=services.witnesses.state(visit.tx),
        custodians=[key.name for key in services.custodians.keys] if services.custodians else (),
        restores=health.restores,
        keys=services.listed_keys(visit.tx, visit.now),
        alarms=len(services.database.seals.alarmed),
        reached=services.reconciler.reached,
    )


def _published(services: Services) -> tuple[Published | None, bool]:
    """What the lock store holds, and whether it answers."""
    try:
        return services.lock.published(), True
    except Unavailable:
        return None, False
