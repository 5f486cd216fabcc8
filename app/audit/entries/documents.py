"""Documents that entries of the log itself name by digest, and which of them is in force.

document    signed statements, lists of custodians, witness policies: kept for ever, once each; what
            is read is what its digest names
adopted     which list was taken into force when; the newest of its kind holds if its seal fits and
            none that the log knows is missing. Also which version of the rules, by the digest
            of its number. Chains: ``list:custodians``, ``list:policy`` (witnesses), ``list:rules``,
            ``list:roles``, ``list:keys``
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from app.db import seals
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable
from app.kernel.canonical import digest
from app.kernel.errors import Conflict

CUSTODIANS = "custodians"
"""What the list of custodians is adopted as."""

RULES = "rules"
"""What the version of the rules is adopted as."""

ROLES = "roles"
"""What the rows of roles are adopted as."""

KEYS = "keys"
"""What the key set is adopted as."""

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
    Column("event_id", String(36)),
)
ADOPTED = SealedTable(adopted, key=("event_id",), older_key=("number",))


def keep(tx: Tx, content: bytes, now: datetime) -> str:
    """Keep a document, once; return its digest, ``sha256:…``."""
    name = digest(content)
    if content_of(tx, name) is None:
        tx.execute(insert(document), {"digest": name, "content": content, "kept_at": now})
    return name


def content_of(tx: Tx, name: str) -> bytes | None:
    """The document of a digest; None where it was never kept, or is another than it names."""
    content = tx.execute(
        select(type_coerce(document.c.content, NullType())).where(document.c.digest == name)
    ).scalar()
    if not isinstance(content, bytes | memoryview):
        return None
    if digest(bytes(content)) != name:
        seals.note(tx, Dispute(f"document:{name}", Flaw.DIFFERS, document.name, name))
        return None
    return bytes(content)


def every(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Each digest and its document."""
    for name in tx.execute(select(document.c.digest).order_by(document.c.digest)).scalars().all():
        content = content_of(tx, name)
        if content is not None:
            yield name, content


def adopt(tx: Tx, what: str, name: str, now: datetime, event: str | None = None) -> None:
    """Take a document into force for ``what``: ``custodians``, ``witnesses``.

    Args:
        tx: the transaction, under the log's lock.
        what: what it is in force as.
        name: its digest.
        now: the present instant.
        event: the id of the entry that says so; None where none does.
    """
    query = select(func.coalesce(func.max(adopted.c.number), 0) + 1)
    if tx.dialect == "postgresql":
        query = select(func.nextval(func.pg_get_serial_sequence(adopted.name, "number")))
    row = {
        "number": tx.execute(query).scalar_one(),
        "what": what,
        "digest": name,
        "adopted_at": now,
        "event_id": event,
    }
    seals.insert(tx, ADOPTED, [row])


def in_force(tx: Tx, what: str) -> str | None:
    """The digest of what was adopted last; None where nothing was, or where it cannot be told.

    Before the log says that rows are sealed, they are taken as they are.
    """
    rows = _adopted(tx, what)
    if not rows or tx.seals.behind(f"list:{what}", len(rows), tx.folded):
        return None
    return str(rows[-1].digest)


def adopted_as(tx: Tx, what: str) -> tuple[str, ...]:
    """The digests of all that was adopted for ``what``, the oldest first."""
    return tuple(str(row.digest) for row in _adopted(tx, what))


def adopted_at(tx: Tx, what: str) -> datetime | None:
    """When what is in force for ``what`` was adopted; None where nothing was."""
    rows = _adopted(tx, what)
    return rows[-1].adopted_at if rows else None


def standing_since(tx: Tx, what: str, words: Iterable[str]) -> dict[str, datetime]:
    """Since when each of some words stands in what is in force for ``what``, without a gap.

    Lines that begin with # are skipped. A word that does not stand there now is left out.
    """
    wanted, since = set(words), dict[str, datetime]()
    for row in _adopted(tx, what):
        lines = (content_of(tx, row.digest) or b"").decode("utf-8", "replace").splitlines()
        text = "\n".join(line for line in lines if not line.startswith("#"))
        since = {word: since.get(word, row.adopted_at) for word in wanted if word in text}
    return since


def _adopted(tx: Tx, what: str) -> Sequence[Row[Any]]:
    """The rows of what was adopted whose seals fit, the oldest first."""
    query = select(adopted).where(adopted.c.what == what).order_by(adopted.c.number)
    rows = tx.execute(query).all()
    if tx.seals.key is not None and tx.seals.required:
        seals.stands(tx, f"list:{what}", ADOPTED, rows, len(rows))
        rows = seals.fitting(tx, ADOPTED, rows)
    return rows


def require_custodians(tx: Tx, listed: str) -> None:
    """Refuse a list of custodians that is not in force: a reader of the log relies on that list.

    Args:
        tx: any transaction.
        listed: digest of the list that somebody comes with.

    Raises:
        Conflict: another list is in force, or none.
    """
    if tx.seals.broken is not None:  # a list from before could pass for the newest
        raise Conflict(
            f"the log cannot be believed: {tx.seals.broken}",
            cure="Mend that first: see docs/operate.md, When tables and log disagree.",
            kind="log-disputed",
        )
    known = in_force(tx, CUSTODIANS)
    if known == listed:
        return
    raise Conflict(
        f"HABEAS_CUSTODIANS names the list {listed}; in force is {known or 'none'}",
        cure="Name the service's own list. A new list comes into force when the service starts.",
        kind="other-custodians",
    )
