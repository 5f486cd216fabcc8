"""A decision as a sentence: what it claims to have ended or interrupted stood just before."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.entries.model import SYSTEM
from app.consent.model import VALIDITY, Act, Decision
from app.consent.timeline import stood_before
from app.web.words.decision_words import decision_in_words
from tests.consent.booth import NINE, decision, notice_name
from tests.web.house import House, controls, headline, words
from tests.web.test_decision_forms import newcomer, send

ADOPTED = {1: NINE - timedelta(days=1)}
CLAIMS = ("stopped capture", "paused capture", "ended your consent")
YEAR = VALIDITY.total_seconds() / 60


def told(*history: Decision) -> str:
    """The last decision's sentence, without the instant."""
    last = history[-1]
    parts = decision_in_words(last, stood_before(last, history, ADOPTED))
    return "".join(part.text or "…" for part in parts)


GIVEN = decision(1, Act.GIVEN)
ENDED = "; what you had agreed to had ended before"
NO_MORE = "; what you had agreed to did not hold any more"
NEVER = "; nothing was agreed to then"
NOTHING_OF_YOURS = "You said that nothing of yours may be captured"

SENTENCES = {
    "You stopped capture": (GIVEN, decision(2, Act.WITHDRAWN, 1)),
    "You paused capture until …": (GIVEN, decision(2, Act.PAUSED, 1)),
    "Somebody else ended your consent": (
        GIVEN,
        decision(2, Act.PAUSED, 1),
        decision(3, Act.REVOKED, 2),
    ),
    NOTHING_OF_YOURS + NEVER: (decision(1, Act.WITHDRAWN),),
    NOTHING_OF_YOURS + ENDED: (GIVEN, decision(2, Act.WITHDRAWN, YEAR)),
    NOTHING_OF_YOURS + NO_MORE: (GIVEN, decision(2, Act.WITHDRAWN, 1, residence=2)),
    "You asked for a pause until …" + ENDED: (GIVEN, decision(2, Act.PAUSED, YEAR)),
    "You asked for a pause until …" + NO_MORE: (GIVEN, decision(2, Act.PAUSED, 1, region="FR")),
    "Somebody else said that nothing of yours may be captured" + NEVER: (
        decision(1, Act.REFUSED),
        decision(2, Act.REVOKED, 1),
    ),
    "You said no": (decision(1, Act.REFUSED),),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_decision_says_what_it_ended(sentence: str) -> None:
    assert told(*SENTENCES[sentence]) == sentence


def test_what_a_newer_notice_had_ended_before_is_not_said_to_have_been_stopped() -> None:
    newer = {**ADOPTED, 2: NINE + timedelta(minutes=5)}
    for minutes, held in ((4, True), (6, False)):
        stop = decision(2, Act.WITHDRAWN, minutes)
        before = stood_before(stop, (GIVEN, stop), newer)
        said = decision_in_words(stop, before)[0].text
        assert (said == "You stopped capture") is held


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Act),
            st.integers(0, 40),
            st.integers(1, 2),
            st.integers(1, 2).map(notice_name),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_capture_is_said_to_end_or_rest_only_where_something_was_agreed_to(
    steps: list[tuple[Act, int, int, object]],
) -> None:
    history: list[Decision] = []
    for seq, (act, minutes, residence, notice) in enumerate(steps, 1):
        changes = {"notice": notice} if act in {Act.GIVEN, Act.ACKNOWLEDGED} else {}
        history.append(decision(seq, act, minutes, residence=residence, **changes))
    last = history[-1]
    agreed = stood_before(last, history, ADOPTED).agreed
    assert any(claim in told(*history) for claim in CLAIMS) == (
        agreed is not None and last.act in {Act.WITHDRAWN, Act.PAUSED, Act.REVOKED}
    )


# On the pages


def test_who_stops_without_having_agreed_reads_that_nothing_was_agreed_to(house: House) -> None:
    browser = newcomer(house)
    receipt = send(browser, {"act": "withdrawn"})
    said = NOTHING_OF_YOURS + NEVER
    assert headline(receipt.text) == f"{said}."
    page = browser.get("/me").text
    assert headline(page).startswith("Nothing is captured. You said stop on")
    assert said in words(page)
    assert "You stopped" not in words(page)
    offered = {control.label for control in controls(page)}
    assert "Capture me" in offered
    assert "Capture me again" not in offered
    (kept,) = browser.history
    assert kept.act is Act.WITHDRAWN, "what is recorded and signed stays"


def test_a_pause_over_what_no_longer_holds_says_so(house: House) -> None:
    browser = newcomer(house)
    browser.press("/me/decide", "Capture me")
    browser.move(region="GB", place="GB")
    receipt = send(browser, {"act": "paused", "minutes": "30"})
    assert headline(receipt.text).startswith("You asked for a pause until")
    assert headline(receipt.text).endswith(f"{NO_MORE}.")
    assert "You paused" not in words(browser.get("/me").text)


def test_who_never_agreed_reads_that_somebody_else_ended_nothing(house: House) -> None:
    browser, services = newcomer(house), house.services
    with services.database.write() as tx:
        person = services.directory.person(tx, browser.id)
        services.consent.revoke(tx, person, SYSTEM, "A request.", house.clock.now())
    page = words(browser.get("/me").text)
    assert f"Somebody else said that nothing of yours may be captured{NEVER}" in page
    assert "ended your consent" not in page
