"""Refusals at the door, counted: one entry a minute, however many there were.

An entry for each would let a stranger fill the log; none would hide who tries keys all night. So
the log says how often whom was refused for what, and from when to when: no address, no name.

Rules:
1. What was counted leaves the counts when its entry is committed. Where the database does not say
   whether it was, it is told again rather than not at all.
2. Nothing refused, nothing written. Each process tells of its own door.
"""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Database
from app.kernel.clock import Clock
from app.kernel.facts import encode
from app.kernel.lanes import Lane

EVERY_S = 60.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RefusalCount:
    """So many refusals of one kind.

    Attributes:
        lane: of those who asked, as ``Lane`` names it, in small letters.
        status: of HTTP: 401 nobody known or a wrong secret, 403 not theirs, 429 too often.
        count: how many.
    """

    lane: str
    status: int
    count: int


@dataclass(frozen=True)
class DoorRefusals:
    """``door.refused``: what was refused in a while.

    Attributes:
        counted_from: when counting began.
        counted_until: when it ended.
        refusals: the counts, by lane and status.
    """

    counted_from: datetime
    counted_until: datetime
    refusals: tuple[RefusalCount, ...]


@dataclass
class Doorkeeper:
    """Counts refusals and tells the log of them.

    Attributes:
        database: where the log is.
        log: takes the entries.
        clock: says from when to when.
    """

    database: Database
    log: AuditService
    clock: Clock
    _counts: Counter[tuple[Lane, int]] = field(default_factory=Counter)
    _since: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, lane: Lane, status: int) -> None:
        """Count one refusal."""
        with self._lock:
            self._since = self._since or self.clock.now()
            self._counts[lane, status] += 1

    def tell(self) -> bool:
        """Append what was counted; say whether there was anything.

        Raises:
            Unavailable: the database does not take it; it is told the next time.
        """
        with self._lock:
            counts, since = self._counts, self._since
            self._counts, self._since = Counter(), None
        if since is None:
            return False
        try:
            now = self.clock.now()
            refused = tuple(
                RefusalCount(lane.name.lower(), status, count)
                for (lane, status), count in sorted(counts.items())
            )
            facts = encode(DoorRefusals(since, max(since, now), refused))
            with self.database.write(Lane.LOG) as tx:
                self.log.append(tx, Event(Kind.DOOR_REFUSED, SYSTEM, facts), now)
        except BaseException:
            with self._lock:
                self._counts += counts
                self._since = since
            raise
        return True

    def run(self, stop: threading.Event) -> None:
        """Tell once a minute until told to stop, and then once more."""
        while not stop.wait(EVERY_S):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.tell()
        except Exception:  # whatever went wrong: they are told the next time
            _logger.exception("refusals at the door are not recorded yet")
