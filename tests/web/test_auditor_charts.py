"""Charts of the log: what is counted is what is drawn, and each bar leads to what it counts."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.reading.activity import Bucket
from app.audit.reading.search import Search, ends, starts
from app.web.auditor.rows.charts import (
    HEIGHT,
    MOST_BARS,
    kind_levels,
    period,
    refusal_levels,
    sentence,
    shown_days,
    timeline,
)

TODAY = date(2026, 11, 22)


def _days(*counts: dict[str, int], step: int = 1) -> tuple[Bucket, ...]:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    length = timedelta(days=step)
    return tuple(
        Bucket(first + place * length, first + (place + 1) * length, groups)
        for place, groups in enumerate(counts)
    )


def test_each_group_has_a_row_and_the_highest_bar_fills_it() -> None:
    chart = timeline(_days({"consent": 4, "notice": 4}, {}, {"consent": 2, "access": 1000}))
    people, access = chart.rows
    assert (people.group, people.total, people.most) == ("consent", 10, 8)
    assert [(bar.first.day, bar.count, bar.height) for bar in people.bars] == [
        (1, 8, HEIGHT),
        (3, 2, HEIGHT / 4),
    ]
    assert (access.total, access.most) == (1000, 1000)
    assert chart.total == 1010
    assert (chart.first, chart.last, chart.step) == (date(2026, 11, 1), date(2026, 11, 3), 1)


def test_a_bar_that_counts_anything_can_be_seen() -> None:
    (row,) = timeline(_days({"log": 100_000}, {"log": 1})).rows
    assert row.bars[1].height == 2
    assert row.bars[1].y + row.bars[1].height == HEIGHT


def test_a_bar_leads_to_exactly_the_entries_it_counts() -> None:
    buckets = _days({"lease": 1}, {"agent": 3}, step=7)
    (row,) = timeline(buckets).rows
    for bar, bucket in zip(row.bars, buckets, strict=True):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(bar.href).query).items()}
        search = Search(**asked)
        assert search.faults() == ()
        assert (starts(search.since), ends(search.until)) == (bucket.since, bucket.until)
        assert "lease.changed" in search.wanted(1).kinds


def test_nothing_happened_is_an_empty_chart() -> None:
    chart = timeline(_days({}, {}))
    assert chart.rows == ()
    assert chart.total == 0


def test_a_row_says_in_words_how_much_and_when_the_most() -> None:
    (row,) = timeline(_days({"policy": 1}, {"policy": 1200})).rows
    assert sentence(row) == "1,201 entries; the most, 1,200, on 2 Nov 2026."
    (weeks,) = timeline(_days({"policy": 1}, step=7)).rows
    assert sentence(weeks) == "1 entry; the most, 1, from 1 Nov 2026 to 7 Nov 2026."
    assert period(TODAY, TODAY) == "22 Nov 2026"


def test_the_last_30_days_are_shown_where_nothing_is_asked() -> None:
    assert shown_days(None, None, TODAY) == (date(2026, 10, 24), TODAY, 1)


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [
        (date(2026, 11, 20), None, (date(2026, 11, 20), TODAY, 1)),
        (date(2026, 11, 20), date(2026, 11, 20), (date(2026, 11, 20), date(2026, 11, 20), 1)),
        (None, date(2026, 6, 30), (date(2026, 6, 1), date(2026, 6, 30), 1)),
        (date(2025, 11, 23), None, (date(2025, 11, 17), TODAY, 7)),
        (date(2027, 1, 1), None, (date(2027, 1, 1), date(2027, 1, 1), 1)),
    ],
)
def test_what_is_asked_is_shown_in_whole_bars(
    since: date | None, until: date | None, shown: tuple[date, date, int]
) -> None:
    assert shown_days(since, until, TODAY) == shown


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 20_000))
def test_bars_are_whole_and_never_more_than_can_be_drawn(last: date, before: int) -> None:
    since = last - timedelta(days=before)
    first, end, step = shown_days(since, last, TODAY)
    days = (end - first).days + 1
    assert end == last
    assert days % step == 0
    assert 1 <= days // step <= MOST_BARS
    assert first <= since or days // step == MOST_BARS


def test_levels_start_at_zero_and_the_longest_fills_the_row() -> None:
    drawn = kind_levels({"log.read": 50, "log.opened": 1, "lease.changed": 200, "x.y": 0})
    assert [(level.code, level.length) for level in drawn] == [
        ("lease.changed", 100),
        ("log.read", 25),
        ("log.opened", 1),
    ]
    assert kind_levels({}) == ()


def test_refusals_are_told_apart_by_what_was_refused() -> None:
    counts = {("access.decided", "purpose_prohibited"): 3, ("lease.changed", "paused"): 2}
    (asked,) = refusal_levels(counts, "access.decided", TODAY)
    assert (asked.words, asked.count) == ("Purpose prohibited", 3)
    assert asked.href == "/auditor?kind=access.decided&outcome=deny&since=2026-11-22"
    (off,) = refusal_levels(counts, "lease.changed", TODAY)
    assert (off.words, off.count) == ("Paused", 2)
