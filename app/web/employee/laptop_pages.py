"""Laptops: pair one by its link or its code, see what each was told, unpair it."""

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
def look(visit: WriteVisit, code: str = "", request: str | None = None) -> Response:
    """Ask for the code; with a code or a link, show which laptop asks, before it is paired.

    A link can be opened from anywhere: it shows what it is about and counts nothing. A code in
    another site's link is put into its field and not tried: wrong codes are counted.
    """
    if request is not None:
        return _asks(visit.to_read(), request)
    if not code.strip() or not is_own_step(visit.request):
        return _form(visit.to_read(), code.strip())
    try:
        found = visit.services.pairing.pending(visit.tx, visit.person, code, visit.now)
    except (NotFound, Forbidden) as error:
        faults = (Fault("code", problem_in_words(error), error.cure),)
        return _form(visit, code, faults=faults, status=422)  # not ``to_read``: it was counted
    return _asks(visit.to_read(), found)


@router.post("/pair")
def pair(visit: WriteVisit, request: Annotated[str, Form()] = "") -> Response:
    """Bind the laptop that asks to the person."""
    try:
        device = visit.services.pairing.approve(visit.tx, visit.person, request, visit.now)
    except (NotFound, Conflict) as error:
        return _refused(visit.to_read(), error)
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
    devices = visit.services.devices
    revoked = devices.revoked(visit.reader, visit.person, device)
    visit.reader.close()  # never wait for one connection while holding another
    if not revoked:
        devices.revoke(visit.tx, visit.person, device, visit.now)
    return RedirectResponse(f"/me/devices/{device}", 303)


def _asks(visit: Visit, request: str) -> Response:
    """Show what a laptop asks for, or why it cannot be paired any more."""
    try:
        pending = visit.services.pairing.asked(visit.tx, request, visit.now)
    except (NotFound, Conflict) as error:
        return _refused(visit, error)
    return visit.page("pair.html", pending=pending, request_text=request)


def _refused(visit: Visit, error: HabeasError) -> Response:
    """Say why nothing was paired, above the field for another code."""
    status = 409 if isinstance(error, Conflict) else 404
    return _form(visit, "", problem=problem_in_words(error), cure=error.cure, status=status)


def _form(
    visit: Visit,
    code: str,
    *,
    faults: tuple[Fault, ...] = (),
    problem: str = "",
    cure: str = "",
    status: int = 200,
) -> Response:
    """Show the field for a code, with what was typed."""
    return visit.page(
        "pair.html",
        status=status,
        code=code,
        pending=None,
        faults=faults,
        problem=problem or ("No laptop was paired" if faults else ""),
        cure=cure,
    )
