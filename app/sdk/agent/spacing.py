"""Events that must be a least interval apart, such as screenshots (pure).

Rules:
1. What counts is the time an event says it happened at, not when it is judged: it keeps its
   distance from the nearest kept event on either side, in whatever order events arrive.
2. None is kept until an interval after the start: what was kept before a restart is not known.
3. What is forgotten counts as the start. So the memory is bounded by number, and by the stretch of
   "on": the guard refuses an event from before the stretch anyway, so only the last time kept
   before it can still matter.
"""

from bisect import bisect_left, insort
from datetime import datetime

MOST_KEPT = 1_024
"""Times remembered of one signal. An event older than all of them is too late to be kept."""


class Spacing:
    """The times at which events of one signal were kept.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    >>> minute = timedelta(minutes=1)
    >>> spacing = Spacing(start)
    >>> spacing.allows(start + minute, 60), spacing.allows(start + minute / 2, 60)
    (True, False)
    >>> spacing.took(start + 4 * minute)
    >>> [spacing.allows(start + minutes * minute, 120) for minutes in (1, 2, 3, 5, 6)]
    [False, True, False, False, True]

    Args:
        start: when the run began.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._kept: list[datetime] = []

    def __len__(self) -> int:
        return len(self._kept)

    def allows(self, at: datetime, interval_s: float) -> bool:
        """Whether an event is far enough from every kept event and from the start."""
        place = bisect_left(self._kept, at)
        before = self._kept[place - 1] if place else self._start
        far = (at - before).total_seconds() >= interval_s
        after = self._kept[place : place + 1]
        return far and all((kept - at).total_seconds() >= interval_s for kept in after)

    def took(self, at: datetime) -> None:
        """Remember that an event was kept."""
        insort(self._kept, at)
        self._drop(len(self._kept) - MOST_KEPT)

    def forget(self, before: datetime) -> None:
        """Forget what was kept before an instant; nothing from before it will be asked about."""
        self._drop(bisect_left(self._kept, before))

    def _drop(self, count: int) -> None:
        if count > 0:
            self._start = self._kept[count - 1]
            del self._kept[:count]
