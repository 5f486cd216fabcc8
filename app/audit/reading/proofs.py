"""Proofs read from the database: O(log n) hashes out of a handful of tiles.

A proof is given against a signed checkpoint: the newest that enough witnesses cosigned, or, for an
entry that is younger than that one, the newest that the log signed.
"""

from dataclasses import dataclass
from functools import partial

from app.audit.entries import cosigned, store
from app.audit.entries.model import Entry
from app.audit.entries.store import Signed
from app.audit.tree import tiles
from app.audit.tree.merkle import Node, consistency_path, inclusion_path
from app.audit.tree.proof_file import TlogProof
from app.db.engine import Tx
from app.kernel.errors import NotFound


@dataclass(frozen=True)
class Inclusion:
    """That an entry is in the tree of ``size`` entries which ``checkpoint`` signs.

    Attributes:
        index: of the entry.
        size: of the tree.
        leaf_hash: the entry's hash.
        path: the proof, from the leaf's sibling upward.
        checkpoint: the signed note, with every cosignature line there is.
    """

    index: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: str


def inclusion(tx: Tx, entry: Entry) -> Inclusion:
    """Prove an entry.

    Raises:
        NotFound: no published checkpoint holds it yet.
    """
    signed, path = _path(tx, entry.idx, None)
    note = cosigned.note_of(tx, signed)
    return Inclusion(entry.idx, signed.size, entry.leaf_hash, path, note)


def tlog_proof(tx: Tx, entry: Entry) -> str:
    """Write the proof as one file that carries the entry's bytes as its extra data."""
    proof = inclusion(tx, entry)
    return TlogProof(proof.index, proof.path, proof.checkpoint, entry.raw).text


def hashes_only(tx: Tx, index: int, size: int | None) -> str:
    """Write the proof of an index without the entry: for everybody (C2SP tlog-proof).

    Args:
        tx: the transaction.
        index: of the entry.
        size: of the published checkpoint to prove against; None for the checkpoint that is served.

    Raises:
        NotFound: no such checkpoint, or it does not hold the index.
    """
    signed, path = _path(tx, index, size)
    return TlogProof(index, path, cosigned.note_of(tx, signed)).text


def consistency(tx: Tx, old: int, new: int) -> tuple[bytes, ...]:
    """Prove that the first ``old`` entries are unchanged in the tree of ``new`` (RFC 6962 §2.1.2).

    Raises:
        NotFound: ``old`` is 0 or larger than ``new``, or nothing so large was published.
    """
    last = cosigned.newest(tx)
    if last is None or not 0 < old <= new <= last.size:
        raise NotFound(
            f"there is no published tree of {new} entries that continues one of {old}",
            cure="Ask for sizes from 1 up to that of /log/checkpoint.pending.",
        )
    return consistency_path(old, new, nodes(tx))


def nodes(tx: Tx) -> Node:
    """The nodes of the tree, from full tiles where there are any, else from the rows below."""
    return tiles.nodes(partial(store.hashes_of, tx))


def _path(tx: Tx, index: int, size: int | None) -> tuple[Signed, tuple[bytes, ...]]:
    if size is not None:
        signed = cosigned.at_size(tx, size)
    else:
        signed = cosigned.served(tx)
        if signed is None or signed.size <= index:
            signed = cosigned.newest(tx)
    if signed is None:
        raise NotFound("the log has published no such checkpoint")
    if index >= signed.size:
        raise NotFound(f"the published log of {signed.size} entries has no entry {index} yet")
    return signed, inclusion_path(index, signed.size, nodes(tx))
