"""Resuming ends a pause early: an act of its own, which restores and never renews."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.consent.model import VALIDITY, State
from app.kernel.errors import Conflict
from tests.consent.booth import Booth, notice


def test_resuming_restores_what_the_pause_interrupted_and_keeps_its_end(booth: Booth) -> None:
    given = booth.give().decision
    before = booth.standing()
    booth.clock.advance(timedelta(days=100))
    booth.pause(30)
    booth.clock.advance(60)
    made = booth.decide("resumed").decision
    assert booth.standing() == before
    assert before.until == given.decided_at + VALIDITY
    assert (made.seq, made.valid_until, made.shown_id) == (3, given.valid_until, given.shown_id)


def test_a_resume_is_one_entry_that_says_what_stands_again(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.decide("resumed")
    ((given,), (resumed,)) = (booth.entries(f"consent.{act}") for act in ("given", "resumed"))
    differing = {name for name in given["facts"] if given["facts"][name] != resumed["facts"][name]}
    assert differing == {"decision", "seq"}
    assert (resumed["actor"], resumed["subjects"]) == (given["actor"], given["subjects"])


def test_a_resume_ends_all_pauses_that_run(booth: Booth) -> None:
    booth.give()
    for minutes in (30, 60, 90):
        booth.pause(minutes)
    booth.decide("resumed")
    assert booth.standing().state is State.GIVEN
    booth.pause(5)
    assert booth.standing().until == booth.clock.now() + timedelta(minutes=5)


def test_resuming_needs_no_notice_and_pays_no_heed_to_one(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.decide("resumed", shown_id="nonsense")
    assert booth.standing().state is State.GIVEN


def never_asked(_booth: Booth) -> None:
    pass


def given(booth: Booth) -> None:
    booth.give()


def resumed_already(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.decide("resumed")


def withdrawn_from_the_pause(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.decide("withdrawn")


def pause_over(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.clock.advance(timedelta(minutes=30))


def moved(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.move(region="FR")


def moved_and_back(booth: Booth) -> None:
    moved(booth)
    booth.move(region="DE")


def notice_changed(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    booth.adopt(notice(version=2), notice(version=2, language="de"))


def expired_in_the_pause(booth: Booth) -> None:
    booth.give()
    booth.clock.advance(VALIDITY - timedelta(minutes=10))
    booth.pause(30)
    booth.clock.advance(timedelta(minutes=10))


WHY_NOT: dict[Callable[[Booth], None], str] = {
    never_asked: "you have not decided yet",
    given: "no pause runs",
    resumed_already: "no pause runs",
    withdrawn_from_the_pause: "you said stop",
    pause_over: "no pause runs",
    moved: "the notice or the region where you live has changed",
    moved_and_back: "the notice or the region where you live has changed",
    notice_changed: "the notice or the region where you live has changed",
    expired_in_the_pause: "what you agreed to has ended",
}


@pytest.mark.parametrize("story", WHY_NOT, ids=lambda story: story.__name__)
def test_nothing_else_can_be_resumed_and_the_refusal_changes_nothing(
    booth: Booth, story: Callable[[Booth], None]
) -> None:
    story(booth)
    before, history = booth.standing(), booth.history()
    with pytest.raises(Conflict, match=f"nothing can be resumed: {WHY_NOT[story]}") as refused:
        booth.decide("resumed")
    assert "Nothing was changed" in refused.value.cure
    assert (booth.standing(), booth.history()) == (before, history)


def test_a_move_during_the_call_is_seen_also_by_who_holds_an_older_view(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    before = booth.person()
    booth.move(region="FR")
    with pytest.raises(Conflict), booth.database.write() as tx:
        booth.consent.decide(
            tx, replace(before), booth.history()[-1].act.RESUMED, booth.clock.now()
        )
