"""Screenshots keep their interval, whatever the order in which they arrive."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.refusals import Refusal
from app.sdk.agent.guard import Allowed, Denied
from app.sdk.agent.spacing import MOST_KEPT, Spacing
from tests.agent_simulator import AgentSimulator, LeaseOffice, event
from tests.fakes import FakeClock

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TOO_SOON = Denied(Refusal.SCREENSHOT_INTERVAL)

seconds = st.integers(-400, 1_600)


def after(number: float) -> datetime:
    return START + timedelta(seconds=number)


def kept_of(spacing: Spacing, times: list[int], interval_s: int) -> list[datetime]:
    """Those that are allowed, when each that is allowed is also kept."""
    kept = []
    for at in map(after, times):
        if spacing.allows(at, interval_s):
            spacing.took(at)
            kept.append(at)
    return sorted(kept)


@given(st.lists(seconds, max_size=60), st.integers(1, 300))
def test_in_any_order_the_kept_are_an_interval_apart_and_apart_from_the_start(times, interval_s):
    marks = [START, *kept_of(Spacing(START), times, interval_s)]
    assert all((b - a).total_seconds() >= interval_s for a, b in pairwise(marks))


@given(st.lists(seconds, max_size=60), st.integers(1, 300))
def test_what_was_refused_is_too_near_to_the_start_or_to_something_kept(times, interval_s):
    """It refuses no more than it must."""
    spacing = Spacing(START)
    kept = kept_of(spacing, times, interval_s)
    for at in map(after, times):
        apart = all(abs((at - other).total_seconds()) >= interval_s for other in kept)
        assert spacing.allows(at, interval_s) == (
            apart and (at - START).total_seconds() >= interval_s
        )


@given(st.lists(seconds, max_size=60), seconds, st.lists(seconds, max_size=20))
def test_what_is_forgotten_makes_no_difference_to_what_comes_later(times, before, later):
    whole, forgetful = Spacing(START), Spacing(START)
    kept_of(whole, times, 60)
    kept_of(forgetful, times, 60)
    forgetful.forget(after(before))
    coming = [number for number in later if number >= before]
    assert kept_of(forgetful, coming, 60) == kept_of(whole, coming, 60)
    assert len(forgetful) <= len(whole)


@given(st.lists(seconds, max_size=60), seconds, st.lists(seconds, max_size=20))
def test_forgetting_never_allows_more(times, before, later):
    whole, forgetful = Spacing(START), Spacing(START)
    kept_of(whole, times, 60)
    kept_of(forgetful, times, 60)
    forgetful.forget(after(before))
    for at in map(after, later):
        assert whole.allows(at, 60) or not forgetful.allows(at, 60)


def test_the_memory_is_bounded_and_what_is_older_than_it_is_refused():
    spacing = Spacing(START)
    for number in range(1, MOST_KEPT + 11):
        spacing.took(after(100 * number))
    assert len(spacing) == MOST_KEPT
    assert not spacing.allows(after(550), 10)  # between two that are forgotten
    assert not spacing.allows(after(1_009), 10)  # the last of them is at 1000
    assert spacing.allows(after(1_050), 10)


def test_each_interval_is_held_against_all_that_was_kept():
    spacing = Spacing(START)
    spacing.took(after(600))
    assert spacing.allows(after(500), 100)
    assert not spacing.allows(after(500), 101)
    assert spacing.allows(after(600), 0)


# Through the guard


@pytest.fixture
def office(clock: FakeClock) -> LeaseOffice:
    return LeaseOffice(clock)


@pytest.fixture
def agent(tmp_path: Path, office: LeaseOffice, clock: FakeClock) -> AgentSimulator:
    """A laptop that captures, where screenshots are a minute apart."""
    agent = AgentSimulator(tmp_path / "agent", office, clock)
    agent.poll()
    return agent


def shot(agent: AgentSimulator, ago: float = 0) -> Allowed | Denied:
    """What the guard says about a screenshot from so many seconds ago."""
    at = agent.clock.now() - timedelta(seconds=ago)
    return agent.guard.may_capture(event(signal="screenshot", at=at))


def test_a_screenshot_is_refused_within_the_interval_on_either_side(agent):
    agent.wait(300)
    assert isinstance(shot(agent, ago=120), Allowed)
    assert [shot(agent, ago=ago) for ago in (179, 150, 120, 61)] == [TOO_SOON] * 4
    assert isinstance(shot(agent, ago=180), Allowed)
    assert isinstance(shot(agent, ago=60), Allowed)


def test_two_that_arrive_late_do_not_make_room_for_a_third_between_them(agent):
    """Held against the last one only, each would be far enough from the one before."""
    agent.wait(300)
    assert isinstance(shot(agent, ago=0), Allowed)
    assert isinstance(shot(agent, ago=200), Allowed)
    assert shot(agent, ago=10) == TOO_SOON


def test_a_screenshot_that_is_refused_takes_no_place(agent):
    agent.wait(100)
    assert isinstance(shot(agent, ago=30), Allowed)
    assert shot(agent) == TOO_SOON
    agent.wait(30)
    assert isinstance(shot(agent), Allowed)


def test_other_signals_keep_no_distance(agent):
    assert isinstance(agent.guard.may_capture(event(at=agent.clock.now())), Allowed)
    assert isinstance(agent.guard.may_capture(event(at=agent.clock.now())), Allowed)


def test_after_a_start_there_is_no_screenshot_until_an_interval_has_passed(agent):
    agent.wait(59)
    assert shot(agent) == TOO_SOON
    agent.wait(2)
    assert isinstance(shot(agent), Allowed)


def test_restarting_again_and_again_brings_no_screenshot(agent):
    agent.wait(100)
    assert isinstance(shot(agent), Allowed)
    for _ in range(5):
        agent.restart()
        agent.poll()
        assert shot(agent) == TOO_SOON
        agent.wait(30)
        assert shot(agent) == TOO_SOON


def test_a_renewed_lease_forgets_no_screenshot(agent):
    agent.wait(100)
    assert isinstance(shot(agent), Allowed)
    agent.wait(10)
    agent.poll()
    assert shot(agent) == TOO_SOON


@pytest.mark.parametrize("seconds", [-50, -5, 50])
def test_a_clock_that_is_set_a_little_makes_no_room_for_a_screenshot(agent, seconds):
    """Within what two honest clocks may differ by, a lease stays good."""
    agent.wait(200)
    assert isinstance(shot(agent), Allowed)
    agent.turn_clock(seconds)
    assert agent.captures
    assert shot(agent) == TOO_SOON
    agent.wait(59)
    assert shot(agent) == TOO_SOON
    agent.wait(1)
    assert isinstance(shot(agent), Allowed)


@pytest.mark.parametrize("seconds", [-86_400, -600, 600, 86_400])
def test_a_clock_that_was_far_off_locks_screenshots_for_an_interval_and_no_longer(agent, seconds):
    agent.turn_clock(seconds)  # at the service, too
    agent.poll()
    agent.wait(200)
    assert isinstance(shot(agent), Allowed)
    agent.turn_clock(-seconds)
    agent.poll()
    assert shot(agent) == TOO_SOON
    agent.wait(60)
    assert isinstance(shot(agent), Allowed)
