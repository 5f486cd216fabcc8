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
5. Nobody who writes waits for the lock store: sets are kept before the transaction begins that
   brings them into force. Where that fails, the error says that they are kept, and so come.
"""

import logging
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.audit.entries import documents, store
from app.audit.entries.documents import KEYS
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.growing.lock import LockStore, NotedKeySet
from app.db.engine import Database, Tx
from app.kernel.errors import Conflict, HabeasError, Unavailable
from app.kernel.facts import encode
from app.kernel.keys import KeyFolder
from app.kernel.lanes import Lane
from app.keys import model, reading
from app.keys.model import BadKeySet, Doubt, KeySet
from app.keys.record import adoption_of

_ATTEMPTS = 5

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptSet:
    """A key set that the database has lost, and the note that its root signed."""

    key_set: KeySet
    note: bytes


@dataclass(frozen=True)
class Coming:
    """Key sets that are kept and are to come into force, the oldest first.

    Attributes:
        before: the set in force that they follow; None before the first.
        sets: in the lock store already.
    """

    before: KeySet | None
    sets: tuple[KeptSet, ...]

    @property
    def newest(self) -> KeySet | None:
        """What is in force once all have come."""
        return self.sets[-1].key_set if self.sets else self.before

    def beyond(self, note: bytes | None) -> tuple[KeptSet, ...]:
        """Those that are not in force yet, where another process may have brought some.

        Raises:
            Conflict: none of them is in force, nor what they follow.
        """
        held = None if note is None else model.read_key_set(note)
        chain = [self.before, *(kept.key_set for kept in self.sets)]
        if held not in chain:
            raise Conflict("another key set came into force meanwhile", cure="Publish it again.")
        return self.sets[chain.index(held) :]

    def require_in_time(self, now: datetime) -> None:
        """Return if no key that signs in a process that runs would have ended by a lost set.

        Raises:
            Conflict: it would, and laptops would not believe what it signs.
        """
        held = self.before
        for kept in self.sets:
            late = None if held is None else reading.ended(held, kept.key_set, now)
            if late is not None:
                raise Conflict(
                    f"key set {kept.key_set.version} is kept in the lock store and is late: "
                    f"{late} signs now and would have ended",
                    cure="Stop all processes and start the service: it comes into force then.",
                )
            held = kept.key_set

    def only_kept(self, error: HabeasError) -> HabeasError:
        """Say of an error after which nothing is in force that the sets come all the same."""
        if not self.sets:
            return error
        version = self.sets[-1].key_set.version
        return Unavailable(
            f"{error.problem}. Key set {version} is kept in the lock store all the same",
            cure="It comes into force when it is published again, or at the next start of the "
            f"service. {error.cure}".strip(),
            kind=error.kind,
        )


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

    def prepared(
        self,
        database: Database,
        make: Callable[[KeySet | None], KeptSet | None],
        now: datetime,
        *,
        running: bool,
    ) -> Coming:
        """Keep a set that follows those that are kept, unless the log has halted (rule 5).

        Args:
            database: where the sets in force are.
            make: makes the set, signed and checked, from the one before; None where none is due.
            now: the present instant.
            running: whether processes run that sign: no kept set may come too late for them.

        Raises:
            Conflict: one does.
            Unavailable: the log has halted, a store does not answer, or others keep sets.
        """
        for _ in range(_ATTEMPTS):
            with database.read(Lane.LOG) as tx:
                self.log.halt.require(lambda: store.size_of(tx))
                coming = self.caught_up(tx, reading.newest(tx), now)
                if running:
                    coming.require_in_time(now)
                after = make(coming.newest)
                try:
                    return coming if after is None else self.keep(coming, after, now)
                except Conflict:
                    continue
        raise Unavailable("other processes publish key sets", cure="Try again in a moment.")

    def enforce(self, database: Database, coming: Coming, now: datetime) -> None:
        """Bring sets into force that are kept, in a transaction of its own: see ``bring``.

        Raises:
            HabeasError: it could not be; says that they are kept and come all the same.
        """
        try:
            with database.write(Lane.LOG) as tx:
                store.lock(tx)
                self.bring(tx, coming, reading.newest(tx), now)
        except HabeasError as error:
            raise coming.only_kept(error) from error

    def keep(self, coming: Coming, after: KeptSet, now: datetime) -> Coming:
        """Keep a set that is signed and checked and follows the others: see ``bring``.

        Raises:
            Conflict: another one was kept meanwhile (kind ``lock-moved``).
            Unavailable: the lock store does not answer; so do all these methods.
        """
        before = coming.newest
        noted = NotedKeySet(after.key_set.version, after.note, now)
        self.lock.note_key_set(noted, after=0 if before is None else before.version)
        return replace(coming, sets=(*coming.sets, after))

    def bring(self, tx: Tx, coming: Coming, note: bytes | None, now: datetime) -> None:
        """Bring sets into force that are kept (rule 1); the lock store is not asked (rule 5).

        Args:
            tx: the transaction, under the log's lock.
            coming: what is kept.
            note: the newest set in the database, read in this transaction.
            now: the present instant.

        Raises:
            Conflict: another set came into force meanwhile.
        """
        for kept in coming.beyond(note):
            name = self.log.keep_document(tx, kept.note, now)
            facts = encode(adoption_of(kept.key_set, name))
            event = self.log.append(tx, Event(Kind.KEYS_ADOPTED, SYSTEM, facts), now)
            documents.adopt(tx, KEYS, name, now, event)

    def caught_up(self, tx: Tx, note: bytes | None, now: datetime) -> Coming:
        """Find what the database has lost (rule 2), and keep what it has (rule 4).

        Args:
            tx: a transaction that reads: nobody waits for it while the lock store answers.
            note: the newest set in the database; None before the first.
            now: the present instant.

        Raises:
            Unavailable: what is kept does not follow from it (kind ``another-log``).
        """
        self._keep_all(tx, now)
        coming = Coming(None if note is None else model.read_key_set(note), self.lost(tx, note))
        for lost in coming.sets:
            _logger.warning("key set %s is not in the database", lost.key_set.version)
        return coming

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
