"""Whether this instance works, and with which keys it signs."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from app.api.deps import Now, ReadTx, ServicesDep

router = APIRouter(tags=["instance"])


@router.get("/healthz")
def healthz(services: ServicesDep, tx: ReadTx, now: Now, response: Response) -> dict[str, Any]:
    """Say that the database answers, and how far the log has come; 503 where it does not grow.

    ``status`` is ``ok``; ``late`` where an entry has waited longer than was promised; or the named
    state in which nothing is recorded and decided: ``rolled_back``, ``another-log``, ``lock-lost``.
    ``alarms``: how many alarms about rows are open; what they are about is off, all else goes on.
    """
    since = services.log.pending_since(tx)
    waits = timedelta(0) if since is None else max(timedelta(0), now - since)
    overdue = len(services.log.overdue(tx, now))
    status = services.log.halt.state or ("late" if overdue else "ok")
    if status != "ok":
        response.status_code = 503
    return {
        "status": status,
        "entries": services.log.size(tx),
        "pending": services.log.pending(tx),
        "oldest_pending_s": int(waits.total_seconds()),
        "overdue": overdue,
        "alarms": len(services.database.seals.alarms),
    }


@router.get("/.well-known/jwks.json")
def jwks(services: ServicesDep) -> dict[str, Any]:
    """The public keys that sign leases, receipts, grants and promises (RFC 7517 §5)."""
    return services.jwks
