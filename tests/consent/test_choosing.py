"""What a person decides on: the number of their last decision, and what stands."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from app.consent.model import Act, State
from app.kernel.errors import Conflict
from tests.consent.booth import Booth, notice
from tests.consent.test_opting_out import race


def test_three_times_given_at_once_on_one_form_is_one_decision(booth: Booth) -> None:
    shown = booth.show()
    answers = race(*[lambda: booth.decide("given", shown_id=shown.id, known=0)] * 3)
    refused = [one for one in answers if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [Conflict] * 2
    assert all("your last decision is number 1, given" in str(one) for one in refused)
    assert [one.act for one in booth.history()] == [Act.GIVEN]
    assert len(booth.entries("consent.given")) == 1


@pytest.mark.every_pair("known", "act", "database_url")
@pytest.mark.parametrize("act", ["given", "resumed"])
@pytest.mark.parametrize("known", [0, 1, 3, -1, 10**12])
def test_what_opens_on_a_stale_number_is_told_what_stands_and_changes_nothing(
    booth: Booth, act: str, known: int
) -> None:
    shown = booth.show()
    booth.decide("given", shown_id=shown.id, known=0)
    booth.pause(30)
    before = booth.history()
    with pytest.raises(Conflict, match="your last decision is number 2, paused") as refused:
        booth.decide(act, shown_id=shown.id, known=known)
    assert "Nothing was changed" in refused.value.cure
    assert booth.history() == before
    assert booth.decide(act, shown_id=shown.id, known=2).decision.seq == 3


def test_a_yes_from_before_a_withdrawal_does_not_undo_it(booth: Booth) -> None:
    """The form of another window, sent after the person withdrew in this one."""
    shown = booth.show()
    booth.decide("given", shown_id=shown.id, known=0)
    booth.decide("withdrawn")
    with pytest.raises(Conflict, match="number 2, withdrawn"):
        booth.decide("given", shown_id=shown.id, known=1)
    assert booth.standing().state is State.WITHDRAWN


@pytest.mark.every_pair("known", "act", "database_url")
@pytest.mark.parametrize("act", ["withdrawn", "refused", "paused"])
@pytest.mark.parametrize("known", [0, 7])
def test_opting_out_pays_no_heed_to_the_number(booth: Booth, act: str, known: int) -> None:
    booth.give()
    until = booth.clock.now() + timedelta(hours=1)
    booth.decide(act, known=known, until=until)
    assert booth.standing().state.value == act


def refused_before(booth: Booth) -> None:
    booth.decide("refused")


def withdrawn_before(booth: Booth) -> None:
    booth.give()
    booth.decide("withdrawn")


def never_asked(_booth: Booth) -> None:
    pass


@pytest.mark.parametrize("story", [never_asked, refused_before, withdrawn_before])
def test_pausing_where_nothing_stands_is_answered_with_what_stands(
    booth: Booth, story: Callable[[Booth], None]
) -> None:
    story(booth)
    before = booth.history()
    words = {"none": "you have not decided yet", "refused": "you said no"}
    expected = words.get(booth.standing().state.value, "you said stop")
    with pytest.raises(Conflict, match=f"there is nothing to pause: {expected}"):
        booth.pause(30)
    assert booth.history() == before
    assert booth.entries("consent.paused") == []


def test_a_pause_while_the_notice_is_missing_holds_when_it_is_back(booth: Booth) -> None:
    """Law 7: a fault never leads to more capture than there would be without it."""
    booth.give()
    booth.adopt()
    assert booth.standing().state is State.INVALIDATED
    booth.pause(30)
    booth.adopt(notice(), notice(language="de"))
    assert booth.standing().state is State.PAUSED


@pytest.mark.parametrize("minutes", [5, 29, 30])
def test_a_pause_that_ends_no_later_than_the_one_that_runs_is_that_one(
    booth: Booth, minutes: int
) -> None:
    booth.give()
    first = booth.pause(30)
    assert booth.pause(minutes) == first
    assert booth.pause(31).decision.seq == 3
    assert booth.pause(30).decision.seq == 3
    assert len(booth.entries("consent.paused")) == 2


def test_the_same_pause_sent_again_and_again_is_one_until_it_ends_a_minute_later(
    booth: Booth,
) -> None:
    booth.give()
    first = booth.pause(30)
    for _ in range(5):
        booth.clock.advance(timedelta(seconds=11.9))
        assert booth.pause(30) == first
    booth.clock.advance(timedelta(seconds=0.5))
    assert booth.pause(30).decision.seq == 3


def expired(booth: Booth) -> None:
    booth.clock.advance(timedelta(days=400))


@pytest.mark.parametrize("ended", [Booth.adopt, expired], ids=["invalidated", "expired"])
def test_over_what_ended_by_itself_the_same_pause_is_one(
    booth: Booth, ended: Callable[[Booth], None]
) -> None:
    """It is taken, because a fault may be mended; and not each time anew."""
    booth.give()
    ended(booth)
    first = booth.pause(30)
    assert [booth.pause(minutes) for minutes in (5, 30, 30.9)] == [first] * 3
    assert booth.pause(60) != first
    booth.clock.advance(timedelta(minutes=60))
    assert booth.pause(5).decision.seq == 4, "none runs any more"


def test_pausing_twice_at_once_is_one_decision(booth: Booth) -> None:
    booth.give()
    first, second = race(*[partial(booth.pause, 30)] * 2)
    assert first == second
    assert len(booth.history()) == 2
