"""What no restore undoes: key sets are kept in the lock store, too, as they were signed.

Rules:
1. A set is kept before it is committed, so no laptop has seen one that is not kept.
2. One that is kept and that the database does not have comes into force again, just as its root
   signed it: a restore lost it, or a crash came before its commit. Nobody signs anything anew, and
   what it revoked stays revoked.
3. It is taken only if it follows from what is in force, step by step, as laptops check it. Whoever
   can write to the lock store cannot make a key believed.
4. Of sets that the lock store does not know, such as those of an earlier release, it is told at the
   next start.
"""

import logging
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.audit.entries import documents
from app.audit.entries.documents import KEYS
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.growing.lock import LockStore, NotedKeySet
from app.db.engine import Tx
from app.kernel.errors import Unavailable
from app.kernel.facts import encode
from app.kernel.keys import KeyFolder
from app.keys import model
from app.keys.model import BadKeySet, Doubt, KeySet
from app.keys.record import adoption_of

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptSet:
    """A key set that the database has lost, and the note that its root signed."""

    key_set: KeySet
    note: bytes


@dataclass(frozen=True)
class KeptSets:
    """The key sets in the lock store, and how they come into force.

    Attributes:
        lock: outlives a restored database.
        log: says which set is in force.
        folder: has the root's key of a first set.
    """

    lock: LockStore
    log: AuditService
    folder: KeyFolder

    def bring(self, tx: Tx, after: KeySet, note: bytes, now: datetime) -> None:
        """Bring a set into force that is signed and checked: kept first, then in the log (rule 1).

        Raises:
            Unavailable: the lock store does not answer; so do all these methods.
        """
        self.lock.note_key_set(NotedKeySet(after.version, note, now))
        name = self.log.keep_document(tx, note, now)
        facts = encode(adoption_of(after, name))
        event = self.log.append(tx, Event(Kind.KEYS_ADOPTED, SYSTEM, facts), now)
        documents.adopt(tx, KEYS, name, now, event)

    def caught_up(self, tx: Tx, note: bytes | None, now: datetime) -> KeySet | None:
        """Bring into force again what the database has lost (rule 2), and keep what it has.

        Args:
            tx: the transaction, under the log's lock.
            note: the newest set in the database; None before the first.
            now: the present instant.

        Returns:
            The newest set; None before the first.

        Raises:
            Unavailable: what is kept does not follow from it (kind ``another-log``).
        """
        self._keep_all(tx, now)
        held = None if note is None else model.read_key_set(note)
        for lost in self.lost(tx, note):
            held = lost.key_set
            self.bring(tx, held, lost.note, now)
            _logger.warning("key set %s was not in the database; it is now", held.version)
        return held

    def lost(self, tx: Tx, note: bytes | None) -> tuple[KeptSet, ...]:
        """The sets that the database does not have, the oldest first.

        Args:
            tx: any transaction.
            note: the newest set in the database. Where it is in doubt there are none: what follows
                from it cannot be told.

        Raises:
            Unavailable: they do not follow from it (kind ``another-log``).
        """
        if note is None and self.is_in_doubt(tx):
            return ()
        held = None if note is None else model.read_key_set(note)
        own = frozenset(key.public for key in self.folder.held("root"))
        kept = self.lock.key_sets(beyond=0 if held is None else held.version - 1)
        if note is not None and held is not None and kept and kept[0].version == held.version:
            kept[0].require_same(note)
            kept = kept[1:]
        return tuple(_following(held, kept, own))

    def is_in_doubt(self, tx: Tx) -> bool:
        """Where no set is to be had: whether there ought to be one."""
        return bool(tx.seals.broken) or self.log.has_adopted(tx, KEYS)

    def revoked(self, beyond: int) -> frozenset[str]:
        """The ids of keys that sets of later versions than one revoke."""
        notes = (noted.note for noted in self.lock.key_sets(beyond))
        return frozenset(
            key.kid for note in notes for key in model.read_key_set(note).keys if key.revoked
        )

    def _keep_all(self, tx: Tx, now: datetime) -> None:
        """Keep those that are only in the database (rule 4)."""
        newest = self.lock.newest_key_set()
        for name in documents.adopted_as(tx, KEYS):
            note = documents.content_of(tx, name)
            version = 0 if note is None else model.read_key_set(note).version
            if note is not None and version > newest:
                self.lock.note_key_set(NotedKeySet(version, note, now))


def _following(
    held: KeySet | None, kept: Iterable[NotedKeySet], own: Container[bytes]
) -> Iterator[KeptSet]:
    for noted in kept:
        try:
            held = _next(held, noted, own)
        except BadKeySet as error:
            raise Unavailable(
                f"key set {noted.version} in the lock store does not follow from what is in the "
                f"database: {error}",
                cure="Database and lock store do not belong together; see docs/operate.md, "
                "Restore.",
                kind="another-log",
            ) from error
        yield KeptSet(held, noted.note)


def _next(held: KeySet | None, noted: NotedKeySet, own: Container[bytes]) -> KeySet:
    """Check a set as laptops do (rule 3); whether it has expired is asked of the newest only."""
    read = model.read_key_set(noted.note)
    in_time = read.expires - timedelta(seconds=1)
    if held is None:
        first = model.first_key_set(noted.note, in_time)
        if not all(key.public in own for key in first.root.keys):
            raise BadKeySet(Doubt.OTHER_ROOT, "its root is not root.key")
        return first
    return model.next_key_set(replace(held, issuer=read.issuer), (noted.note,), in_time)
