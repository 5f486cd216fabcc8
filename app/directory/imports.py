"""An import of many people, in pieces between which everybody else gets in.

Rules:
1. Each piece is a transaction. Between two of them nothing is held, and there is a pause: whoever
   waits for the database gets it.
2. A piece that the database did not take is tried again. It judges its people anew, so that once
   more is harmless, also where nobody knows whether it was kept.
3. Once something was applied, no error says that nothing was: it says how far the import came, and
   that the same command goes on. Where the first piece may have been kept, it says that nobody
   knows.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from app.audit.entries.model import Actor
from app.db.engine import Database, Tx
from app.directory.model import ImportResult
from app.directory.plan import ImportPlan
from app.directory.service import DirectoryService
from app.kernel.clock import Clock
from app.kernel.errors import HabeasError, Unavailable

PAUSE_S = 0.01
"""How long everybody else has between two pieces at least, seconds."""
PAUSE_PART = 1 / 8
"""As part of what the piece took: on a machine that is busy, others need longer to be there."""
TRIES = 5

T = TypeVar("T")


@dataclass(frozen=True)
class ImportProgress:
    """How far an import has come in this run of it.

    Attributes:
        pieces, people: how many are done.
        of_pieces, of_people: how many there are to do.
    """

    pieces: int
    people: int
    of_pieces: int
    of_people: int

    def further(self, people: int) -> "ImportProgress":
        """The same after another piece."""
        return replace(self, pieces=self.pieces + 1, people=self.people + people)


@dataclass
class _Doubt:
    """Whether something may have been kept that was not confirmed."""

    there: bool = False


@dataclass(frozen=True)
class PeopleImport:
    """Carries out plans.

    Attributes:
        database, directory, clock: as the service has them.
        actor: who imports.
        pause: waits so many seconds.
    """

    database: Database
    directory: DirectoryService
    clock: Clock
    actor: Actor
    pause: Callable[[float], None] = time.sleep

    def apply(
        self, plan: ImportPlan, after: Callable[[ImportProgress], object] = lambda _: None
    ) -> ImportResult:
        """Do what a plan says.

        Args:
            plan: as ``DirectoryService.plan`` made it.
            after: called after each piece, such as to number its entries.

        Raises:
            HabeasError: as ``DirectoryService.import_piece``; what was applied stays (rule 3).
        """
        done, doubt = ImportProgress(0, 0, len(plan.pieces), plan.to_write), _Doubt()
        try:
            for piece in plan.pieces:
                start = time.monotonic()
                plan = self._kept(partial(self._piece, plan, piece), doubt)
                done = done.further(len(piece))
                after(done)
                self.pause(max(PAUSE_S, PAUSE_PART * (time.monotonic() - start)))
            result = self._kept(partial(self._end, plan), doubt)
            after(done)
        except KeyboardInterrupt:
            raise _stopped(Unavailable("somebody interrupted it"), plan, done) from None
        except HabeasError as error:
            began = plan.run is not None or doubt.there
            raise (_stopped(error, plan, done) if began else error) from error
        return result

    def _piece(self, plan: ImportPlan, piece: tuple[str, ...], tx: Tx) -> ImportPlan:
        return self.directory.import_piece(tx, plan, piece, self.actor, self.clock.now())

    def _end(self, plan: ImportPlan, tx: Tx) -> ImportResult:
        return self.directory.end_import(tx, plan, self.actor, self.clock.now())

    def _kept(self, work: Callable[[Tx], T], doubt: _Doubt) -> T:
        """Do something in a transaction of its own (rule 2)."""
        for attempt in range(1, TRIES):
            try:
                with self.database.write() as tx:
                    return work(tx)
            except Unavailable as error:
                doubt.there |= error.kind == "outcome-unknown"
                self.pause(PAUSE_S * 4**attempt)
        try:
            with self.database.write() as tx:
                return work(tx)
        except Unavailable as error:
            doubt.there |= error.kind == "outcome-unknown"
            raise


def _stopped(error: HabeasError, plan: ImportPlan, done: ImportProgress) -> HabeasError:
    """The same error, which says what was applied (rule 3)."""
    if plan.run is None:
        return type(error)(
            "the import stopped in its first piece, and it is not known whether that was kept; "
            f"{error.problem}",
            faults=error.faults,
            cure="Run the same command again: it goes on where it stopped.",
            kind=error.kind,
        )
    before = plan.done - done.pieces
    earlier = f" and {before} pieces before" if before else ""
    return type(error)(
        f"the import stopped after {done.pieces} of {done.of_pieces} pieces{earlier}: "
        f"{done.people} of {done.of_people} people were brought to what the file says, and stay "
        f"so; {error.problem}",
        faults=error.faults,
        cure="Run the same command again: it goes on where it stopped.",
        kind=error.kind,
    )
