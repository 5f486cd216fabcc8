"""Everybody tries a place in their own situation: would this be captured of me?

What somebody tries is theirs: it is judged, answered and forgotten. The log has nothing of it.
"""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.web.employee.overview import region_names
from app.web.shell.visit import ReadVisit, Visit
from app.web.trial.form import TypedPlace
from app.web.trial.page import Grounds, Typed, blank, choices, tried

router = APIRouter(prefix="/me")


@router.get("/try")
def show_form(visit: ReadVisit) -> HTMLResponse:
    """The form, filled in with an example."""
    return _page(visit, TypedPlace())


@router.post("/try")
def try_place(visit: ReadVisit, typed: Typed) -> HTMLResponse:
    """What the guard on one's own laptop would say; nothing of it is kept."""
    return _page(visit, typed, sent=True)


def _page(visit: Visit, typed: TypedPlace, *, sent: bool = False) -> HTMLResponse:
    capture, tx = visit.services.capture, visit.tx
    situation = capture.situation(tx, visit.person, visit.now)
    grounds = Grounds(
        told=capture.told(tx, situation, visit.now),
        limits=situation.limits,
        names=region_names(visit.services, tx, situation.in_force),
    )
    shown = tried(visit, grounds, typed) if sent else blank(grounds, typed)
    return visit.page(
        "me_try.html",
        status=422 if shown.faults else 200,
        shown=shown,
        choices=choices(grounds),
        agreed=situation.agreement is not None,
    )
