"""Keys come into use, are rotated and published: each step a signed set and an entry.

Rules:
1. A set is in force once its root has signed it and the log says so (``keys.adopted``), in one
   transaction under the log's lock. What is served is what signs, and each process reads it there.
2. What is published could be taken by everybody who has the set before it: it is checked by the
   function that laptops use (``next_key_set``).
3. The first root is a key of this machine, ``root.key``, made at the first start; what it signs is
   signed at once. When custodians are the root, they sign the text that ``propose`` writes.
4. Without the key by which something was signed no process of a log that has begun starts.
5. Where the row of the set in force does not agree with the log, none is served and none made:
   processes go on with the keys that they have.
6. Who publishes late publishes nothing: no process may sign for longer with a key than laptops
   believe it.
7. A set that came into force stays so over a restore (kept.py): until it is in the database again,
   a process signs by what the lock store keeps.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.audit.entries import documents
from app.audit.entries.documents import KEYS
from app.audit.entries.service import AuditService
from app.audit.restore.custody import FEWEST, Custodians
from app.db.engine import Database, Tx
from app.kernel.errors import Conflict, Forbidden, InvalidInput, Unavailable
from app.kernel.lanes import Lane
from app.kernel.signing import LocalSigner
from app.kernel.tokens import TYPE_OF
from app.keys import following, making, model, reading
from app.keys.kept import Coming, KeptSet, KeptSets
from app.keys.model import KeySet, PublishedKey, Root
from app.keys.ring import KeyRing

LIFE = timedelta(days=90)
"""How long a set is believed that a key of this machine signs; renewed after half of it."""
LIFE_SIGNED = timedelta(days=400)
"""How long one is believed that custodians sign."""
LEAD = timedelta(minutes=10)
"""How long the next key is published before it signs."""
LEAD_SIGNED = timedelta(days=7)
"""The same where custodians have to sign first."""
OVERLAP = timedelta(minutes=5)
"""For how long a process that learns late may go on with the key before."""

_logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class KeyService:
    """The key sets of one log.

    Attributes:
        database: where the sets are.
        log: says which is in force.
        ring: what this process signs with.
        kept: the sets that outlive a restored database.
        issuer: the address of this instance.
        custodians: who may become the root; None where none are named.
        serving: whether this process renews a set that is due; a verb does not.
    """

    database: Database
    log: AuditService
    ring: KeyRing
    kept: KeptSets
    issuer: str
    custodians: Custodians | None
    serving: bool = field(default=False, init=False)
    _known: int = field(default=-1, init=False, repr=False)

    def open(self, tx: Tx, *, begun: bool, lacking: bool = False) -> None:
        """Read which keys are in use, before anything is signed (rule 4).

        Args:
            tx: any transaction.
            begun: whether the database holds a log.
            lacking: go on without a key that is missing, to list it or to let another one follow.

        Raises:
            Unavailable: a key is missing (kind ``key-lost``) or another one (``another-key``).
        """
        note = self.newest(tx)
        lost = self.kept.lost(tx, note) if begun else ()
        if lost:  # asked for all its keys where it comes into force again: see ``adopt``
            self.ring.take_what_is_here(lost[-1].key_set)
        elif note is not None and lacking:
            self.ring.take_what_is_here(model.read_key_set(note))
        elif note is not None:
            self._take(note)
        else:
            if begun:
                self.ring.folder.require(*TYPE_OF)
            entry = reading.last_entry(tx)
            if entry is not None:
                self.ring.take_terms(entry.keys, self.kept.revoked(entry.version))
            elif tx.seals.broken is not None:
                self.ring.take_terms(())  # which of them were revoked cannot be told
            for name in TYPE_OF:  # whichever process is the first: nothing is signed without them
                self.ring.folder.signer(name)

    def prepare(self, now: datetime) -> Coming | None:
        """Keep what a start brings into force: lost sets, the first one, one that is due.

        Returns:
            What ``adopt`` brings into force; None where the set in force is in doubt.

        Raises:
            Unavailable: the log has halted, or a store does not answer.
        """
        with self.database.read(Lane.LOG) as tx:
            if self.newest(tx) is None and self.kept.is_in_doubt(tx):
                _logger.critical("the key set in force does not agree with the log: none is served")
                return None
        return self.kept.prepared(
            self.database, lambda held: self._due(held, now), now, running=self.serving
        )

    def adopt(self, tx: Tx, coming: Coming | None, now: datetime) -> None:
        """Bring into force what was prepared; it is taken once it is committed: see ``follow``.

        Args:
            tx: the transaction, under the log's lock.
            coming: what ``prepare`` returned.
            now: the present instant.
        """
        self.serving = True
        if coming is not None:
            self.kept.bring(tx, coming, self.newest(tx), now)

    def _due(self, held: KeySet | None, now: datetime) -> KeptSet | None:
        if held is None:
            first = making.first(self.ring.folder, self.issuer, now + LIFE)
            return self._checked(first.text.encode(), first, None, now)
        self._require_root(held.root)
        self.ring.require(held)
        if self._is_own(held.root) and (held.issuer != self.issuer or _is_due(held, now)):
            after = self._renewed(held, now)
            return self._checked(after.text.encode(), after, held, now)
        if held.issuer != self.issuer:
            _logger.warning("the key set in force is of %s: publish it anew", held.issuer)
        return None

    def follow(self) -> None:
        """Take a set that came into force, and renew one that is due; asked again and again.

        Raises:
            Unavailable: a store does not answer, or this folder lacks a key of the set.
        """
        position = self.database.seals.positions.get(f"list:{KEYS}")
        rows, now = 0 if position is None else position.rows, self.ring.clock.now()
        if rows != self._known:
            with self.database.read(Lane.LOG) as tx:
                note = self.newest(tx)
            if note is not None:
                self._take(note)
                self._known = rows
        held = self.ring.in_force
        if self.serving and held and _is_due(held, now) and self._is_own(held.root):
            coming = self.prepare(now)
            if coming is not None:
                self.kept.enforce(self.database, coming, now)
            self.take_newest()

    def take_newest(self) -> None:
        """Sign by what is committed as the newest set.

        Raises:
            Unavailable: see ``follow``.
        """
        with self.database.read(Lane.LOG) as tx:
            note = self.newest(tx)
        if note is not None:
            self._take(note)

    # What is served

    def newest(self, tx: Tx) -> bytes | None:
        """The key set in force, a signed note; None before the first, or where it is in doubt."""
        return reading.newest(tx)

    def of_root(self, tx: Tx, version: int) -> bytes:
        """The first set of a root: for who knows the root before (rule 3 of the model).

        Raises:
            NotFound: there is no such root.
        """
        return reading.of_root(tx, version)

    def publics(self, typ: str) -> tuple[bytes, ...]:
        """The public keys by which a type of token can be believed, the oldest first.

        What was signed before a key ended goes on being believed, so it stays; one that was revoked
        does not.
        """
        if self.ring.known is not None:
            return tuple(
                key.public for key in self.ring.known if key.typ == typ and not key.revoked
            )
        names = (name for name, signed in TYPE_OF.items() if signed == typ)
        return tuple(key.public for name in names for key in self.ring.folder.held(name))

    # Changes

    def propose_rotation(
        self, name: str, now: datetime, lead: timedelta | None = None, *, revoke: bool = False
    ) -> KeySet:
        """Make the next key of a name, and write the set that brings it into use.

        Args:
            name: ``lease``, ``receipt``, ``grant``, ``submission`` or ``erasure``.
            now: the present instant.
            lead: from when it signs; None: ``LEAD``, or ``LEAD_SIGNED`` with custodians.
            revoke: the keys before are believed for nothing any more, and it signs at once.

        Raises:
            InvalidInput: there is no such key, or it would sign only after the set has expired.
            Conflict: the next key of that name is published already and does not sign yet.
        """
        if name not in TYPE_OF:
            raise InvalidInput(
                f"no key is called {name}", cure=f"Name one of {', '.join(TYPE_OF)}."
            )
        held, typ = self.in_force(), TYPE_OF[name]
        alone = self._is_own(held.root)
        waiting = [key for key in held.of(typ) if key.begins is not None and key.begins > now]
        if waiting and not revoke:
            raise Conflict(
                f"{waiting[-1].kid} follows already, from {waiting[-1].begins}",
                cure="Wait until it signs.",
            )
        life = LIFE if alone else LIFE_SIGNED
        waits = lead if lead is not None else LEAD if alone else LEAD_SIGNED
        if not timedelta() <= waits < life:
            raise InvalidInput(
                "in: the key would begin when the set that names it has expired",
                cure=f"Less than {life.days} days.",
            )
        # Whoever has seen the folder has seen a key that waits in it: one that revokes is new.
        next_ = self.ring.folder.next(name) if revoke else self._next(name, held)
        key = PublishedKey(typ, next_.public, None if revoke else now + waits)
        after = following.rotated(held, key, OVERLAP, now, revoke=revoke)
        return replace(after, expires=now + life)

    def propose_root(self, tx: Tx, now: datetime) -> KeySet:
        """Write the set by which the custodians of the settings become the root.

        Raises:
            InvalidInput: none are named.
            Conflict: they are the root, or the log says that others are the custodians.
        """
        held = self.in_force()
        if self.custodians is None:
            cure = "Name their list in HABEAS_CUSTODIANS."
            raise InvalidInput("no custodians are named", cure=cure)
        if set(self.custodians.keys) == set(held.root.keys):
            raise Conflict("these custodians are the root already", cure="Nothing is to be done.")
        documents.require_custodians(tx, self.custodians.digest)
        after = following.rooted(held, self.custodians.keys, FEWEST)
        return replace(after, expires=now + LIFE_SIGNED)

    def propose_renewal(self, now: datetime, beyond: int = 0) -> KeySet:
        """Write the set in force anew, for longer and for the address of the settings.

        Args:
            now: the present instant.
            beyond: a version that laptops may have seen: of a database that was rolled back.

        Raises:
            InvalidInput: no laptop would take so large a step.
        """
        return self._renewed(self.in_force(), now, beyond)

    def _renewed(self, held: KeySet, now: datetime, beyond: int = 0) -> KeySet:
        if beyond - held.version >= model.MOST_STEPS:
            raise InvalidInput(
                f"beyond: laptops take steps of at most {model.MOST_STEPS} versions",
                cure=f"In force is version {held.version}: publish in several steps.",
            )
        life = LIFE if self._is_own(held.root) else LIFE_SIGNED
        version = max(held.version, beyond) + 1
        return replace(held, version=version, issuer=self.issuer, expires=now + life)

    def signs_alone(self, proposed: KeySet) -> bool:
        """Whether this machine can sign a set by itself: it is the root, before and after.

        Raises:
            Unavailable: it was, and ``root.key`` is missing or another one.
        """
        self._require_root(self.in_force().root)
        return self._is_own(self.in_force().root) and making.is_own(self.ring.folder, proposed.root)

    def publish(self, statement: bytes, now: datetime) -> KeySet:
        """Bring a set into force that its root has signed; what this machine signs is added.

        Args:
            statement: the text of the set, signed by as many as have to.
            now: the present instant.

        Raises:
            Forbidden: the root has not signed it.
            Conflict: it comes too late (rule 6).
            Unavailable: the folder lacks a key of it, the log has halted, or a store does not
                answer; where the set is kept by then, it says so.
        """
        coming = self.kept.prepared(
            self.database, lambda held: self._proposed(statement, held, now), now, running=True
        )
        self.kept.enforce(self.database, coming, now)
        assert coming.newest is not None  # _proposed refuses to be the first
        return coming.newest

    def _proposed(self, statement: bytes, held: KeySet | None, now: datetime) -> KeptSet | None:
        if held is None:
            problem = "the key set in force does not agree with the log"
            raise Conflict(problem, cure="See the alarm about it, on the page Alarms.")
        try:
            proposed = model.read_text(reading.text_of(statement))
            if proposed == held:  # it was kept, and a crash came before its commit
                return None
            return self._checked(statement, proposed, held, now)
        except ValueError as error:
            raise Forbidden(
                f"the key set is not published: {error}",
                cure="Take the text as it is written now, and have it signed by the root.",
            ) from error

    def in_force(self) -> KeySet:
        """The key set that this process signs by.

        Raises:
            Conflict: there is none yet.
        """
        if self.ring.in_force is None:
            raise Conflict("no keys are published yet", cure="Start the service once.")
        return self.ring.in_force

    # Steps

    def _checked(
        self, statement: bytes, after: KeySet, held: KeySet | None, now: datetime
    ) -> KeptSet:
        """Sign what this machine signs, and check it as laptops do.

        Raises:
            BadKeySet: nobody who has the set before would take it.
            Conflict, Unavailable: see ``publish``.
        """
        roots = (after.root,) if held is None else (held.root, after.root)
        signed = making.signed(self.ring.folder, statement, roots)
        if held is None:
            model.first_key_set(signed, now)
        else:
            reading.require_in_time(held, after, now)
            model.next_key_set(replace(held, issuer=after.issuer), (signed,), now)
        self.ring.require(after, held)
        return KeptSet(after, signed)

    def _take(self, note: bytes) -> None:
        adopted = model.read_key_set(note)
        known = self.ring.in_force
        if known is not None and adopted.version < known.version:
            _logger.critical("key set %s is older than what was in force", adopted.version)
            return
        self._require_root(adopted.root)
        self.ring.take(adopted)

    def _require_root(self, root: Root) -> None:
        if root.threshold < FEWEST and not self._is_own(root):
            problem = "laptops believe keys that root.key signed, and it is missing or another one"
            raise Unavailable(problem, cure="Put root.key back from its copy.", kind="key-lost")

    def _is_own(self, root: Root) -> bool:
        return making.is_own(self.ring.folder, root)

    def _next(self, name: str, held: KeySet) -> LocalSigner:
        return making.next_key(self.ring.folder, name, held)


def _is_due(held: KeySet, now: datetime) -> bool:
    return now >= held.expires - LIFE / 2
