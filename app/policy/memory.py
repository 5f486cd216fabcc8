"""What is in force, computed at most once for each span in which it cannot change (pure).

Rules:
1. Time changes an answer only at the moments that ``timeline.moments`` lists. An answer is
   remembered for the span between two of them.
2. A memory is of one history. Whoever takes in a further row makes a new one.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from app.policy.lattice import compile_layers
from app.policy.model import InForce
from app.policy.timeline import History, in_force, moments

_MOST_ANSWERS = 4096


@dataclass(frozen=True)
class Memory:
    """What was answered while one event was the last.

    Attributes:
        event: names the last event of the history; whatever its reader compares.
    """

    event: str
    history: History
    moments: tuple[datetime, ...]
    answers: dict[tuple[tuple[str, ...], int], InForce] = field(default_factory=dict)

    @classmethod
    def of(cls, event: str, history: History) -> "Memory":
        """Begin with no answer."""
        return cls(event, history, moments(history))

    def in_force(self, regions: tuple[str, ...], at: datetime) -> InForce:
        """What holds for somebody with these regions, the home region first (rule 1)."""
        key = (regions, bisect_right(self.moments, at))
        found = self.answers.get(key)
        if found is None:
            found = in_force(self.history, regions, at, compile_layers)
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            self.answers[key] = found
        return found

    def throughout(
        self, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds from start to end, both included: at the start, and after each change."""
        first, last = self.span(start, end)
        instants = (start, *self.moments[first:last])
        return tuple((at, self.in_force(regions, at)) for at in instants)

    def span(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Between which moments start and end lie: what has the same span has the same answers."""
        return bisect_right(self.moments, start), bisect_right(self.moments, end)
