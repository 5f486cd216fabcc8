"""Reads what is in force, with a memory that cannot be wrong.

Rules:
1. The rows change only with a policy event, and each event has an id of its own that never comes
   back, not even if its transaction is undone. What is remembered under the id of the last event is
   right for as long as that event is the last.
2. Whoever writes rows past the program adds no event. So what is remembered goes, too, when there
   are more or fewer rows than before, when the log has recorded rows that were not seen, and when
   an alarm is raised or cleared.
3. Within one event's time ``memory`` says how long an answer holds.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from app.db.engine import Tx
from app.kernel.errors import NotFound
from app.policy import rows, store
from app.policy.catalogue.model import Catalogue
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.lattice import compile_layers
from app.policy.law.layer import chain
from app.policy.memory import PolicyMemory
from app.policy.model import InForce
from app.policy.prospect import RegionOutlook, outlook_of
from app.policy.store import Head
from app.policy.timeline import History, in_force


@dataclass(frozen=True)
class _Known:
    """What was read, and what it was read from.

    Attributes:
        head: the last event.
        chains: how the rows were judged.
        moves: how far the log and the alarms were.
    """

    head: Head
    chains: rows.Chains
    memory: PolicyMemory
    moves: tuple[int, ...] = ()


class PolicyReader:
    """Answers from the rows; safe to share between threads."""

    def __init__(self, registry: KnobRegistry = REGISTRY) -> None:
        self.registry = registry
        self._known: _Known | None = None

    def memory(self, tx: Tx) -> PolicyMemory:
        """The answers under the event that is the last now: many questions, one statement."""
        head, known = store.head(tx), self._known
        moves = tx.seals.moves(rows.KINDS)
        if known is None or known.head != head:
            known = self._read(tx, head)
        elif known.moves == moves:
            return known.memory
        elif not known.chains.still(tx):
            known = self._read(tx, head)
        # What moved after this transaction began was not looked at, and is looked at next time.
        seen = moves if tx.folded == tx.seals.size else ()
        self._known = replace(known, moves=seen)
        return known.memory

    def _read(self, tx: Tx, head: Head) -> "_Known":
        history, chains = rows.judged(tx, head.seq, self.registry)
        return _Known(head, chains, PolicyMemory.of(head.event, history, self.registry))

    def history(self, tx: Tx) -> History:
        """Every row that bears on what is in force."""
        return self.memory(tx).history

    def catalogue(self, tx: Tx) -> Catalogue:
        """The catalogue in force; an empty one before any was adopted."""
        return self.memory(tx).history.catalogue

    def in_force(
        self, tx: Tx, regions: tuple[str, ...], at: datetime, known_at: datetime | None = None
    ) -> InForce:
        """What holds for somebody with these regions at an instant, as known at another."""
        if known_at is None:
            return self.memory(tx).in_force(regions, at)
        seq = store.head(tx, known_at).seq
        known = rows.history(tx, seq, self.registry, known_at).known(known_at)
        return in_force(known, regions, at, compile_layers)

    def throughout(
        self, tx: Tx, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds from start to end, both included: at the start, and after each change."""
        return self.memory(tx).throughout(regions, start, end)

    def outlook(self, tx: Tx, region: str, now: datetime) -> RegionOutlook:
        """What a new company policy of a region would come into.

        Raises:
            NotFound: the region has no floor.
        """
        names = self.chain(tx, region, now)
        return outlook_of(self.history(tx), names, now)

    def chain(self, tx: Tx, region: str, at: datetime) -> tuple[str, ...]:
        """The region and those above it.

        Raises:
            NotFound: there is no floor for it, or for one above it.
        """
        floors = self.history(tx).floors_at(at)
        regions = chain({name: floor.parent for name, floor in floors.items()}, region)
        if regions is None:
            raise NotFound(
                f"there is no floor for the region {region}",
                cure="Only regions with a floor in policies/regions can have a policy.",
            )
        return regions
