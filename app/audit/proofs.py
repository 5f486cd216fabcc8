"""Proofs read from the database: O(log n) hashes out of a handful of tiles."""

from dataclasses import dataclass

from app.audit import store, tiles
from app.audit.checkpoint import TlogProof
from app.audit.merkle import Node, inclusion_path
from app.audit.model import Entry
from app.audit.tiles import TILE_WIDTH
from app.db.engine import Tx
from app.kernel.errors import NotFound


@dataclass(frozen=True)
class Inclusion:
    """That an entry is in the tree of ``size`` entries which ``checkpoint`` signs."""

    index: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: str


def inclusion(tx: Tx, entry: Entry) -> Inclusion:
    """Prove an entry against the newest checkpoint.

    Raises:
        NotFound: nothing is integrated yet.
    """
    signed = store.last_checkpoint(tx)
    if signed is None:
        raise NotFound("the log has no checkpoint yet")
    path = inclusion_path(entry.idx, signed.size, nodes(tx))
    return Inclusion(entry.idx, signed.size, entry.leaf_hash, path, signed.note)


def tlog_proof(tx: Tx, entry: Entry) -> str:
    """Write the proof as one file that carries the entry's bytes as its extra data."""
    found = inclusion(tx, entry)
    return TlogProof(found.index, found.path, found.checkpoint, entry.raw).text


def nodes(tx: Tx) -> Node:
    """The nodes of the tree, from full tiles where there are any, else from the rows below."""

    def tile_hashes(level: int, n: int) -> bytes:
        start = n * TILE_WIDTH
        full = store.tile_hashes(tx, level, n)
        return full or store.row_hashes(tx, level, start, start + TILE_WIDTH)

    return tiles.nodes(tile_hashes)
