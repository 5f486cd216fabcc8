"""A log as a witness sees it: signed checkpoints, consistency proofs, and lies of every kind."""

from collections.abc import Sequence

from app.audit.tree.checkpoint import Checkpoint, VerifierKey, sign_note
from app.audit.tree.merkle import CompactRange, consistency_path, leaf_hash
from app.audit.witnesses.client import request_body
from app.kernel.signing import LocalSigner

ORIGIN = "audit.example.com/5f0c/2026"


class SmallLog:
    """A tree of entries that are made up, one key, one name; ``past`` changes what is in it."""

    def __init__(self, past: str = "entry", origin: str = ORIGIN, seed: bytes = b"s" * 32) -> None:
        self.origin = origin
        self.signer = LocalSigner.from_seed(seed)
        self._hashes = [leaf_hash(f"{past} {number}".encode()) for number in range(70)]

    @property
    def vkey(self) -> str:
        return VerifierKey(self.origin, self.signer.public).vkey

    def root(self, size: int) -> bytes:
        return CompactRange().extend(self._hashes[:size]).root

    def text(self, size: int) -> str:
        return Checkpoint(self.origin, size, self.root(size)).text

    def note(self, size: int) -> str:
        return sign_note(self.text(size), self.origin, self.signer)

    def path(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_path(old, new, self._node) if 0 < old < new else ()

    def request(self, old: int, new: int) -> bytes:
        return request_body(old, self.path(old, new), self.note(new))

    def _node(self, level: int, index: int) -> bytes:
        start = index << level
        return CompactRange().extend(self._hashes[start : start + (1 << level)]).root
