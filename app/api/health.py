"""Whether this instance works, and with which keys it signs."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import PlainTextResponse

from app.api.deps import Now, ReadTx, ServicesDep
from app.kernel.errors import NotFound

RootVersion = Annotated[int, Path(ge=1, le=999_999_999)]

router = APIRouter(tags=["instance"])


@router.get("/healthz")
def healthz(services: ServicesDep, tx: ReadTx, now: Now, response: Response) -> dict[str, Any]:
    """Say that the database answers, and how far the log has come; 503 where nothing is recorded.

    ``status`` is ``ok``; or, with 503, the named state in which nothing is recorded and decided:
    ``rolled_back``, ``another-log``, ``lock-lost``, ``head-unsealed``. With 200, since saying no
    works and no probe may turn anybody away from it: ``late``, where an entry has waited longer
    than was promised, and ``log-disputed``, where the entries are not those that the head was made
    of, or one cannot be read, so that nothing opens.
    What somebody else put among the entries that wait is an alarm, and neither waits nor is late.
    ``alarms``: how many alarms about rows are open; what they are about is off, all else goes on.
    """
    since = services.log.pending_since(tx)
    waits = timedelta(0) if since is None else max(timedelta(0), now - since)
    overdue = len(services.log.overdue(tx, now))
    status = services.log.halt.state or ("late" if overdue else "ok")
    if services.log.halt.state is not None:
        response.status_code = 503
    elif services.database.seals.broken is not None:
        status = "log-disputed"
    return {
        "status": status,
        "entries": services.log.size(tx),
        "pending": services.log.pending(tx),
        "oldest_pending_s": int(waits.total_seconds()),
        "overdue": overdue,
        "alarms": len(services.database.seals.alarmed),
    }


@router.get("/.well-known/habeas-keys", response_class=PlainTextResponse)
def key_set(services: ServicesDep, tx: ReadTx) -> PlainTextResponse:
    """The key set in force, a note that the root signed: for laptops, which believe no other.

    404 where there is none, or where what the database holds does not agree with the log.
    """
    note = services.key_sets.newest(tx)
    if note is None:
        raise NotFound("no key set is in force here")
    return _note(note)


@router.get("/.well-known/habeas-keys/{root}", response_class=PlainTextResponse)
def first_key_set(services: ServicesDep, tx: ReadTx, root: RootVersion) -> PlainTextResponse:
    """The first key set of a root: whoever knows the root before goes on from there."""
    return _note(services.key_sets.of_root(tx, root))


def _note(note: bytes) -> PlainTextResponse:
    return PlainTextResponse(note, headers={"Cache-Control": "no-cache"})


@router.get("/.well-known/jwks.json")
def jwks(services: ServicesDep) -> dict[str, Any]:
    """The public keys that sign leases, receipts, grants and promises (RFC 7517 §5)."""
    return services.jwks
