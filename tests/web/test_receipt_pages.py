"""A receipt's page waits for its entry: it says so, asks again, and makes no entry itself."""

import re

from app.kernel.vocabulary import Mode, Signal
from app.web.words.text import MODE_WORDS, SIGNAL_WORDS
from tests.web.house import House, words

PERSON = "E-0043"


def test_a_receipt_whose_entry_waits_says_so_and_asks_again(house: House) -> None:
    browser = house.signed_in(PERSON)
    house.integrate()
    receipt = browser.press("/me", "Do not capture me")
    assert '<p class="lead" id="place" data-live>' in receipt.text
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in receipt.text
    assert "being written to the log" in words(receipt.text)
    assert "Look again" in words(browser.get(receipt.url.path).text)
    with house.services.database.read() as tx:
        assert house.services.log.pending(tx) > 0

    house.integrate()
    again = browser.get(receipt.url.path).text
    assert re.search(r"Recorded .*, as entry \d+ of the log\.", words(again))
    assert "http-equiv" not in again
    assert '<p class="lead" id="place">' in again


def test_where_anothers_receipt_stands_is_not_told(house: House) -> None:
    path = house.signed_in("E-0044").press("/me", "Do not capture me").url.path
    assert house.signed_in(PERSON).get(path).status_code == 404


def test_a_receipt_says_the_modes_and_days_that_bind_the_recorder_from_then_on(
    house: House,
) -> None:
    """Held against what a lease would be made from, not against the offer itself."""
    browser = house.signed_in("E-0045")
    page = browser.press("/me/decide?language=en", "Capture me")
    claims = browser.get(f"{page.url.path}.json").json()["claims"]
    with house.services.database.read() as tx:
        person = house.services.directory.person(tx, "E-0045")
        situation = house.services.capture.situation(tx, person, house.clock.now())
    binding = situation.limits.compiled.signals
    assert [row["pii_type"] for row in claims["pii_information"]] == sorted(
        signal.value for signal, rule in binding.items() if rule.mode is not Mode.DENY
    )
    for row in claims["pii_information"]:
        rule = binding[Signal(row["pii_type"])]
        assert row["mode"] == rule.mode.word
        assert row["retention_period"] == f"P{rule.retention_days}D"
        line = f"{SIGNAL_WORDS[row['pii_type']]}: {MODE_WORDS[row['mode']]}, "
        assert f"{line}{rule.retention_days} days" in words(page.text)
    assert claims["name"] == person.name in words(page.text)
    assert claims["pii_controllers"][0]["party_name"] == person.entity_name in words(page.text)
