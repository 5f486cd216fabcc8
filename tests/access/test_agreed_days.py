"""For how many days a person agreed that a signal is kept, as an access decision counts it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.access.decision.facts import scope_facts
from app.access.decision.model import Question
from app.consent.model import Act, Standing, State
from app.consent.offers import Offer
from tests.consent.booth import at, decision, offer

STANDS = Standing(State.GIVEN, agreed=decision(1, Act.GIVEN))
OFFERS = st.lists(
    st.dictionaries(st.sampled_from(["click", "menu"]), st.integers(0, 30)).map(
        lambda days: offer(retention_days=days)
    ),
    max_size=4,
)
ASKED = Question("ai_training.computer_use", at(0), signals=("click", "menu"))


@given(OFFERS)
def test_of_all_offers_the_fewest_days_count_and_none_where_one_says_nothing(
    offers: list[Offer],
) -> None:
    scope = scope_facts(STANDS, ASKED, lambda: offers)
    assert scope is not None
    assert scope.retention is not None
    for signal, days in scope.retention.items():
        named = [one.retention_days.get(signal, 0) for one in offers]
        assert days == (min(named) if named else 0)


def test_under_rules_1_no_number_of_days_was_agreed_to() -> None:
    scope = scope_facts(STANDS, ASKED, None)
    assert scope is not None
    assert scope.retention is None


def test_offers_are_not_asked_for_where_nothing_stands() -> None:
    for standing in (Standing(State.NONE), replace(STANDS, state=State.PAUSED)):
        assert scope_facts(standing, ASKED, list) is None
