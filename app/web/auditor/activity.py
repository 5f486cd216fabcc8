"""How much happened when, what was refused and why: charts whose bars lead to their entries."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, Event, Kind
from app.web.auditor import charts
from app.web.auditor.search import Search, read_day
from app.web.shell.door import SignedIn
from app.web.shell.render import page

router = APIRouter()

Asked = Annotated[str, Query(max_length=200)]
SPANS = (7, 30, 90, 365)
"""Days that are one step away."""


@router.get("/activity")
def show_activity(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    since: Asked = "",
    until: Asked = "",
) -> HTMLResponse:
    """Entries over time by group, refusals by reason, entries by kind. Reading it is an entry."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    asked = Search(since=since.strip(), until=until.strip())
    faults = asked.faults()
    today = now.astimezone(UTC).date()
    days = (None, None) if faults else (read_day(asked.since), read_day(asked.until))
    first, last, step = charts.shown_days(*days, today)
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last, time(), UTC) + timedelta(days=1)
    bars = ((last - first).days + 1) // step
    chart = charts.timeline(services.log.activity(tx, start, end, bars))
    refused = services.log.refusals(tx, start)
    if not faults:
        facts = {"kind": "activity", "subject": None, "count": chart.total}
        services.log.append(
            tx, Event(Kind.LOG_READ, Actor("person", visitor.person.id), facts), now
        )
    return page(
        request,
        "auditor_activity.html",
        status=422 if faults else 200,
        asked=asked,
        faults=faults,
        chart=chart,
        spans=[(days, (today - timedelta(days=days - 1)).isoformat()) for days in SPANS],
        refused={kind: charts.refusal_levels(refused, kind, first) for kind in charts.REFUSED},
        levels=charts.kind_levels(services.log.counts_by_kind(tx)),
        sentence=charts.sentence,
        period=charts.period,
        may_export=services.authority.may(visitor.person.roles, None, "log", "export"),
    )
