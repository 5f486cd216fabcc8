"""Bundles of entries (C2SP tlog-tiles) for auditors' programs: the content behind the tiles.

An entry says who decided what under which pseudonym, so it is shown to those who may read the log,
and each reading is an entry of the log itself, committed before the bytes leave.
"""

from fastapi import APIRouter
from starlette.responses import Response

from app.kernel.errors import NotFound
from app.web.shell.visit import WriteVisit, needs

router = APIRouter(prefix="/log")


@router.get("/tile/entries/{rest:path}", dependencies=[needs("log", "read")])
def get_bundle(visit: WriteVisit, rest: str) -> Response:
    """The entries of ``tile/entries/<N>[.p/<W>]``, each behind its length in two bytes."""
    path = f"tile/entries/{rest}"
    if visit.request.scope["raw_path"].partition(b"?")[0] != f"/log/{path}".encode():
        raise NotFound("the published log has no such bundle")
    bundle = visit.services.desk.bundle(visit.tx, visit.person, path, visit.now)
    # Not kept by a cache: who reads it again is written down again.
    headers = {"Cache-Control": "no-store"}
    return Response(bundle, media_type="application/octet-stream", headers=headers)
