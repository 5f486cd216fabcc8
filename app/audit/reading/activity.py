"""How much happened when: the tally of the log, cut into buckets for a chart (pure).

The tally counts by hour of integration, in UTC, so a bucket is a number of full hours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Bucket:
    """A stretch of time and its entries by the first part of their kind: ``{"consent": 3}``."""

    since: datetime
    until: datetime
    groups: Mapping[str, int]

    @property
    def total(self) -> int:
        """All its entries."""
        return sum(self.groups.values())


def buckets(
    tallies: Iterable[tuple[datetime, str, int]], since: datetime, until: datetime, count: int
) -> tuple[Bucket, ...]:
    """Cut tallies (hour, kind, entries) of a time into so many buckets of equal length.

    >>> from datetime import UTC
    >>> start = datetime(2026, 11, 22, tzinfo=UTC)
    >>> tallies = [(start, "consent.given", 2), (start + HOUR, "consent.withdrawn", 1)]
    >>> [bucket.groups for bucket in buckets(tallies, start, start + 2 * HOUR, count=2)]
    [{'consent': 2}, {'consent': 1}]

    Raises:
        ValueError: the buckets would not begin and end on full hours.
    """
    length = (until - since) / count if count > 0 else timedelta()
    begins_full = since.replace(minute=0, second=0, microsecond=0) == since
    if not begins_full or length < HOUR or length % HOUR:
        msg = f"{count} buckets from {since} to {until} are not full hours"
        raise ValueError(msg)
    groups: list[dict[str, int]] = [{} for _ in range(count)]
    for hour, kind, entries in tallies:
        group = kind.partition(".")[0]
        into = groups[(hour - since) // length]
        into[group] = into.get(group, 0) + entries
    return tuple(
        Bucket(since + place * length, since + (place + 1) * length, counts)
        for place, counts in enumerate(groups)
    )
