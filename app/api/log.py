"""What the log shows to machines without asking who they are: hashes and signatures, no content."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from app.api.deps import ReadTx, ServicesDep
from app.kernel.errors import NotFound

router = APIRouter(prefix="/log", tags=["log"])


@router.get("/checkpoint", summary="The newest checkpoint", response_class=PlainTextResponse)
def get_checkpoint(services: ServicesDep, tx: ReadTx) -> Response:
    """The log's name, size and root, signed (C2SP tlog-checkpoint)."""
    note = services.log.checkpoint(tx)
    if note is None:
        raise NotFound("the log has no checkpoint yet")
    # It changes with every entry; a cache may spare us bursts, no more.
    return PlainTextResponse(note, headers={"Cache-Control": "max-age=1"})


@router.get("/key", summary="The log's public key", response_class=PlainTextResponse)
def get_key(services: ServicesDep) -> Response:
    """The verifier key (C2SP signed-note) that ``habeas verify --key`` takes."""
    return PlainTextResponse(services.integrator.vkey + "\n")


class Place(BaseModel):
    """Where an entry stands: its index, in a log of this size."""

    index: int
    size: int


@router.get("/events/{event_id}", summary="The place of an entry")
def get_place(services: ServicesDep, tx: ReadTx, event_id: UUID) -> Place:
    """The index of an event, for whoever holds its random id, as on a receipt.

    A new event has none for a moment, until the integrator has numbered it: 404, ask again.
    """
    index = services.log.index_of(tx, str(event_id))
    if index is None:
        raise NotFound("the log has no entry of this id yet")
    return Place(index=index, size=services.log.size(tx))
