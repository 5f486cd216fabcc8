"""Legal's pages: the regions, one region with every knob and why it is so, the other side."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.kernel.places import too_wide
from app.web.legal import change_rows, counterparty_rows
from app.web.legal import changes as legal_changes
from app.web.legal import editor as legal_editor
from app.web.legal import region as region_rows
from app.web.legal import region_table as legal_rows
from app.web.legal import stops as legal_stops
from app.web.legal import trying as legal_trying
from app.web.legal.catalogue import pages as legal_catalogue
from app.web.legal.catalogue import rows as catalogue_rows
from app.web.legal.effect_rows import effect_way
from app.web.shell import people_names
from app.web.shell.visit import ReadVisit, needs
from app.web.words.policy_words import MODES, STATES
from app.web.words.region_words import names_of

router = APIRouter(prefix="/legal")
for module in (legal_editor, legal_changes, legal_stops, legal_catalogue, legal_trying):
    router.include_router(module.router)


@router.get("", dependencies=[needs("policy", "read")])
def show_regions(visit: ReadVisit) -> HTMLResponse:
    """Every region: what may be captured there, who decided it, what waits for approval."""
    policy, capture, tx = visit.services.policy, visit.services.capture, visit.tx
    said = change_rows.waits_in_words
    views = policy.regions(tx, visit.now)
    catalogue, waits = policy.catalogue(tx), policy.catalogues.waiting(tx)
    rows = legal_rows.region_rows(views, catalogue)
    headline, details = legal_rows.overview(rows)
    waiting = [
        change for view in views for change in view.changes if change_rows.is_waiting(change)
    ]
    stops = policy.stops.holding(tx)
    people = change_rows.people_in(waiting) | {stop.stopped_by for stop in stops}
    return visit.page(
        "legal_regions.html",
        headline=headline,
        details=details,
        rows=rows,
        modes=MODES,
        waiting=[
            (change, effect_way(capture.effect(tx, change.policy, visit.now)), said(change))
            for change in waiting
        ],
        stops=stops,
        catalogue=catalogue_rows.in_brief(catalogue),
        catalogue_waits=catalogue_rows.waiting_rows(waits, catalogue) if waits else None,
        names=names_of(views),
        people=people_names.named(visit.services, tx, people),
    )


@router.get("/regions/{region}", dependencies=[needs("policy", "read")])
def show_region(visit: ReadVisit, region: str) -> HTMLResponse:
    """One region: every knob with its value and who decided it, evidence, changes."""
    policy, tx = visit.services.policy, visit.tx
    view = policy.region_view(tx, region, visit.now)
    names, catalogue = names_of(policy.regions(tx, visit.now)), policy.catalogue(tx)
    roles, authority = visit.person.roles, visit.services.authority
    return visit.page(
        "legal_region.html",
        view=view,
        names=names,
        sentence=region_rows.region_sentence(view, names, catalogue),
        obstacles=legal_rows.obstacle_rows(view.in_force, names, catalogue),
        cells=legal_rows.cells(view.in_force, names),
        knobs=region_rows.knob_rows(view, names, catalogue),
        own_places=region_rows.own_places(view, names),
        in_vain=region_rows.vain_in_words(view, catalogue),
        policy_state=legal_rows.policy_in_words(view, names),
        evidence=region_rows.evidence_rows(view, visit.now),
        missing=region_rows.missing_in_words(view),
        states=STATES,
        people=people_names.named(visit.services, tx, change_rows.people_in(view.changes)),
        may_propose=visit.may("policy", "propose", region),
        may_stop_here=bool(legal_rows.where_may_stop([view], roles, authority)),
        may_tighten=visit.may("policy", "tighten", region),
        is_place=not too_wide((region,), names.keys()),
    )


@router.get("/counterparties", dependencies=[needs("policy", "read")])
def show_counterparties(visit: ReadVisit) -> HTMLResponse:
    """What may be kept by where the other side is, as agents are told it."""
    policy, tx = visit.services.policy, visit.tx
    table = policy.counterparties(tx, visit.now)
    rows = counterparty_rows.region_rows(table, policy.regions(tx, visit.now))
    return visit.page(
        "legal_counterparties.html",
        headline=counterparty_rows.headline(rows),
        rows=rows,
        others=counterparty_rows.other_rows(table),
        apps=counterparty_rows.showing_apps(policy.catalogue(tx)),
        at=visit.now,
        modes={name: MODES[name] for name in ("allow", "redact", "deny")},
    )
