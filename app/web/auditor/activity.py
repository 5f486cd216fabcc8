"""How much happened when, what was refused and why: charts whose bars lead to their entries."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.audit.reading.search import Search, read_day
from app.web.auditor.asked import AskedDays
from app.web.auditor.rows import charts
from app.web.shell.visit import Visit, WriteVisit, needs

router = APIRouter()

SPANS = (7, 30, 90, 365)
"""Days that are one step away."""


@router.get("/activity", dependencies=[needs("log", "read")])
def show_activity(visit: WriteVisit, asked: AskedDays) -> HTMLResponse:
    """Entries over time by group, refusals by reason, entries by kind. Reading it is an entry."""
    faults = asked.faults() or charts.day_faults(asked)
    today = visit.now.astimezone(UTC).date()
    return visit.page(
        "auditor_activity.html",
        status=422 if faults else 200,
        asked=asked,
        faults=faults,
        spans=[(days, (today - timedelta(days=days - 1)).isoformat()) for days in SPANS],
        sentence=charts.sentence,
        period=charts.period,
        may_export=visit.may("log", "export"),
        **({"chart": None} if faults else _charts(visit, asked, today)),
    )


def _charts(visit: Visit, asked: Search, today: date) -> dict[str, Any]:
    first, last, step = charts.shown_days(read_day(asked.since), read_day(asked.until), today)
    end = datetime.combine(last, time(), UTC) + timedelta(days=1)
    span = (datetime.combine(first, time(), UTC), end)
    bars = ((last - first).days + 1) // step
    activity = visit.services.desk.activity(visit.tx, visit.person, span, bars, visit.now)
    refused = activity.refusals
    return {
        "chart": charts.timeline(activity.buckets),
        "refused": {kind: charts.refusal_levels(refused, kind, first) for kind in charts.REFUSED},
        "levels": charts.kind_levels(activity.kinds),
    }
