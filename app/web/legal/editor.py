"""Write a company policy: check it, propose it, or put a narrower policy in force at once.

A text that cannot be handed in is shown again as it was typed, with what to mend; what was begun is
undone before the page is made: nothing was changed.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.problems import status_of
from app.kernel.errors import Forbidden, HabeasError
from app.policy.changes.model import RegionView
from app.web.legal import drafts
from app.web.legal.drafts import Draft
from app.web.shell.visit import ReadVisit, Visit, WriteVisit, needs

router = APIRouter()

PolicyText = Annotated[str, Form(alias="text", max_length=drafts.MAX_TEXT)]
Note = Annotated[str, Form(max_length=drafts.MAX_NOTE)]
Button = Annotated[Literal["check", "propose", "tighten"], Form()]

PROPOSE_HERE = needs("policy", "propose", in_region=True)


@router.get("/regions/{region}/propose", dependencies=[PROPOSE_HERE])
def show_editor(visit: ReadVisit, region: str, tighten: str = "") -> HTMLResponse:
    """The company policy of a region as text to edit: the policy in force, or a starting text."""
    view = visit.services.policy.region_view(visit.tx, region, visit.now)
    return _editor(visit, view, drafts.first_draft(view), tighten=bool(tighten))


@router.post("/regions/{region}/propose", dependencies=[PROPOSE_HERE])
def hand_in(
    visit: WriteVisit, region: str, text: PolicyText = "", note: Note = "", do: Button = "check"
) -> Response:
    """Do what the pressed button says."""
    problem: HabeasError | None = None
    if do != "check":
        workflow = visit.services.policy.workflow
        act = workflow.propose if do == "propose" else workflow.tighten
        try:
            change = act(visit.tx, visit.person, region, text, note, visit.now)
            return RedirectResponse(f"/legal/changes/{change.id}", 303)
        except Forbidden:
            raise
        except HabeasError as error:
            problem = error
    visit = visit.to_read()
    view = visit.services.policy.region_view(visit.tx, region, visit.now)
    draft = drafts.examine(visit.services, visit.tx, Draft(region, text, note), visit.now, problem)
    return _editor(visit, view, draft, tighten=do == "tighten")


@router.post("/regions/{region}/check", dependencies=[PROPOSE_HERE])
def check_text(visit: ReadVisit, region: str, text: PolicyText = "") -> HTMLResponse:
    """The preview alone, for the script that checks while somebody types."""
    draft = drafts.examine(visit.services, visit.tx, Draft(region, text, ""), visit.now)
    return visit.fragment("legal_preview.html", **drafts.preview_context(draft))


def _editor(visit: Visit, view: RegionView, draft: Draft, *, tighten: bool) -> HTMLResponse:
    return visit.page(
        "legal_propose.html",
        status=status_of(draft.problem) if draft.problem else 200,
        view=view,
        draft=draft,
        tighten=tighten,
        **drafts.preview_context(draft),
    )
