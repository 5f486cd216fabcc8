"""Documents of policy: what is read is what its digest names (SQL only).

Whoever writes SQL may write other bytes under a digest, or bytes that are no document. Neither is
an error: it is noted, and whoever asked goes on without the document, which opens nothing.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import select, type_coerce
from sqlalchemy.types import NullType

from app.db import seals
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw
from app.kernel.canonical import digest
from app.policy.tables import document_table

T = TypeVar("T")

_CHUNK = 500
_UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError,
)  # fmt: skip
"""What reading a document can end with whose bytes somebody else chose."""


def documents_of(tx: Tx, names: Iterable[object]) -> dict[str, bytes]:
    """The documents of these digests; what is not what its digest names is noted and left out."""
    column, wanted = document_table.c, sorted(name for name in names if isinstance(name, str))
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(column.digest, type_coerce(column.body, NullType()).label("body"))
        for row in tx.execute(query.where(column.digest.in_(wanted[start : start + _CHUNK]))):
            body = row.body if isinstance(row.body, bytes | memoryview) else b""
            if digest(bytes(body)) == row.digest:
                found[row.digest] = bytes(body)
            else:
                _note_document(tx, row.digest)
    return found


def _note_document(tx: Tx, name: str) -> None:
    chain = f"document:{name}"
    seals.note(tx, Dispute(chain, Flaw.DIFFERS, document_table.name, name))


def read_or_note(tx: Tx, chain: str, read: Callable[[bytes], T], body: bytes) -> T | None:
    """Read a document that a row names; None, and a dispute of the row's chain, if it is none."""
    try:
        return read(body)
    except _UNREADABLE:
        seals.note(tx, Dispute(chain, Flaw.SHAPE))
        return None
