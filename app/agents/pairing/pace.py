"""How often a device may ask for tokens, and how the log tells of it (pure).

Rules:
1. A device gets twenty tokens at once, then one every two minutes (a leaky bucket, GCRA). An honest
   agent asks once an hour.
2. The first token is an entry. Those of the hour after it are counted, and said in one entry
   with the next token or, if that does not come, with another device's: at most one entry an hour
   for a device, and no token that is not counted in one.
3. A device that asks too soon whether its pairing was approved waits longer each time
   (RFC 8628 §3.5). That is kept in memory, so a device may ask each worker at this pace.
"""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

INTERVAL_S = 5

AT_ONCE = 20
ONE_EVERY = timedelta(minutes=2)
SAID_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class TokenCount:
    """The tokens of a device.

    Attributes:
        said_at: when the newest entry about them was written; None if none was.
        unsaid: how many were given since.
        due_at: when the device would be back at its pace; None before the first token.
    """

    device_id: str
    said_at: datetime | None = None
    unsaid: int = 0
    due_at: datetime | None = None

    def wait_s(self, now: datetime) -> int:
        """In how many seconds the device may have the next token; 0: now.

        >>> now = datetime(2026, 11, 28)
        >>> TokenCount("d_1").wait_s(now)
        0
        >>> TokenCount("d_1", due_at=now + AT_ONCE * ONE_EVERY).wait_s(now)
        120
        """
        ahead = (self.due_at - now if self.due_at else timedelta()) - (AT_ONCE - 1) * ONE_EVERY
        return max(0, math.ceil(ahead.total_seconds()))

    def with_one_more(self, now: datetime) -> "TokenCount":
        """Count one token."""
        due_at = max(self.due_at or now, now) + ONE_EVERY
        return replace(self, unsaid=self.unsaid + 1, due_at=due_at)

    def is_to_be_said(self, now: datetime) -> bool:
        """Whether an entry is due: something is unsaid, and an hour has passed since the last."""
        return self.unsaid > 0 and (self.said_at is None or now - self.said_at >= SAID_EVERY)

    def said(self, now: datetime) -> "TokenCount":
        """After the entry."""
        return replace(self, said_at=now, unsaid=0)


@dataclass
class Polls:
    """When devices that wait for approval last asked, for so many devices at once."""

    most: int = 10_000
    _asked: OrderedDict[str, tuple[datetime, int]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def too_soon(self, device_id: str, now: datetime) -> bool:
        """Note that a device asks; whether it should have waited longer.

        >>> polls, now = Polls(), datetime(2026, 11, 28)
        >>> [polls.too_soon("d_1", now + timedelta(seconds=s)) for s in (0, 4, 13, 28)]
        [False, True, True, False]
        """
        with self._lock:
            asked_at, interval_s = self._asked.pop(device_id, (None, INTERVAL_S))
            early = asked_at is not None and now < asked_at + timedelta(seconds=interval_s)
            self._asked[device_id] = now, interval_s + (INTERVAL_S if early else 0)
            if len(self._asked) > self.most:
                self._asked.popitem(last=False)
        return early
