"""Was it agreed to the whole time? The fast answer against the slow one, minute by minute."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consent.model import Act, Decision, standing, suffices
from app.consent.timeline import Endings, endings_of, standing_between
from app.kernel.vocabulary import Basis
from tests.consent.booth import at, decision

HOURS = st.integers(min_value=0, max_value=24)
BASES = st.sampled_from([{Basis.CONSENT}, {Basis.NOTICE}, {Basis.COLLECTIVE}])
LIKELY = [*Act, Act.GIVEN, Act.GIVEN, Act.PAUSED, Act.PAUSED]
"""Most drawn histories cover something: about nothing, any two answers agree."""
NONE_ENDED = Endings({}, {})


@st.composite
def orderly(draw: st.DrawFn) -> list[Decision]:
    """Decisions by a clock that does not run backwards."""
    acts = draw(st.lists(st.sampled_from(LIKELY), max_size=7))
    times = sorted(draw(st.lists(HOURS, min_size=len(acts), max_size=len(acts))))
    made = []
    for seq, (act, time) in enumerate(zip(acts, times, strict=True), start=1):
        one = decision(seq, act, time)
        if act is Act.PAUSED:
            one = replace(one, until=at(time + draw(st.integers(1, 8))))
        if one.valid_until and draw(st.booleans()):
            one = replace(one, valid_until=at(time + draw(st.integers(1, 12))))
        made.append(one)
    return made


def slowly(
    history: list[Decision], stretch: tuple[int, int], bases: set[Basis], ends: tuple[int, int]
) -> bool:
    """Fold what was decided by then, at every half minute; all changes lie on whole ones."""
    (start, end), (ended, moved) = stretch, ends
    for half in range(2 * start, 2 * end + 1):
        minute = half / 2
        known = [one for one in history if one.decided_at <= at(minute)]
        found = standing(
            known,
            at(minute),
            region="DE",
            notice_version=1 if minute < ended else 2,
            residence=1 if minute < moved else 2,
        )
        if not suffices(bases, found.state):
            return False
    return end >= start


@given(orderly(), st.tuples(HOURS, HOURS), BASES, st.tuples(HOURS, HOURS))
def test_it_agrees_with_asking_at_every_instant(
    history: list[Decision], stretch: tuple[int, int], bases: set[Basis], ends: tuple[int, int]
) -> None:
    (start, end), (ended, moved) = stretch, ends
    endings = Endings({1: at(ended)}, {1: at(moved)})
    fast = standing_between(history, at(start), at(end), bases=bases, endings=endings)
    assert fast == slowly(history, stretch, bases, ends)


@st.composite
def disorderly(draw: st.DrawFn) -> list[Decision]:
    """The same acts, told by a clock that jumps."""
    return [
        replace(one, decided_at=at(draw(HOURS)), recorded_at=at(draw(HOURS)))
        for one in draw(orderly())
    ]


@given(
    disorderly(),
    HOURS,
    HOURS,
    HOURS,
    st.sampled_from(["withdrawn", "refused", "revoked", "paused"]),
)
def test_a_later_opting_out_never_turns_no_into_yes(
    history: list[Decision], start: int, end: int, time: int, act: str
) -> None:
    def between(decisions: list[Decision]) -> bool:
        return standing_between(
            decisions, at(start), at(end), bases={Basis.CONSENT}, endings=NONE_ENDED
        )

    more = [*history, decision(len(history) + 1, act, time)]
    assert between(history) or not between(more)


@given(disorderly(), HOURS, HOURS)
def test_a_jumping_clock_never_covers_more_than_a_clock_that_kept_its_latest_time(
    history: list[Decision], start: int, end: int
) -> None:
    """Doubt shortens: an act that opens counts from the latest time named so far."""
    kept, latest = [], at(0)
    for one in history:
        latest = max(latest, one.decided_at, one.recorded_at)
        kept.append(replace(one, decided_at=latest, recorded_at=latest))
    asked = {"bases": {Basis.CONSENT}, "endings": NONE_ENDED}
    doubtful = standing_between(history, at(start), at(end), **asked)  # type: ignore[arg-type]
    assert not doubtful or standing_between(kept, at(start), at(end), **asked)  # type: ignore[arg-type]


@given(disorderly(), HOURS, HOURS, HOURS)
def test_a_resume_covers_nothing_that_was_not_covered_without_the_pauses(
    history: list[Decision], start: int, end: int, time: int
) -> None:
    asked = {"bases": {Basis.CONSENT}, "endings": NONE_ENDED}
    resumed = [*history, decision(len(history) + 1, "resumed", time)]
    unpaused = [one for one in resumed if one.act is not Act.PAUSED]
    covered = standing_between(resumed, at(start), at(end), **asked)  # type: ignore[arg-type]
    assert not covered or standing_between(unpaused, at(start), at(end), **asked)  # type: ignore[arg-type]


def test_every_doubt_about_the_clock_shortens_what_was_agreed_to() -> None:
    def between(history: list[Decision], start: int, end: int) -> bool:
        return standing_between(
            history, at(start), at(end), bases={Basis.CONSENT}, endings=NONE_ENDED
        )

    late_no = [decision(1, "withdrawn", 10), decision(2, "given", 2)]
    assert not between(late_no, 3, 4), "an earlier decision names a later time"
    assert between(late_no, 10, 20)
    early_no = [decision(1, "given", 0), decision(2, "refused", 10), decision(3, "refused", 5)]
    assert not between(early_no, 4, 6), "a later decision names an earlier time"
    assert between(early_no, 0, 4)


def test_a_purpose_or_signal_outside_the_scope_was_not_agreed_to() -> None:
    history = [decision(1, "given")]

    def between(**asked: object) -> bool:
        return standing_between(
            history,
            at(1),
            at(2),
            bases={Basis.CONSENT},
            endings=NONE_ENDED,
            **asked,  # type: ignore[arg-type]
        )

    assert between(purpose="ai_training.computer_use", signals=["click", "menu"])
    assert not between(purpose="ai_training.evaluation")
    assert not between(signals=["click", "key_content"])


def test_a_change_of_scope_is_covered_only_where_both_scopes_allow() -> None:
    history = [decision(1, "given"), decision(2, "given", 60, signals=("menu",))]
    asked = {"bases": {Basis.CONSENT}, "endings": NONE_ENDED}
    assert standing_between(history, at(0), at(90), signals=["menu"], **asked)  # type: ignore[arg-type]
    assert not standing_between(history, at(0), at(90), signals=["click"], **asked)  # type: ignore[arg-type]
    assert standing_between(history, at(0), at(59), signals=["click"], **asked)  # type: ignore[arg-type]


PAUSED = replace(decision(2, "paused", 10), until=at(20))
GIVEN_AND_PAUSED = [decision(1, "given"), PAUSED]
RESUMED = [*GIVEN_AND_PAUSED, decision(3, "resumed", 14)]
COVERED = {
    "before a pause": (GIVEN_AND_PAUSED, (0, 9), True),
    "up to the beginning of a pause": (GIVEN_AND_PAUSED, (0, 10), False),
    "across a pause": (GIVEN_AND_PAUSED, (5, 25), False),
    "within a pause": (GIVEN_AND_PAUSED, (12, 15), False),
    "from the end of a pause": (GIVEN_AND_PAUSED, (20, 30), True),
    "across a pause that was resumed from": (RESUMED, (5, 14), False),
    "from when it was resumed": (RESUMED, (14, 30), True),
    "before it was resumed": (RESUMED, (13, 30), False),
    "after a resume by a clock that had run ahead": (
        [decision(1, "given"), PAUSED, decision(3, "resumed", 11, recorded_at=at(18))],
        (17, 30),
        False,
    ),
    "up to a withdrawal after a resume": (
        [*RESUMED, decision(4, "withdrawn", 20)],
        (14, 20),
        False,
    ),
    "a pause that began again after a resume": (
        [*RESUMED, replace(decision(4, "paused", 15), until=at(17))],
        (14, 16),
        False,
    ),
    "up to a withdrawal": ([decision(1, "given"), decision(2, "withdrawn", 10)], (0, 10), False),
    "across two that meet": ([decision(1, "given"), decision(2, "given", 5)], (0, 20), True),
    "before the first": ([decision(1, "given", 5)], (0, 20), False),
    "an acknowledgement": ([decision(1, "acknowledged")], (0, 1), False),
}


@pytest.mark.parametrize("case", COVERED)
def test_what_is_covered_by_consent(case: str) -> None:
    history, (start, end), expected = COVERED[case]
    asked = {"bases": {Basis.CONSENT}, "endings": NONE_ENDED}
    assert standing_between(history, at(start), at(end), **asked) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("endings", [Endings({1: at(10)}, {}), Endings({}, {1: at(10)})])
def test_what_ended_by_itself_covers_nothing_from_then_on(endings: Endings) -> None:
    def between(start: int, end: int) -> bool:
        history = [decision(1, "given")]
        return standing_between(history, at(start), at(end), bases={Basis.CONSENT}, endings=endings)

    assert between(0, 9)
    assert not between(0, 10)
    assert not between(10, 11)


def test_a_notice_ends_with_the_next_version_and_a_residence_with_the_next_residence() -> None:
    found = endings_of(
        [(1, at(0)), (1, at(3)), (2, at(5)), (2, at(6))], {1: at(0), 2: at(4), 3: at(9)}
    )
    assert found.notices == {1: at(4), 2: at(9)}
    assert found.residences[1] == at(5)
    assert 2 not in found.residences


def test_a_stretch_that_ends_before_it_begins_was_not_agreed_to() -> None:
    assert not standing_between(
        [decision(1, "given")], at(2), at(1), bases={Basis.CONSENT}, endings=NONE_ENDED
    )
