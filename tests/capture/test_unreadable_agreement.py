"""What somebody agreed to and nobody can read any more is an agreement to nothing."""

import pytest
from sqlalchemy import text

from app.capture.obstacles import Obstacle
from app.capture.situation import Situation
from app.consent.model import Act
from app.db.engine import Tx
from tests.access.office import ALICE, Office

FAULTS = {
    "another offer": "UPDATE consent_offer SET offer = replace(offer, '365', '366')",
    "no offer": "DELETE FROM consent_offer",
    "no JSON": "UPDATE consent_offer SET offer = '{'",
}


def lift_protection(tx: Tx) -> None:
    """As the owner of the tables."""
    if tx.dialect == "postgresql":
        tx.execute(text("ALTER TABLE consent_offer DISABLE TRIGGER USER"))
        return
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'consent_offer'"
    for name in tx.execute(text(names)).scalars().all():
        tx.execute(text(f"DROP TRIGGER {name}"))


def situation(office: Office) -> Situation:
    with office.services.database.read() as tx:
        return office.services.capture.situation(tx, ALICE, office.now)


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_captured_and_opting_out_goes_on(office: Office, fault: str) -> None:
    """Attack: the offer that somebody agreed to is written over in the database."""
    office.opt_in(ALICE)
    with office.services.database.write() as tx:
        lift_protection(tx)
        tx.execute(text(FAULTS[fault]))
    now = situation(office)
    assert now.extent.empty
    assert now.obstacles == (Obstacle.NOTHING_AGREED,)
    office.decide(ALICE, Act.WITHDRAWN)
    assert situation(office).obstacles == (Obstacle.CONSENT_WITHDRAWN,)


def test_an_agreement_that_can_be_read_again_stands_as_before(office: Office) -> None:
    """A fault is not remembered."""
    office.opt_in(ALICE)
    with office.services.database.write() as tx:
        lift_protection(tx)
        tx.execute(text("UPDATE consent_offer SET offer = 'x' || offer"))
    assert situation(office).extent.empty
    with office.services.database.write() as tx:
        tx.execute(text("UPDATE consent_offer SET offer = substr(offer, 2)"))
    assert situation(office).obstacles == ()
