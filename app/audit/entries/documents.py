"""Documents that entries of the log itself name by digest, and which of them is in force.

document    signed statements, lists of custodians, witness policies: kept for ever, once each
adopted     which list was taken into force when; the newest of its kind holds. Also
            which version of the rules, by the digest of its number
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, Text, insert, select

from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.kernel.canonical import digest
from app.kernel.errors import Conflict

CUSTODIANS = "custodians"
"""What the list of custodians is adopted as."""

RULES = "rules"
"""What the version of the rules is adopted as."""

ROLES = "roles"
"""What the rows of roles are adopted as."""

document = Table(
    "audit_document",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("kept_at", UtcTime, nullable=False),
)

adopted = Table(
    "audit_adopted",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
)


def keep(tx: Tx, content: bytes, now: datetime) -> str:
    """Keep a document, once; return its digest, ``sha256:…``."""
    name = digest(content)
    if content_of(tx, name) is None:
        tx.execute(insert(document), {"digest": name, "content": content, "kept_at": now})
    return name


def content_of(tx: Tx, name: str) -> bytes | None:
    """The document of a digest; None where it was never kept."""
    content: bytes | None = tx.execute(
        select(document.c.content).where(document.c.digest == name)
    ).scalar()
    return content


def every(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Each digest and its document."""
    for row in tx.execute(select(document).order_by(document.c.digest)):
        yield row.digest, row.content


def adopt(tx: Tx, what: str, name: str, now: datetime) -> None:
    """Take a document into force for ``what``: ``custodians``, ``witnesses``."""
    tx.execute(insert(adopted), {"what": what, "digest": name, "adopted_at": now})


def in_force(tx: Tx, what: str) -> str | None:
    """The digest of what was adopted last; None where nothing was."""
    query = select(adopted.c.digest).where(adopted.c.what == what)
    newest: str | None = tx.execute(query.order_by(adopted.c.number.desc()).limit(1)).scalar()
    return newest


def require_custodians(tx: Tx, listed: str) -> None:
    """Refuse a list of custodians that is not in force: a reader of the log relies on that list.

    Args:
        tx: any transaction.
        listed: digest of the list that somebody comes with.

    Raises:
        Conflict: another list is in force, or none.
    """
    known = in_force(tx, CUSTODIANS)
    if known == listed:
        return
    raise Conflict(
        f"HABEAS_CUSTODIANS names the list {listed}; in force is {known or 'none'}",
        cure="Name the service's own list. A new list comes into force when the service starts.",
        kind="other-custodians",
    )
