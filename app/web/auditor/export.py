"""Choose what to take out of the log and in which form, see how much that is, and begin.

Counting what a narrowed export would hold is reading: the desk makes it an entry. A form that is
shown again counts nothing and records nothing.
"""

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.audit.export.projections import ExportForm
from app.audit.reading.search import Search
from app.kernel.errors import Conflict, Fault, InvalidInput, Unavailable
from app.web.auditor import jobs as auditor_jobs
from app.web.auditor.asked import AskedChoice, Reason, Typed, TypedChoice
from app.web.auditor.rows import listing
from app.web.shell.visit import Visit, WriteVisit, needs
from app.web.words.error_words import problem_in_words
from app.web.words.export_words import FORMS

router = APIRouter()
router.include_router(auditor_jobs.router)


@router.get("/export", dependencies=[needs("log", "export")])
def show_builder(visit: WriteVisit, search: AskedChoice) -> HTMLResponse:
    """What is chosen, how many entries that is, in which forms it can be had."""
    try:
        count = visit.services.desk.count(visit.tx, visit.person, search, visit.now)
    except InvalidInput as error:
        return _builder(visit, search, faults=error.faults)
    return _builder(visit, search, count)


@router.post("/export", dependencies=[needs("log", "export")])
def begin_export(
    visit: WriteVisit,
    search: TypedChoice,
    form: Typed = ExportForm.TAR.value,
    reason: Reason = "",
) -> Response:
    """Begin to write the file in the background and lead to the page that says how far it is."""
    try:
        job = visit.services.exports.begin(visit.tx, visit.person, search, form, reason)
    except InvalidInput as error:
        return _builder(visit, search, None, form, reason, error.faults)
    except (Conflict, Unavailable) as error:
        busy = (Fault("begin", problem_in_words(error), error.cure),)
        return _builder(visit, search, None, form, reason, busy)
    return RedirectResponse(f"/auditor/export/jobs/{job.id}", 303)


def _builder(
    visit: Visit,
    search: Search,
    count: int | None = None,
    form: str = ExportForm.TAR.value,
    reason: str = "",
    faults: tuple[Fault, ...] = (),
) -> HTMLResponse:
    services, tx = visit.services, visit.tx
    return visit.page(
        "auditor_export.html",
        status=422 if faults else 200,
        asked=search,
        chips=listing.chips(search),
        faults=faults,
        form=form,
        reason=reason,
        forms=FORMS,
        count=count,
        size=services.log.size(tx),
        provable=bool(search.faults()) or search.selection().sequence is not None,
        jobs=services.exports.jobs_of(visit.person),
        kinds=listing.kind_choices(),
        purposes=listing.purpose_choices(services.desk.public_purposes(tx)),
        regions=listing.region_choices(services.policy.regions(tx, visit.now), search.region),
        origin=services.log.origin,
        vkey=services.integrator.vkey,
    )
