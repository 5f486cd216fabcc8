"""A receipt's page waits for its entry: it says so, asks again, and makes no entry itself."""

import re

from tests.web.house import House, words

PERSON = "E-0043"


def test_a_receipt_whose_entry_waits_says_so_and_asks_again(house: House) -> None:
    browser = house.signed_in(PERSON)
    house.integrate()
    receipt = browser.press("/me", "Do not capture me")
    waits = re.search(r'<p class="lead" data-refresh="([^"]+)">', receipt.text)
    assert waits is not None
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in receipt.text
    assert "being written to the log" in words(receipt.text)
    assert "Look again" in words(browser.get(waits[1]).text)
    with house.services.database.read() as tx:
        assert house.services.log.pending(tx) > 0

    house.integrate()
    assert re.fullmatch(
        r"Recorded .*, as entry \d+ of the log\.", words(browser.get(waits[1]).text)
    )
    again = browser.get(receipt.url.path).text
    assert "http-equiv" not in again
    assert "data-refresh" not in again.partition('<p class="lead"')[2].partition(">")[0]


def test_where_anothers_receipt_stands_is_not_told(house: House) -> None:
    path = house.signed_in("E-0044").press("/me", "Do not capture me").url.path
    assert house.signed_in(PERSON).get(f"{path}/place").status_code == 404
