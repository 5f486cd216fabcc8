"""Turns: whoever asks once is not kept out by whoever asks a thousand times."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.kernel.lanes import Full
from app.kernel.turns import Turn, Turns

ASKERS = st.sampled_from("abcde")


class Comings(RuleBasedStateMachine):
    """Whoever comes, leaves and gives up, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns(1)
        self.all: list[Turn] = []

    @precondition(lambda self: not self.all)
    @rule(places=st.integers(1, 4), longest=st.none() | st.integers(0, 6))
    def open(self, places: int, longest: int | None) -> None:
        self.turns = Turns(places, longest)

    @rule(asker=ASKERS)
    def ask(self, asker: str) -> None:
        before = {each: self.turns.waiting(each) for each in "abcde"}
        try:
            self.all.append(self.turns.ask(asker))
        except Full:
            longest = self.turns.longest
            assert longest is not None
            assert sum(before.values()) >= longest
            assert max(before.values()) <= before[asker] + 1, "somebody louder gave way"

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(self.all))
        self.all.remove(turn)
        self.turns.leave(turn)
        self.turns.leave(turn)
        assert turn.state == "gone"

    @invariant()
    def no_place_is_lost_and_nobody_waits_before_one(self) -> None:
        inside = [turn for turn in self.all if turn.is_in]
        waiting = [turn for turn in self.all if turn.state == "waits"]
        assert len(inside) <= self.turns.places
        assert not waiting or len(inside) == self.turns.places
        for asker in "abcde":
            assert self.turns.waiting(asker) == len([t for t in waiting if t.asker == asker])
        assert self.turns.longest is None or len(waiting) <= self.turns.longest


Comings.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWhoeverComesAndGoesTurnsAreKept = Comings.TestCase


@pytest.mark.parametrize("places", [1, 4])
def test_between_two_turns_of_one_asker_each_other_has_one(places: int) -> None:
    turns = Turns(places)
    inside = [turns.ask("first") for _ in range(places)]
    waiting = [turns.ask(asker) for asker in "a" * 9 + "b" * 3 + "c"]
    order = []
    while inside:
        turns.leave(inside.pop(0))
        came = [turn for turn in waiting if turn.is_in and turn not in order]
        order += came
        inside += came
    assert "".join(turn.asker for turn in order) == "abcababaaaaaa"


def test_who_asks_most_gives_way_with_their_newest() -> None:
    turns = Turns(1, longest=3)
    turns.ask("inside")
    loud = [turns.ask("loud") for _ in range(3)]
    quiet = turns.ask("quiet")
    assert [turn.state for turn in (*loud, quiet)] == ["waits", "waits", "gone", "waits"]
    with pytest.raises(Full):
        turns.ask("loud")
