"""A change of a company policy: what differs, who approved, who must still; approve, withdraw."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.problems import status_of
from app.kernel.errors import Conflict, HabeasError
from app.web.legal import change_rows, policy_text
from app.web.legal.effect_rows import EffectReader, agreement_in_words, dates, effect_headline
from app.web.shell import people_names
from app.web.shell.visit import ReadVisit, Visit, WriteVisit, needs
from app.web.words.region_words import names_of

router = APIRouter()

Digest = Annotated[str, Form(max_length=100)]


_IF_APPROVED = "if the last approval is given now"


@router.get("/changes/{change_id}", dependencies=[needs("policy", "read")])
def show_change(visit: ReadVisit, change_id: str) -> HTMLResponse:
    """One change, for whoever may read policy."""
    return _change_page(visit, change_id)


@router.post("/changes/{change_id}/approve", dependencies=[needs("policy", "approve")])
def approve(visit: WriteVisit, change_id: str, digest: Digest = "", terms: Digest = "") -> Response:
    """Approve what was on the page: the digests in the form name the text and the terms."""
    workflow = visit.services.policy.workflow
    try:
        workflow.approve(visit.tx, visit.person, change_id, digest, visit.now, terms=terms)
    except Conflict as error:
        return _change_page(visit.to_read(), change_id, error)
    return RedirectResponse(f"/legal/changes/{change_id}", 303)


@router.post("/changes/{change_id}/withdraw", dependencies=[needs("policy", "withdraw")])
def withdraw(visit: WriteVisit, change_id: str) -> Response:
    """Take the change back."""
    visit.services.policy.workflow.withdraw(visit.tx, visit.person, change_id, visit.now)
    return RedirectResponse(f"/legal/changes/{change_id}", 303)


def _change_page(visit: Visit, change_id: str, problem: HabeasError | None = None) -> HTMLResponse:
    services, tx = visit.services, visit.tx
    change = services.policy.workflow.change(tx, change_id, visit.now)
    names = people_names.named(services, tx, change_rows.people_in([change]))
    regions = names_of(services.policy.regions(tx, visit.now))
    person, waiting = visit.person, change_rows.is_waiting(change)
    effect = services.capture.effect_of(tx, change, visit.now)
    reader = EffectReader(regions, services.policy.catalogue(tx))
    return visit.page(
        "legal_change.html",
        status=status_of(problem) if problem else 200,
        change=change,
        region_name=regions.get(change.region, change.region),
        author=names[change.author],
        waiting=waiting,
        effect_headline=effect_headline(effect) if effect else "",
        agreement=agreement_in_words(effect) if effect else "",
        effects=reader.rows(effect, change.changes, past=not waiting) if effect else (),
        dates=dates(change.policy, effect, _IF_APPROVED if waiting else "", change.terms)
        if effect
        else (),
        headline=change_rows.headline(change, regions),
        rows=change_rows.diff_rows(change.changes, reader.catalogue),
        approvals=change_rows.approvals(change, names),
        told=change_rows.history(change, names),
        text=policy_text.published_text(change.policy.body),
        why_not=change_rows.why_not_approve(change, person.id, person.roles, services.authority),
        may_withdraw=waiting and visit.may("policy", "withdraw", change.region),
        problem=problem,
    )
