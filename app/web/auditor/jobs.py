"""An export while it is written and after: its page, its progress, its file. Its owner's only."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from app.audit.export.jobs import JobState
from app.audit.export.projections import ExportForm
from app.audit.reading.search import Search
from app.web.auditor.rows import listing
from app.web.auditor.rows.search import query
from app.web.shell.visit import ReadVisit, WriteVisit, needs
from app.web.words.export_words import (
    FORMS,
    bytes_in_words,
    headline,
    minutes_left,
    progress_in_words,
)

router = APIRouter(prefix="/export/jobs", dependencies=[needs("log", "export")])

JobId = Annotated[str, Path(max_length=64)]


@router.get("/{job_id}")
def show_job(visit: ReadVisit, job_id: JobId) -> HTMLResponse:
    """How far it is; asks again by itself, with or without a script, until it has ended."""
    job = visit.services.exports.find(visit.person, job_id)
    asked = Search(**{name: value for name, value in job.asked.items() if name != "form"})
    return visit.page(
        "auditor_job.html",
        job=job,
        running=job.state is JobState.RUNNING,
        ready=job.state is JobState.READY,
        headline=headline(job),
        words=progress_in_words(job),
        chips=listing.chips(asked),
        again=query(asked),
        form=FORMS[ExportForm(job.asked["form"])],
        proves=job.asked["form"] == ExportForm.TAR,
        size=bytes_in_words(job.size),
        minutes=minutes_left(job.removed_at, visit.now),
        vkey=visit.services.integrator.vkey,
    )


@router.get("/{job_id}/progress")
def tell_progress(visit: ReadVisit, job_id: JobId) -> dict[str, Any]:
    """The same for the page's script: state, percent, and the sentence."""
    job = visit.services.exports.find(visit.person, job_id)
    return {"state": job.state.value, "percent": job.percent, "words": progress_in_words(job)}


@router.get("/{job_id}/file")
def download(visit: WriteVisit, job_id: JobId) -> Response:
    """The file, while it is kept; each download is an entry."""
    exports = visit.services.exports
    job = exports.find(visit.person, job_id)
    return FileResponse(
        exports.file(visit.tx, visit.person, job_id),
        media_type=ExportForm(job.asked["form"]).media_type,
        filename=job.name,
    )


@router.post("/{job_id}/cancel")
def cancel(visit: ReadVisit, job_id: JobId) -> Response:
    """Ask it to stop."""
    visit.services.exports.cancel(visit.person, job_id)
    return RedirectResponse(f"/auditor/export/jobs/{job_id}", 303)


@router.post("/{job_id}/remove")
def remove(visit: ReadVisit, job_id: JobId) -> Response:
    """Remove the file before its hour is over."""
    visit.services.exports.remove(visit.person, job_id)
    return RedirectResponse("/auditor/export", 303)
