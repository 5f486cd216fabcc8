"""Whether so much waits for its index that machines should come later.

Nothing is ever dropped: what was taken is committed. Instead requests that come in by the thousand
(leases that turn a laptop on, reports, questions for access) are refused with 503 and asked to
return, while the integrator catches up. What a person does, above all opting out, is never refused
for this, and neither is what narrows: a laptop that is to be off, or to go on under other limits,
is told so. What writes no entry, such as the renewal of a lease, does not ask here.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from app.audit.entries import waiting
from app.db.engine import Database
from app.kernel.errors import Unavailable
from app.kernel.lanes import Lane

LOOK_AGAIN_S = 0.25
SETTLE_S = 1.0
"""Some submission must have been old for so long: a clock that leapt makes none old."""


class Backlog:
    """Looks at what waits, at most every quarter of a second."""

    def __init__(
        self,
        most: int,
        within: timedelta,
        settle_s: float = SETTLE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the limits.

        Args:
            most: how many submissions may wait.
            within: how long the oldest may wait.
            settle_s: see ``SETTLE_S``.
            monotonic: seconds that never go back.
        """
        self._most = most
        self._within = within
        self._settle_s = settle_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._full = False
        self._late_since: float | None = None

    def require_room(
        self, database: Database, now: datetime, narrows: Callable[[], bool] = lambda: False
    ) -> None:
        """Let pass while the log keeps up.

        Args:
            database: where the log is.
            now: the present instant.
            narrows: whether what is asked for opens nothing; asked only where it does not keep up.

        Raises:
            Unavailable: it does not (kind ``log-busy``).
        """
        with self._lock:
            at = self._monotonic()
            if self._looked is None or at - self._looked >= LOOK_AGAIN_S:
                self._full = self._look(database, now, at)
                self._looked = at
            full = self._full
        if full and not narrows():
            raise Unavailable(
                "more waits to be recorded than the log takes right now; nothing was decided",
                cure="Ask again after the seconds in Retry-After.",
                kind="log-busy",
            )

    def _look(self, database: Database, now: datetime, at: float) -> bool:
        with database.read(Lane.LOG) as tx:
            count, oldest = waiting.backlog(tx, self._most + 1, now - self._within)
        if oldest is None or now - oldest.created_at <= self._within:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = at
        settled = self._late_since is not None and at - self._late_since >= self._settle_s
        return count > self._most or settled
