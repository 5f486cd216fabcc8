"""Charts of the log: entries over time by group, refusals by reason, entries by kind. Pure.

Rules:
1. Every chart says its numbers in a table too; each bar is a link to the entries it counts.
2. Groups are told apart by place and name, one row of bars each, never by colour. Rows have scales
   of their own, and each says its highest bar, because a busy group would flatten the others.
3. Bars start at zero. A bar that counts anything can be seen. Levels: app/web/shell/levels.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from app.audit.reading.activity import Bucket
from app.audit.reading.search import Search, group_of, read_day
from app.kernel.errors import Fault
from app.web.shell.levels import Level, levels
from app.web.words.log_reasons import reason_in_words
from app.web.words.log_words import GROUPS, kind_in_words
from app.web.words.policy_words import counted

HEIGHT = 40
"""Height of a row of bars; a step in time is 10 wide."""
STEP = 10
_BAR = 8
_LEAST = 2.0
_STEPS = (1, 7, 28)
MOST_BARS = 62
_FIRST_DAY = date.min + timedelta(days=MOST_BARS * _STEPS[-1])
_LAST_DAY = date.max - timedelta(days=1)
"""Between them, the longest chart before a day and the instant after it are in the calendar."""


@dataclass(frozen=True)
class Bar:
    """One bar from zero: the days it counts, its place and size, where it leads."""

    first: date
    last: date
    count: int
    x: int
    y: float
    height: float
    href: str


class Tick(NamedTuple):
    """A day to name under the bars, and where: from 0 to 100."""

    day: date
    place: float


@dataclass(frozen=True)
class Row:
    """One group over time."""

    group: str
    name: str
    total: int
    most: int
    bars: tuple[Bar, ...]
    href: str


@dataclass(frozen=True)
class Timeline:
    """Entries over time, a row for each group that has any.

    Attributes:
        first, last: the days shown, both included.
        step: how many days a bar counts.
        width: of each row, in the units of its bars.
        ticks: days to name under the bars.
    """

    first: date
    last: date
    step: int
    width: int
    total: int
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]


def days_of(day: date) -> str:
    """A day as a chart says it: ``22 Nov 2026``."""
    return f"{day.day} {day:%b %Y}"


def period(first: date, last: date) -> str:
    """Days in words: one day, or from one to another."""
    return days_of(first) if first == last else f"{days_of(first)} to {days_of(last)}"


def shown_days(since: date | None, until: date | None, today: date) -> tuple[date, date, int]:
    """The days to show and how many a bar counts.

    What was asked, the last 30 days by default; longer times in bars of a week or of four. The
    first day moves back so that every bar is whole, and forward where more cannot be drawn.
    """
    last = until or max(today, since or today)
    asked = (last - since).days + 1 if since else 30
    step = next((days for days in _STEPS if days * MOST_BARS >= asked), _STEPS[-1])
    bars = min(MOST_BARS, -(-asked // step))
    return last - timedelta(days=bars * step - 1), last, step


def day_faults(search: Search) -> tuple[Fault, ...]:
    """The days of a search that no chart can show, because the calendar ends next to them."""
    since, until = read_day(search.since), read_day(search.until)
    faults = []
    if since and since > _LAST_DAY:
        faults.append(Fault("since", f"A chart ends on {_LAST_DAY}.", "Choose an earlier day."))
    if until and until > _LAST_DAY:
        faults.append(Fault("until", f"A chart ends on {_LAST_DAY}.", "Choose an earlier day."))
    if until and until < _FIRST_DAY:
        cure = "Choose a later day."
        faults.append(Fault("until", f"A chart ends on {_FIRST_DAY} at the earliest.", cure))
    return tuple(faults)


def timeline(buckets: Sequence[Bucket]) -> Timeline:
    """Entries over time, by group; each bucket is a number of whole days."""
    by_group: dict[str, list[int]] = {}
    for place, bucket in enumerate(buckets):
        for room, count in bucket.groups.items():
            group = by_group.setdefault(group_of(f"{room}."), [0] * len(buckets))
            group[place] += count
    days = [(bucket.since.date(), (bucket.until - timedelta(days=1)).date()) for bucket in buckets]
    rows = tuple(_row(group, by_group[group], days) for group in GROUPS if group in by_group)
    return Timeline(
        first=days[0][0],
        last=days[-1][1],
        step=(buckets[0].until - buckets[0].since).days,
        width=STEP * len(buckets),
        total=sum(row.total for row in rows),
        rows=rows,
        ticks=_ticks([first for first, _ in days]),
    )


def _row(group: str, counts: Sequence[int], days: Sequence[tuple[date, date]]) -> Row:
    most = max(counts)
    bars = []
    for place, (count, (first, last)) in enumerate(zip(counts, days, strict=True)):
        if count:
            height = max(_LEAST, round(HEIGHT * count / most, 1))
            href = _href(kind=group, since=first.isoformat(), until=last.isoformat())
            x = STEP * place + (STEP - _BAR) // 2
            bars.append(Bar(first, last, count, x, HEIGHT - height, height, href))
    href = _href(kind=group, since=days[0][0].isoformat(), until=days[-1][1].isoformat())
    return Row(group, GROUPS[group], sum(counts), most, tuple(bars), href)


def _ticks(starts: Sequence[date]) -> tuple[Tick, ...]:
    """Name the first day and at most four more, evenly, none too near the end to be read."""
    every = max(1, -(-len(starts) // 5))
    places = [place for place in range(0, len(starts), every) if place <= len(starts) * 0.86]
    return tuple(Tick(starts[place], round(100 * place / len(starts), 2)) for place in places)


def sentence(row: Row) -> str:
    """A row in words, for who does not see it: how many, and when the most."""
    top = max(row.bars, key=lambda bar: bar.count)
    when = f"{'on' if top.first == top.last else 'from'} {period(top.first, top.last)}"
    return f"{counted(row.total, 'entry')}; the most, {top.count:,}, {when}."


def kind_levels(counts: Mapping[str, int]) -> tuple[Level, ...]:
    """Entries of the whole log by kind, the most frequent first."""
    return levels(
        (kind, kind_in_words(kind), count, _href(kind=kind)) for kind, count in counts.items()
    )


REFUSED: Mapping[str, str] = {"access.decided": "deny", "lease.changed": "off"}
"""Kinds of entries that refuse something, with the outcome that does."""


def refusal_levels(
    counts: Mapping[tuple[str, str], int], kind: str, since: date
) -> tuple[Level, ...]:
    """Refusals of one kind by their first reason, the most frequent first."""
    href = _href(kind=kind, outcome=REFUSED[kind], since=since.isoformat())
    return levels(
        (reason, reason_in_words(reason), count, href)
        for (refused, reason), count in counts.items()
        if refused == kind
    )


def _href(**fields: str) -> str:
    return f"/auditor?{urlencode(fields)}"
