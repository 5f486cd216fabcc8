"""Since when a notice was in force is not taken from a row that somebody wrote.

What was captured after another notice came, and before somebody agreed to it, rests on nothing.
"""

from datetime import timedelta

import pytest

from app.db.ring import Position
from tests.consent.booth import Booth, notice
from tests.tamper import sql

ATTACKS = {
    "it came later": "UPDATE notice_text SET adopted_at = '2026-12-31 00:00:00.000000' "
    "WHERE version = 2",
    "it is an earlier version": "UPDATE notice_text SET version = 0 WHERE version = 2",
    "it is another notice": "UPDATE notice_text SET notice_id = 'else' WHERE version = 2",
    "it is gone": "DELETE FROM notice_text WHERE version = 2",
}


def covered(booth: Booth, hours: float) -> bool:
    """Whether decisions suffice at an hour after the first."""
    start = booth.clock.now() - timedelta(hours=10) + timedelta(hours=hours)
    with booth.database.read() as tx:
        person = booth.directory.person(tx, booth.who)
        return booth.consent.standing_between(
            tx, person, start, start + timedelta(minutes=1), bases=["consent"]
        )


@pytest.fixture
def renewed(booth: Booth) -> Booth:
    """Somebody agreed at nought; another notice came at three; they agreed to it at six."""
    booth.give()
    booth.clock.advance(timedelta(hours=3))
    booth.adopt(notice(2, words="Read this, too."), notice(2, "de"))
    booth.clock.advance(timedelta(hours=3))
    booth.give()
    booth.clock.advance(timedelta(hours=4))
    booth.database.seals.positions["notice:capture"] = Position(4, 0)
    booth.database.seals.size = 1
    return booth


def test_between_two_notices_nothing_stands(renewed: Booth) -> None:
    assert [covered(renewed, hour) for hour in (1, 4, 7)] == [True, False, True]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_notice_that_somebody_moves_lets_nothing_stand(attack: str, renewed: Booth) -> None:
    assert sql(renewed.database, ATTACKS[attack], keys=False)
    assert not covered(renewed, 4)
    renewed.decide("withdrawn")
