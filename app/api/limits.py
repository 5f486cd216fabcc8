"""How often one may ask: volume per person, laptop, consumer and source, in this process's memory.

Several processes allow several times as much: it is a bound against loops and floods, no quota.
Where a number has to be exact (codes, guesses), the database counts.

Rules:
1. Nobody who opts out is refused for volume.
2. A refused request has written nothing, and reads when to come back.
3. Counting costs the same however many are counted: what has run out is removed now and then, a
   part at a time. (The memory storage of the library looks through all of it a hundred times a
   second, in a thread of its own.)
"""

import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import cast

from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from app.api.deps import lane_of
from app.api.sources import source_of_request
from app.kernel.errors import TooMany
from app.kernel.lanes import Lane
from app.settings import Settings

_SWEPT_EVERY_S = 10.0


class Asker(StrEnum):
    """Who is counted."""

    PERSON = "person"
    DEVICE = "device"
    CONSUMER = "consumer"
    SOURCE = "source"


class _Counts(Storage):
    """Counts in memory, for the library's strategy of fixed windows (rule 3)."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}
        self._swept = seconds()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            now = self._seconds()
            count, ends = self._counts.get(key, (0, 0.0))
            if now >= ends:
                count, ends = 0, now + expiry
            self._counts[key] = (count + amount, ends)
            if now - self._swept >= _SWEPT_EVERY_S:
                self._swept = now
                self._counts = {name: one for name, one in self._counts.items() if now < one[1]}
            return count + amount

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if self._seconds() < ends else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, self._seconds()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            gone = len(self._counts)
            self._counts = {}
        return gone

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)

    def __len__(self) -> int:
        return len(self._counts)


class RateLimits:
    """Counts who asks how often."""

    def __init__(
        self, per_minute: Mapping[Asker, int], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Set the limits.

        Args:
            per_minute: how many requests of each kind of asker are answered in a minute.
            seconds: a clock that never goes back.
        """
        self._seconds = seconds
        self._counts = _Counts(seconds)
        self._windows = FixedWindowRateLimiter(self._counts)
        self._items = {asker: RateLimitItemPerMinute(most) for asker, most in per_minute.items()}

    def __len__(self) -> int:
        """How many askers are remembered."""
        return len(self._counts)

    def require(self, asker: Asker, who: str, lane: Lane) -> None:
        """Count a request, and return while it is not one too many.

        Args:
            asker: what ``who`` is.
            who: an id, or an address.
            lane: in which it was let in.

        Raises:
            TooMany: it is.
        """
        item = self._items[asker]
        if lane is Lane.OUT or self._windows.hit(item, asker, who):
            return
        ends = self._counts.get_expiry(item.key_for(asker, who))
        wait_s = max(1, int(ends - self._seconds()) + 1)
        raise TooMany(
            f"more than {item.amount:,} requests came from one {asker} within a minute",
            retry_after_s=wait_s,
            cure=f"Nothing was changed. Come back in {wait_s} seconds. Opting out works meanwhile.",
        )


def limits_of(settings: Settings) -> RateLimits:
    """The limits that the settings name."""
    return RateLimits(
        {
            Asker.PERSON: settings.person_per_minute,
            Asker.DEVICE: settings.device_per_minute,
            Asker.CONSUMER: settings.consumer_per_minute,
            Asker.SOURCE: settings.source_per_minute,
        }
    )


def require(request: Request, asker: Asker, who: str) -> None:
    """Count a request of somebody who is known by now; see ``RateLimits.require``."""
    limits = cast("RateLimits", request.app.state.limits)
    limits.require(asker, who, lane_of(request))


def _count_source(request: Request) -> None:
    """Count whoever has not shown yet who they are."""
    require(request, Asker.SOURCE, source_of_request(request.scope))


CountedSource = Depends(_count_source)
"""For what anybody can ask without showing who asks, and what would write.

Not for signing in: it writes nothing before the provider has vouched for somebody, and whoever
shares an address with a flood could not reach the page on which they opt out.
"""
