"""Whose decisions were deleted, invented or exchanged with SQL: their page, also after a start.

Why capture is off and whom to ask is read there, and saying no is taken.
"""

import pytest

from app.consent.model import Act, State
from app.main import create_app
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.tamper import sql
from tests.web.house import House, words
from tests.web.test_disputed_decision import SENTENCE, somebody

ATTACKS = {
    "deleted": "DELETE FROM consent_decision WHERE person_id = '{0}' AND seq = 2",
    "exchanged": "UPDATE consent_decision SET act = CASE WHEN seq = 1 THEN 'withdrawn' "
    "ELSE 'given' END WHERE person_id = '{0}'",
    "inserted": "UPDATE consent_decision SET person_id = '{0}', seq = 3 WHERE person_id = '{1}'"
    " AND seq = 1",
}


@pytest.mark.every_pair("attack", "anew", "house")
@pytest.mark.parametrize("anew", [False, True], ids=["running", "at start"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_who_withdrew_reads_that_the_record_is_in_doubt_and_can_say_no(
    attack: str, anew: bool, house: House, shipped: Shipped
) -> None:
    who, other = somebody(house), somebody(house)
    services = house.services
    with services.database.write() as tx:
        services.consent.decide(tx, who, Act.WITHDRAWN, house.clock.now())
    house.integrate()
    assert sql(services.database, ATTACKS[attack].format(who.id, other.id))
    if anew:
        services = build(services.settings, clock=house.clock, shipped=shipped)
        house = House(create_app(services), services, house.clock)
    visitor = house.signed_in(who.id)
    home = words(visitor.get("/me").text)
    assert SENTENCE in home
    assert "Ask your data protection officer" in home
    assert "on record all the same" not in home, "it is a choice of full size"
    for _once_more in range(2):
        assert visitor.press("/me", "Do not capture me").status_code == 200
        with services.database.read() as tx:
            standing = services.consent.standing(tx, who, house.clock.now())
        assert standing.state is State.REFUSED
    if anew:
        services.close()
