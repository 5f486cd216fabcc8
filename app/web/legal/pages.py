"""Legal's pages: the regions, and one region with every knob and why it is so.

Who may is asked before anything is looked up, so that a refusal says nothing about what exists.
"""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.api.deps import Now, ReadTx, ServicesDep
from app.web.legal import change_rows
from app.web.legal import changes as legal_changes
from app.web.legal import editor as legal_editor
from app.web.legal import region as region_rows
from app.web.legal import region_table as legal_rows
from app.web.legal import stops as legal_stops
from app.web.shell import people_names
from app.web.shell.door import SignedIn
from app.web.shell.render import page
from app.web.words.policy_words import MODES, STATES
from app.web.words.region_words import names_of

router = APIRouter(prefix="/legal")
for module in (legal_editor, legal_changes, legal_stops):
    router.include_router(module.router)


@router.get("")
def show_regions(
    request: Request, visitor: SignedIn, services: ServicesDep, tx: ReadTx, now: Now
) -> HTMLResponse:
    """Every region: what may be captured there, who decided it, what waits for approval."""
    services.authority.require(visitor.person.roles, None, "policy", "read")
    views = services.policy.regions(tx, now)
    rows = legal_rows.region_rows(views)
    headline, details = legal_rows.overview(rows)
    waiting = [one for view in views for one in view.changes if change_rows.is_waiting(one)]
    stops = services.policy.stops(tx)
    people = change_rows.people_in(waiting) | {stop.stopped_by for stop in stops}
    return page(
        request,
        "legal_regions.html",
        headline=headline,
        details=details,
        rows=rows,
        modes=MODES,
        waiting=[(one, change_rows.needed_in_words(one)) for one in waiting],
        stops=stops,
        names=names_of(views),
        people=people_names.named(services, tx, people),
    )


@router.get("/regions/{region}")
def show_region(
    request: Request, region: str, visitor: SignedIn, services: ServicesDep, tx: ReadTx, now: Now
) -> HTMLResponse:
    """One region: every knob with its value and who decided it, evidence, changes."""
    roles = visitor.person.roles
    services.authority.require(roles, None, "policy", "read")
    view = services.policy.region_view(tx, region, now)
    names = names_of(services.policy.regions(tx, now))
    return page(
        request,
        "legal_region.html",
        view=view,
        names=names,
        sentence=region_rows.region_sentence(view, names, services.policy.catalogue),
        obstacles=legal_rows.obstacles(view, names),
        cells=legal_rows.cells(view.in_force, names),
        knobs=region_rows.knob_rows(view, names, services.policy.catalogue),
        policy_state=legal_rows.policy_in_words(view, names),
        evidence=region_rows.evidence_rows(view, now),
        missing=region_rows.missing_in_words(view),
        states=STATES,
        people=people_names.named(services, tx, change_rows.people_in(view.changes)),
        may_propose=services.authority.may(roles, region, "policy", "propose"),
        may_stop_here=bool(legal_rows.where_may_stop([view], roles, services.authority)),
        may_tighten=services.authority.may(roles, region, "policy", "tighten"),
    )
