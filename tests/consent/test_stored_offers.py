"""An offer is found by what it says: a row that says something else binds nobody."""

from dataclasses import replace

import pytest
from sqlalchemy import insert

from app.consent.offers import Offer
from app.consent.store import offer_table
from app.kernel.errors import Unavailable
from tests.consent.booth import Booth, offer

WIDE = offer(signals=("click", "menu", "screenshot"), retention_days={"click": 3650})


def slip_in(booth: Booth, name: str, what: Offer) -> None:
    """With the right to add rows, which the program has, too."""
    row = {"digest": name, "offer": what.canonical.decode()}
    with booth.database.write() as tx:
        tx.execute(insert(offer_table).values(row))


def test_nobody_agrees_to_an_offer_whose_row_was_there_before_it(booth: Booth) -> None:
    slip_in(booth, offer().digest, WIDE)
    shown = booth.show()
    with pytest.raises(Unavailable, match="not what its name says"):
        booth.decide("given", shown_id=shown.id)
    assert booth.history() == ()


def test_opting_out_works_whatever_the_rows_of_offers_say(booth: Booth) -> None:
    slip_in(booth, offer().digest, WIDE)
    booth.show()
    assert booth.decide("refused").decision.act == "refused"


def test_what_was_agreed_to_is_what_the_decision_names(booth: Booth) -> None:
    booth.show(WIDE)
    given = booth.give()
    with booth.database.read() as tx:
        agreed, _ = booth.consent.offer_of(tx, given.decision)
    assert agreed == offer()


def test_a_decision_does_not_bind_the_offer_of_another_showing(booth: Booth) -> None:
    """A row's number is not signed; the digest in the decision and its entry is."""
    other = booth.show(WIDE)
    given = booth.give().decision
    with booth.database.read() as tx:
        agreed, _ = booth.consent.offer_of(tx, replace(given, shown_id=other.id))
    assert agreed.digest == given.offer_digest
