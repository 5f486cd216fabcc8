"""Is this instance alive, and with which keys does it sign."""

from typing import Any

from fastapi import APIRouter

from app.api.deps import ReadTx, ServicesDep

router = APIRouter(tags=["instance"])


@router.get("/healthz")
def healthz(services: ServicesDep, tx: ReadTx) -> dict[str, Any]:
    """Say that the database answers, and how far the log has come."""
    return {"status": "ok", "entries": services.log.size(tx), "pending": services.log.pending(tx)}


@router.get("/.well-known/jwks.json")
def jwks(services: ServicesDep) -> dict[str, Any]:
    """The public keys that sign leases, receipts and grants (RFC 7517 §5)."""
    return services.jwks
