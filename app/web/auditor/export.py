"""Choose what to take out of the log and in which form, see how much that is, and begin.

Rules:
1. A person's entries are taken out against a reason only. The reason is kept, encrypted, under that
   person's key, beside the entry about the export.
2. Counting what a narrowed export would hold is reading: it is an entry too.
"""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, Event, Kind
from app.audit.export.jobs import Progress, Work
from app.audit.export.projections import Form as FileForm
from app.audit.export.service import export_log
from app.audit.reading.selection import Selection
from app.db.engine import Tx
from app.kernel.canonical import Json
from app.kernel.errors import Conflict, Fault, Unavailable
from app.web.auditor import jobs as auditor_jobs
from app.web.auditor import rows as auditor_rows
from app.web.auditor.jobs import jobs_of
from app.web.auditor.search import Search
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.web.words.export_words import FORMS, file_name
from app.wiring import Services

router = APIRouter()
router.include_router(auditor_jobs.router)

Asked = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Form(max_length=2_000)]


@router.get("/export")
def show_builder(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    kind: Asked = "",
    person: Asked = "",
    purpose: Asked = "",
    region: Asked = "",
    since: Asked = "",
    until: Asked = "",
) -> HTMLResponse:
    """What is chosen, how many entries that is, in which forms it can be had."""
    services.authority.require(visitor.person.roles, None, "log", "export")
    search = _search(kind, person, purpose, region, since, until)
    faults = _faults(services, tx, search)
    return _builder(request, services, tx, visitor, now, search, faults)


@router.post("/export")
def begin_export(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    kind: Typed = "",
    person: Typed = "",
    purpose: Typed = "",
    region: Typed = "",
    since: Typed = "",
    until: Typed = "",
    form: Typed = FileForm.TAR.value,
    reason: Reason = "",
) -> Response:
    """Begin to write the file in the background and lead to the page that says how far it is."""
    services.authority.require(visitor.person.roles, None, "log", "export")
    search = _search(kind, person, purpose, region, since, until)
    faults = _faults(services, tx, search)
    if form not in FORMS:
        faults += (Fault("form", "This is not one of the forms.", "Use the list."),)
    if search.person and not reason.strip():
        faults += (
            Fault(
                "reason", "Say why this person's entries are taken out.", "It is kept with them."
            ),
        )
    if faults:
        return _builder(request, services, tx, visitor, now, search, faults, form, reason)
    work = _work(services, visitor, search.selection(), FileForm(form), reason.strip())
    asked = {name: value for name, value in vars(search).items() if value} | {"form": form}
    try:
        job = jobs_of(services).start(visitor.person.id, asked, work)
    except (Conflict, Unavailable) as error:
        busy = (Fault("begin", f"{error.problem[:1].upper()}{error.problem[1:]}.", error.cure),)
        return _builder(request, services, tx, visitor, now, search, busy, form, reason)
    return RedirectResponse(f"/auditor/export/jobs/{job.id}", 303)


def _search(kind: str, person: str, purpose: str, region: str, since: str, until: str) -> Search:
    return Search(
        kind=kind.strip(),
        person=person.strip(),
        purpose=purpose.strip(),
        region=region.strip(),
        since=since.strip(),
        until=until.strip(),
    )


def _faults(services: Services, tx: Tx, search: Search) -> tuple[Fault, ...]:
    found = search.faults()
    if not found and search.person and not services.log.search(tx, search.wanted(1)):
        only = Search(person=search.person)
        if not services.log.search(tx, only.wanted(1)):
            return (Fault("person", "Nobody stands in the log under this pseudonym."),)
    return found


def _builder(
    request: Request,
    services: Services,
    tx: Tx,
    visitor: Visitor,
    now: Now,
    search: Search,
    faults: tuple[Fault, ...],
    form: str = FileForm.TAR.value,
    reason: str = "",
) -> HTMLResponse:
    selection = Selection() if search.faults() else search.selection()
    size = services.log.size(tx)
    count = size if selection.is_whole else services.log.count(tx, selection)
    if search.narrowed and not faults:
        facts: dict[str, Json] = {
            "kind": search.kind or None,
            "subject": search.person or None,
            "count": count,
            "asked": {**search.asked, "as": "export"},
        }
        whom = tuple(services.log.people(tx, (search.person,)).values())
        read = Event(Kind.LOG_READ, Actor("person", visitor.person.id), facts, subjects=whom)
        services.log.append(tx, read, now)
    return page(
        request,
        "auditor_export.html",
        status=422 if faults else 200,
        asked=search,
        chips=auditor_rows.chips(search),
        faults=faults,
        form=form,
        reason=reason,
        forms=FORMS,
        count=count,
        size=size,
        provable=selection.sequence is not None,
        jobs=jobs_of(services).mine(visitor.person.id),
        kinds=auditor_rows.kind_choices(),
        purposes=auditor_rows.purpose_choices(services.log.purposes(tx)),
        regions=auditor_rows.region_choices(services.policy.regions(tx, now), search.region),
        origin=services.log.origin,
        vkey=services.integrator.vkey,
    )


def _work(
    services: Services, visitor: Visitor, selection: Selection, form: FileForm, reason: str
) -> Work:
    """What the thread of the job does; the request's own transaction is over by then."""

    def write(target: Path, progress: Progress) -> str:
        exported = export_log(
            services.database,
            services.log,
            services.integrator,
            target,
            actor=Actor("person", visitor.person.id),
            now=services.clock.now(),
            documents=services.documents,
            form=form,
            selection=None if selection.is_whole else selection,
            reason=reason,
            progress=progress,
        )
        return file_name(exported.size, form, whole=selection.is_whole)

    return write
