"""The fold: what the log knows of each chain of rows, worked out as the log grows.

Each process folds by itself, from the leaves and from nothing else: whoever writes SQL changes the
tables, but not the leaves under a signed root. So a row that was deleted, or put back as it was,
shows as a chain that is behind.

Rules:
1. Leaves are hashed as they are folded; at the end the tree must be that of the head, which the
   integrator holds against the lock store. If it is not, nothing stands (``SealRing.broken``), and
   one alarm says so, of the log.
2. The fold is before the answer: a process folds everything before it serves, and then with each
   round of its integrator. A transaction is held to what was known before it began.
3. Memory grows with people and devices, not with entries. Rows that matter for a while only, such
   as uses of grants, are forgotten after it.
4. One thread folds at a time, and another that comes meanwhile waits: whoever returns knows all
   that the log had when it asked.
5. A snapshot saves time at the next start. It is sealed, and the tree that goes on from it must be
   the tree of the database: a wrong, old or foreign snapshot is not used.
"""

import hmac
import json
import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.audit.entries import store
from app.audit.entries.alarms import OpenAlarms, Proposal
from app.audit.entries.model import Kind
from app.audit.entries.recorded import LOG_CHAIN, Leaf, Recording
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.db.engine import Database
from app.db.ring import Dispute, Flaw, Position, SealKey, SealRing
from app.kernel.clock import instant
from app.kernel.keys import create_once
from app.kernel.lanes import Lane

FORM = 1
"""Number of what a snapshot holds; a program that records otherwise has another."""

_BATCH = 1_000
_logger = logging.getLogger(__name__)


class Broken(ValueError):
    """The log in the database is not what was signed; the message says where."""


@dataclass
class Fold:
    """Folds one log.

    Attributes:
        database: where the log is.
        ring: is told what the log knows.
        recording: what entries of each kind say about rows.
        tree: as far as it is folded.
        alarms: the chains with an open alarm; replaced as a whole, so that other threads may read.
    """

    database: Database
    recording: Mapping[Kind, Recording]
    tree: CompactRange = field(default_factory=CompactRange)
    alarms: OpenAlarms = field(default_factory=OpenAlarms)
    _rebuilt: int = 0
    _passing: deque[tuple[datetime, str]] = field(default_factory=deque)
    _folding: threading.Lock = field(default_factory=threading.Lock)
    _kinds: set[str] = field(default_factory=set)
    _undo: list[tuple[str, Position | None]] = field(default_factory=list)

    @property
    def ring(self) -> SealRing:
        """Where the rest of the process looks."""
        return self.database.seals

    def catch_up(self) -> int:
        """Fold what is new; return how many entries that were. Never raises for what is in the log.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._folding:
            before = self.tree.size
            try:
                while self._batch():
                    pass
            except Broken as why:
                if self.ring.broken is None:
                    _logger.critical("the log cannot be believed: %s", why)
                self.ring.broken = str(why)
                self.ring.found([Dispute(LOG_CHAIN, Flaw.LOG, store.leaf.name)])
            else:
                self.ring.broken = None
            return self.tree.size - before

    def _batch(self) -> bool:
        """Fold up to a batch; say whether there may be more."""
        with self.database.read(Lane.LOG) as tx:
            head = store.head_of(tx)
            if head.size < self.tree.size:
                msg = f"{self.tree.size} entries were folded, the database has {head.size}"
                raise Broken(msg)
            end = min(head.size, self.tree.size + _BATCH)
            raws = store.raw_entries(tx, self.tree.size, end)
        if len(raws) != end - self.tree.size:
            msg = f"entries are missing between {self.tree.size} and {end}"
            raise Broken(msg)
        leaves = [_read(raw, idx) for idx, raw in enumerate(raws, start=self.tree.size)]
        grown = self.tree.extend(leaf_hash(raw) for raw in raws)
        if grown.size == head.size and grown.root != head.root:
            msg = f"the first {head.size} entries do not give the root of the log"
            raise Broken(msg)
        cleared = self._take_all(leaves)
        self.tree = grown
        self.ring.set_alarms(self.alarms.by_chain, cleared=cleared)
        self.ring.size = grown.size
        self.ring.moved(self._kinds)
        self._kinds.clear()
        return grown.size < head.size

    def _take_all(self, leaves: Sequence[Leaf]) -> list[str]:
        """Take in a batch, whole or not at all: what failed is tried again, and counts once."""
        alarms, rebuilt = self.alarms.copy(), self._rebuilt
        self._undo.clear()
        try:
            cleared = [chain for leaf in leaves for chain in self._take(leaf, alarms)]
        except Broken:
            for chain, before in reversed(self._undo):
                if before is None:
                    self.ring.positions.pop(chain, None)
                else:
                    self.ring.positions[chain] = before
            if rebuilt != self._rebuilt:
                self._rebuilt = rebuilt
                self.ring.turn(1 + rebuilt)
            raise
        self.alarms = alarms
        return cleared

    def _take(self, leaf: Leaf, alarms: OpenAlarms) -> tuple[str, ...]:
        kind, positions = Kind(leaf["kind"]), self.ring.positions
        if kind in {Kind.SEALS_ADOPTED, Kind.SEALS_REBUILT}:
            self.ring.adopted = True
        if kind is Kind.SEALS_REBUILT:
            self._rebuilt += 1
            self.ring.turn(1 + self._rebuilt)
        reading = self.recording.get(kind)
        try:
            rows = () if reading is None else tuple(reading(leaf, self._ahead))
            cleared = alarms.take(leaf)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Broken(f"entry {leaf['idx']} ({kind}) cannot be read: {error}") from error
        for row in rows:
            self._undo.append((row.chain, positions.get(row.chain)))
            positions[row.chain] = Position(self._ahead(row.chain) + 1, leaf["idx"])
            self._kinds.add(row.chain.partition(":")[0])
            if row.kept is not None:
                self._passing.append((instant(leaf["occurred_at"]) + row.kept, row.chain))
        self._forget(instant(leaf["integrated_at"]))
        return cleared

    def _ahead(self, chain: str) -> int:
        known = self.ring.positions.get(chain)
        return 0 if known is None else known.rows

    def _forget(self, now: datetime) -> None:
        while self._passing and self._passing[0][0] < now:
            self.ring.positions.pop(self._passing.popleft()[1], None)

    # Snapshots (rule 5)

    def save(self, file: Path) -> None:
        """Write a snapshot, whole or not at all; none where the log cannot be believed."""
        key = self._own_key()
        if key is None or self.ring.broken is not None:
            return
        content = json.dumps(self._state(), sort_keys=True).encode()
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        create_once(draft, key.mac(b"fold\n" + content).hex().encode() + b"\n" + content)
        draft.replace(file)

    def load(self, file: Path) -> bool:
        """Take a snapshot over where it is ours; say whether it was. To be followed by a catch-up.

        That the tree goes on from it is seen there: another tree would not give the head's root.
        """
        key = self._own_key()
        try:
            seal, _, content = file.read_bytes().partition(b"\n")
            if key is None or not hmac.compare_digest(
                seal, key.mac(b"fold\n" + content).hex().encode()
            ):
                return False
            state = json.loads(content)
            if state["form"] != FORM:
                return False
            self._restore(state)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return True

    def _own_key(self) -> SealKey | None:
        """The first key: which one is in use is known from the log only."""
        derive = self.ring.derive
        return self.ring.key if derive is None else derive(1)

    def _state(self) -> dict[str, Any]:
        return {
            "form": FORM,
            "size": self.tree.size,
            "frontier": [node.hex() for node in self.tree.frontier],
            "positions": {chain: [at.rows, at.idx] for chain, at in self.ring.positions.items()},
            "passing": [[until.isoformat(), chain] for until, chain in self._passing],
            "alarms": self.alarms.by_chain,
            "proposals": self.alarms.proposals,
            "cleared": sorted(self.ring.cleared),
            "adopted": self.ring.adopted,
            "rebuilt": self._rebuilt,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        tree = CompactRange(state["size"], tuple(bytes.fromhex(node) for node in state["frontier"]))
        with self.database.read(Lane.LOG) as tx:
            head = store.head_of(tx)
        if head.size < tree.size or (head.size == tree.size and head.root != tree.root):
            raise ValueError("the snapshot is of another log")
        self.tree = tree
        proposals = ((chain, Proposal(*said)) for chain, said in state["proposals"].items())
        self.alarms = OpenAlarms(state["alarms"].items(), proposals, tree.size)
        self.ring.positions = {chain: Position(*at) for chain, at in state["positions"].items()}
        self._passing = deque(
            (datetime.fromisoformat(until), chain) for until, chain in state["passing"]
        )
        self.ring.adopted, self._rebuilt = state["adopted"], state["rebuilt"]
        self.ring.turn(1 + self._rebuilt)
        self.ring.set_alarms(self.alarms.by_chain, cleared=state["cleared"])
        self.ring.size = tree.size

    def restart(self) -> None:
        """Forget everything: the next catch-up folds the whole log."""
        self.tree, self.alarms = CompactRange(), OpenAlarms()
        self._passing.clear()
        self._rebuilt = 0
        self.ring.unlearn()


def _read(raw: object, idx: int) -> Leaf:
    try:
        return _leaf(raw, idx)
    except (ValueError, KeyError, TypeError) as error:
        raise Broken(f"entry {idx} cannot be read: {error}") from error


def _leaf(raw: object, idx: int) -> Leaf:
    if not isinstance(raw, bytes | memoryview):
        raise TypeError("it is not kept as bytes")
    leaf: Leaf = json.loads(bytes(raw))
    kind, facts = Kind(leaf["kind"]), leaf["facts"]
    if leaf["idx"] != idx or not isinstance(facts, dict):
        raise ValueError(f"it says that it is entry {leaf['idx']}, of {kind}")
    return leaf
