"""How a log goes on after its database was restored from a copy: a new epoch, by two people.

Entries are lost then that were signed, and no program can bring them back. What can be had is that
everybody sees it: the log goes on under a new name (see epoch.py), and its next entry,
``log.restored``, says which checkpoint was the last of the old name and from where it goes on.

Rules:
1. Two custodians sign what is lost, to the entry, and what the new name will be. A statement about
   any other state counts for nothing.
2. The entry, the statement and what the caller also does (ending every consent: a withdrawal
   may be among what was lost) are one transaction. The lock store's checkpoint, moved by
   compare-and-swap, is the moment of the change: before it the old name holds, after it the new.
3. A crash anywhere between is finished by the next start, which looks at the statement's signatures
   again: an entry that somebody put into the database by hand changes no name.
4. The list of which two must sign is named by HABEAS_CUSTODIANS, outside the database that was
   restored, and is the list that the log named before the loss (see before.py). The list is kept
   with the entry, so that a reader sees whose signatures were taken.
5. A copy to which somebody added a leaf is refused: it would be signed under the new name.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.audit.entries import documents, store
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.growing.entrances import require_head
from app.audit.growing.integrator import Integrator
from app.audit.growing.lineage import another_log, lock_lost, require_grown
from app.audit.growing.lock import LockStore
from app.audit.restore.before import require_named
from app.audit.restore.custody import Custodians, require_two
from app.audit.restore.record import Restored, RestoreRecord
from app.audit.tree.checkpoint import BadNote, Checkpoint, VerifierKey, open_checkpoint, origin_of
from app.audit.tree.epoch import base_of, number_of
from app.audit.tree.merkle import CompactRange
from app.db.engine import Database, Tx
from app.kernel.canonical import parse_canonical
from app.kernel.errors import Conflict, Unavailable
from app.kernel.facts import decode, encode

EndConsents = Callable[[Tx, datetime], int]
"""Ends every consent that holds, in the same transaction; returns how many."""


@dataclass(frozen=True)
class Acknowledged:
    """Who signed, and how many consents were ended."""

    signers: tuple[str, str]
    ended: int


@dataclass(frozen=True)
class Restore:
    """Acknowledges one restore.

    Attributes:
        database: the restored one.
        lock: still knows the last checkpoint.
        log: under the new name.
        integrator: under the new name.
        custodians: of whom two must sign; None: nobody can.
    """

    database: Database
    lock: LockStore
    log: AuditService
    integrator: Integrator
    custodians: Custodians | None

    def statement(self) -> str:
        """What two custodians must sign.

        Raises:
            Conflict: nothing was rolled back, or the custodians were not in force before the loss.
            Unavailable: no custodians are named, or the copy was altered.
        """
        with self.database.read() as tx:
            return self._situation(tx)[1]

    def acknowledge(self, note: bytes, end_consents: EndConsents, now: datetime) -> Acknowledged:
        """Begin the new epoch.

        Raises:
            Conflict, Unavailable: as ``statement``.
            Forbidden: the statement is another, or two different custodians did not sign it.
        """
        with self.database.write() as tx:
            store.lock(tx)
            restored, text = self._situation(tx)
            signers = require_two(note, text, self.custodians)
            assert self.custodians is not None  # require_two has refused otherwise
            record = RestoreRecord(
                restored,
                statement=documents.keep(tx, note, now),
                custodians=documents.keep(tx, self.custodians.document, now),
            )
            self.log.append(tx, Event(Kind.LOG_RESTORED, SYSTEM, encode(record)), now)
            ended = end_consents(tx, now)
        finish(self.lock, self.integrator)
        return Acknowledged(signers, ended)

    def _situation(self, tx: Tx) -> tuple[Restored, str]:
        if self.custodians is None:
            raise Unavailable(
                "two custodians must sign this, and this instance knows none",
                cure="Name a list in HABEAS_CUSTODIANS; see docs/operate.md, Custodians.",
            )
        tree, kept = store.head_of(tx), last_signed(tx, self.lock)
        if kept is None:
            raise Conflict("the log never published a checkpoint: there is nothing to go back from")
        last = _opened(kept, self.integrator.signer.public)
        require_named(tx, self.custodians, replace(self.integrator.key, name=base_of(last.origin)))
        newest = store.last_checkpoint(tx)
        require_head(tx, tree, None if newest is None else newest.note.encode())
        if self.lock.read() is not None and _continues(tx, tree, kept, self.integrator, last):
            raise Conflict("the log continues what was signed: there is nothing to acknowledge")
        restored = Restored.of(last, tree)
        return restored, restored.statement(self.custodians)


def origin_now(
    tx: Tx, lock: LockStore, base: str, public: bytes, custodians: Custodians | None
) -> tuple[str, bool]:
    """The name that the log has now, and whether a restore still has to be finished (rule 3).

    Args:
        tx: sees the database.
        lock: says under which name was published last.
        base: the name that the log was opened under.
        public: the log's public key.
        custodians: of whom two must have signed.

    Raises:
        Conflict: it was begun by custodians who were not named before the loss.
        Forbidden: a restore was begun without the signatures it needs.
        Unavailable: the lock store is of another log, or older than the last restore, or the entry
            of a restore lacks facts.
    """
    newest = store.last_checkpoint(tx)  # before the lock store, which moves first
    kept = last_signed(tx, lock)
    if kept is None:
        return base, False
    last = _opened(kept, public)
    if base_of(last.origin) != base:
        raise another_log(f"the lock store keeps the log {last.origin}", base)
    if newest is not None and _epoch_of(newest.note.encode()) > number_of(last.origin):
        # Under the old name another tree would be signed than the tree that was lost.
        raise lock_lost(f"is a copy from before the restore: it keeps the log {last.origin}")
    begun = _begun(tx)
    if begun is None or not begun.restored.follows(last):
        return last.origin, False
    restored = begun.restored
    note = documents.content_of(tx, begun.statement) or b""
    text = restored.statement(custodians) if custodians else ""
    require_two(note, text, custodians)
    assert custodians is not None  # require_two has refused otherwise
    require_named(tx, custodians, VerifierKey(base, public))
    return restored.origin, True


def _epoch_of(note: bytes) -> int:
    """The epoch that a checkpoint of the database claims; 0 for what is none (continuity.py)."""
    try:
        return number_of(origin_of(note))
    except BadNote:
        return 0


def finish(lock: LockStore, integrator: Integrator) -> None:
    """Let the tree take in the entry, and publish under the new name; again changes nothing.

    Like all that grows the log, as the integrator's role: the service's own may only submit.
    """
    count = 1
    while count:
        with integrator.database.write() as tx:
            store.lock(tx)
            tree, newest = store.head_of(tx, for_update=True), store.last_checkpoint(tx)
            require_head(tx, tree, None if newest is None else newest.note.encode())
            count = integrator.grow(tx, tree)
    kept = lock.read()
    if kept is not None and origin_of(kept) == integrator.origin:
        kept = None  # another process was faster
    integrator.publish(previous=kept)


def last_signed(tx: Tx, lock: LockStore) -> bytes | None:
    """The newest checkpoint: the lock store's, or, if that was lost, the database's own."""
    kept = lock.read()
    if kept is not None:
        return kept
    newest = store.last_checkpoint(tx)
    return None if newest is None else newest.note.encode()


def _begun(tx: Tx) -> RestoreRecord | None:
    """The newest ``log.restored``, in the log or waiting.

    Raises:
        Unavailable: this program did not write it (kind ``another-log``).
    """
    kind = Kind.LOG_RESTORED.value
    waiting = tx.execute(select(store.pending.c.submission).order_by(store.pending.c.pid.desc()))
    query = select(store.leaf.c.entry).where(store.leaf.c.kind == kind)
    newest = tx.execute(query.order_by(store.leaf.c.idx.desc()).limit(1))
    for raw in (*waiting.scalars(), *newest.scalars()):
        entry = _read(raw)
        if entry is not None and entry["kind"] == kind:
            return _as_written(entry["facts"])
    return None


def _read(raw: object) -> dict[str, Any] | None:
    """An entry; None for what no program of ours put there."""
    try:
        content = parse_canonical(raw) if isinstance(raw, bytes) else None
    except ValueError:
        return None
    return content if isinstance(content, dict) and {"kind", "facts"} <= content.keys() else None


def _as_written(facts: object) -> RestoreRecord:
    try:
        return decode(RestoreRecord, facts)
    except ValueError as error:
        raise Unavailable(
            f"the newest log.restored in the database was not written by this program: {error}",
            cure="Restore a copy of the database from before it; see docs/operate.md, Restore.",
            kind="another-log",
        ) from error


def _continues(
    tx: Tx, tree: CompactRange, kept: bytes, integrator: Integrator, last: Checkpoint
) -> bool:
    try:
        require_grown(tx, tree, replace(integrator.key, name=last.origin), kept)
    except Unavailable:
        return False
    return True


def _opened(note: bytes, public: bytes) -> Checkpoint:
    """Read a checkpoint that the log's key signed, under whatever name of the log."""
    name = ""
    try:
        name = origin_of(note)
        return open_checkpoint(note, VerifierKey(name, public))
    except BadNote as error:
        problem = f"its last checkpoint is not signed by log.key: {error}"
        raise another_log(problem, base_of(name)) from error
