"""The gate before a database: a ticket first, then a connection, then the one writer.

Without it, whoever asks most often waits least: a pool lends connections, and SQLite its writer, in
any order. Who is next is said in app/kernel/lanes.py; here threads wait, and nobody for ever.
"""

import threading
from collections.abc import Mapping

from app.kernel.lanes import Full, Lane, Queue, Ticket, busy

WAITS_S: Mapping[Lane, float] = {
    Lane.OUT: 20.0,
    Lane.LOG: 20.0,
    Lane.PEOPLE: 5.0,
    Lane.AGENTS: 3.0,
    Lane.CONSUMERS: 3.0,
    Lane.STRANGERS: 3.0,
}
"""How long each waits for its place, seconds."""


class Gate:
    """A queue in which threads wait."""

    def __init__(
        self, places: int, reserved: int = 0, waits_s: Mapping[Lane, float] = WAITS_S
    ) -> None:
        """Open the gate.

        Args:
            places: how many tickets are out at once.
            reserved: of these, for ``Lane.OUT`` only.
            waits_s: how long each lane waits, seconds.
        """
        self._queue = Queue(places, reserved)
        self._waits_s = waits_s
        self._lock = threading.Lock()

    def enter(self, lane: Lane) -> Ticket:
        """Wait for a place.

        Raises:
            Unavailable: too many wait, or it takes too long (kind ``busy``); nothing was changed.
        """
        try:
            with self._lock:
                ticket = self._queue.ask(lane, called := threading.Event())
        except Full as error:
            raise busy() from error
        try:
            if ticket.is_in or called.wait(self._waits_s[lane]) or self._is_in(ticket):
                return ticket
        except BaseException:
            self.leave(ticket)
            raise
        raise busy()

    def _is_in(self, ticket: Ticket) -> bool:
        """Say whether it was called in the last moment; else give it up."""
        with self._lock:
            if not ticket.is_in:
                self._queue.leave(ticket)
            return ticket.is_in

    def leave(self, ticket: Ticket) -> None:
        """Give a ticket back; again changes nothing."""
        with self._lock:
            self._queue.leave(ticket)

    def waiting(self, lane: Lane) -> int:
        """How many of a lane wait now."""
        with self._lock:
            return self._queue.waiting(lane)
