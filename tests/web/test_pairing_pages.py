"""The page on which a laptop is paired: by its link, by its code, and every link that is none."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from app.web.shell.door import cookie_name
from tests.web.house import House, headline, words

PAIR = "/me/devices/pair"
GARBLED = "This link is not whole, or no laptop of this service made it."


def link(request: str) -> str:
    return f"{PAIR}?request={quote(request)}"


def devices(house: House, person: str) -> int:
    with house.services.database.read() as tx:
        return len(house.services.devices.of_person(tx, person))


def test_the_link_says_what_is_paired_before_anything_is(house: House) -> None:
    browser, waiting = house.signed_in("E-0046"), house.waiting("Lane's laptop", "192.0.2.7")
    page = browser.get(link(waiting.request))
    assert page.status_code == 200
    assert headline(page.text) == "Is this your laptop?"
    for said in (waiting.user_code, "Lane's laptop", "It asked from 192.0.2.7", "Its key", "until"):
        assert said in words(page.text)
    assert devices(house, "E-0046") == 0
    result = browser.press(link(waiting.request), "Pair this laptop")
    assert headline(result.text) == "Lane's laptop is paired with you."
    assert devices(house, "E-0046") == 1


def test_a_typed_code_says_the_same_before_anything_is_paired(house: House) -> None:
    browser, waiting = house.signed_in("E-0047"), house.waiting("Other laptop", "2001:db8::/64")
    by_code = browser.get(f"{PAIR}?code={waiting.user_code}").text
    by_link = browser.get(link(waiting.request)).text
    assert words(by_code) == words(by_link)
    assert "It asked from 2001:db8::/64" in words(by_code)
    assert devices(house, "E-0047") == 0


def test_an_address_that_is_not_known_is_said_to_be_so(house: House) -> None:
    page = house.signed_in("E-0048").get(link(house.waiting().request))
    assert "an address that is not known" in words(page.text)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_link_from_elsewhere_shows_and_changes_nothing(house: House, site: str) -> None:
    browser, waiting = house.signed_in("E-0049"), house.waiting("Laptop elsewhere")
    page = browser.http.get(link(waiting.request), headers={"Sec-Fetch-Site": site})
    assert "Laptop elsewhere" in words(page.text)
    assert devices(house, "E-0049") == 0
    posted = browser.http.post(
        PAIR,
        data={"csrf": browser.csrf(), "request": waiting.request},
        headers={"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert posted.status_code == 403
    assert devices(house, "E-0049") == 0


@pytest.mark.parametrize("request_text", ["", "x", "A" * 900, "é", "<script>alert(1)</script>"])
def test_a_link_that_is_cut_or_made_up_says_the_way_on(house: House, request_text: str) -> None:
    page = house.signed_in("E-0050").get(link(request_text))
    assert page.status_code == 404
    assert GARBLED in words(page.text)
    assert "or type its code here" in words(page.text)
    assert "<script>alert" not in page.text
    assert 'id="code"' in page.text


def test_a_form_without_its_request_pairs_nothing_and_says_the_way_on(house: House) -> None:
    browser = house.signed_in("E-0050")
    answer = browser.http.post(PAIR, data={"csrf": browser.csrf(), "code": "BCDF-GHJK"})
    assert answer.status_code == 404
    assert GARBLED in words(answer.text)


def test_a_link_that_has_expired_says_so_and_the_way_on(house: House) -> None:
    pairing, now = house.services.pairing, house.clock.now()
    with house.services.database.read() as tx:
        asked = pairing.asked(tx, house.waiting("Late laptop").request, now)
    browser = house.signed_in("E-0051")
    for page in (
        browser.get(link(pairing.seal.request(replace(asked, expires_at=now)))),
        browser.get(link(pairing.seal.request(replace(asked, expires_at=now - timedelta(days=9))))),
    ):
        assert page.status_code == 404
        assert "The request of this laptop has expired" in words(page.text)
        assert "Start the pairing again on the laptop." in words(page.text)


def test_a_link_that_was_used_says_so_to_everybody(house: House) -> None:
    browser, waiting = house.signed_in("E-0052"), house.waiting("Used laptop")
    browser.press(link(waiting.request), "Pair this laptop")
    for person in ("E-0052", "E-0053"):
        page = house.signed_in(person).get(link(waiting.request))
        assert page.status_code == 409
        assert "This laptop was paired already, by you or by somebody else." in words(page.text)
        assert "start the pairing again on the laptop" in words(page.text)
    assert devices(house, "E-0053") == 0


def test_whoever_is_not_signed_in_is_led_back_to_the_link(house: House) -> None:
    waiting = house.waiting()
    visitor = house.browser()
    assert cookie_name(house.services.settings) not in visitor.http.cookies
    answer = visitor.http.get(link(waiting.request), follow_redirects=False)
    assert answer.status_code == 303
    assert waiting.request in answer.headers["location"]
    assert headline(visitor.http.get(PAIR).text) != "Pair a laptop"


def test_wrong_codes_of_one_person_hold_up_nobody_else_and_not_their_link(house: House) -> None:
    browser, waiting = house.signed_in("E-0054"), house.waiting("Guessed laptop")
    for _ in range(10):
        assert browser.get(f"{PAIR}?code=BBBB-BBBB").status_code == 422
    page = browser.get(f"{PAIR}?code={waiting.user_code}")
    assert page.status_code == 422
    assert "Too many wrong codes were entered." in words(page.text)
    assert "Open the link that the laptop shows" in words(page.text)
    assert "Guessed laptop" in words(browser.get(link(waiting.request)).text)
    other = house.signed_in("E-0055").get(f"{PAIR}?code={waiting.user_code}")
    assert "Guessed laptop" in words(other.text)
