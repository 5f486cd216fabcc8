"""What decisions add up to: the laws of the fold, tried on generated histories."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consent.choosing import allowed_acts
from app.consent.model import (
    OPENING,
    VALIDITY,
    Act,
    Decision,
    Standing,
    State,
    opening_act,
    standing,
    suffices,
)
from app.kernel.vocabulary import Basis
from tests.consent.booth import at, decision, notice_name

BASES = st.sets(st.sampled_from(list(Basis)))
MINUTES = st.integers(min_value=0, max_value=600)


@st.composite
def histories(draw: st.DrawFn, size: int = 8) -> list[Decision]:
    """Any acts at any times: the clock may jump, versions and residences differ."""
    acts = draw(st.lists(st.sampled_from(list(Act)), max_size=size))
    made = []
    for seq, act in enumerate(acts, start=1):
        one = decision(seq, act, draw(MINUTES))
        if act is Act.PAUSED:
            one = replace(one, until=at(draw(MINUTES)))
        if one.valid_until:
            one = replace(
                one,
                valid_until=draw(st.sampled_from([one.valid_until, at(300)])),
                residence=draw(st.sampled_from([1, 1, 1, 2])),
                notice=notice_name(draw(st.sampled_from([1, 1, 1, 2]))),
            )
        made.append(one)
    return made


def fold(history: list[Decision], minute: float) -> Standing:
    return standing(history, at(minute), region="DE", notice_version=1, residence=1)


def enough(found: Standing, bases: set[Basis]) -> bool:
    return suffices(bases, found.state)


@given(histories(), MINUTES, BASES, st.sampled_from(["withdrawn", "refused", "revoked", "paused"]))
def test_adding_an_act_that_opens_nothing_never_widens(
    history: list[Decision], minute: int, bases: set[Basis], act: str
) -> None:
    before = fold(history, minute)
    after = fold([*history, decision(len(history) + 1, act, minute)], minute)
    assert enough(before, bases) or not enough(after, bases)
    if after.stands:
        assert before.agreed == after.agreed


@given(histories(), MINUTES, BASES)
def test_resuming_never_lets_more_be_captured_than_before_the_pauses(
    history: list[Decision], minute: int, bases: set[Basis]
) -> None:
    before = fold(history, minute)
    pauses = [decision(len(history) + 1 + place, "paused", minute) for place in range(2)]
    paused = [*history, *pauses]
    resumed = fold([*paused, decision(len(paused) + 1, "resumed", minute)], minute)
    # What was paused before, too, is resumed: nothing else is new.
    unpaused = fold([one for one in history if one.act is not Act.PAUSED], minute)
    assert resumed in (before, unpaused)
    assert enough(unpaused, bases) or not enough(resumed, bases)
    assert fold(paused, minute).state is not State.PAUSED or enough(resumed, bases) == enough(
        unpaused, bases
    )


@given(histories(), MINUTES)
def test_a_resume_without_a_pause_changes_nothing(history: list[Decision], minute: int) -> None:
    unpaused = [one for one in history if one.act is not Act.PAUSED]
    resumed = [*unpaused, decision(len(history) + 1, "resumed", minute)]
    assert fold(resumed, minute) == fold(unpaused, minute)


@given(histories(), MINUTES, BASES, st.sampled_from(["withdrawn", "refused", "revoked"]))
def test_after_the_end_nothing_suffices_until_a_new_opening_act(
    history: list[Decision], minute: int, bases: set[Basis], act: str
) -> None:
    ended = [*history, decision(len(history) + 1, act)]
    assert fold(ended, minute).state.value == act
    assert not enough(fold(ended, minute), bases)
    paused = [*ended, decision(len(ended) + 1, "paused", minute)]
    assert not enough(fold(paused, minute), bases)
    anew = [*paused, decision(len(paused) + 1, "given", minute)]
    assert fold(anew, minute).state is State.GIVEN


@given(histories(), MINUTES)
def test_after_its_end_a_pause_has_left_no_trace(history: list[Decision], minute: int) -> None:
    pausing = {Act.PAUSED, Act.RESUMED}
    without = [one for one in history if one.act not in pausing]
    late = max((one.until for one in history if one.until), default=at(0))
    moment = max(at(minute), late)
    assert standing(history, moment, region="DE", notice_version=1, residence=1) == standing(
        without, moment, region="DE", notice_version=1, residence=1
    )


@given(histories(), MINUTES, st.randoms(use_true_random=False), st.lists(MINUTES, min_size=8))
def test_seq_orders_and_the_clock_does_not(
    history: list[Decision], minute: int, chance: Random, times: list[int]
) -> None:
    shuffled = [
        replace(one, decided_at=at(time), recorded_at=at(time))
        for one, time in zip(history, times, strict=False)
    ]
    chance.shuffle(shuffled)
    before, after = fold(history, minute), fold(shuffled, minute)
    assert (before.state, before.until) == (after.state, after.until)
    assert (before.decision and before.decision.id) == (after.decision and after.decision.id)


@given(BASES, BASES, st.sampled_from(list(State)))
def test_more_bases_never_make_a_standing_less(
    some: set[Basis], more: set[Basis], state: State
) -> None:
    assert not suffices(some, state) or suffices(some | more, state)


ENOUGH = {
    ("consent", State.GIVEN): True,
    ("consent", State.ACKNOWLEDGED): False,
    ("acknowledgement", State.GIVEN): True,
    ("acknowledgement", State.ACKNOWLEDGED): True,
    ("notice", State.GIVEN): True,
    ("notice", State.ACKNOWLEDGED): True,
    ("notice", State.NONE): False,
    ("collective", State.GIVEN): False,
    ("permit", State.GIVEN): False,
    ("prohibited", State.GIVEN): False,
}


@pytest.mark.parametrize(("case", "expected"), ENOUGH.items())
def test_which_standing_is_enough_on_which_basis(case: tuple[str, State], expected: bool) -> None:
    basis, state = case
    assert suffices({Basis(basis)}, state) is expected
    assert suffices([basis], state) is expected, "names of bases do as well"


@given(BASES)
def test_only_given_and_acknowledged_ever_suffice(bases: set[Basis]) -> None:
    for state in set(State) - {State.GIVEN, State.ACKNOWLEDGED}:
        assert not suffices(bases, state)


GIVEN = decision(1, "given")
STORIES = {
    "nothing decided": ([], 0, State.NONE),
    "given": ([GIVEN], 0, State.GIVEN),
    "acknowledged": ([decision(1, "acknowledged")], 0, State.ACKNOWLEDGED),
    "given, a year minus a minute later": ([GIVEN], 365 * 1440 - 1, State.GIVEN),
    "given, a year later": ([GIVEN], 365 * 1440, State.EXPIRED),
    "given without an end, which is a fault": (
        [replace(GIVEN, valid_until=None)],
        0,
        State.EXPIRED,
    ),
    "given in another region": ([replace(GIVEN, region="FR")], 0, State.INVALIDATED),
    "given before moving away and back": ([replace(GIVEN, residence=0)], 0, State.INVALIDATED),
    "given on an older notice": ([replace(GIVEN, notice=notice_name(0))], 0, State.INVALIDATED),
    "given on a newer notice than ours": (
        [replace(GIVEN, notice=notice_name(2))],
        0,
        State.INVALIDATED,
    ),
    "paused": ([GIVEN, decision(2, "paused", 10)], 39, State.PAUSED),
    "paused, at its end": ([GIVEN, decision(2, "paused", 10)], 40, State.GIVEN),
    "a shorter pause within a longer": (
        [GIVEN, decision(2, "paused", 10, until=at(60)), decision(3, "paused", 11, until=at(20))],
        30,
        State.PAUSED,
    ),
    "given anew during a pause": (
        [GIVEN, decision(2, "paused", 10), decision(3, "given", 11)],
        12,
        State.GIVEN,
    ),
    "resumed from a pause": (
        [GIVEN, decision(2, "paused", 10), decision(3, "resumed", 11)],
        12,
        State.GIVEN,
    ),
    "resumed from several pauses": (
        [
            decision(1, "acknowledged"),
            decision(2, "paused", 10, until=at(60)),
            decision(3, "paused", 11, until=at(90)),
            decision(4, "resumed", 12),
        ],
        13,
        State.ACKNOWLEDGED,
    ),
    "paused again after resuming": (
        [
            GIVEN,
            *(
                decision(n, act, 10 + n)
                for n, act in ((2, "paused"), (3, "resumed"), (4, "paused"))
            ),
        ],
        20,
        State.PAUSED,
    ),
    "resumed after withdrawing from a pause": (
        [
            GIVEN,
            *(decision(n, act, 10) for n, act in ((2, "paused"), (3, "withdrawn"), (4, "resumed"))),
        ],
        20,
        State.WITHDRAWN,
    ),
    "resumed a year later": (
        [GIVEN, decision(2, "paused", 10), decision(3, "resumed", 11)],
        365 * 1440,
        State.EXPIRED,
    ),
    "resumed in another region": (
        [replace(GIVEN, region="FR"), decision(2, "paused", 10), decision(3, "resumed", 11)],
        12,
        State.INVALIDATED,
    ),
    "resumed without ever giving": ([decision(1, "resumed", 10)], 20, State.NONE),
    "paused after withdrawing": (
        [GIVEN, decision(2, "withdrawn", 5), decision(3, "paused", 10)],
        20,
        State.WITHDRAWN,
    ),
    "paused without ever giving": ([decision(1, "paused", 10)], 20, State.NONE),
    "paused, but invalid meanwhile": (
        [replace(GIVEN, region="FR"), decision(2, "paused", 10)],
        20,
        State.INVALIDATED,
    ),
    "withdrawn by a clock that ran backwards": (
        [decision(1, "given", 100), decision(2, "withdrawn", 50)],
        101,
        State.WITHDRAWN,
    ),
    "given anew by a clock that ran backwards": (
        [decision(1, "withdrawn", 100), decision(2, "given", 50)],
        60,
        State.GIVEN,
    ),
    "revoked": ([GIVEN, decision(2, "revoked", 5)], 6, State.REVOKED),
}


@pytest.mark.parametrize(("history", "minute", "expected"), STORIES.values(), ids=STORIES.keys())
def test_the_standing_of(history: list[Decision], minute: int, expected: State) -> None:
    assert fold(history, minute).state is expected


@pytest.mark.parametrize(
    ("history", "minute", "agreed"),
    [
        ([GIVEN], 0, GIVEN),
        ([GIVEN, decision(2, "paused", 10)], 39, GIVEN),
        ([GIVEN, decision(2, "paused", 10)], 40, GIVEN),
        ([GIVEN, decision(2, "paused", 10), decision(3, "withdrawn", 11)], 12, None),
        ([replace(GIVEN, region="FR"), decision(2, "paused", 10)], 20, None),
    ],
)
def test_what_was_agreed_to_rests_behind_a_pause(
    history: list[Decision], minute: int, agreed: Decision | None
) -> None:
    folded = fold(history, minute)
    assert folded.agreed == agreed
    assert folded.stands == (agreed is not None and folded.state is not State.PAUSED)


def test_without_a_notice_nothing_that_was_shown_holds() -> None:
    found = standing([GIVEN], at(0), region="DE", notice_version=None)
    assert found.state is State.INVALIDATED


def test_what_was_agreed_to_stands_until_a_pause_or_an_end() -> None:
    assert fold([GIVEN], 0).stands
    assert not fold([GIVEN, decision(2, "paused", 10)], 20).stands
    assert not fold([GIVEN, decision(2, "withdrawn", 10)], 20).stands


def test_a_standing_says_when_it_ends_by_itself() -> None:
    assert fold([GIVEN], 0).until == at(0) + VALIDITY
    assert fold([GIVEN, decision(2, "paused", 10)], 20).until == at(40)
    soon = replace(GIVEN, valid_until=at(30))
    assert fold([soon, decision(2, "paused", 10)], 20).until == at(30)
    assert fold([decision(1, "withdrawn")], 0).until is None


@given(histories(), MINUTES, BASES)
def test_whoever_can_be_captured_can_stop(
    history: list[Decision], minute: int, bases: set[Basis]
) -> None:
    found = fold(history, minute)
    acts = allowed_acts(found, bases)
    if enough(found, bases):
        assert {Act.WITHDRAWN, Act.PAUSED, Act.REFUSED} <= set(acts)
    assert Act.REVOKED not in acts
    opening = opening_act(bases)
    if Act.RESUMED in acts:
        assert found.state is State.PAUSED
        assert OPENING.isdisjoint(acts), "what rests is enough"
        assert found.agreed is not None
        assert suffices(bases, State(found.agreed.act.value))
    else:
        assert (opening in acts) == (opening is not None and not enough(found, bases))


@pytest.mark.parametrize("act", ["given", "acknowledged", "paused"])
def test_whoever_agreed_can_stop_in_each_way_whatever_the_law_asks_now(act: str) -> None:
    found = fold([GIVEN, decision(2, act, 10)], 20)
    assert found.state.value == act
    assert set(allowed_acts(found, ())) == {Act.WITHDRAWN, Act.PAUSED, Act.REFUSED}


def test_who_paused_is_offered_to_resume_unless_the_law_now_asks_for_more() -> None:
    found = fold([decision(1, "acknowledged"), decision(2, "paused", 10)], 20)
    assert allowed_acts(found, {Basis.NOTICE})[0] is Act.RESUMED
    assert allowed_acts(found, {Basis.CONSENT})[0] is Act.GIVEN
    assert Act.RESUMED not in allowed_acts(found, {Basis.PERMIT})


@given(BASES)
def test_the_opening_act_is_enough_on_its_bases(bases: set[Basis]) -> None:
    act = opening_act(bases)
    assert (act is not None) == suffices(bases, State.GIVEN)
    if act is not None:
        assert suffices(bases, State(act.value))


def test_consent_is_asked_for_where_it_counts_and_acknowledgement_elsewhere() -> None:
    assert opening_act({Basis.CONSENT, Basis.ACKNOWLEDGEMENT}) is Act.GIVEN
    assert opening_act({Basis.NOTICE, Basis.COLLECTIVE}) is Act.ACKNOWLEDGED
    assert opening_act({Basis.COLLECTIVE, Basis.PERMIT}) is None
    assert opening_act(()) is None


def test_somebody_who_withdrew_is_offered_to_begin_again_and_nothing_else() -> None:
    found = fold([decision(1, "withdrawn")], 0)
    assert allowed_acts(found, {Basis.CONSENT}) == (Act.GIVEN,)
    assert allowed_acts(found, ()) == ()


def test_an_acknowledgement_does_not_do_where_the_law_now_asks_for_consent() -> None:
    found = fold([decision(1, "acknowledged")], 0)
    assert allowed_acts(found, {Basis.CONSENT})[0] is Act.GIVEN


@given(histories(), MINUTES)
def test_the_number_counts_every_decision_and_never_falls(
    history: list[Decision], minute: int
) -> None:
    numbers = [fold(history[:end], minute).last for end in range(len(history) + 1)]
    assert numbers == list(range(len(history) + 1))
    folded = fold(history, minute)
    assert folded.number(every_decision=True) == len(history)
    rests = folded.decision
    assert folded.number(every_decision=False) == (rests.seq if rests else 0)
