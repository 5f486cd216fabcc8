"""What is in force, and its documents, computed at most once while they cannot change (pure).

Rules:
1. Time changes an answer only at the moments that ``timeline.moments`` lists. An answer is
   remembered for the span between two of them.
2. A memory is of one history. Whoever takes in a further row makes a new memory.
3. A document is remembered for the very values that it was written from: what holds, the scope, and
   the catalogue. Whatever changes makes another value, and so another document.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.kernel.canonical import canonical, digest
from app.kernel.forms import FIRST_FORM
from app.kernel.scope import Scope
from app.policy.catalogue.model import Catalogue
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.model import Compiled, InForce
from app.policy.timeline import History, in_force, moments

_MOST_ANSWERS = 4096
_MOST_DOCUMENTS = 512


@dataclass(frozen=True)
class PolicyMemory:
    """What was answered while one event was the last.

    Attributes:
        event: names the last event of the history; whatever its reader compares.
    """

    event: str
    history: History
    moments: tuple[datetime, ...]
    answers: dict[tuple[tuple[str, ...], int], InForce] = field(default_factory=dict)

    @classmethod
    def of(cls, event: str, history: History) -> "PolicyMemory":
        """Begin with no answer."""
        return cls(event, history, moments(history))

    def in_force(self, regions: tuple[str, ...], at: datetime) -> InForce:
        """What holds for somebody with these regions, the home region first (rule 1)."""
        key = (regions, bisect_right(self.moments, at))
        answer = self.answers.get(key)
        if answer is None:
            answer = in_force(self.history, regions, at, compile_layers)
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            self.answers[key] = answer
        return answer

    def throughout(
        self, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds from start to end, both included: at the start, and after each change."""
        first, last = self.span(start, end)
        instants = (start, *self.moments[first:last])
        return tuple((at, self.in_force(regions, at)) for at in instants)

    def changes_at(
        self, regions: tuple[str, ...], at: datetime, within: timedelta
    ) -> datetime | None:
        """When something else will hold than at an instant; None if not within so long."""
        (_, before), *later = self.throughout(regions, at, at + within)
        return next((then for then, in_force in later if in_force != before), None)

    def span(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Between which moments start and end are: what has the same span has the same answers."""
        return bisect_right(self.moments, start), bisect_right(self.moments, end)


@dataclass(frozen=True)
class DocumentMemory:
    """Policy documents for agents under one catalogue (rule 3).

    What holds is compared by identity: it never changes once it is compiled, and as long as it
    stands in here, nothing else can take its place.

    Attributes:
        most: how many documents are remembered; one more, and all are forgotten.
    """

    catalogue: Catalogue
    most: int = _MOST_DOCUMENTS
    remembered: dict[tuple[int, Scope | None, int], tuple[Compiled, str, bytes]] = field(
        default_factory=dict
    )

    def of(
        self, compiled: Compiled, scope: Scope | None, form: int = FIRST_FORM
    ) -> tuple[str, bytes]:
        """The digest and the bytes of a document; the arguments are those of ``document``."""
        key = (id(compiled), scope, form)
        known = self.remembered.get(key)
        if known is None:
            body = canonical(document(compiled, scope, self.catalogue, form))
            known = (compiled, digest(body), body)
            if len(self.remembered) >= self.most:
                self.remembered.clear()
            self.remembered[key] = known
        return known[1:]
