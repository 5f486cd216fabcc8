"""Who waits has a turn, by who they are: one that asks a thousand times stands before nobody else.

Rules:
1. So many are inside at once as there are places.
2. Those who wait are let in by turns: one of each asker, then the next of each.
3. Where too many wait, who asks most gives way: their newest, and only theirs. Whoever asks once is
   sent away only if everybody who waits does so, too.
4. A ticket that is given up, at any moment, is not lost: its place goes to the next.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from app.kernel.lanes import Called, Full, State


@dataclass(eq=False, slots=True)
class Turn:
    """A place in the order of turns, then one inside."""

    asker: str
    state: State = "waits"
    called: Called | None = None

    @property
    def is_in(self) -> bool:
        """Whether it has a place."""
        return self.state == "in"


@dataclass
class Turns:
    """Who is inside and who waits, without threads or time.

    >>> turns = Turns(places=1)
    >>> inside, *flood = [turns.ask("loud") for _ in range(4)]
    >>> once = turns.ask("quiet")
    >>> turns.leave(inside)
    >>> [turn.state for turn in (*flood, once)]
    ['in', 'waits', 'waits', 'waits']
    >>> turns.leave(flood[0])
    >>> once.state
    'in'

    Attributes:
        places: how many are inside at once.
        longest: how many wait; None: as many as come.
    """

    places: int
    longest: int | None = None
    _inside: int = 0
    _count: int = 0
    _waiting: OrderedDict[str, deque[Turn]] = field(default_factory=OrderedDict)

    def ask(self, asker: str, called: Called | None = None) -> Turn:
        """Wait for a turn, and go in where there is a place.

        Raises:
            Full: too many wait, and nobody has more of them than the asker (rule 3).
        """
        if self.longest is not None and self._inside >= self.places:
            self._make_room(asker, self.longest)
        turn = Turn(asker, called=called)
        self._waiting.setdefault(asker, deque()).append(turn)
        self._count += 1
        self._admit()
        return turn

    def leave(self, turn: Turn) -> None:
        """Give a place back, or give up waiting; again changes nothing (rule 4)."""
        if turn.is_in:
            self._inside -= 1
        elif turn.state == "waits":
            self._take(turn.asker, turn)
        turn.state = "gone"
        self._admit()

    def waiting(self, asker: str) -> int:
        """How many of an asker wait."""
        return len(self._waiting.get(asker, ()))

    def _make_room(self, asker: str, longest: int) -> None:
        while self._count and self._count >= longest:
            loudest = max(self._waiting, key=self.waiting)
            if self.waiting(loudest) <= self.waiting(asker) + 1:
                break
            newest = self._waiting[loudest][-1]
            self._take(loudest, newest)
            newest.state = "gone"
            if newest.called is not None:
                newest.called.set()
        if self._count >= longest:
            raise Full

    def _take(self, asker: str, turn: Turn) -> None:
        self._waiting[asker].remove(turn)
        self._count -= 1
        if not self._waiting[asker]:
            del self._waiting[asker]

    def _admit(self) -> None:
        while self._inside < self.places and self._waiting:
            asker, turns = next(iter(self._waiting.items()))
            turn = turns[0]
            self._take(asker, turn)
            if asker in self._waiting:
                self._waiting.move_to_end(asker)
            turn.state = "in"
            self._inside += 1
            if turn.called is not None:
                turn.called.set()
