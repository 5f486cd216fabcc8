"""Whether the log in the database is the one that this instance has kept so far.

A restored copy, a lost key or a lost name would otherwise begin a second log under the first one's
name, or sign the first with another key, and nobody here would notice. So the start is refused.
"""

from typing import Any

from app.audit import proofs, store
from app.audit.checkpoint import BadNote, VerifierKey, open_checkpoint
from app.audit.merkle import root_at
from app.audit.service import AuditService
from app.db.engine import Tx
from app.kernel.errors import Unavailable

_BACK = "Put the folder named by HABEAS_VAR back from its copy; see docs/operate.md, Restore."


def has_begun(tx: Tx) -> bool:
    """Whether the database holds a log, integrated or not."""
    return store.head_of(tx).size > 0 or store.count_pending(tx) > 0


def require_same_log(tx: Tx, log: AuditService, key: VerifierKey, kept: bytes | None) -> None:
    """Refuse a log that was opened under another name, signed with another key, or rolled back.

    Args:
        tx: the transaction; nothing is written.
        log: the service of this instance, whose name and vault the log must have.
        key: the public key of this instance's log.
        kept: the checkpoint kept outside the database; None where there is none.

    Raises:
        Unavailable: it is another log (kind ``another-log``), or an earlier state of this one
            (kind ``rolled-back``).
    """
    opened = _opened(tx)
    if opened is not None and opened["facts"].get("origin") != log.origin:
        raise _another(f"the database holds the log {opened['facts'].get('origin')}", log.origin)
    sample = store.any_wrapped_key(tx)
    if sample is not None and not log.vault.fits(sample.wrapped_key, sample.pseudonym):
        raise _another("vault.key does not open the keys of people in this database", log.origin)
    _require_own_signature(tx, log, key)
    if kept is not None:
        _require_grown(tx, log, key, kept)


def _opened(tx: Tx) -> dict[str, Any] | None:
    """What the first entry says, integrated or waiting."""
    event_id = store.first_event(tx)
    return None if event_id is None else store.submission_of(tx, event_id)


def _require_own_signature(tx: Tx, log: AuditService, key: VerifierKey) -> None:
    tree, signed = store.head_of(tx), store.last_checkpoint(tx)
    if signed is None and tree.size == 0:
        return
    try:
        found = open_checkpoint(signed.note.encode() if signed else b"", key)
    except BadNote as error:
        problem = f"the newest checkpoint is not signed by log.key: {error}"
        raise _another(problem, log.origin) from error
    if (found.size, found.root) != (tree.size, tree.root):
        raise _rolled_back(f"the newest checkpoint signs {found.size} entries, not {tree.size}")


def _require_grown(tx: Tx, log: AuditService, key: VerifierKey, kept: bytes) -> None:
    try:
        before = open_checkpoint(kept, key)
    except BadNote as error:
        raise _another(f"log.checkpoint is not of this log: {error}", log.origin) from error
    size = store.head_of(tx).size
    if size < before.size:
        raise _rolled_back(f"this log had {before.size} entries, the database has {size}")
    if root_at(before.size, proofs.nodes(tx)) != before.root:
        raise _rolled_back(f"the first {before.size} entries are not those that were signed")


def _another(problem: str, origin: str) -> Unavailable:
    return Unavailable(
        f"this instance keeps the log {origin}, but {problem}", cure=_BACK, kind="another-log"
    )


def _rolled_back(problem: str) -> Unavailable:
    return Unavailable(
        f"the database was rolled back: {problem}",
        cure="Restore the newest copy of the database; see docs/operate.md, Restore.",
        kind="rolled-back",
    )
