"""How long a laptop waits after a try in vain: never too short, never too long, never all alike."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sdk.agent.waiting import MARGIN_S, MOST_ASKED_S, MOST_SPAN_S, Backoff, asked_s, wait_s
from app.sdk.lease import MOST_POLL_S

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)

POLLS = st.integers(1, MOST_POLL_S)
TRIES = st.integers(1, 10_000)
ASKED = st.floats(0, MOST_ASKED_S)
LEFT = st.none() | st.floats(0, 3_600)
CHANCE = st.floats(0, 1)


@given(POLLS, TRIES, ASKED, LEFT, CHANCE)
def test_a_wait_lies_between_the_interval_of_polls_and_ten_minutes_more(
    poll_s, tries, asked, left_s, chance
):
    waits = wait_s(poll_s, tries, asked, left_s, chance)
    assert poll_s <= waits <= max(poll_s, asked) + MOST_SPAN_S


@given(POLLS, TRIES, ASKED, st.floats(1, 3_600), CHANCE)
def test_a_laptop_asks_once_more_before_its_lease_ends_where_there_is_time(
    poll_s, tries, asked, spare_s, chance
):
    waits = wait_s(poll_s, tries, asked, poll_s + spare_s + MARGIN_S, chance)
    assert waits <= poll_s + spare_s


@given(POLLS, TRIES, ASKED, CHANCE)
def test_without_a_lease_to_lose_no_laptop_comes_sooner_than_it_is_asked_to(
    poll_s, tries, asked, chance
):
    assert wait_s(poll_s, tries, asked, None, chance) >= asked


@given(POLLS, TRIES, ASKED, LEFT)
def test_two_laptops_in_the_same_situation_come_at_different_times(poll_s, tries, asked, left_s):
    waits = {wait_s(poll_s, tries, asked, left_s, chance) for chance in (0, 0.5, 1)}
    assert len(waits) == 3


@given(POLLS, TRIES)
def test_the_span_doubles_up_to_its_cap(poll_s, tries):
    spans = [wait_s(poll_s, tries + more, 0, None, 1) - poll_s for more in (0, 1)]
    assert spans[1] == min(MOST_SPAN_S, 2 * spans[0])


@given(st.text() | st.integers().map(str) | st.floats().map(str) | st.binary().map(str))
def test_whatever_a_retry_after_says_is_within_bounds(text):
    assert 0 <= asked_s(text, NOW) <= MOST_ASKED_S


@given(st.integers(0, 10**30))
def test_seconds_are_taken_up_to_the_most(seconds):
    assert asked_s(f" {seconds} ", NOW) == min(seconds, MOST_ASKED_S)


@given(st.integers(-10_000, 10_000))
def test_a_date_is_taken_as_the_seconds_until_it(seconds):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert asked_s(date, NOW) == min(max(seconds, 0), MOST_ASKED_S)


@pytest.mark.parametrize(
    "date",
    ["Mon, 16 Nov 2026 09:02:00 GMT", "Monday, 16-Nov-26 09:02:00 GMT", "Mon Nov 16 09:02:00 2026"],
)
def test_each_form_of_a_date_in_http_is_read(date):
    assert asked_s(date, NOW) == 120


@pytest.mark.parametrize("said", ["-5", "1.5", "1e3", "+30", "0x1e", "٣٠", "30, 60", "in a minute"])
def test_what_is_no_number_of_seconds_and_no_date_counts_for_nothing(said):
    assert asked_s(said, NOW) == 0


def test_tries_are_counted_until_one_is_answered():
    backoff = Backoff(lambda: 1)
    assert [backoff.next_s(15) for _ in range(3)] == [30, 45, 75]
    backoff.answered()
    assert backoff.next_s(15) == 30
