"""Somebody whose decisions were changed with SQL: their pages say why, and opting out works."""

from dataclasses import replace
from itertools import count

import pytest

from app.consent.model import Act, State
from app.consent.store import DECISIONS
from app.directory.model import Person
from tests.tamper import sql
from tests.web.house import House, words
from tests.web.visiting import employ

SENTENCE = "The record of what you decided does not agree with the log."
PAGES = ("/me", "/me/captured", "/me/uses", "/me/readings", "/me/decide", "/me/try")
NUMBERS = count(1)

FLAWS = {
    "region": "region = 'FR'",
    "signals": "signals = '{'",
    "purposes": "purposes = '5'",
    "apps": "apps = 'null'",
    "content": "content = '['",
    "act": "act = 'granted'",
    "no receipt": "token = 'x'",
    "a receipt of nothing": "token = 'x.e30.x'",
    "a receipt of a list": "token = 'x.W10.x'",
}


def somebody(house: House) -> Person:
    """Somebody new who agreed to all that is offered."""
    name = f"D-{next(NUMBERS)}"
    who = replace(house.person("E-0043"), id=name, email=f"{name}@example.com", roles=())
    employ(house.services, [who])
    services, now = house.services, house.clock.now()
    with services.database.write() as tx:
        who = services.directory.person(tx, name)
        offer = services.capture.situation(tx, who, now).offer
        shown = services.notices.show(tx, who, offer, "en", now)
        services.consent.decide(tx, who, Act.GIVEN, now, shown_id=shown.id)
    house.integrate()
    return who


@pytest.mark.parametrize("flaw", FLAWS)
def test_who_reads_that_the_record_is_in_doubt_can_say_stop(flaw: str, house: House) -> None:
    who = somebody(house)
    visitor = house.signed_in(who.id)
    with house.services.database.read() as tx:
        (receipt,) = house.services.consent.receipts(tx, who.id)
    path = f"/me/receipts/{receipt.decision.id}"
    assert visitor.get(path).status_code == 200
    sql(
        house.services.database,
        f"UPDATE {DECISIONS.table.name} SET {FLAWS[flaw]} WHERE person_id = '{who.id}'",
    )
    home = words(visitor.get("/me").text)
    assert SENTENCE in home
    assert "Ask your data protection officer" in home
    for page in PAGES:
        assert visitor.get(page).status_code == 200, page
    assert visitor.get(path).status_code == (200 if flaw == "region" else 404)
    visitor.press("/me", "Do not capture me")
    with house.services.database.read() as tx:
        standing = house.services.consent.standing(tx, who, house.clock.now())
    assert standing.state is State.REFUSED
    assert SENTENCE in words(visitor.get("/me").text)


def test_a_receipt_whose_showing_was_changed_can_be_read(house: House) -> None:
    who = somebody(house)
    with house.services.database.read() as tx:
        (receipt,) = house.services.consent.receipts(tx, who.id)
    sql(
        house.services.database,
        f"UPDATE notice_shown SET offer_digest = 'sha256:0' WHERE person_id = '{who.id}'",
    )
    visitor = house.signed_in(who.id)
    assert visitor.get("/me").status_code == 200
    assert visitor.get(f"/me/receipts/{receipt.decision.id}").status_code == 200
