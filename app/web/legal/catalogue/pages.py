"""The app catalogue: what is in force, what waits; propose, approve or decline it.

Each form names the two catalogues that the page compared. What was shown is what is agreed to.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.problems import status_of
from app.kernel.errors import Conflict, Fault, HabeasError
from app.policy.catalogue.model import ITS_REGION
from app.policy.changes.model import WaitingCatalogue
from app.web.legal import drafts
from app.web.legal.catalogue import rows
from app.web.shell import people_names
from app.web.shell.visit import ReadVisit, Visit, WriteVisit, needs

router = APIRouter(prefix="/catalogue")

Digest = Annotated[str, Form(max_length=100)]
Reason = Annotated[str, Form(max_length=drafts.MAX_NOTE)]


@router.get("", dependencies=[needs("policy", "read")])
def show_catalogue(visit: ReadVisit) -> HTMLResponse:
    """What is in force and what waits, for whoever may read policy."""
    return _page(visit)


@router.post("/propose", dependencies=[needs("catalogue", "propose")])
def propose(
    visit: WriteVisit, digest: Digest = "", base: Digest = "", reason: Reason = ""
) -> Response:
    """Propose what waits; another person decides."""
    return _do(visit, visit.services.policy.catalogues.propose, digest, base, reason)


@router.post("/approve", dependencies=[needs("catalogue", "approve")])
def approve(
    visit: WriteVisit, digest: Digest = "", base: Digest = "", reason: Reason = ""
) -> Response:
    """Bring into force what another person proposed."""
    return _do(visit, visit.services.policy.catalogues.approve, digest, base, reason)


@router.post("/decline", dependencies=[needs("catalogue", "decline")])
def decline(
    visit: WriteVisit, digest: Digest = "", base: Digest = "", reason: Reason = ""
) -> Response:
    """Make a proposal void."""
    return _do(visit, visit.services.policy.catalogues.decline, digest, base, reason)


def _do(
    visit: WriteVisit, act: Callable[..., None], digest: str, base: str, reason: str
) -> Response:
    reason = reason.strip()
    if not reason:
        fault = Fault("reason", "Say why, in a sentence.")
        return _page(visit.to_read(), faults=(fault,))
    try:
        act(visit.tx, visit.person, digest, base, reason, visit.now)
    except Conflict as error:
        return _page(visit.to_read(), problem=error, typed=reason)
    return RedirectResponse("/legal/catalogue", 303)


def _page(
    visit: Visit,
    *,
    problem: HabeasError | None = None,
    faults: tuple[Fault, ...] = (),
    typed: str = "",
) -> HTMLResponse:
    policy, tx = visit.services.policy, visit.tx
    in_force, waiting, told = (
        policy.catalogue(tx),
        policy.catalogues.waiting(tx),
        policy.catalogues.told(tx),
    )
    status = status_of(problem) if problem else 422 if faults else 200
    names = people_names.named(visit.services, tx, rows.people_in(told))
    return visit.page(
        "legal_catalogue.html",
        status=status,
        problem=problem,
        faults=faults,
        typed=typed,
        brief=rows.in_brief(in_force),
        digest=in_force.digest,
        groups=rows.app_rows(in_force),
        exclusions=rows.exclusion_rows(in_force),
        waiting=waiting,
        words=rows.waiting_rows(waiting, in_force) if waiting else None,
        names=names,
        told=rows.step_rows(told, names),
        **_next_act(visit, waiting),
    )


def _next_act(visit: Visit, waiting: WaitingCatalogue | None) -> dict[str, Any]:
    """What this visitor can do about what waits, and if nothing, why not."""
    if waiting is None:
        return {"why_not": "", "may_decline": False}
    action = "propose" if waiting.proposed is None else "approve"
    return {
        "why_not": rows.why_not(
            waiting, visit.person.id, may=visit.may("catalogue", action, ITS_REGION)
        ),
        "may_decline": waiting.proposed is not None
        and visit.may("catalogue", "decline", ITS_REGION),
    }
