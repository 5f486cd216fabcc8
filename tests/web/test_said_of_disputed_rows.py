"""Whose rows were changed with SQL reads no sentence that was made of those rows. Attacks."""

from datetime import timedelta

import pytest

from app.consent.model import Act
from app.directory.model import Person
from tests.tamper import sql
from tests.web.house import House, controls, headline, words
from tests.web.test_disputed_decision import somebody

DOUBT = "The record of your decisions does not agree with the log."
IN_DOUBT = "What is recorded of this decision does not agree with the log."
NOTHING_CLAIMED = "You said that nothing of yours may be captured"
CLAIMS = ("nothing was agreed to then", "had ended before", "did not hold any more", "You stopped")
ROWS = "UPDATE consent_decision SET {0} WHERE person_id = '{1}' AND seq = {2}"


@pytest.fixture
def stopped(house: House) -> Person:
    """Somebody who agreed, and stopped an hour later."""
    who = somebody(house)
    house.clock.advance(timedelta(hours=1))
    with house.services.database.write() as tx:
        house.services.consent.decide(tx, who, Act.WITHDRAWN, house.clock.now())
    house.integrate()
    return who


def decisions(house: House, who: Person) -> str:
    """What the page lists of somebody's decisions."""
    page = house.signed_in(who.id).get("/me").text
    return words(page[page.index('id="history"') : page.index("</section>", page.index("history"))])


def test_who_stopped_reads_what_it_ended(stopped: Person, house: House) -> None:
    assert "You stopped capture" in decisions(house, stopped)
    assert DOUBT not in decisions(house, stopped)


@pytest.mark.parametrize(
    ("row", "what"), [(1, "act = 'refused'"), (2, "valid_until = NULL, apps = '[\"x\"]'")]
)
def test_of_a_row_in_doubt_nothing_is_said_to_have_stood_before(
    row: int, what: str, stopped: Person, house: House
) -> None:
    with house.services.database.read() as tx:
        newest, *_ = house.services.consent.receipts(tx, stopped.id)
    assert sql(house.services.database, ROWS.format(what, stopped.id, row)) == 1
    receipt = house.signed_in(stopped.id).get(f"/me/receipts/{newest.decision.id}").text
    said = headline(receipt), decisions(house, stopped)
    assert not any(claim in each for claim in CLAIMS for each in said)
    assert said[0].startswith(IN_DOUBT if row == newest.decision.seq else NOTHING_CLAIMED)
    assert NOTHING_CLAIMED in said[1]


def test_a_decision_that_only_a_row_knows_is_not_listed(stopped: Person, house: House) -> None:
    """Nor is one whose time somebody moved, and nobody reads that there were none."""
    for what in ("act = 'refused'", "decided_at = '2020-01-01 00:00:00.000000'"):
        assert sql(house.services.database, ROWS.format(what, stopped.id, 2)) == 1
        said = decisions(house, stopped)
        assert DOUBT in said
        assert "You said" not in said
        page = house.signed_in(stopped.id).get("/me")
        assert "2020" not in page.text
        assert 'class="chosen"' not in page.text
        assert "Do not capture me" in {each.label for each in controls(page.text)}
        assert "None so far" not in said


def test_a_receipt_whose_row_is_in_doubt_says_so_and_is_given_out(
    stopped: Person, house: House
) -> None:
    with house.services.database.read() as tx:
        newest, *_ = house.services.consent.receipts(tx, stopped.id)
    path, visitor = f"/me/receipts/{newest.decision.id}", house.signed_in(stopped.id)
    assert headline(visitor.get(path).text).startswith("You stopped capture")
    sql(house.services.database, ROWS.format("act = 'given'", stopped.id, 2))
    page = visitor.get(path).text
    assert headline(page) == IN_DOUBT
    assert "You agreed" not in headline(page)
    assert newest.token in page
    assert visitor.get(f"{path}.json").json()["claims"] == newest.claims


ATTACKS = {
    "decisions": ROWS.format("recorded_at = '2020-01-01 00:00:00.000000'", "{0}", 2),
    "person": "UPDATE person_version SET recorded_at = '2020-01-01 00:00:00.000000' "
    "WHERE person_id = '{0}'",
    "policy": "UPDATE policy_event SET at = '2020-01-01 00:00:00.000000' WHERE kind = 'catalogue'",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_row_says_that_laptops_have_heard(attack: str, stopped: Person, house: House) -> None:
    """Since when nothing changed is not taken from rows in doubt: it may have changed just now."""
    services, now = house.services, house.clock.now() + timedelta(hours=1)

    def changed() -> bool:
        with services.database.read() as tx:
            situation = services.capture.situation(tx, stopped, now)
            return services.capture.changed_at(tx, situation, now).at == now

    assert not changed()
    sql(services.database, ATTACKS[attack].format(stopped.id))
    assert changed()
