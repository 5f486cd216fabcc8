"""The promise that an event will be in the log, for whoever holds its random id."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import ReadTx, ServicesDep
from app.kernel.errors import NotFound
from app.kernel.tokens import SUBMISSION_TYPE

router = APIRouter(prefix="/log", tags=["log"])


@router.get(
    "/submissions/{event_id}",
    summary="The signed promise of an entry",
    response_class=Response,
    responses={
        200: {"content": {f"application/{SUBMISSION_TYPE}": {"schema": {"type": "string"}}}},
    },
)
def get_submission(services: ServicesDep, tx: ReadTx, event_id: UUID) -> Response:
    """What was handed in (its digest), when, and by when it has a place in the log.

    Signed with a key that signs nothing else, and the same bytes for ever.
    """
    token = services.log.submission_receipts(tx, (str(event_id),)).get(str(event_id))
    if token is None:
        raise NotFound("nothing was handed in under this id")
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(token, media_type=f"application/{SUBMISSION_TYPE}", headers=headers)
