"""The integrator: gives committed submissions their index, grows the tree, signs and publishes it.

Rules:
1. One at a time. PostgreSQL: an advisory lock and the head's row, both held to the commit, under
   READ COMMITTED, so that what is selected after the lock is what is committed. SQLite: BEGIN
   IMMEDIATE.
2. The index comes from the head's size, never from a sequence: sequences leave gaps when a
   transaction rolls back, and number rows in another order than they commit.
3. Leaves, tiles, streams and head are one transaction. A crash leaves the log as it was and the
   submissions pending.
4. Publishing is three steps in this order: sign the head, move the lock store's checkpoint by
   compare-and-swap, keep the checkpoint in the database. What the world can see is in the lock
   store before. A crash between two steps is finished by the next publishing.
5. A tree that does not continue the lock store's checkpoint is neither grown nor signed: the log
   halts in the named state (see halt.py) until the right database is back. So it does where the
   lock store has forgotten that checkpoint.
6. ``integrated_at`` never decreases, whatever the clock does.
7. A fault of the database or the lock store is logged and retried. Nothing waits for the integrator
   but proofs; machines are sent away when too much waits (see backlog.py).
8. Only what this service handed in is integrated, and only a head that it moved is grown or signed
   (entrances.py).
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.audit.entries import store
from app.audit.entries.halt import HEAD_UNSEALED, Halt
from app.audit.entries.model import Entry, stamp, stream_names
from app.audit.entries.store import Signed
from app.audit.entries.waiting import Pending, handed_in, waiting_since
from app.audit.growing import entrances, growth
from app.audit.growing.fold import Fold
from app.audit.growing.lineage import lock_lost, require_grown
from app.audit.growing.lock import LockStore, Published
from app.audit.tree.checkpoint import Checkpoint, VerifierKey, origin_of, sign_note
from app.audit.tree.merkle import CompactRange, complete_root, leaf_hash
from app.audit.tree.tiles import TILE_WIDTH, cut
from app.db.engine import Database, Tx
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.clock import Clock, instant
from app.kernel.errors import Conflict, Unavailable
from app.kernel.lanes import Lane
from app.kernel.signing import Signer

BATCH = 1_000
RETRY_AFTER_S = 1.0
REPUBLISH_AFTER = timedelta(minutes=10)
"""A checkpoint that did not change is published again after this long, to show that we live."""

_ATTEMPTS = 20

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Integrator:
    """Integrates the log called ``origin`` and publishes its checkpoints.

    Attributes:
        database: where the log is.
        signer: the log's key, used for nothing else.
        origin: the log's name and the name of its key.
        clock: for ``integrated_at``.
        every_s: how long ``run`` waits where no commit ends the wait, seconds.
        lock: where the newest checkpoint is kept outside the database; None: nowhere (trials).
        halt: told when the log must not go on.
        merge_within: how long a submission may wait before that is an alarm.
        fold: learns what each round brought; None: nobody asks (trials).
        raise_found: appends the alarms that somebody who only read could not; None as above.
        folded: is told after each round that the fold knows all that is new; None as above.
    """

    database: Database
    signer: Signer
    origin: str
    clock: Clock
    every_s: float = 0.1
    lock: LockStore | None = None
    halt: Halt = field(default_factory=Halt)
    merge_within: timedelta = timedelta(seconds=10)
    fold: Fold | None = None
    raise_found: Callable[[], None] | None = None
    folded: Callable[[], None] | None = None

    @property
    def key(self) -> VerifierKey:
        """The log's public key under its name."""
        return VerifierKey(self.origin, self.signer.public)

    @property
    def vkey(self) -> str:
        """The log's public key, as verifiers take it."""
        return self.key.vkey

    def integrate(self) -> int:
        """Integrate and publish all that is committed; return how many entries were new.

        Raises:
            Unavailable: a store does not answer, or the log has halted (kind ``rolled_back``).
        """
        total = 0
        if self.raise_found is not None:
            self.raise_found()
        while self._anything_pending():
            with self.database.write(Lane.LOG) as tx:
                count = self._integrate_batch(tx)
            total += count
            if count < BATCH:
                break
            self.publish()  # a long backlog shows while it is worked off
        self.publish()
        if self.fold is not None:
            self.fold.catch_up()
        if self.folded is not None:
            self.folded()
        return total

    def publish(self, previous: bytes | None = None) -> None:
        """Sign the head and publish it (rule 4); does nothing where that is done and fresh.

        Args:
            previous: the final checkpoint of the epoch before, which the first one of this epoch
                replaces in the lock store (see restore.py); None within an epoch.

        Raises:
            Unavailable: a store does not answer, or the log has halted.
        """
        for _ in range(_ATTEMPTS):
            # The lock store first: what it names was in the database before this reading began.
            known = self.lock.published() if self.lock else None
            with self.database.read(Lane.LOG) as tx:
                tree, newest = self._head(tx), store.last_checkpoint(tx)
                if known is None:
                    self._require_unpublished(newest)
                elif known.note != previous:
                    self._require_grown(tx, tree, known.note)
                self._require_sealed(tx, tree, _note(known, newest))
            if tree.size == 0:
                return
            note = sign_note(
                Checkpoint(self.origin, tree.size, tree.root).text, self.origin, self.signer
            )
            if not self._lock_moved(known, note.encode()):
                continue
            if newest is None or newest.size < tree.size:
                with self.database.write(Lane.LOG) as tx:
                    growth.add_checkpoint(tx, tree, note, self.clock.now())
            self.halt.reached(tree.size)
            return
        raise Unavailable("other processes publish without end", cure="Try again in a moment.")

    def run(self, stop: threading.Event) -> None:
        """Integrate and publish until told to stop."""
        late = False
        while not stop.is_set():
            self.database.committed.wait(self.every_s)
            # Cleared before looking: a commit during the look starts the next round.
            self.database.committed.clear()
            try:
                self.integrate()
                late = self._warn(late)
            except Exception:
                # Whatever went wrong, the next round begins from what is committed (rule 3).
                if self.halt.state is None:
                    _logger.exception("the log was not integrated; trying again")
                stop.wait(RETRY_AFTER_S)

    def _warn(self, late: bool) -> bool:
        """Say once that submissions are overdue, and again when they were not in between."""
        with self.database.read(Lane.LOG) as tx:
            since = waiting_since(tx)
        overdue = since is not None and self.clock.now() - since > self.merge_within
        if overdue and not late:
            _logger.warning("submissions wait for their index longer than was promised")
        return overdue

    def _lock_moved(self, known: Published | None, note: bytes) -> bool:
        """Let the lock store follow; False where another process was faster: look again."""
        now = self.clock.now()
        if self.lock is None:
            return True
        # The distance, not the age: a clock that was set back must not stop the republishing.
        if known is not None and known.note == note and abs(now - known.at) < REPUBLISH_AFTER:
            return True
        try:
            self.lock.advance(known.note if known else None, note, now)
        except Conflict:
            return False
        return True

    def _head(self, tx: Tx, *, for_update: bool = False) -> CompactRange:
        """How far the tree has grown; halt where that cannot be read (rule 8)."""
        try:
            return store.head_of(tx, for_update=for_update)
        except Unavailable as why:
            if why.kind == HEAD_UNSEALED:
                self._stop(why)
            raise

    def _require_grown(self, tx: Tx, tree: CompactRange, kept: bytes) -> None:
        try:
            require_grown(tx, tree, self.key, kept)
        except Unavailable as why:
            self._stop(why)
            raise

    def _require_unpublished(self, newest: Signed | None) -> None:
        """Halt where an empty lock store held a checkpoint of this name before."""
        if self.lock is None or newest is None or origin_of(newest.note.encode()) != self.origin:
            return
        if self.lock.read() is None:  # else another process has just published the first checkpoint
            why = lock_lost("is empty, but checkpoints of this log were published")
            self._stop(why)
            raise why

    def _stop(self, why: Unavailable) -> None:
        if self.halt.stop(why):
            _logger.critical("the log has halted: %s", why.problem)

    def _anything_pending(self) -> bool:
        """Look without taking the lock: an idle log costs one small read."""
        with self.database.read(Lane.LOG) as tx:
            return store.any_pending(tx)

    def _integrate_batch(self, tx: Tx) -> int:
        store.lock(tx)
        tree = self._head(tx, for_update=True)
        kept = self.lock.read() if self.lock else None
        if kept is None:
            self._require_unpublished(store.last_checkpoint(tx))
        else:
            self._require_grown(tx, tree, kept)
        self._require_sealed(tx, tree, kept)
        return self.grow(tx, tree)

    def _require_sealed(self, tx: Tx, tree: CompactRange, kept: bytes | None) -> None:
        """Halt where somebody else moved the head (rule 8)."""
        try:
            entrances.require_head(tx, tree, kept)
        except Unavailable as why:
            self._stop(why)
            raise

    def grow(self, tx: Tx, tree: CompactRange) -> int:
        """Append up to a batch of what waits to the tree; the caller holds the log's lock."""
        pending = handed_in(tx, BATCH)
        if not pending:
            return 0
        entries = self._stamp(tx, tree.size, pending)
        grown = tree.extend(entry.leaf_hash for entry in entries)
        growth.add_leaves(tx, entries)
        growth.remove_pending(tx, pending)
        _cut_tiles(tx, tree.size, grown.size)
        growth.move_head(tx, grown)
        return len(entries)

    def _stamp(self, tx: Tx, size: int, pending: Sequence[Pending]) -> list[Entry]:
        now = max(self.clock.now(), _last_integrated(tx, size) or self.clock.now())
        submitted = [parse_canonical(waiting.submission) for waiting in pending]
        touched = sorted({name for content in submitted for name in stream_names(content)})
        places = growth.stream_places(tx, touched)
        entries = []
        for idx, (waiting, content) in enumerate(zip(pending, submitted, strict=True), start=size):
            stood = {name: places.get(name) for name in stream_names(content)}
            stamps = {name: (at[0] + 1, at[1]) if at else (1, None) for name, at in stood.items()}
            places |= {name: (seq, idx) for name, (seq, _) in stamps.items()}
            leaf = stamp(content, waiting.submission, idx, now, stamps)
            raw = canonical(leaf)
            entries.append(Entry(idx, raw, leaf, leaf_hash(raw)))
        growth.move_streams(tx, places)
        return entries


def _note(known: Published | None, newest: Signed | None) -> bytes | None:
    """What was signed last, by the lock store, or else by the database."""
    if known is not None:
        return known.note
    return None if newest is None else newest.note.encode()


def _last_integrated(tx: Tx, size: int) -> datetime | None:
    """When the last of the ``size`` entries was integrated; None in an empty log."""
    last = store.entries_between(tx, size - 1, size)
    return instant(last[0].leaf["integrated_at"]) if last else None


def _cut_tiles(tx: Tx, old: int, new: int) -> None:
    """Keep each tile that became full; its root is a hash of the level above."""
    level = 0
    while new:
        old, new = old // TILE_WIDTH, new // TILE_WIDTH
        for n in range(old, new):
            hashes = store.row_hashes(tx, level, n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
            growth.add_tile(tx, level, n, hashes, complete_root(cut(hashes)))
        level += 1
