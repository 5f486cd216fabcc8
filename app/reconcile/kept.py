"""What bears its own name: documents are named by their digest, and leaves are found by columns.

Neither is sealed. A document that says something else than its name is read by nobody, and columns
of a leaf that say something else than its bytes hide it from a search; so both are looked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, select, type_coerce
from sqlalchemy.types import NullType

from app.audit.entries import store
from app.audit.entries.model import Entry
from app.audit.entries.recorded import LOG_CHAIN, Leaf
from app.audit.growing.growth import leaf_row
from app.audit.tree.merkle import leaf_hash
from app.db.engine import Tx
from app.db.ring import Flaw
from app.kernel.canonical import digest
from app.reconcile.difference import Difference

_BATCH = 500


@dataclass(frozen=True)
class KeptDocuments:
    """A table of documents, each under its digest.

    Attributes:
        table: has a column ``digest``.
        column: what the digest is of, bytes or text.
    """

    table: Table
    column: str

    def differing(self, tx: Tx) -> Iterator[Difference]:
        """The documents that are not what their names say."""
        content = type_coerce(self.table.c[self.column], NullType()).label("content")
        query = select(self.table.c.digest, content).order_by(self.table.c.digest)
        rows = tx.execute(query.execution_options(yield_per=_BATCH))
        for row in rows:
            if _digest(row.content) != row.digest:
                chain = f"document:{row.digest}"
                yield Difference(chain, Flaw.DIFFERS, self.table.name, str(row.digest))


def _digest(content: object) -> str | None:
    if isinstance(content, str):
        return digest(content.encode("utf-8", "surrogatepass"))
    return digest(bytes(content)) if isinstance(content, bytes | memoryview) else None


def differing_leaves(tx: Tx, start: int, leaves: Sequence[Leaf | None]) -> Iterator[Difference]:
    """The leaves that are found under something else than they say.

    Args:
        tx: the snapshot.
        start: the index of the first.
        leaves: what they say, as far as it can be read.
    """
    where = store.leaf.c.idx >= start, store.leaf.c.idx < start + len(leaves)
    for row in tx.execute(select(store.leaf).where(*where).order_by(store.leaf.c.idx)):
        leaf = leaves[row.idx - start]
        columns = () if leaf is None else _columns(row, leaf)  # an unreadable one is named already
        if columns:
            name = store.leaf.name
            yield Difference(LOG_CHAIN, Flaw.DIFFERS, name, columns=columns, idx=row.idx)


def _columns(row: Row[Any], leaf: Leaf) -> tuple[str, ...]:
    try:
        said = leaf_row(Entry(row.idx, row.entry, dict(leaf), leaf_hash(row.entry)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()  # no entry of ours: the root says so
    return tuple(sorted(name for name in said if said[name] != getattr(row, name)))
