"""What is believed of decisions whose rows are not all sound. In short, without wiring.

The first decisions may be lost, once two people have cleared the alarm about it; the newest never.
"""

from collections.abc import Iterable

import pytest

from app.consent.model import Act, State
from app.db.ring import Flaw, Position
from app.kernel.errors import Conflict
from tests.consent.booth import Booth
from tests.tamper import sql


def chain(booth: Booth) -> str:
    with booth.database.read() as tx:
        return f"consent:{booth.log.pseudonyms(tx, [booth.who])[booth.who]}"


def known(booth: Booth, decisions: int) -> None:
    """The log knows so many decisions."""
    ring = booth.database.seals
    ring.positions[chain(booth)] = Position(decisions, 0)
    ring.size = 1


def lose(booth: Booth, *numbers: int) -> None:
    for seq in numbers:
        found = f"FROM consent_decision WHERE person_id = '{booth.who}' AND seq = {seq}"
        sql(
            booth.database,
            f"DELETE FROM row_seal WHERE row_key = (SELECT event_id {found})",
            f"DELETE {found}",
        )


def decided(booth: Booth, acts: Iterable[Act], lost: Iterable[int]) -> None:
    """Somebody decides so much, all is in the log, and some rows are lost."""
    acts = tuple(acts)
    for act in acts:
        if act is Act.GIVEN:
            booth.give()
        elif act is Act.PAUSED:
            booth.pause(60)
        else:
            booth.decide(act)
        booth.clock.advance(1)
    known(booth, len(acts))
    lose(booth, *lost)


def clear(booth: Booth) -> None:
    """Two people cleared the alarm about it, as the fold tells it."""
    ring = booth.database.seals
    ring.take_found()
    ring.set_alarms({}, cleared=[chain(booth)])


def flaws(booth: Booth) -> list[tuple[str, Flaw]]:
    """What was found since it was last asked for."""
    return [(each.chain, each.why) for each in booth.database.seals.take_found()]


def test_decisions_that_are_all_there_stand_and_nothing_is_said(booth: Booth) -> None:
    decided(booth, [Act.GIVEN, Act.WITHDRAWN, Act.GIVEN], [])
    standing = booth.standing()
    assert (standing.state, standing.disputed, standing.last) == (State.GIVEN, False, 3)
    assert flaws(booth) == []


@pytest.mark.parametrize("lost", [[1], [1, 2]])
def test_what_was_lost_at_the_beginning_is_an_alarm_once(lost: list[int], booth: Booth) -> None:
    decided(booth, [Act.GIVEN, Act.WITHDRAWN, Act.GIVEN], lost)
    before = booth.standing()
    assert before.disputed
    assert before.state is not State.GIVEN
    assert [of for of, _ in flaws(booth)] == [chain(booth)]
    clear(booth)
    after = booth.standing()
    assert (after.state, after.disputed, after.last) == (State.GIVEN, False, 3)
    assert flaws(booth) == []


@pytest.mark.parametrize("lost", [[3], [2], [2, 3], [1, 2, 3]])
def test_what_was_lost_since_is_missed_however_often_it_is_cleared(
    lost: list[int], booth: Booth
) -> None:
    """The newest row is gone, or a hole parts the newest from what opened."""
    decided(booth, [Act.GIVEN, Act.REFUSED, Act.WITHDRAWN], lost)
    for _ in range(2):
        assert booth.standing().state is not State.GIVEN
        assert [each.act for each in booth.history() if each.act is Act.GIVEN] == []
        clear(booth)
    booth.decide(Act.REFUSED)
    assert booth.standing().state is State.REFUSED
    assert booth.standing().last == 4


@pytest.mark.parametrize("acts", [[Act.GIVEN, Act.PAUSED], [Act.GIVEN, Act.PAUSED, Act.RESUMED]])
def test_a_pause_and_its_end_are_no_record_without_what_they_interrupt(
    acts: list[Act], booth: Booth
) -> None:
    decided(booth, acts, [1])
    for _ in range(2):
        standing = booth.standing()
        assert standing.disputed
        assert not standing.stands
        assert [of for of, _ in flaws(booth)] == [chain(booth)]
        clear(booth)
    with pytest.raises(Conflict, match="does not agree with the log"):
        booth.give()
    booth.decide(Act.WITHDRAWN)
    clear(booth)
    booth.give()
    assert booth.standing().state is State.GIVEN, "what was said anew stands by itself"
    assert [each.act for each in booth.history()] == [Act.WITHDRAWN, Act.GIVEN]


def test_a_row_whose_seal_does_not_fit_ends_what_is_believed(booth: Booth) -> None:
    decided(booth, [Act.GIVEN, Act.WITHDRAWN, Act.GIVEN], [])
    sql(booth.database, "UPDATE consent_decision SET region = 'FR' WHERE seq = 3")
    standing = booth.standing()
    assert (standing.state, standing.disputed) == (State.WITHDRAWN, True)
    assert flaws(booth) == [(chain(booth), Flaw.UNSEALED)]


def test_rows_that_are_right_again_open_nothing_while_the_alarm_is_open(booth: Booth) -> None:
    decided(booth, [Act.GIVEN], [])
    booth.database.seals.set_alarms({chain(booth): "an event"})
    assert booth.standing().disputed
    assert booth.standing().state is State.NONE
    clear(booth)
    assert (booth.standing().state, booth.standing().disputed) == (State.GIVEN, False)
