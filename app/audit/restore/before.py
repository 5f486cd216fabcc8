"""Which custodians were named before the loss: as the entries say that the log's key has signed.

Rules:
1. A list that was named after the loss counts for nothing: whoever restores a copy could name two
   keys of their own. So the list is an entry (``log.custodians_adopted``) under the newest
   checkpoint of the restored copy.
2. The tables are not believed. Every entry up to that checkpoint is hashed, and the root must be
   the one that was signed. It takes a while on a large log, and a restore is rare.
"""

from collections.abc import Iterator

from app.audit.entries import store
from app.audit.entries.model import Kind
from app.audit.entries.records import CustodiansAdoption
from app.audit.growing.lineage import another_log
from app.audit.restore.custody import Custodians
from app.audit.tree.checkpoint import BadNote, Checkpoint, VerifierKey, open_checkpoint, origin_of
from app.audit.tree.epoch import base_of
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.db.engine import Tx
from app.kernel.canonical import parse_canonical
from app.kernel.errors import Conflict, Unavailable
from app.kernel.facts import decode

_BATCH = 1_000
_KIND = Kind.LOG_CUSTODIANS_ADOPTED
_WAY_OUT = (
    "Restore a copy that was made after they were named, if there is one. Without it this log ends "
    "here: keep it for your auditor and begin a new one; see docs/operate.md, Restore."
)


def require_named(tx: Tx, custodians: Custodians, key: VerifierKey) -> None:
    """Refuse custodians who were not in force before the loss (rule 1).

    Args:
        tx: sees the restored database.
        custodians: of whom two have to sign.
        key: the log's key under the name that the log was opened under.

    Raises:
        Conflict: others were, or none (kind ``other-custodians``).
        Unavailable: the copy's entries are not those that its own checkpoint signs.
    """
    known = _named(tx, key)
    if known == custodians.digest:
        return
    if known is None:
        raise Conflict(
            "no entry from before the loss names custodians, and those of HABEAS_CUSTODIANS were "
            "named after it",
            cure=_WAY_OUT,
            kind="other-custodians",
        )
    raise Conflict(
        f"HABEAS_CUSTODIANS names the list {custodians.digest}; in force is {known}, by the "
        "entries from before the loss",
        cure=f"Name that list, if two of its custodians kept their keys. {_WAY_OUT}",
        kind="other-custodians",
    )


def _named(tx: Tx, key: VerifierKey) -> str | None:
    """The list that the signed entries name last; None where they name none."""
    newest = store.last_checkpoint(tx)
    if newest is None:
        return None
    signed = _opened(newest.note.encode(), key)
    tree, named = CompactRange(), None
    for entries in _batches(tx, signed.size):
        tree = tree.extend(leaf_hash(entry) for entry in entries)
        for entry in entries:
            named = _adopted(entry) or named
    if (tree.size, tree.root) != (signed.size, signed.root):
        raise _altered(f"its {signed.size} entries are not those that were signed")
    return named


def _batches(tx: Tx, size: int) -> Iterator[tuple[bytes, ...]]:
    for start in range(0, size, _BATCH):
        entries = store.raw_entries(tx, start, min(start + _BATCH, size))
        if not all(isinstance(entry, bytes) for entry in entries):
            raise _altered(f"an entry from {start} on is not kept as bytes")
        yield entries


def _adopted(entry: bytes) -> str | None:
    """The list that an entry takes into force. What is hashed here is believed by its root only."""
    if _KIND.value.encode() not in entry:
        return None
    try:
        leaf = parse_canonical(entry)
        return (
            decode(CustodiansAdoption, leaf["facts"]).custodians if leaf["kind"] == _KIND else None
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _altered(f"an entry that names custodians cannot be read: {error}") from error


def _opened(note: bytes, key: VerifierKey) -> Checkpoint:
    """Read the copy's checkpoint, signed under any name that the log has had."""
    try:
        name = origin_of(note)
        if base_of(name) != key.name:
            raise another_log(f"the database holds a checkpoint of {name}", key.name)
        return open_checkpoint(note, VerifierKey(name, key.public))
    except BadNote as error:
        raise another_log(f"the database's checkpoint is not of it: {error}", key.name) from error


def _altered(problem: str) -> Unavailable:
    return Unavailable(
        f"the restored copy was altered: {problem}",
        cure="Restore another copy of the database; see docs/operate.md, Restore.",
        kind="another-log",
    )
