"""The integrator: gives committed submissions their index and grows the signed tree.

Rules:
1. One at a time. PostgreSQL: an advisory lock and the head's row, both held to the commit, under
   READ COMMITTED, so that what is selected after the lock is what is committed. SQLite: BEGIN
   IMMEDIATE.
2. The index comes from the head's size, never from a sequence: sequences leave gaps when a
   transaction rolls back, and number rows in another order than they commit.
3. Leaves, tiles, streams, head and signed checkpoint are one transaction. A crash leaves the log as
   it was and the submissions pending; a checkpoint without its leaves cannot exist.
4. A fault of the database is logged and retried. Nothing waits for the integrator but proofs.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from app.audit import growth, store
from app.audit.checkpoint import Checkpoint, VerifierKey, sign_note
from app.audit.growth import Pending
from app.audit.kept import KeptCheckpoint
from app.audit.merkle import CompactRange, complete_root, leaf_hash
from app.audit.model import Entry, stamp, stream_names
from app.audit.tiles import TILE_WIDTH, cut
from app.db.engine import Database, Tx
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.clock import Clock
from app.kernel.signing import Signer

BATCH = 1_000
RETRY_AFTER_S = 1.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Integrator:
    """Integrates the log called ``origin`` and signs its checkpoints.

    Attributes:
        database: where the log lies.
        signer: the log's key, used for nothing else.
        origin: the log's name and the name of its key.
        clock: for ``integrated_at``.
        every_s: how long ``run`` sleeps where no commit wakes it, seconds.
        kept: where the newest checkpoint is kept outside the database, after each commit.
    """

    database: Database
    signer: Signer
    origin: str
    clock: Clock
    every_s: float = 0.1
    kept: KeptCheckpoint | None = None

    @property
    def vkey(self) -> str:
        """The log's public key, as verifiers take it."""
        return VerifierKey(self.origin, self.signer.public).vkey

    def integrate(self) -> int:
        """Integrate all that is committed; return how many entries that were."""
        total = 0
        while self._anything_pending():
            with self.database.write() as tx:
                count = self._integrate_batch(tx)
            total += count
            if count:
                self._keep()
            if count < BATCH:
                break
        return total

    def run(self, stop: threading.Event) -> None:
        """Integrate until told to stop."""
        while not stop.is_set():
            self.database.committed.wait(self.every_s)
            # Cleared before looking: a commit during the look wakes the next round.
            self.database.committed.clear()
            try:
                self.integrate()
            except Exception:
                # Whatever went wrong, the next round begins from what is committed (rule 3).
                _logger.exception("the log was not integrated; trying again")
                stop.wait(RETRY_AFTER_S)

    def _keep(self) -> None:
        """Keep what is durable now; a crash before this leaves the file behind, which is sound."""
        with self.database.read() as tx:
            signed = store.last_checkpoint(tx)
        if self.kept is not None and signed is not None:
            self.kept.keep(signed.note)

    def _anything_pending(self) -> bool:
        """Look without taking the lock: an idle log costs one small read."""
        with self.database.read() as tx:
            return bool(growth.oldest_pending(tx, 1))

    def _integrate_batch(self, tx: Tx) -> int:
        store.lock(tx)
        tree = store.head_of(tx, for_update=True)
        pending = growth.oldest_pending(tx, BATCH)
        if not pending:
            return 0
        entries = self._stamp(tx, tree.size, pending)
        grown = tree.extend(entry.leaf_hash for entry in entries)
        growth.add_leaves(tx, entries)
        growth.remove_pending(tx, pending)
        _cut_tiles(tx, tree.size, grown.size)
        growth.move_head(tx, grown)
        self._sign(tx, grown)
        return len(entries)

    def _stamp(self, tx: Tx, size: int, pending: Sequence[Pending]) -> list[Entry]:
        now = self.clock.now()
        submitted = [parse_canonical(one.submission) for one in pending]
        touched = sorted({name for said in submitted for name in stream_names(said)})
        places = growth.stream_places(tx, touched)
        entries = []
        for idx, (one, said) in enumerate(zip(pending, submitted, strict=True), start=size):
            stood = {name: places.get(name) for name in stream_names(said)}
            stamps = {name: (at[0] + 1, at[1]) if at else (1, None) for name, at in stood.items()}
            places |= {name: (seq, idx) for name, (seq, _) in stamps.items()}
            leaf = stamp(said, one.submission, idx, now, stamps)
            raw = canonical(leaf)
            entries.append(Entry(idx, raw, leaf, leaf_hash(raw)))
        growth.move_streams(tx, places)
        return entries

    def _sign(self, tx: Tx, tree: CompactRange) -> None:
        text = Checkpoint(self.origin, tree.size, tree.root).text
        note = sign_note(text, self.origin, self.signer)
        growth.add_checkpoint(tx, tree, note, self.clock.now())


def _cut_tiles(tx: Tx, old: int, new: int) -> None:
    """Keep each tile that became full; its root is a hash of the level above."""
    level = 0
    while new:
        old, new = old // TILE_WIDTH, new // TILE_WIDTH
        for n in range(old, new):
            hashes = store.row_hashes(tx, level, n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
            growth.add_tile(tx, level, n, hashes, complete_root(cut(hashes)))
        level += 1
