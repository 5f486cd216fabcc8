"""Bundles of entries (C2SP tlog-tiles) for auditors' programs: the content behind the tiles.

An entry says who decided what under which pseudonym, so it is shown to those who may read the log,
and each reading is an entry of the log itself, committed before the bytes leave.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, Event, Kind
from app.audit.reading import serving
from app.kernel.errors import NotFound
from app.web.shell.door import SignedIn

router = APIRouter(prefix="/log")


@router.get("/tile/entries/{rest:path}")
def get_bundle(
    request: Request, rest: str, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """The entries of ``tile/entries/<N>[.p/<W>]``, each behind its length in two bytes."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    path = f"tile/entries/{rest}"
    if request.scope["raw_path"].partition(b"?")[0] != f"/log/{path}".encode():
        raise NotFound("the published log has no such bundle")
    tile, bundle = serving.entry_bundle(tx, path)
    event = Event(
        Kind.LOG_READ,
        Actor("person", visitor.person.id),
        {"kind": None, "subject": None, "first": tile.first_leaf, "count": tile.width},
    )
    services.log.append(tx, event, now)
    # Not kept by a cache: who reads it again is written down again.
    headers = {"Cache-Control": "no-store"}
    return Response(bundle, media_type="application/octet-stream", headers=headers)
