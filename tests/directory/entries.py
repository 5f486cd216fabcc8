"""What was submitted to the log, before the integrator numbers it."""

from typing import Any

from sqlalchemy import select

from app.audit.entries import store
from app.db.engine import Tx
from app.kernel.canonical import parse_canonical


def submitted(tx: Tx) -> list[dict[str, Any]]:
    """The entries in the order of their submission."""
    rows = tx.execute(select(store.pending.c.submission).order_by(store.pending.c.pid))
    return [parse_canonical(row.submission) for row in rows]


def facts(tx: Tx, kind: str) -> list[dict[str, Any]]:
    """The facts of all entries of a kind."""
    return [entry["facts"] for entry in submitted(tx) if entry["kind"] == kind]
