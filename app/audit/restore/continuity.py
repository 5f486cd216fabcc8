"""Whether the log in the database is the log that this instance has kept so far.

A restored copy, a lost key or a lost name would otherwise begin a second log under the first log's
name, or sign the first with another key, and nobody here would notice. So the start is refused.
"""

from app.audit.entries import store
from app.audit.entries.records import LogOpening
from app.audit.entries.service import AuditService
from app.audit.growing.lineage import another_log, lock_lost, require_grown
from app.audit.tree.checkpoint import BadNote, VerifierKey, origin_of
from app.audit.tree.epoch import base_of
from app.db.engine import Tx
from app.kernel.facts import decode


def has_begun(tx: Tx) -> bool:
    """Whether the database holds a log, integrated or not."""
    return store.head_of(tx).size > 0 or store.any_pending(tx)


def require_same_log(tx: Tx, log: AuditService, key: VerifierKey, kept: bytes | None) -> None:
    """Refuse a log that was opened under another name, signed with another key, or rolled back.

    Args:
        tx: the transaction; nothing is written.
        log: the service of this instance, whose name and vault the log must have.
        key: the public key of this instance's log.
        kept: the checkpoint of the lock store; None where there is none.

    Raises:
        Unavailable: it is another log (kind ``another-log``), an earlier state of this log (kind
            ``rolled_back``), or what would tell is gone (kind ``lock-lost``).
    """
    name = _name_of(tx)
    if name not in {None, base_of(log.origin)}:
        raise another_log(f"the database holds the log {name}", log.origin)
    sample = store.any_wrapped_key(tx)
    if sample is not None and not log.vault.fits(sample.wrapped_key, sample.pseudonym):
        raise another_log("vault.key does not open the keys of people in this database", log.origin)
    tree, newest = store.head_of(tx), store.last_checkpoint(tx)
    if newest is not None:
        require_grown(tx, tree, _key_of(newest.note.encode(), key), newest.note.encode())
    if kept is not None:
        require_grown(tx, tree, key, kept)
    elif newest is not None:
        raise lock_lost("is empty, but checkpoints of this log were published")


def _name_of(tx: Tx) -> str | None:
    """The name under which the first entry opens the log, integrated or waiting."""
    event_id = store.first_event(tx)
    try:
        opened = None if event_id is None else store.submission_of(tx, event_id)
        return None if opened is None else decode(LogOpening, opened["facts"]).origin
    except (ValueError, KeyError, TypeError):
        return "whose first entry opens none"


def _key_of(note: bytes, key: VerifierKey) -> VerifierKey:
    """The log's key under the name of the epoch in which a checkpoint was signed."""
    try:
        name = origin_of(note)
    except BadNote:
        return key
    return VerifierKey(name, key.public) if base_of(name) == base_of(key.name) else key
