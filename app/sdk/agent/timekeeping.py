"""The laptop's two clocks, held against each other and against the times that the service signed.

Rules:
1. The wall clock can be set; the time since boot cannot, and runs on in sleep where the system
   counts it.
2. The wall clock is never before the latest time that the service signed, nor before that time and
   what has run since boot from then on. If it is, somebody turned it back.
3. From one lease to the next both clocks run alike. If the wall clock has gained more, somebody
   set it forward: hours and distances cannot be judged by it until the next lease.
4. A lease that carries the nonce of this very request says what the time is at the service. What
   was signed before does not count against it: one wild time would lock the device until then.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from app.kernel.clock import Clock
from app.kernel.refusals import Refusal
from app.sdk.lease import SKEW_S, Refused

STEP_S = 1.0
"""Two clocks of one machine drift apart by less, seconds: from here on, the wall clock was set."""


def since_boot() -> float:
    """Seconds since the machine started, sleep included where the system counts it."""
    counting = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    # Linux counts sleep in the first and macOS in the second; Windows has neither and counts it.
    return time.monotonic() if counting is None else time.clock_gettime(counting)


class Timekeeper:
    """What time it can be on a laptop.

    Args:
        clock: the wall clock.
        elapsed: a clock that only runs forward, seconds.
    """

    def __init__(self, clock: Clock, elapsed: Callable[[], float]) -> None:
        self._clock = clock
        self.elapsed = elapsed
        self._signed: float | None = None  # the latest signed time, less the time since boot then
        self._told: float | None = None  # the wall clock, less the time since boot, at a lease
        self._kept: float | None = None  # the same, where ``began`` goes on from
        self._began = datetime.max.replace(tzinfo=UTC)

    def wall(self) -> float:
        """What the wall clock shows, seconds, UTC."""
        return self._clock.now().timestamp()

    def now(self, signed: float) -> float:
        """What the wall clock shows, seconds, UTC.

        Args:
            signed: the latest time that the service is known to have signed, seconds.

        Raises:
            Refused: it was turned back (rule 2).
        """
        now = self.wall()
        run_on = signed if self._signed is None else self._signed + self.elapsed()
        if now + SKEW_S < max(signed, run_on):
            raise Refused(Refusal.CLOCK_ROLLED_BACK, "the clock was turned back")
        return now

    def require_unset(self) -> None:
        """Return if the wall clock has not been set forward since the last lease (rule 3).

        Raises:
            Refused: it has.
        """
        if self._told is not None and self._ahead() > self._told + SKEW_S:
            raise Refused(Refusal.CLOCK_JUMPED, "the clock was set forward")

    def learn(self, signed: float, *, fresh: bool) -> None:
        """Take the time of a lease that was accepted.

        Args:
            signed: when it was issued, seconds.
            fresh: whether it carries the nonce of this request (rule 4).
        """
        at_boot = signed - self.elapsed()
        known = at_boot if fresh or self._signed is None else self._signed
        self._signed = max(at_boot, known)
        self._told = self._ahead()

    def began(self) -> datetime:
        """When the run began, by the wall clock as it goes now.

        That is the first time this is asked. Where the wall clock has been set since, it is the
        present instant: how far apart two events are, before and after, cannot be known.
        """
        ahead = self._ahead()
        if self._kept is None or abs(ahead - self._kept) > STEP_S:
            self._kept = ahead
            self._began = self._clock.now()
        return self._began

    def _ahead(self) -> float:
        return self.wall() - self.elapsed()
