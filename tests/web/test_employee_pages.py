"""The employee's pages as an employee without JavaScript uses them, on both databases."""

import json
import re
from typing import Any

import pytest

from app.audit.entries.model import EntryFilter
from app.audit.reading.service import ReadingService
from app.kernel.signing import read_token
from app.kernel.tokens import RECEIPT_TYPE
from app.web.shell.door import cookie_name
from tests.web.house import House, controls, headline, words

GERMAN = "E-0047"
NORWEGIAN = "E-0015"
FRENCH = "E-0016"
GERMAN_IN_FRANCE = "E-0052"
NEW_YORKERS = ("E-0035", "E-0037", "E-0038", "E-0039", "E-0040")


def labels(page: str) -> list[str]:
    return [control.label for control in controls(page)]


def test_before_any_decision_the_page_says_that_nothing_is_captured(house: House) -> None:
    page = house.signed_in(NEW_YORKERS[0]).get("/me").text
    assert headline(page) == "Nothing is captured. You have not decided."
    assert {"Read the notice and decide", "Do not capture me"} <= set(labels(page))


def test_opting_in_and_out_takes_one_click_each_and_gives_a_receipt(house: House) -> None:
    browser = house.signed_in(NEW_YORKERS[1])
    device = house.pair(NEW_YORKERS[1])
    receipt = browser.press("/me/decide", "Capture me")
    assert receipt.url.path.startswith("/me/receipts/")
    assert headline(receipt.text) == "You agreed to be captured."

    assert house.poll(device)
    page = browser.get("/me").text
    assert headline(page).startswith("Your pointer, clicks, menus, shortcuts")
    assert "are captured" in headline(page)
    assert "and your screenshots in part, in" in headline(page)
    assert "on 1 laptop" in headline(page)

    receipt = browser.press("/me", "Stop capturing me")
    assert headline(receipt.text) == "You stopped capture."
    assert not house.poll(device)
    page = browser.get("/me").text
    assert headline(page).startswith("Nothing is captured. You said stop on")


def test_who_agreed_before_to_the_same_offer_agrees_again_with_one_click(house: House) -> None:
    browser = house.signed_in(NEW_YORKERS[2])
    browser.press("/me/decide", "Capture me")
    browser.press("/me", "Stop capturing me")
    receipt = browser.press("/me", "Capture me again")
    assert headline(receipt.text) == "You agreed to be captured."


def test_a_pause_ends_by_itself_and_capture_goes_on(house: House) -> None:
    person = NEW_YORKERS[3]
    browser = house.signed_in(person)
    device = house.pair(person)
    browser.press("/me/decide", "Capture me")
    assert house.poll(device)
    browser.press("/me", "15 minutes")
    # The laptop has not asked since: it may act on what it holds, and the page does not deny it.
    page = browser.get("/me").text
    assert headline(page).startswith("Capture ends by 09:15 UTC at the latest. You paused until")
    assert "1 laptop may not have heard yet; it stops at its next check." in words(page)
    assert "This is what you agreed to" in words(page)
    assert not house.poll(device)
    assert headline(browser.get("/me").text).startswith("Nothing is captured. You paused until")
    house.clock.advance(15 * 60)
    assert headline(browser.get("/me").text).startswith("Nothing is captured yet: you agreed")
    assert house.poll(device)
    assert headline(browser.get("/me").text).startswith("Your pointer")


def test_saying_no_needs_no_notice(house: House) -> None:
    browser = house.signed_in(NEW_YORKERS[4])
    receipt = browser.press("/me", "Do not capture me")
    assert headline(receipt.text) == "You said no."
    assert headline(browser.get("/me").text).startswith("Nothing is captured. You said no on")


def test_where_the_law_forbids_it_nothing_is_offered_and_the_law_is_named(house: House) -> None:
    page = house.signed_in(NORWEGIAN).get("/me").text
    assert headline(page) == "Nothing is captured. The law in Norway does not allow this."
    assert "Nothing can be captured, whatever you or the company choose." in words(page)
    assert "Capture me" not in labels(page)
    assert "Forskrift 2018-07-02-1108" in words(page)


def test_a_missing_precondition_is_said_of_the_region_that_asks_for_it(house: House) -> None:
    """Of two regions, the home need not be the one that asks."""
    page = house.signed_in(GERMAN_IN_FRANCE).get("/me").text
    asked = "In France this must come first and is missing: consultation."
    assert headline(page) == f"Nothing is captured. {asked}"
    assert "Until it is in place nothing of yours can be captured." in words(page)


def test_a_missing_precondition_is_named_and_nothing_is_asked_of_the_person(house: House) -> None:
    page = house.signed_in(FRENCH).get("/me").text
    assert "this must come first and is missing: consultation" in headline(page)
    assert "You need do nothing." in words(page)


def test_the_notice_is_read_in_the_chosen_language_and_recorded_as_such(house: House) -> None:
    browser = house.signed_in(GERMAN)
    page = browser.get("/me/decide?language=de").text
    assert headline(page).startswith("Aufzeichnung")
    assert "Beispiel Geräte GmbH" in words(page)
    assert {"Erfassen", "Nicht erfassen"} <= set(labels(page))
    receipt = browser.press("/me/decide?language=de", "Erfassen")
    version = house.services.notices.version
    assert f"capture, version {version}, de" in words(receipt.text)


def test_the_browser_s_language_is_taken_where_none_is_chosen(house: House) -> None:
    browser = house.signed_in("E-0048")
    page = browser.http.get("/me/decide", headers={"Accept-Language": "fr-FR, de;q=0.8"})
    assert headline(page.text).startswith("Aufzeichnung")


def test_a_laptop_s_line_tells_when_it_was_told(house: House) -> None:
    person = "E-0049"
    browser = house.signed_in(person)
    device = house.pair(person, "Heikos Laptop")
    assert "has not asked yet" in words(browser.get("/me").text)
    browser.press("/me/decide?language=en", "Capture me")
    house.poll(device)
    assert "Was told to capture at" in words(browser.get("/me").text)
    browser.press("/me", "Stop capturing me")
    assert "Has not asked since your decision" in words(browser.get("/me").text)
    house.clock.advance(7)
    house.poll(device)
    line = words(browser.get("/me").text)
    assert f"Was told not to capture at {house.clock.now():%H:%M:%S} UTC" in line


def test_the_receipt_s_file_proves_itself(house: House) -> None:
    browser = house.signed_in("E-0050")
    receipt = browser.press("/me/decide?language=en", "Capture me")
    house.integrate()
    answer = browser.get(f"{receipt.url.path}.json")
    assert "attachment" in answer.headers["content-disposition"]
    document = answer.json()
    keys = {key["kid"]: _public(key) for key in document["keys"]["keys"]}
    claims = read_token(document["token"], RECEIPT_TYPE, keys)
    assert claims == document["claims"]
    entry = json.loads(document["log"]["entry"])
    assert entry["idx"] == document["log"]["index"]
    assert entry["facts"]["decision"] == receipt.url.path.rpartition("/")[2]
    assert document["log"]["proof"].startswith("c2sp.org/tlog-proof@v1")


def _public(key: dict[str, str]) -> bytes:
    from app.kernel.signing import public_from_jwk

    return public_from_jwk(key)


def test_nobody_sees_another_s_receipt_or_laptop(house: House) -> None:
    owner, other = "E-0041", "E-0042"
    browser = house.signed_in(owner)
    receipt = browser.press("/me/decide", "Capture me").url.path
    device = house.pair(owner)
    stranger = house.signed_in(other)
    for path in (receipt, f"{receipt}.json", f"/me/devices/{device.id}"):
        assert stranger.get(path).status_code == 404, path
    answer = stranger.http.post(f"/me/devices/{device.id}/revoke", data={"csrf": stranger.csrf()})
    assert answer.status_code == 404
    assert house.poll(device)


def test_nobody_decides_on_what_was_shown_to_another(house: House) -> None:
    reader, other = house.signed_in("E-0043"), house.signed_in("E-0045")
    shown = re.search(r'name="shown" value="([^"]+)"', reader.get("/me/decide").text)
    assert shown is not None
    answer = other.http.post(
        "/me/decisions",
        data={"csrf": other.csrf(), "act": "given", "shown": shown[1], "seq": "0"},
    )
    assert answer.status_code == 404
    assert "You have not decided" in headline(other.get("/me").text)


def test_pairing_shows_the_laptop_before_it_is_paired(house: House) -> None:
    browser = house.signed_in("E-0046")
    code = house.waiting_code("Newcomer laptop")
    page = browser.get(f"/me/devices/pair?code={code.lower()}").text
    assert "Newcomer laptop" in words(page)
    assert f"{code[:4]}-{code[-4:]}" in words(page)
    assert "No laptop is paired with you" in words(browser.get("/me").text)
    result = browser.press(f"/me/devices/pair?code={code}", "Pair this laptop")
    assert headline(result.text) == "Newcomer laptop is paired with you."
    result = browser.press(result.url.path, "Unpair this laptop")
    assert "is unpaired. It can capture nothing." in headline(result.text)


def test_a_wrong_code_is_kept_in_its_field_with_a_way_forward(house: House) -> None:
    answer = house.signed_in("E-0051").get("/me/devices/pair?code=ABCD-EFGH")
    assert answer.status_code == 422
    assert 'value="ABCD-EFGH"' in answer.text
    assert "Look at the code on the laptop" in words(answer.text)


def test_a_code_in_another_site_s_link_is_not_tried(house: House) -> None:
    """Else a link could use up the tries of whoever follows it."""
    browser = house.signed_in("E-0055")
    for _ in range(30):
        answer = browser.http.get(
            "/me/devices/pair?code=ABCD-EFGH", headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 200
        assert 'value="ABCD-EFGH"' in answer.text
    code = house.waiting_code("Own laptop")
    page = browser.http.get(
        f"/me/devices/pair?code={code}", headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert "Own laptop" in words(page.text)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_s_link_does_not_show_a_notice(house: House, site: str) -> None:
    browser = house.signed_in("E-0056")
    answer = browser.http.get(
        "/me/decide", headers={"Sec-Fetch-Site": site}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert notices_shown(house, "E-0056") == 0


def test_a_step_of_one_s_own_shows_the_notice_and_records_it(house: House) -> None:
    browser = house.signed_in("E-0057")
    browser.http.get("/me/decide", headers={"Sec-Fetch-Site": "same-origin"})
    browser.http.get("/me/decide", headers={"Sec-Fetch-Site": "none"})
    assert notices_shown(house, "E-0057") == 1


def notices_shown(house: House, person_id: str) -> int:
    house.integrate()
    with house.services.database.write() as tx:
        pseudonym = house.services.log.pseudonym(tx, person_id)
        wanted = EntryFilter(kind="notice.shown", subject=pseudonym)
        return len(ReadingService(house.services.log).search(tx, wanted))


UTF7 = "multipart/form-data; boundary=b; charset=utf-7"


def test_what_is_no_text_is_refused_before_a_database_sees_it(house: House) -> None:
    browser = house.signed_in("E-0058")
    csrf = browser.csrf()
    surrogate = (
        f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf}\r\n'
        '--b\r\nContent-Disposition: form-data; name="act"\r\n\r\ngiven\r\n'
        '--b\r\nContent-Disposition: form-data; name="shown"\r\n\r\n+2AA-\r\n--b--\r\n'
    )
    answers = [
        browser.get("/me/receipts/a%00b"),
        browser.get("/me/receipts/a%00b.json"),
        browser.get("/me/devices/a%00b"),
        browser.get("/me/devices/pair?code=a%00b"),
        browser.get("/me/decide?language=%00"),
        browser.get("/auditor?kind=a%00b"),
        browser.http.post("/me/devices/a%00b/revoke", data={"csrf": csrf}),
        browser.http.post("/me/decisions", data={"csrf": csrf, "act": "given", "shown": "\0"}),
        browser.http.post("/me/decisions", content=surrogate, headers={"Content-Type": UTF7}),
    ]
    assert [answer.status_code for answer in answers] == [422] * len(answers)
    assert all("text/html" in answer.headers["content-type"] for answer in answers)


def test_a_nonsense_choice_changes_nothing_and_says_so(house: House) -> None:
    browser = house.signed_in("E-0052")
    for fields in ({"act": "maybe"}, {"act": "paused", "minutes": "soon"}, {"act": "revoked"}):
        answer = browser.http.post("/me/decisions", data={"csrf": browser.csrf(), **fields})
        assert answer.status_code == 422, fields
        assert "text/html" in answer.headers["content-type"]
    assert "None so far." in words(browser.get("/me").text)


@pytest.mark.parametrize(
    "twice",
    [{"act": ["withdrawn", "paused"]}, {"act": "paused", "minutes": ["60", "60"]}],
    ids=["act", "minutes"],
)
def test_a_field_sent_twice_changes_nothing_and_is_named(
    house: House, twice: dict[str, Any]
) -> None:
    browser = house.signed_in("E-0052")
    answer = browser.http.post("/me/decisions", data={"csrf": browser.csrf(), **twice})
    assert answer.status_code == 422
    assert "A field of the form is given twice." in words(answer.text)
    assert "None so far." in words(browser.get("/me").text)


def test_every_decision_and_sign_in_is_an_entry(house: House) -> None:
    browser = house.signed_in("E-0053")
    browser.press("/me", "Do not capture me")
    browser.press("/me", "Sign out")
    house.integrate()
    with house.services.database.write() as tx:
        pseudonym = house.services.log.pseudonym(tx, "E-0053")
        wanted = EntryFilter(actor=f"person:{pseudonym}")
        kinds = [
            entry.leaf["kind"] for entry in ReadingService(house.services.log).search(tx, wanted)
        ]
    assert kinds == ["session.ended", "consent.refused", "session.started"]


def test_after_signing_out_the_session_is_gone_on_the_server(house: House) -> None:
    browser = house.signed_in("E-0054")
    name = cookie_name(house.services.settings)
    token = browser.http.cookies[name]
    browser.press("/me", "Sign out")
    browser.http.cookies.set(name, token)
    assert browser.http.get("/me", follow_redirects=False).status_code == 303


def test_a_laptop_unpaired_with_a_permission_in_hand_is_not_said_to_be_off(house: House) -> None:
    person = "E-0045"
    browser = house.signed_in(person)
    device = house.pair(person)
    browser.press("/me/decide", "Capture me")
    assert house.poll(device)
    result = browser.press(f"/me/devices/{device.id}", "Unpair this laptop")
    assert "It stops by" in headline(result.text)
    house.clock.advance(15 * 60)
    assert "It can capture nothing." in headline(browser.get(f"/me/devices/{device.id}").text)
