"""An export while it is written and after: its page, its progress, its file. Its owner's only."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from app.api.deps import Now, ServicesDep
from app.audit.export.jobs import ExportJobs, State
from app.audit.export.projections import Form
from app.web.auditor import rows as auditor_rows
from app.web.auditor.search import Search
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.web.words.export_words import (
    FORMS,
    bytes_in_words,
    headline,
    minutes_left,
    progress_in_words,
)
from app.wiring import Services

router = APIRouter(prefix="/export/jobs")

JobId = Annotated[str, Path(max_length=64)]


def jobs_of(services: Services) -> ExportJobs:
    """The exports of this instance; every process that serves it sees the same."""
    return ExportJobs(services.settings.var / "exports", services.clock)


@router.get("/{job_id}")
def show_job(
    request: Request, job_id: JobId, visitor: SignedIn, services: ServicesDep, now: Now
) -> HTMLResponse:
    """How far it is; asks again by itself, with or without a script, until it has ended."""
    _require(services, visitor)
    job = jobs_of(services).find(job_id, visitor.person.id)
    asked = Search(**{name: value for name, value in job.asked.items() if name != "form"})
    return page(
        request,
        "auditor_job.html",
        job=job,
        running=job.state is State.RUNNING,
        ready=job.state is State.READY,
        headline=headline(job),
        words=progress_in_words(job),
        chips=auditor_rows.chips(asked),
        again=asked.query(),
        form=FORMS[Form(job.asked["form"])],
        proves=job.asked["form"] == Form.TAR,
        size=bytes_in_words(job.size),
        minutes=minutes_left(job.removed_at, now),
        vkey=services.integrator.vkey,
    )


@router.get("/{job_id}/progress")
def tell_progress(job_id: JobId, visitor: SignedIn, services: ServicesDep) -> dict[str, Any]:
    """The same for the page's script: state, percent, and the sentence."""
    _require(services, visitor)
    job = jobs_of(services).find(job_id, visitor.person.id)
    return {"state": job.state.value, "percent": job.percent, "words": progress_in_words(job)}


@router.get("/{job_id}/file")
def download(job_id: JobId, visitor: SignedIn, services: ServicesDep) -> Response:
    """The file, while it is kept."""
    _require(services, visitor)
    jobs = jobs_of(services)
    job = jobs.find(job_id, visitor.person.id)
    return FileResponse(
        jobs.file(job_id, visitor.person.id),
        media_type=Form(job.asked["form"]).media_type,
        filename=job.name,
    )


@router.post("/{job_id}/cancel")
def cancel(job_id: JobId, visitor: SignedIn, services: ServicesDep) -> Response:
    """Ask it to stop. The entry about the export stays: that it was begun is a fact."""
    _require(services, visitor)
    jobs_of(services).cancel(job_id, visitor.person.id)
    return RedirectResponse(f"/auditor/export/jobs/{job_id}", 303)


@router.post("/{job_id}/remove")
def remove(job_id: JobId, visitor: SignedIn, services: ServicesDep) -> Response:
    """Remove the file before its hour is over."""
    _require(services, visitor)
    jobs_of(services).remove(job_id, visitor.person.id)
    return RedirectResponse("/auditor/export", 303)


def _require(services: Services, visitor: Visitor) -> None:
    services.authority.require(visitor.person.roles, None, "log", "export")
