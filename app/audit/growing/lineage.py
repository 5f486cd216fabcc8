"""Whether the tree in the database continues a checkpoint that was signed before."""

from app.audit.entries.halt import rolled_back
from app.audit.reading.proofs import nodes
from app.audit.tree.checkpoint import BadNote, Checkpoint, VerifierKey, open_checkpoint
from app.audit.tree.merkle import CompactRange, root_at
from app.db.engine import Tx
from app.kernel.errors import Unavailable

CURE = "Put the folder named by HABEAS_VAR back from its copy; see docs/operate.md, Restore."


def require_grown(tx: Tx, tree: CompactRange, key: VerifierKey, kept: bytes) -> Checkpoint:
    """Refuse a tree that is smaller than what was signed, or has another beginning.

    Args:
        tx: sees the tree's leaves.
        tree: how far the log in the database has grown.
        key: the log's key under its name.
        kept: the newest signed checkpoint, from outside the database.

    Returns:
        The kept checkpoint, verified.

    Raises:
        Unavailable: rolled back or forked (kind ``rolled_back``), or signed under another name or
            key (kind ``another-log``).
    """
    try:
        before = open_checkpoint(kept, key)
    except BadNote as error:
        raise another_log(f"the lock store's checkpoint is not of it: {error}", key.name) from error
    if tree.size < before.size:
        raise rolled_back(f"this log had {before.size} entries, the database has {tree.size}")
    root = tree.root if tree.size == before.size else root_at(before.size, nodes(tx))
    if root != before.root:
        raise rolled_back(f"the first {before.size} entries are not those that were signed")
    return before


def lock_lost(problem: str) -> Unavailable:
    """The error of a lock store that has forgotten what was published."""
    return Unavailable(
        f"the lock store {problem}",
        cure="Put its newest copy back (HABEAS_LOCK_URL); if there is none, see docs/operate.md, "
        "Restore.",
        kind="lock-lost",
    )


def another_log(problem: str, origin: str) -> Unavailable:
    """The error of a database, a folder and a lock store that do not belong together."""
    return Unavailable(
        f"this instance keeps the log {origin}, but {problem}", cure=CURE, kind="another-log"
    )
