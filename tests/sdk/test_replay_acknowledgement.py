"""Where an acknowledgement is asked for next to consent, a consent without it is too little."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.consent.model import Act
from tests.access.office import ALICE, HOUR, codes
from tests.sdk.day import Day

DEMAND = {"decision_content": {"value": ["acknowledgement"]}}


@pytest.fixture
def asked_later(day: Day) -> Iterator[Day]:
    """A day on which Alice consents, and then an acknowledgement is asked for, too."""
    day.pair(ALICE)
    day.captured(ALICE)
    assert day.poll(ALICE) == ()
    assert codes(day.ask(ALICE)) == []
    day.tighten("US-CA", **DEMAND)
    day.clock.advance(HOUR)
    yield day
    assert day.log().findings() == (), "the log alone gives the same"


def test_a_consent_from_before_no_longer_suffices_and_the_person_is_asked_once(
    asked_later: Day,
) -> None:
    day = asked_later
    assert day.poll(ALICE) == ("consent_missing",)
    assert "consent_now" in codes(day.ask(ALICE))
    day.opt_in(day.person(ALICE))
    assert day.poll(ALICE) == ()
    day.clock.advance(timedelta(hours=3))
    assert codes(day.ask(ALICE)) == []
    assert day.poll(ALICE) == ()


def test_a_pause_over_such_a_consent_restores_nothing_that_suffices(asked_later: Day) -> None:
    day = asked_later
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    day.decide(ALICE, Act.RESUMED)
    assert day.poll(ALICE) == ("consent_missing",)


def test_what_was_captured_on_such_a_consent_is_not_read_on_the_newer_one(
    asked_later: Day,
) -> None:
    day = asked_later
    before = day.now - HOUR
    day.opt_in(day.person(ALICE))
    answer = day.ask(ALICE, captured_from=before - HOUR, captured_to=before)
    assert codes(answer) == ["consent_at_capture"]
