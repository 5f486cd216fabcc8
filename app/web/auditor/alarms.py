"""Alarms about rows that do not agree with the log, and how two people clear them."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.kernel.errors import Fault, InvalidInput
from app.reconcile.alarms import MAX_REASON
from app.web.auditor.rows.alarms import alarm_row
from app.web.shell.visit import ReadVisit, Visit, WriteVisit, needs
from app.web.words.policy_words import counted

router = APIRouter()
PATH = "/auditor/alarms"


@router.get("/alarms", dependencies=[needs("alarm", "clear")])
def show_alarms(visit: ReadVisit) -> HTMLResponse:
    """Every alarm that is open, and what this visitor can do about each."""
    return _page(visit)


@router.post("/alarms/propose", dependencies=[needs("alarm", "clear")])
def propose_clearing(
    visit: WriteVisit,
    chain: Annotated[str, Form(max_length=200)] = "",
    reason: Annotated[str, Form(max_length=4 * MAX_REASON)] = "",
) -> Response:
    """Propose to clear an alarm, with a reason."""
    try:
        visit.services.alarms.propose(visit.tx, visit.person, chain, reason, visit.now)
    except InvalidInput as error:
        return _page(visit.to_read(), chain, reason, error.faults)
    return RedirectResponse(PATH, 303)


@router.post("/alarms/clear", dependencies=[needs("alarm", "clear")])
def clear_alarm(visit: WriteVisit, chain: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Clear an alarm that somebody else proposed to clear."""
    visit.services.alarms.clear(visit.tx, visit.person, chain, visit.now)
    return RedirectResponse(PATH, 303)


def _page(
    visit: Visit, chain: str = "", reason: str = "", faults: tuple[Fault, ...] = ()
) -> HTMLResponse:
    services = visit.services
    reached = services.reconciler.reached
    alarms = services.alarms.listed(visit.tx, visit.person)
    broken = next((alarm.broken for alarm in alarms if alarm.broken), "")
    return visit.page(
        "auditor_alarms.html",
        status=422 if faults else 200,
        headline=f"{counted(len(alarms), 'open alarm')}." if alarms else "No alarm is open.",
        rows=[alarm_row(alarm, reached) for alarm in alarms],
        typed={"chain": chain, "reason": reason},
        faults=faults,
        most=MAX_REASON,
        reached=reached,
        broken=broken,
        may_export=visit.may("log", "export"),
        may_read=visit.may("log", "read"),
    )
