"""What one's laptops reported: how much was captured where, and what was not, and why."""

from collections.abc import Collection

from fastapi import APIRouter
from starlette.responses import Response

from app.policy.knobs import OWN_EXCLUSIONS
from app.policy.own_exclusions import PREFIX, OwnExclusion, as_exclusions
from app.web.employee.past.captured import captured_counts
from app.web.shell.visit import ReadVisit, Visit

router = APIRouter(prefix="/me")


@router.get("/captured")
def captured(visit: ReadVisit) -> Response:
    """Counts by app, by kind and by reason."""
    services, tx = visit.services, visit.tx
    totals = services.reports.totals(tx, visit.person.id)
    apps = services.policy.app_names(tx, totals.by_app)
    places = _place_names(visit, {row.exclusion for row in totals.excluded})
    return visit.page(
        "captured.html", counts=captured_counts(totals, apps, places), span=totals.span
    )


def _place_names(visit: Visit, ids: Collection[str]) -> dict[str, str]:
    """The names of excluded places; of the company's own those that hold for this person."""
    services, tx = visit.services, visit.tx
    ours = {name for name in ids if not name.startswith(PREFIX)}
    limits = services.capture.situation(tx, visit.person, visit.now).limits
    own: frozenset[OwnExclusion] = limits.compiled[OWN_EXCLUSIONS]
    names = {item.id: item.name for item in as_exclusions(own)}
    return names | services.policy.exclusion_names(tx, ours)
