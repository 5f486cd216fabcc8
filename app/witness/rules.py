"""What a witness answers, and why (c2sp.org/tlog-witness v1.0.0, "add-checkpoint").

Pure. The order of the checks is that of the specification: form, log, signature, sizes, proof.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.audit.tree.checkpoint import (
    BadNote,
    Checkpoint,
    Note,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    unb64,
)
from app.audit.tree.merkle import EMPTY_ROOT, HASH_BYTES, BadProof, verify_consistency

MAX_REQUEST_BYTES = 64_000
MAX_PROOF_LINES = 63

_OLD = re.compile(r"old (0|[1-9][0-9]{0,19})")
_LARGEST = 1 << 63
"""Sizes from here on do not fit the database; no log is so large."""


class RefusalReason(StrEnum):
    """RefusalReason a checkpoint is not cosigned."""

    MALFORMED = "malformed"
    UNKNOWN_LOG = "unknown_log"
    NOT_SIGNED = "not_signed"
    OLD_ABOVE_NEW = "old_above_new"
    STALE = "stale"
    BAD_PROOF = "bad_proof"
    FORKED = "forked"
    CLOCK = "clock"


class NotCosigned(Exception):
    """The checkpoint is not cosigned.

    Attributes:
        why: the reason.
        size: for ``stale``, the size that this witness cosigned last.
    """

    def __init__(self, why: RefusalReason, problem: str, size: int | None = None) -> None:
        super().__init__(problem)
        self.why = why
        self.size = size


@dataclass(frozen=True)
class Submission:
    """What a log sent; nothing of it is verified.

    Attributes:
        old: the size that the log believes was cosigned last.
        proof: hashes of the consistency proof.
        note: the signed checkpoint, verbatim.
        origin: the log's name, as the checkpoint says it.
    """

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    origin: str


def parse_submission(body: bytes) -> Submission:
    """Read a request.

    Raises:
        NotCosigned: not of the form.
    """
    head, _, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("utf-8").split("\n")
        proof = tuple(unb64(line) for line in lines)
        checkpoint = parse_checkpoint(parse_note(note).text)
    except (BadNote, UnicodeDecodeError) as error:
        raise NotCosigned(
            RefusalReason.MALFORMED, f"the request is not of its form: {error}"
        ) from error
    old = _OLD.fullmatch(first)
    if old is None or int(old[1]) >= _LARGEST:
        raise NotCosigned(RefusalReason.MALFORMED, "the first line is not: old SIZE")
    if len(proof) > MAX_PROOF_LINES or any(len(hashed) != HASH_BYTES for hashed in proof):
        raise NotCosigned(
            RefusalReason.MALFORMED,
            f"a proof is at most {MAX_PROOF_LINES} hashes of {HASH_BYTES} bytes",
        )
    return Submission(int(old[1]), proof, note, checkpoint.origin)


def require_signed(sent: Submission, keys: Sequence[VerifierKey]) -> tuple[Note, Checkpoint]:
    """Believe the checkpoint: a key that is trusted for its origin signed it.

    Raises:
        NotCosigned: the origin is unknown, or no trusted key signed.
    """
    if not keys:
        raise NotCosigned(RefusalReason.UNKNOWN_LOG, f"the log {sent.origin} is not known here")
    problem = ""
    for key in keys:
        try:
            checkpoint = open_checkpoint(sent.note, key)
        except BadNote as error:
            problem = str(error)
            continue
        if checkpoint.size >= _LARGEST:
            raise NotCosigned(RefusalReason.MALFORMED, "no log is so large")
        return parse_note(sent.note), checkpoint
    raise NotCosigned(RefusalReason.NOT_SIGNED, f"no trusted key signed the checkpoint: {problem}")


def require_grown(sent: Submission, new: Checkpoint, last: Checkpoint | None) -> None:
    """Check that a believed checkpoint continues the checkpoint that was cosigned last.

    Args:
        sent: the request.
        new: its checkpoint.
        last: None if none of this log was cosigned.

    Raises:
        NotCosigned: anything else; ``forked`` if it contradicts what was cosigned.
    """
    cosigned = 0 if last is None else last.size
    if sent.old > new.size:
        raise NotCosigned(
            RefusalReason.OLD_ABOVE_NEW, "the old size is larger than the checkpoint's"
        )
    if sent.old != cosigned:
        raise NotCosigned(RefusalReason.STALE, f"{cosigned} entries were cosigned last", cosigned)
    if last is not None and new.size == last.size and new.root != last.root:
        raise NotCosigned(RefusalReason.FORKED, f"another root was cosigned at size {new.size}")
    try:
        _require_proof(sent, new, last)
    except BadProof as error:
        raise NotCosigned(RefusalReason.BAD_PROOF, f"the proof does not hold: {error}") from error


def _require_proof(sent: Submission, new: Checkpoint, last: Checkpoint | None) -> None:
    if sent.old == 0:
        # Every tree continues the empty one: there is nothing to prove, and nothing may be sent.
        if sent.proof:
            raise BadProof("a proof from size 0 is empty")
        if new.size == 0 and new.root != EMPTY_ROOT:
            raise BadProof("the tree without entries has one root only")
        return
    assert last is not None, "an old size above 0 was compared with the last one"
    verify_consistency(last.size, new.size, last.root, new.root, sent.proof)


def contradicts(new: Checkpoint, last: Checkpoint | None) -> bool:
    """Whether two checkpoints, both signed by the log, cannot both be true of one log."""
    return last is not None and new.size == last.size and new.root != last.root
