"""Write a company policy: check it, propose it, or put a narrower one in force at once.

A text that cannot be handed in is shown again as it was typed, with what to mend. The transaction
is opened here and undone before the page is made: nothing was changed.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ReadTx, ServicesDep
from app.api.problems import status_of
from app.kernel.errors import Forbidden, HabeasError
from app.policy.model import RegionView
from app.web.legal import drafts
from app.web.legal.drafts import Draft
from app.web.shell.door import SignedIn
from app.web.shell.render import fragment, page
from app.wiring import Services

router = APIRouter()

PolicyText = Annotated[str, Form(alias="text", max_length=drafts.MAX_TEXT)]
Note = Annotated[str, Form(max_length=drafts.MAX_NOTE)]


@router.get("/regions/{region}/propose")
def show_editor(
    request: Request,
    region: str,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    tighten: str = "",
) -> HTMLResponse:
    """The company policy of a region as text to edit: the one in force, or a starting text."""
    services.authority.require(visitor.person.roles, region, "policy", "propose")
    view = services.policy.region_view(tx, region, now)
    return _editor(request, services, view, drafts.first_draft(view), tighten=bool(tighten))


@router.post("/regions/{region}/propose")
def hand_in(
    request: Request,
    region: str,
    visitor: SignedIn,
    services: ServicesDep,
    now: Now,
    text: PolicyText = "",
    note: Note = "",
    do: Annotated[Literal["check", "propose", "tighten"], Form()] = "check",
) -> Response:
    """Do what the pressed button says."""
    services.authority.require(visitor.person.roles, region, "policy", "propose")
    problem: HabeasError | None = None
    if do != "check":
        act = services.policy.propose if do == "propose" else services.policy.tighten
        try:
            with services.database.write() as tx:
                change = act(tx, visitor.person, region, text, note, now)
            return RedirectResponse(f"/legal/changes/{change.id}", 303)
        except Forbidden:
            raise
        except HabeasError as error:
            problem = error
    with services.database.read() as tx:
        view = services.policy.region_view(tx, region, now)
        draft = drafts.examine(services, tx, Draft(region, text, note), now, problem)
    return _editor(request, services, view, draft, tighten=do == "tighten")


@router.post("/regions/{region}/check")
def check_text(
    request: Request,
    region: str,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    text: PolicyText = "",
) -> HTMLResponse:
    """The preview alone, for the script that checks while somebody types."""
    services.authority.require(visitor.person.roles, region, "policy", "propose")
    draft = drafts.examine(services, tx, Draft(region, text, ""), now)
    context = drafts.preview_context(services, draft)
    return HTMLResponse(fragment(request, "legal_preview.html", **context))


def _editor(
    request: Request, services: Services, view: RegionView, draft: Draft, *, tighten: bool
) -> HTMLResponse:
    return page(
        request,
        "legal_propose.html",
        status=status_of(draft.problem) if draft.problem else 200,
        view=view,
        draft=draft,
        tighten=tighten,
        **drafts.preview_context(services, draft),
    )
