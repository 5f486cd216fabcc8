"""What is in force, and its documents, computed at most once while they cannot change (pure).

Rules:
1. Time changes an answer only at the moments that ``timeline.moments`` lists. An answer is
   remembered for the span between two of them.
2. A memory is of one history. Whoever takes in a further row makes a new memory.
3. So does what may be kept where another person's words are in view: rows, and their document in
   each form.
4. What binds a recorder, and the document that says so, are remembered for the very values that
   they were made from. Whatever changes makes another value, and so another answer.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.kernel.canonical import canonical, digest
from app.kernel.forms import FIRST_FORM
from app.policy.agreement import Agreement, Limits, within
from app.policy.catalogue.model import Catalogue
from app.policy.counterparties import Counterparties, counterparties, counterparty_document
from app.policy.document import document
from app.policy.knobs import REGISTRY, KnobRegistry
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
    registry: KnobRegistry = REGISTRY
    answers: dict[tuple[tuple[str, ...], int], InForce] = field(default_factory=dict)
    others: dict[int, Counterparties] = field(default_factory=dict)
    written: dict[tuple[int, int], tuple[str, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, event: str, history: History, registry: KnobRegistry = REGISTRY) -> "PolicyMemory":
        """Begin with no answer."""
        return cls(event, history, moments(history), registry)

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

    def counterparties(self, at: datetime) -> Counterparties:
        """What may be kept where another person's words are in view (rule 3)."""
        key = bisect_right(self.moments, at)
        if key not in self.others:
            floors = self.history.floors_at(at)
            self.others[key] = counterparties(
                floors, lambda region: self.in_force((region,), at), self.registry
            )
        return self.others[key]

    def counterparty_document(self, at: datetime, form: int) -> tuple[str, bytes]:
        """The digest and the bytes of the document that says so to agents of a form."""
        key = (bisect_right(self.moments, at), form)
        if key not in self.written:
            body = canonical(counterparty_document(self.counterparties(at), form, self.registry))
            self.written[key] = (digest(body), body)
        return self.written[key]

    def counterparties_change_at(self, at: datetime, within: timedelta) -> datetime | None:
        """When other rows will hold than at an instant; None if not within so long."""
        first, last = self.span(at, at + within)
        before = self.counterparties(at)
        later = self.moments[first:last]
        return next((then for then in later if self.counterparties(then) != before), None)

    def span(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Between which moments start and end are: what has the same span has the same answers."""
        return bisect_right(self.moments, start), bisect_right(self.moments, end)


@dataclass(frozen=True)
class LimitsMemory:
    """What binds the recorders of people who agreed, and the policy documents that say so (rule 4).

    Values are compared by identity: what holds never changes once it is compiled, and as long as it
    stands in here, nothing else can take its place.

    Attributes:
        most: how many answers of each kind are remembered; one more, and all are forgotten.
    """

    most: int = _MOST_DOCUMENTS
    limits: dict[tuple[int, int, str | None], tuple[Compiled, Catalogue, Limits]] = field(
        default_factory=dict
    )
    documents: dict[tuple[int, int], tuple[Limits, str, bytes]] = field(default_factory=dict)

    def within(
        self, compiled: Compiled, catalogue: Catalogue, agreement: Agreement | None
    ) -> Limits:
        """What binds a recorder, as ``agreement.within``; the same object for the same question."""
        key = (id(compiled), id(catalogue), None if agreement is None else agreement.name)
        known = self.limits.get(key)
        if known is None:
            bound = within(Limits(compiled, catalogue), agreement)
            known = (compiled, catalogue, bound)
            if len(self.limits) >= self.most:
                self.limits.clear()
            self.limits[key] = known
        return known[2]

    def document(self, limits: Limits, form: int = FIRST_FORM) -> tuple[str, bytes]:
        """The digest and the bytes of a document; the arguments are those of ``document``."""
        key = (id(limits), form)
        known = self.documents.get(key)
        if known is None:
            body = canonical(document(limits, form))
            known = (limits, digest(body), body)
            if len(self.documents) >= self.most:
                self.documents.clear()
            self.documents[key] = known
        return known[1:]
