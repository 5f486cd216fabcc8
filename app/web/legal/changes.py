"""A change of a company policy: what differs, who approved, who must still; approve, withdraw."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ReadTx, ServicesDep, WriteTx
from app.api.problems import status_of
from app.db.engine import Tx
from app.kernel.errors import Conflict, HabeasError
from app.policy.model import Change
from app.web.legal import change_rows, policy_text
from app.web.shell import people_names
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.web.words.region_words import names_of
from app.wiring import Services

router = APIRouter()


@router.get("/changes/{change_id}")
def show_change(
    request: Request,
    change_id: str,
    visitor: SignedIn,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
) -> HTMLResponse:
    """One change, for whoever may read policy."""
    services.authority.require(visitor.person.roles, None, "policy", "read")
    change = services.policy.change(tx, change_id, now)
    return _change_page(request, services, tx, visitor, change)


@router.post("/changes/{change_id}/approve")
def approve(
    request: Request,
    change_id: str,
    visitor: SignedIn,
    services: ServicesDep,
    now: Now,
    digest: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Approve the text that was on the page: the digest in the form names it."""
    services.authority.require(visitor.person.roles, None, "policy", "read")
    try:
        with services.database.write() as tx:
            services.policy.approve(tx, visitor.person, change_id, digest, now)
    except Conflict as error:
        with services.database.read() as tx:
            change = services.policy.change(tx, change_id, now)
            return _change_page(request, services, tx, visitor, change, error)
    return RedirectResponse(f"/legal/changes/{change_id}", 303)


@router.post("/changes/{change_id}/withdraw")
def withdraw(
    change_id: str, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """Take the change back."""
    services.authority.require(visitor.person.roles, None, "policy", "read")
    services.policy.withdraw(tx, visitor.person, change_id, now)
    return RedirectResponse(f"/legal/changes/{change_id}", 303)


def _change_page(
    request: Request,
    services: Services,
    tx: Tx,
    visitor: Visitor,
    change: Change,
    problem: HabeasError | None = None,
) -> HTMLResponse:
    names = people_names.named(services, tx, change_rows.people_in([change]))
    roles = visitor.person.roles
    views = services.policy.regions(tx, services.clock.now())
    return page(
        request,
        "legal_change.html",
        status=status_of(problem) if problem else 200,
        change=change,
        region_name=names_of(views).get(change.region, change.region),
        author=names[change.author],
        waiting=change_rows.is_waiting(change),
        headline=change_rows.headline(change, names_of(views)),
        rows=change_rows.diff_rows(change.changes, services.policy.catalogue),
        approvals=change_rows.approvals(change, names),
        told=change_rows.history(change, names),
        text=policy_text.published_text(change.policy.body),
        why_not=change_rows.why_not_approve(change, visitor.person.id, roles, services.authority),
        may_withdraw=change_rows.is_waiting(change)
        and services.authority.may(roles, change.region, "policy", "withdraw"),
        problem=problem,
    )
