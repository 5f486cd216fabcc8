"""Laptops: pair one by its code, see what each was told, unpair it."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from app.kernel.errors import Conflict, Fault, Forbidden, HabeasError, NotFound
from app.web.employee.overview import laptop_rows
from app.web.shell.door import is_own_step
from app.web.shell.visit import ReadVisit, Visit, WriteVisit
from app.web.words.error_words import problem_in_words

router = APIRouter(prefix="/me/devices")


@router.get("/pair")
def look(visit: ReadVisit, code: str = "") -> Response:
    """Ask for the code; with a code, show which laptop waits, to be compared before pairing.

    A code in another site's link is put into its field and not tried: wrong codes are counted.
    """
    if not code.strip() or not is_own_step(visit.request):
        return visit.page("pair.html", code=code.strip(), pending=None, faults=())
    try:
        pending = visit.services.pairing.pending(visit.tx, code, visit.now, visit.person)
    except (NotFound, Forbidden) as error:
        return _refused(visit, code, error)
    return visit.page("pair.html", code=_spaced(code), pending=pending, faults=())


@router.post("/pair")
def pair(visit: WriteVisit, code: Annotated[str, Form()] = "") -> Response:
    """Bind the waiting laptop to the person."""
    try:
        device = visit.services.pairing.approve(visit.tx, visit.person, code, visit.now)
    except (NotFound, Forbidden, Conflict) as error:
        return _refused(visit, code, error)
    return RedirectResponse(f"/me/devices/{device.id}", 303)


@router.get("/{device}")
def show(visit: ReadVisit, device: str) -> Response:
    """One laptop of the person."""
    situation = visit.services.capture.situation(visit.tx, visit.person, visit.now)
    rows = laptop_rows(visit.services, visit.tx, situation, visit.now)
    row = next((each for each in rows if each.device.id == device), None)
    if row is None:
        raise NotFound("there is no such laptop of yours", cure="Your laptops are on your page.")
    return visit.page("device.html", row=row, laptops=(row,), situation=situation, as_of=visit.now)


@router.post("/{device}/revoke")
def unpair(visit: WriteVisit, device: str) -> Response:
    """Unpair a laptop for good. Pairing it again is a new pairing."""
    visit.services.devices.revoke(visit.tx, visit.person, device, visit.now)
    return RedirectResponse(f"/me/devices/{device}", 303)


def _refused(visit: Visit, code: str, error: HabeasError) -> Response:
    """Show the form again with what was typed."""
    faults = (Fault("code", problem_in_words(error), error.cure),)
    return visit.page("pair.html", status=422, code=code, pending=None, faults=faults)


def _spaced(code: str) -> str:
    """Write a code as the laptop shows it: ``BCDF-GHJK``."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == 8 else code  # noqa: PLR2004 - 4 and 4
