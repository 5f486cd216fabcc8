"""The stop switch: capture off in a region or everywhere; and the way back, which takes two people.

The switch is a page of its own with a box to tick: it is one step away from every page of legal and
nobody presses it by accident.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ReadTx, ServicesDep, WriteTx
from app.db.engine import Tx
from app.kernel.errors import Fault
from app.web.legal import drafts
from app.web.legal import region_table as legal_rows
from app.web.shell import people_names
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.web.words.policy_words import listed
from app.web.words.region_words import names_of
from app.wiring import Services

router = APIRouter()

Reason = Annotated[str, Form(max_length=drafts.MAX_NOTE)]


@router.get("/stop")
def show_stops(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    region: str = "",
) -> HTMLResponse:
    """The switch, and every stop that holds now."""
    services.authority.require(visitor.person.roles, None, "policy", "read")
    return _stop_page(request, services, tx, visitor, {"region": region})


@router.post("/stop")
def stop(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    now: Now,
    region: Annotated[str, Form(max_length=20)] = "",
    reason: Reason = "",
    sure: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Stop capture, if the form says where, why, and that it is meant."""
    services.authority.require(visitor.person.roles, None, "capture", "stop")
    typed = {"region": region, "reason": reason}
    faults = _faults(region, reason.strip(), sure)
    if faults:
        with services.database.read() as tx:
            return _stop_page(request, services, tx, visitor, typed, faults)
    with services.database.write() as tx:
        services.policy.stop(tx, visitor.person, region, reason.strip(), now)
    return RedirectResponse("/legal/stop#stops", 303)


@router.post("/resume/{region}/propose")
def propose_resume(
    region: str, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """Propose to resume; another person decides."""
    services.policy.propose_resume(tx, visitor.person, region, now)
    return RedirectResponse("/legal/stop#stops", 303)


@router.post("/resume/{region}/approve")
def approve_resume(
    region: str, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """Agree to what another person proposed."""
    services.policy.approve_resume(tx, visitor.person, region, now)
    return RedirectResponse("/legal/stop#stops", 303)


def _faults(region: str, reason: str, sure: str) -> tuple[Fault, ...]:
    found = []
    if not region:
        found.append(Fault("region", "Choose where capture stops."))
    if not reason:
        found.append(Fault("reason", "Say why, in a sentence."))
    if sure != "yes":
        found.append(Fault("sure", "Tick the box: nothing was stopped yet."))
    return tuple(found)


def _stop_page(
    request: Request,
    services: Services,
    tx: Tx,
    visitor: Visitor,
    typed: dict[str, str],
    faults: tuple[Fault, ...] = (),
) -> HTMLResponse:
    stops = services.policy.stops(tx)
    views = services.policy.regions(tx, services.clock.now())
    names = names_of(views)
    ids = {stop.stopped_by for stop in stops} | {s.proposed_by for s in stops if s.proposed_by}
    return page(
        request,
        "legal_stop.html",
        status=422 if faults else 200,
        headline=_headline([names.get(one.region, one.region) for one in stops]),
        typed={"region": "", "reason": "", **typed},
        faults=faults,
        choices=legal_rows.where_may_stop(views, visitor.person.roles, services.authority),
        stops=[(one, _next_act(one.region, one.proposed_by, visitor, services)) for one in stops],
        names=names,
        people=people_names.named(services, tx, ids),
    )


def _headline(places: list[str]) -> str:
    return f"Capture is stopped: {listed(places)}." if places else "Nothing is stopped."


def _next_act(
    region: str, proposed_by: str | None, visitor: Visitor, services: Services
) -> tuple[str, str]:
    """What this visitor can do about a stop, and if nothing, why not."""
    may, roles = services.authority.may, visitor.person.roles
    if proposed_by is None:
        if may(roles, region, "capture", "propose_resume"):
            return "propose", ""
        return "", f"Resuming is proposed by legal@{region} and approved by a second person."
    if proposed_by == visitor.person.id:
        return "", "You proposed to resume. Somebody else has to approve it."
    if may(roles, region, "capture", "approve_resume"):
        return "approve", ""
    return "", f"Resuming waits for the approval of a second person of legal@{region}."
