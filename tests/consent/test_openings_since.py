"""What was agreed to since an instant: every doubt counts a decision in."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.consent.model import OPENING, Act, Decision, standing
from app.consent.timeline import Endings, openings_since
from tests.consent.booth import at, decision
from tests.consent.test_standing_between import HOURS, NONE_ENDED, disorderly, orderly

END = 60


def numbers(decisions: tuple[Decision, ...]) -> set[int]:
    return {one.seq for one in decisions}


@given(orderly(), HOURS, st.tuples(HOURS, HOURS))
def test_nothing_that_was_agreed_to_at_any_instant_is_left_out(
    history: list[Decision], start: int, ends: tuple[int, int]
) -> None:
    ended, moved = ends
    endings = Endings({1: at(ended)}, {1: at(moved)})
    found = numbers(openings_since(history, at(start), endings=endings))
    for half in range(2 * start, 2 * END):
        minute = half / 2
        agreed = standing(
            [one for one in history if one.decided_at <= at(minute)],
            at(minute),
            region="DE",
            notice_version=1 if minute < ended else 2,
            residence=1 if minute < moved else 2,
        ).agreed
        assert agreed is None or agreed.seq in found


@given(orderly(), HOURS)
def test_what_had_ended_before_is_not_counted(history: list[Decision], start: int) -> None:
    for one in openings_since(history, at(start), endings=NONE_ENDED):
        assert one.act in OPENING
        assert one.valid_until is not None
        assert one.valid_until > at(start)
        after = [later for later in history if later.seq > one.seq]
        ending = [later for later in after if later.act not in {Act.PAUSED, Act.RESUMED}]
        assert not ending or ending[0].decided_at > at(start)


@given(disorderly(), HOURS)
def test_whatever_clocks_say_the_decision_that_stands_is_counted(
    history: list[Decision], start: int
) -> None:
    agreed = standing(history, at(start), region="DE", notice_version=1, residence=1).agreed
    found = numbers(openings_since(history, at(start), endings=NONE_ENDED))
    assert agreed is None or agreed.seq in found


@given(disorderly(), HOURS)
def test_a_jumping_clock_leaves_nothing_out_that_a_clock_which_kept_its_latest_time_counts(
    history: list[Decision], start: int
) -> None:
    kept, latest = [], at(0)
    for one in history:
        latest = max(latest, one.decided_at, one.recorded_at)
        kept.append(replace(one, decided_at=latest, recorded_at=latest))
    doubtful = numbers(openings_since(history, at(start), endings=NONE_ENDED))
    assert numbers(openings_since(kept, at(start), endings=NONE_ENDED)) <= doubtful


def test_a_pause_and_a_resume_leave_what_was_agreed_to_in_place() -> None:
    given = decision(1, Act.GIVEN, 0)
    history = [given, decision(2, Act.PAUSED, 1), decision(3, Act.RESUMED, 2)]
    assert openings_since(history, at(10), endings=NONE_ENDED) == (given,)


def test_what_ended_by_itself_counts_until_then_and_no_longer() -> None:
    given = replace(decision(1, Act.GIVEN, 0), valid_until=at(9))
    for endings, end in (
        (NONE_ENDED, 9),
        (Endings({1: at(7)}, {}), 7),
        (Endings({}, {1: at(5)}), 5),
    ):
        assert openings_since([given], at(end - 1), endings=endings) == (given,)
        assert openings_since([given], at(end), endings=endings) == ()
