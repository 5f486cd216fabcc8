"""The whole log as one file, and how to verify it without us."""

import shutil
import tempfile
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, HTMLResponse, Response

from app.api.deps import Now, ReadTx, ServicesDep
from app.audit.export import export_log
from app.audit.model import Actor
from app.web.door import SignedIn
from app.web.render import page

router = APIRouter()


@router.get("/export")
def show_export(
    request: Request, visitor: SignedIn, services: ServicesDep, tx: ReadTx
) -> HTMLResponse:
    """What the file holds, how large the log is now, how to verify it."""
    services.authority.require(visitor.person.roles, None, "log", "export")
    return page(
        request,
        "auditor_export.html",
        size=services.log.size(tx),
        origin=services.log.origin,
        vkey=services.integrator.vkey,
    )


@router.post("/export")
def download_export(visitor: SignedIn, services: ServicesDep, now: Now) -> Response:
    """Write the export to a file of its own, send it, remove it. The export is itself an entry."""
    services.authority.require(visitor.person.roles, None, "log", "export")
    folder = Path(tempfile.mkdtemp(prefix="habeas-export-"))
    try:
        exported = export_log(
            services.database,
            services.log,
            services.integrator,
            folder / "export.tar",
            actor=Actor("person", visitor.person.id),
            now=now,
            documents=services.documents,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        exported.path,
        media_type="application/x-tar",
        filename=f"habeas-export-{exported.size}.tar",
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )
