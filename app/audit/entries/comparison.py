"""How the lists that are in force are held against the log (``app.db.rows``)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from app.audit.entries.documents import ADOPTED
from app.audit.entries.model import Kind
from app.audit.entries.older import Wanted, events_of
from app.db.rows import Rows

_KINDS: Mapping[str, tuple[Kind, str]] = {
    "custodians": (Kind.LOG_CUSTODIANS_ADOPTED, "custodians"),
    "policy": (Kind.LOG_WITNESSES_ADOPTED, "policy"),
    "roles": (Kind.ROLES_ADOPTED, "policy"),
    "rules": (Kind.RULES_ADOPTED, ""),
}


def _adopted(row: Row[Any]) -> Wanted:
    if row.what not in _KINDS:
        return (), row.adopted_at, {}
    kind, fact = _KINDS[row.what]
    return (kind,), row.adopted_at, {fact: row.digest} if fact else {}


ROWS: Mapping[str, Rows] = {
    "audit_adopted": Rows(
        ADOPTED,
        lambda row, _: f"list:{row.what}",
        lambda tx, rows: events_of(tx, ADOPTED, rows, _adopted),
    ),
}
"""By table."""
