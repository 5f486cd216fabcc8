"""Who goes first where not everybody can: one order for threads, connections and the one writer.

Rules:
1. So many tickets are out at once as there are places. A lower lane goes first; within a lane who
   came first.
2. Some places are lent to ``Lane.OUT`` only: the others never hold all.
3. ``Lane.LOG`` gets every eighth place at least while it waits, whoever else does: what is
   committed must be numbered.
4. Only so many of a lane wait: the rest is sent away at once. Of ``Lane.OUT`` and ``Lane.LOG``
   nobody is sent away for the others' number.
5. A ticket that is given up, at any moment, is not lost: its place goes to the next.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Protocol

from app.kernel.errors import Unavailable


class Lane(IntEnum):
    """Who asks; the lower goes first (law 7: opting out works when nothing else does).

    >>> sorted([Lane.CONSUMERS, Lane.OUT, Lane.PEOPLE])
    [<Lane.OUT: 0>, <Lane.PEOPLE: 2>, <Lane.CONSUMERS: 4>]
    """

    OUT = 0
    """Opting out, pausing, stopping, revoking: what ends capture."""
    LOG = 1
    """What the service does by itself: it numbers, signs, compares. Its share is guaranteed."""
    PEOPLE = 2
    """Whoever looks at pages."""
    AGENTS = 3
    """Laptops of people."""
    CONSUMERS = 4
    """Whoever wants data."""
    STRANGERS = 5
    """Whoever has not shown who they are."""


SHARE = 8
"""Of so many places one is the log's, while it waits."""

LONGEST: Mapping[Lane, int] = {
    Lane.PEOPLE: 200,
    Lane.AGENTS: 100,
    Lane.CONSUMERS: 100,
    Lane.STRANGERS: 20,
}
"""How many of a lane wait at once; of the others as many as there are threads."""

State = Literal["waits", "in", "gone"]


class Called(Protocol):
    """What is set when a ticket has its place; of threads, or of an event loop."""

    def set(self) -> object:
        """Say so."""
        ...


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the queue, then one inside."""

    lane: Lane
    state: State = "waits"
    called: Called | None = None

    @property
    def is_in(self) -> bool:
        """Whether it has a place."""
        return self.state == "in"


class Full(Exception):
    """So many of the lane wait already."""


@dataclass
class Queue:
    """Who is inside and who waits: the rules, without threads or time.

    >>> one = Queue(places=1)
    >>> first, poll, no = (one.ask(lane) for lane in (Lane.AGENTS, Lane.AGENTS, Lane.OUT))
    >>> [ticket.state for ticket in (first, poll, no)]
    ['in', 'waits', 'waits']
    >>> one.leave(first)
    >>> [ticket.state for ticket in (first, poll, no)]
    ['gone', 'waits', 'in']
    """

    places: int
    reserved: int = 0
    longest: Mapping[Lane, int] = field(default_factory=lambda: LONGEST)
    _inside: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    _waiting: dict[Lane, deque[Ticket]] = field(
        default_factory=lambda: {lane: deque() for lane in Lane}
    )
    _since_log: int = 0

    def ask(self, lane: Lane, called: Called | None = None) -> Ticket:
        """Stand in the queue, and go in where there is a place.

        Raises:
            Full: too many of the lane wait (rule 4).
        """
        queue, longest = self._waiting[lane], self.longest.get(lane)
        if longest is not None and len(queue) >= longest:
            raise Full
        ticket = Ticket(lane, called=called)
        queue.append(ticket)
        self._admit()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place back, or give up waiting; again changes nothing (rule 5)."""
        if ticket.is_in:
            self._inside[ticket.lane] -= 1
        elif ticket.state == "waits":
            self._waiting[ticket.lane].remove(ticket)
        ticket.state = "gone"
        self._admit()

    def waiting(self, lane: Lane) -> int:
        """How many of a lane wait."""
        return len(self._waiting[lane])

    def inside(self, lane: Lane) -> int:
        """How many of a lane are inside."""
        return self._inside[lane]

    def _admit(self) -> None:
        while (lane := self._next()) is not None:
            ticket = self._waiting[lane].popleft()
            ticket.state = "in"
            self._inside[lane] += 1
            self._since_log = 0 if lane is Lane.LOG else self._since_log + 1
            if ticket.called is not None:
                ticket.called.set()

    def _next(self) -> Lane | None:
        waiting = [lane for lane in Lane if self._waiting[lane] and self._has_place(lane)]
        if Lane.LOG in waiting and self._since_log >= SHARE - 1:
            return Lane.LOG
        return min(waiting, default=None)

    def _has_place(self, lane: Lane) -> bool:
        inside = sum(self._inside.values())
        others = inside - self._inside[Lane.OUT]
        return inside < self.places and (
            lane is Lane.OUT or others < max(1, self.places - self.reserved)
        )


def busy() -> Unavailable:
    """The error of who is sent away."""
    return Unavailable(
        "more is asked of Habeas right now than it can answer",
        cure="Nothing was changed. Try again in a moment.",
        kind="busy",
    )
