"""Reads what is in force, with a memory that cannot be wrong.

Rules:
1. The rows change only with a policy event, and each event has an id of its own that never comes
   back, not even if its transaction is undone. What is remembered under the id of the last event is
   right for as long as that event is the last.
2. Time changes an answer only at the moments that ``timeline.moments`` lists. An answer is
   remembered for the span between two of them.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from app.db.engine import Tx
from app.kernel.errors import NotFound
from app.policy import store
from app.policy.compile import compile_layers
from app.policy.model import InForce
from app.policy.timeline import History, chain, in_force, moments

_MOST_ANSWERS = 4096


@dataclass(frozen=True)
class Memory:
    """What was read and answered while one event was the last."""

    event: str
    history: History
    moments: tuple[datetime, ...]
    answers: dict[tuple[tuple[str, ...], int], InForce] = field(default_factory=dict)

    def in_force(self, regions: tuple[str, ...], at: datetime) -> InForce:
        """Answer, computing at most once for each span (rule 2)."""
        key = (regions, bisect_right(self.moments, at))
        found = self.answers.get(key)
        if found is None:
            found = in_force(self.history, regions, at, compile_layers)
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            self.answers[key] = found
        return found


class PolicyReader:
    """Answers from the rows; safe to share between threads."""

    def __init__(self) -> None:
        self._memory: Memory | None = None

    def history(self, tx: Tx) -> History:
        """Every row that bears on what is in force."""
        return self._remembered(tx).history

    def in_force(
        self, tx: Tx, regions: tuple[str, ...], at: datetime, known_at: datetime | None = None
    ) -> InForce:
        """What holds for somebody with these regions at an instant, as known at another."""
        if known_at is None:
            return self._remembered(tx).in_force(regions, at)
        known = store.history(tx, store.head(tx, known_at).seq).known(known_at)
        return in_force(known, regions, at, compile_layers)

    def throughout(
        self, tx: Tx, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds from start to end, both included: at the start, and after each change."""
        memory = self._remembered(tx)
        first, last = (bisect_right(memory.moments, at) for at in (start, end))
        instants = (start, *memory.moments[first:last])
        return tuple((at, memory.in_force(regions, at)) for at in instants)

    def chain(self, tx: Tx, region: str, at: datetime) -> tuple[str, ...]:
        """The region and those above it.

        Raises:
            NotFound: there is no floor for it, or for one above it.
        """
        floors = self.history(tx).floors_at(at)
        found = chain({name: floor.parent for name, floor in floors.items()}, region)
        if found is None:
            raise NotFound(
                f"there is no floor for the region {region}",
                cure="Only regions with a floor in policies/regions can have a policy.",
            )
        return found

    def _remembered(self, tx: Tx) -> Memory:
        head, memory = store.head(tx), self._memory
        if memory is None or memory.event != head.event:
            history = store.history(tx, head.seq)
            memory = self._memory = Memory(head.event, history, moments(history))
        return memory
