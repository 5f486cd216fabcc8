"""The reconciler: finds what no longer agrees with the log, and seals what does.

Rules:
1. What it finds becomes an alarm, with an entry, within the integrator's next round. From there on
   the chain does not stand, also if the row is put back.
2. New entries are compared with their rows as they are folded, a bounded number each round; the
   whole database is compared again and again in the background.
3. Nothing is repaired. A row that was lost is lost; people act anew, or a copy is restored.
4. All rows are sealed again only on the word of two custodians (``habeas doctor --rebuild``).
5. How far it has come is kept over a start, sealed (``bookmark``). A process compares what came
   since before it serves. Where there is no bookmark it serves at once, as its fold knows the whole
   log and every row is judged by its seal when it is read; all entries are compared in the
   background, from the first, and the page Health shows how far. So no start waits for the whole
   log.
"""

import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from app.audit.entries import documents, store
from app.audit.entries.alarms import coded_chain
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.records import SealsRebuilt
from app.audit.entries.service import AuditService
from app.audit.growing.fold import Fold
from app.audit.restore.before import require_named
from app.audit.restore.custody import Custodians, require_two, statement_text
from app.audit.tree.checkpoint import VerifierKey
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.db.engine import Database, Tx
from app.db.ring import Dispute
from app.kernel.clock import Clock
from app.kernel.errors import Conflict, Unavailable
from app.kernel.facts import encode
from app.kernel.lanes import Lane
from app.reconcile.bookmark import keep, kept
from app.reconcile.examination import Examination, Progress, RowFindings
from app.reconcile.reached import ComparedSoFar, Reached
from app.reconcile.recent import MOST, compare_recent
from app.reconcile.sealing import SealedNow, seal_confirmed, waits
from app.reconcile.told import by_chain, told

ALARMS_AT_ONCE = 200
"""How many alarms one examination raises; the same chain is one alarm."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """Compares one database with its log.

    Attributes:
        log: takes the entries about what is sealed.
        fold: as far as the log is known.
        examination: what is compared with what.
        custodians: of whom two must sign before all rows are sealed again; None: nobody can.
        key: the log's public key under the name that the log was opened under.
        every_s: how long the background waits between two looks at everything, seconds.
        file: where the bookmark is kept; None: nowhere (trials).
        reached: how far it has come.
    """

    database: Database
    clock: Clock
    log: AuditService
    fold: Fold
    examination: Examination
    custodians: Custodians | None
    key: VerifierKey
    every_s: float
    file: Path | None = None
    reached: Reached = field(default_factory=Reached)

    def examine(self, progress: Progress) -> RowFindings:
        """Compare everything, and let alarms be raised about what does not agree.

        Raises:
            Unavailable: the database does not answer.
        """
        with self.database.read(Lane.LOG) as tx:
            # Before rows are sealed at all, none needs its seal.
            examination = replace(self.examination, sealed=tx.seals.required)
            findings = examination.of(tx, progress, lambda *_: None)
        self.database.seals.found(disputes_of(findings))
        found = by_chain(findings.differences, findings.bad)
        self.reached.whole(self.clock.now(), findings.count, found)
        return findings

    def resume(self, progress: Progress) -> None:
        """Before serving: compare what came since the kept bookmark (rule 5).

        Raises:
            Unavailable: the database does not answer.
        """
        found = None if self.file is None else kept(self.file, self.database.seals, self.log.origin)
        if found is None or self._grown(found.tree) != self.fold.tree:
            return
        self.reached.to(found)
        while self.follow():
            progress("entries compared", self.reached.entries, self.fold.tree.size)

    def _grown(self, tree: CompactRange) -> CompactRange:
        """What a tree becomes with the entries after it that are folded."""
        while tree.size < (end := self.fold.tree.size):
            with self.database.read(Lane.LOG) as tx:
                raws = store.raw_entries(tx, tree.size, min(end, tree.size + MOST))
            if not raws or not all(isinstance(raw, bytes) for raw in raws):
                break
            tree = tree.extend(leaf_hash(raw) for raw in raws)
        return tree

    def follow(self) -> int:
        """Compare entries that were folded since the last call; return how many those were.

        Raises:
            Unavailable: the database does not answer.
        """
        tree, bookmark = self.fold.tree, self.reached.bookmark
        if bookmark.tree.size >= tree.size:
            self._require_same(bookmark, tree)
            return 0
        with self.database.read(Lane.LOG) as tx:
            reached, differences = compare_recent(tx, self.examination, bookmark, tree.size)
        self.database.seals.found(difference.dispute for difference in differences)
        self.reached.unraised |= {coded_chain(each.chain) for each in differences}
        self.reached.also(map(told, differences))
        self.reached.to(reached)
        self._require_same(reached, tree)
        return reached.tree.size - bookmark.tree.size

    def _require_same(self, bookmark: ComparedSoFar, tree: CompactRange) -> None:
        """Begin anew where the entries that were compared are not those that were folded."""
        if bookmark.tree.size > tree.size or (
            bookmark.tree.size == tree.size and bookmark.tree != tree
        ):
            _logger.warning("entries were compared that are not the log's; all are compared anew")
            self.reached.to(ComparedSoFar())

    def keep_bookmark(self, after: int = 1) -> None:
        """Keep the bookmark for the next start, where it has moved by so many entries (rule 5)."""
        reached, ring = self.reached, self.database.seals
        reached.unraised = {chain for chain in reached.unraised if not ring.alarm_on(chain)}
        moved = reached.entries - reached.saved
        if self.file is None or moved < after or reached.unraised or ring.broken is not None:
            return
        keep(self.file, reached.bookmark, ring, self.log.origin)
        reached.saved = reached.entries

    def run(self, stop: threading.Event) -> None:
        """Follow the log, and look at everything now and then, until told to stop."""
        waited = 0.0
        while not stop.wait(_ROUND_S):
            waited += _ROUND_S
            try:
                self.follow()
                self.keep_bookmark(after=MOST)
                if waited >= self.every_s:
                    self.examine(lambda *_: None)
                    waited = 0.0
            except Exception:  # whatever went wrong, the next round begins from what is committed
                _logger.exception("the tables were not compared with the log; trying again")
        self.keep_bookmark()

    def seal_first(self, tx: Tx, progress: Progress, now: datetime) -> SealedNow | None:
        """Seal what the log confirms, once, in a database of before; None where it was done.

        A log that cannot be believed confirms nothing.

        Args:
            tx: the transaction, under the log's lock.
            progress: is told how far it is.
            now: the present instant.
        """
        if tx.seals.required or tx.seals.key is None or self.fold.tree.size == 0:
            return None
        self.fold.catch_up()  # another process may have sealed while this one waited for the lock
        if tx.seals.required or waits(tx, Kind.SEALS_ADOPTED):
            return None
        done = seal_confirmed(tx, self.examination, progress)
        self.log.adopt_seals(tx, now, done.sealed, done.findings.count)
        self.log.raise_alarms(tx, now, disputes_of(done.findings))
        return done

    def statement(self, tx: Tx) -> str:
        """What two custodians must sign before all rows are sealed again.

        Raises:
            Conflict: the custodians are not those that the log names.
            Unavailable: no custodians are named, or the log cannot be believed.
        """
        if self.custodians is None:
            raise Unavailable(
                "two custodians must sign this, and this instance knows none",
                cure="Name a list in HABEAS_CUSTODIANS; see docs/operate.md, Custodians.",
            )
        if tx.seals.broken is not None:
            raise Unavailable(
                f"the log cannot be believed: {tx.seals.broken}",
                cure="Restore a copy of the database first; see docs/operate.md, Restore.",
            )
        # As signed entries have it: the tables are what is in doubt.
        require_named(tx, self.custodians, self.key)
        head = store.head_of(tx)
        return statement_text(
            "seal-again",
            {
                "origin": self.log.origin,
                "size": str(head.size),
                "root": head.root.hex(),
                "generation": str(tx.seals.generation + 1),
                "custodians": self.custodians.digest,
            },
        )

    def rebuild(self, note: bytes, progress: Progress, now: datetime) -> SealedNow:
        """Seal everything again that the log confirms, with a new key.

        Args:
            note: the statement, signed by two custodians.
            progress: is told how far it is.
            now: the present instant.

        Raises:
            Conflict: another process is doing it.
            Forbidden: two different custodians did not sign this very statement.
            Unavailable: as ``statement``.
        """
        ring = self.database.seals
        self.fold.catch_up()
        before, alarms = ring.generation, dict(ring.alarms)
        try:
            with self.database.write(Lane.LOG) as tx:
                store.lock(tx)
                require_two(note, self.statement(tx), self.custodians)
                return self._seal_again(tx, note, progress, now)
        except BaseException:
            ring.turn(before)
            ring.set_alarms(alarms)
            raise

    def _seal_again(self, tx: Tx, note: bytes, progress: Progress, now: datetime) -> SealedNow:
        """Seal with the next key what the log confirms, and say on whose word."""
        assert self.custodians is not None  # statement has refused otherwise
        ring = tx.seals
        ring.turn(ring.generation + 1)
        _require_alone(tx)
        ring.set_alarms({}, cleared=ring.alarmed)
        ring.take_found()  # what still does not stand is found again
        done = seal_confirmed(tx, self.examination, progress)
        facts = SealsRebuilt(
            key=ring.key.id if ring.key else "",
            sealed=done.sealed,
            unsealed=done.findings.count,
            statement=documents.keep(tx, note, now),
            custodians=documents.keep(tx, self.custodians.document, now),
        )
        self.log.append(tx, Event(Kind.SEALS_REBUILT, SYSTEM, encode(facts)), now)
        self.log.raise_alarms(tx, now, disputes_of(done.findings))
        return done


_ROUND_S = 1.0


def _require_alone(tx: Tx) -> None:
    """Refuse to seal again what another process has just sealed with the next key."""
    if waits(tx, Kind.SEALS_REBUILT):
        cure = "Run habeas doctor when that is done."
        raise Conflict("another process has just sealed all rows again", cure=cure)


def disputes_of(findings: RowFindings) -> tuple[Dispute, ...]:
    """One dispute for each chain that does not agree, at most so many."""
    first: dict[str, Dispute] = {}
    for difference in findings.differences:
        first.setdefault(difference.chain, difference.dispute)
    return tuple(first.values())[:ALARMS_AT_ONCE]
