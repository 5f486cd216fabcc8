"""What a row of leaves holds, read strictly: SQLite keeps values of any type in a column."""

import json
from typing import Any

from sqlalchemy import Row

from app.audit.entries.halt import leaf_unreadable
from app.audit.entries.model import Entry
from app.audit.tree.merkle import HASH_BYTES


def entry_of(row: Row[Any]) -> Entry:
    """The entry in a row of leaves: ``idx``, ``entry``, ``leaf_hash``.

    Raises:
        Unavailable: somebody made it unreadable; the sentence names its index.
    """
    if not isinstance(row.leaf_hash, bytes):
        raise leaf_unreadable(row.idx)
    return Entry(row.idx, row.entry, read_leaf(row.idx, row.entry), row.leaf_hash)


def read_leaf(idx: int, raw: object) -> dict[str, Any]:
    """What the bytes of an entry say.

    Raises:
        Unavailable: somebody made it unreadable; the sentence names its index.
    """
    try:
        said = json.loads(raw) if isinstance(raw, bytes) else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise leaf_unreadable(idx)
    return said


def as_hash(value: object) -> bytes:
    """What a column of hashes holds; for what is none, on SQLite, a hash that nothing has."""
    return value if isinstance(value, bytes) and len(value) == HASH_BYTES else bytes(HASH_BYTES)
