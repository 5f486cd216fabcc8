"""An alarm on what somebody decided, cleared by two people: capture comes back, or the alarm does.

Clearing changes no row. What the rows say decides afterwards, on a service that runs and on one
that starts anew; what the laptop is told is asked over its own route.
"""

from datetime import timedelta

import pytest

from app.consent.model import Act
from app.kernel.errors import Conflict
from tests.access.laptop import Laptop
from tests.access.office import ALICE, BOB, LAWYERS, codes
from tests.access.raided import Raided

pytestmark = pytest.mark.slow

OF_ALICE = f"person_id = '{ALICE.id}'"
ELSEWHERE = f"UPDATE consent_decision SET region = 'DE' WHERE {OF_ALICE} AND seq = 1"
AT_HOME = f"UPDATE consent_decision SET region = 'US-CA' WHERE {OF_ALICE} AND seq = 1"


def chain(raided: Raided) -> str:
    services = raided.office.services
    with services.database.read() as tx:
        return f"consent:{services.log.pseudonyms(tx, [ALICE.id])[ALICE.id]}"


def clear(raided: Raided) -> None:
    """Two people clear the alarm on what Alice decided."""
    services, of = raided.office.services, chain(raided)
    services.integrator.integrate()
    first, second = LAWYERS
    with services.database.write() as tx:
        services.alarms.propose(tx, first, of, "a copy was put back", raided.office.now)
    services.integrator.integrate()
    with services.database.write() as tx:
        services.alarms.clear(tx, second, of, raided.office.now)
    services.integrator.integrate()


def read(raided: Raided) -> bool:
    return raided.office.ask(ALICE).decision


def is_off(raided: Raided, laptop: Laptop) -> bool:
    """The laptop is told not to capture, and why."""
    lease = laptop.lease(raided.office.services)
    return lease["capture"] == "off" and "record_disputed" in lease["reasons"]


def test_capture_comes_back_when_the_row_is_right_and_two_people_have_cleared_it(
    raided: Raided,
) -> None:
    raided.office.captured(ALICE)
    laptop = Laptop.paired(raided.office, ALICE)
    assert laptop.lease(raided.office.services)["capture"] == "on"
    raided.attack(ELSEWHERE)
    assert is_off(raided, laptop)
    assert not read(raided)
    raided.attack(AT_HOME)
    assert is_off(raided, laptop), "the alarm is open"
    clear(raided)
    assert laptop.lease(raided.office.services)["capture"] == "on"
    assert read(raided)
    assert chain(raided) not in raided.office.services.database.seals.alarmed


def test_an_alarm_that_was_cleared_over_a_row_that_is_wrong_comes_back(raided: Raided) -> None:
    raided.office.captured(ALICE)
    laptop = Laptop.paired(raided.office, ALICE)
    raided.attack(ELSEWHERE)
    assert is_off(raided, laptop)
    clear(raided)
    assert is_off(raided, laptop)
    answer = raided.office.ask(ALICE)
    assert not answer.decision
    assert "record_disputed" in codes(answer)
    raided.office.services.integrator.integrate()
    assert chain(raided) in raided.office.services.database.seals.alarms
    with pytest.raises(Conflict, match="does not agree with the log"):
        raided.office.opt_in(ALICE)


def test_what_was_lost_at_the_beginning_is_cleared_for_good(raided: Raided) -> None:
    """Nobody can put back a row of which there is no copy; it is told once, and not at each start.

    A later start reads that it was cleared from the log.
    """
    raided.office.captured(ALICE)
    raided.office.decide(ALICE, Act.WITHDRAWN)
    raided.office.opt_in(ALICE)
    laptop = Laptop.paired(raided.office, ALICE)
    found = f"FROM consent_decision WHERE {OF_ALICE} AND seq = 1"
    raided.attack(
        f"DELETE FROM row_seal WHERE row_key = (SELECT event_id {found})", f"DELETE {found}"
    )
    assert is_off(raided, laptop)
    clear(raided)
    assert laptop.lease(raided.office.services)["capture"] == "on"
    raided.attack(f"UPDATE consent_decision SET region = 'US-CA' WHERE {OF_ALICE}")
    assert laptop.lease(raided.office.services)["capture"] == "on"
    assert not read(raided), "what was captured before rests on what was lost"


def test_a_withdrawal_that_was_lost_is_missed_also_when_it_is_cleared(raided: Raided) -> None:
    raided.office.captured(ALICE, BOB)
    raided.office.decide(ALICE, Act.WITHDRAWN)
    laptop = Laptop.paired(raided.office, ALICE)
    raided.attack(f"DELETE FROM consent_decision WHERE {OF_ALICE} AND seq = 2")
    assert is_off(raided, laptop)
    clear(raided)
    assert is_off(raided, laptop)
    raided.office.clock.advance(timedelta(minutes=1))
    assert not read(raided)
    assert raided.office.ask(BOB).decision, "the others are as they were"


def test_who_says_no_after_a_withdrawal_was_lost_can_decide_anew_for_good(raided: Raided) -> None:
    """The later row says what counts: when two people have cleared it, the loss is told no more.

    Not before a later row is there, nor of one that is lost afterwards.
    """
    raided.office.captured(ALICE)
    raided.office.decide(ALICE, Act.WITHDRAWN)
    laptop = Laptop.paired(raided.office, ALICE)
    raided.attack(f"DELETE FROM consent_decision WHERE {OF_ALICE} AND seq = 2")
    assert is_off(raided, laptop)
    clear(raided)
    assert missing(raided) == 1
    raided.office.decide(ALICE, Act.REFUSED)
    raided.office.services.integrator.integrate()
    assert missing(raided) == 0
    assert is_off(raided, laptop), "it was found again before she said no"
    clear(raided)
    raided.office.opt_in(ALICE)
    raided.office.services.integrator.integrate()
    assert missing(raided) == 0
    assert laptop.lease(raided.office.services)["capture"] == "on"
    raided.attack(f"DELETE FROM consent_decision WHERE {OF_ALICE} AND seq = 4")
    assert missing(raided) == 1
    assert is_off(raided, laptop)


def missing(raided: Raided) -> int:
    """How many differences the whole look names; alarms about them are raised."""
    services = raided.office.services
    count = services.reconciler.examine(lambda *_: None).count
    services.integrator.integrate()
    return count
