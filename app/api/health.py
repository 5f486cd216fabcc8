"""Is this instance alive, and with which keys does it sign."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from app.api.deps import Now, ReadTx, ServicesDep

router = APIRouter(tags=["instance"])

LONGEST_WAIT = timedelta(seconds=10)
"""An entry that waits longer for its index: the integrator does not work."""


@router.get("/healthz")
def healthz(services: ServicesDep, tx: ReadTx, now: Now, response: Response) -> dict[str, Any]:
    """Say that the database answers, and how far the log has come; 503 where it does not grow."""
    since = services.log.pending_since(tx)
    waits = timedelta(0) if since is None else max(timedelta(0), now - since)
    late = waits > LONGEST_WAIT
    if late:
        response.status_code = 503
    return {
        "status": "late" if late else "ok",
        "entries": services.log.size(tx),
        "pending": services.log.pending(tx),
        "oldest_pending_s": int(waits.total_seconds()),
    }


@router.get("/.well-known/jwks.json")
def jwks(services: ServicesDep) -> dict[str, Any]:
    """The public keys that sign leases, receipts and grants (RFC 7517 §5)."""
    return services.jwks
