"""Laptops: pair one by its code, see what each was told, unpair it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ReadTx, ServicesDep, WriteTx
from app.kernel.errors import Conflict, Fault, Forbidden, HabeasError, NotFound
from app.web.employee.overview import laptop_rows
from app.web.shell.door import SignedIn, is_own_step
from app.web.shell.render import fragment, page

router = APIRouter(prefix="/me/devices")


@router.get("")
def lines(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    only: str = "",
) -> Response:
    """The laptops' lines alone, for a page that asks again every two seconds."""
    situation = services.capture.situation(tx, visitor.person, now)
    rows = laptop_rows(services, tx, situation, now)
    if only:
        rows = tuple(row for row in rows if row.device.id == only)
    return HTMLResponse(fragment(request, "laptop_lines.html", laptops=rows))


@router.get("/pair")
def look(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    code: str = "",
) -> Response:
    """Ask for the code; with a code, show which laptop waits, to be compared before pairing.

    A code in another site's link is put into its field and not tried: wrong ones are counted.
    """
    if not code.strip() or not is_own_step(request):
        return page(request, "pair.html", code=code.strip(), pending=None, faults=())
    try:
        pending = services.agents.pairing_for(tx, code, now, visitor.person)
    except (NotFound, Forbidden) as error:
        return _refused(request, code, error)
    return page(request, "pair.html", code=_spaced(code), pending=pending, faults=())


@router.post("/pair")
def pair(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    code: Annotated[str, Form()] = "",
) -> Response:
    """Bind the waiting laptop to the person."""
    try:
        device = services.agents.approve_pairing(tx, visitor.person, code, now)
    except (NotFound, Forbidden, Conflict) as error:
        return _refused(request, code, error)
    return RedirectResponse(f"/me/devices/{device.id}", 303)


@router.get("/{device}")
def show(
    request: Request, device: str, visitor: SignedIn, services: ServicesDep, tx: ReadTx, now: Now
) -> Response:
    """One laptop of the person."""
    situation = services.capture.situation(tx, visitor.person, now)
    rows = laptop_rows(services, tx, situation, now)
    row = next((one for one in rows if one.device.id == device), None)
    if row is None:
        raise NotFound("there is no such laptop of yours", cure="Your laptops are on your page.")
    return page(request, "device.html", row=row, laptops=(row,), situation=situation)


@router.post("/{device}/revoke")
def unpair(
    device: str, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """Unpair a laptop for good. Pairing it again is a new pairing."""
    services.agents.revoke(tx, visitor.person, device, now)
    return RedirectResponse(f"/me/devices/{device}", 303)


def _refused(request: Request, code: str, error: HabeasError) -> Response:
    """Show the form again with what was typed."""
    faults = (Fault("code", error.problem[:1].upper() + error.problem[1:] + ".", error.cure),)
    return page(request, "pair.html", status=422, code=code, pending=None, faults=faults)


def _spaced(code: str) -> str:
    """Write a code as the laptop shows it: ``BCDF-GHJK``."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == 8 else code  # noqa: PLR2004 - 4 and 4
