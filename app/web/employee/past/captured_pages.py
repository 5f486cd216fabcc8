"""What one's laptops reported: how much was captured where, and what was not, and why."""

from collections.abc import Collection

from fastapi import APIRouter
from starlette.responses import Response

from app.db.engine import Tx
from app.web.employee.past.captured import captured_counts
from app.web.shell.visit import ReadVisit
from app.wiring import Services

router = APIRouter(prefix="/me")


@router.get("/captured")
def captured(visit: ReadVisit) -> Response:
    """Counts by app, by kind and by reason."""
    services, tx = visit.services, visit.tx
    totals = services.reports.totals(tx, visit.person.id)
    apps = {app.id: app.name for app in services.policy.catalogue(tx).apps.values()}
    places = _place_names(services, tx, {row.exclusion for row in totals.excluded})
    return visit.page(
        "captured.html", counts=captured_counts(totals, apps, places), span=totals.span
    )


def _place_names(services: Services, tx: Tx, ids: Collection[str]) -> dict[str, str]:
    """The names of excluded places."""
    return services.policy.exclusion_names(tx, ids)
