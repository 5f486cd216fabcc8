"""A proof of one entry as a file in the format of C2SP (tlog-proof).

Pure. The file carries the inclusion path, the signed checkpoint and the entry's own bytes, so that
nothing else but the log's key is needed to check it.
"""

from dataclasses import dataclass

from app.audit.tree.checkpoint import DECIMAL, BadNote, b64, unb64
from app.audit.tree.merkle import HASH_BYTES

PROOF_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """That an entry is in a log, as one file (tlog-proof).

    Attributes:
        index: of the entry.
        path: the inclusion proof, from the leaf's sibling upward.
        checkpoint: the signed checkpoint, verbatim.
        extra: for our proofs the entry's bytes; never believed before they hash to the root.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The file's content; its name ends in ``.tlog-proof``."""
        extra = [] if self.extra is None else [f"extra {b64(self.extra)}"]
        hashes = [b64(sibling) for sibling in self.path]
        lines = [PROOF_HEADER, *extra, f"index {self.index}", *hashes, ""]
        return "\n".join(lines) + "\n" + self.checkpoint


def parse_tlog_proof(text: str) -> TlogProof:
    """Read a proof file; its checkpoint is cut out, not verified.

    >>> proof = TlogProof(index=0, path=(), checkpoint="(a signed checkpoint)")
    >>> parse_tlog_proof(proof.text) == proof
    True

    Raises:
        BadNote: not of that form.
    """
    head, separator, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if header != PROOF_HEADER or not separator or not checkpoint:
        raise BadNote(f"the file is not a {PROOF_HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = unb64(lines.pop(0).removeprefix("extra "))
    index = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    if not DECIMAL.fullmatch(index) or int(index) >= 1 << 64:
        raise BadNote("the proof names no index")
    path = tuple(unb64(line) for line in lines)
    if any(len(sibling) != HASH_BYTES for sibling in path):
        raise BadNote(f"a hash of the proof has not {HASH_BYTES} bytes")
    return TlogProof(int(index), path, checkpoint, extra)
