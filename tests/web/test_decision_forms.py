"""Forms of decisions: what they carry, and what is refused without changing anything."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.consent.model import Act, Decision, State
from app.consent.store import shown_table
from app.demo.visitor import forms
from app.kernel.facts import decode
from app.main import create_app
from app.policy.agreement import terms_of
from app.policy.catalogue.model import App, Exclusion
from app.web.employee.decide_words import decide_words
from app.web.shell.door import cookie_name
from app.web.words.matcher_words import app_ways_in_words, ways_in_words
from app.web.words.text import lower_first
from tests.make import person
from tests.web.house import Browser, House, controls, headline, words
from tests.web.visiting import employ

NUMBERS = count(1)


@dataclass
class Newcomer(Browser):
    """The browser of somebody new, in whom no other test has a part."""

    house: House
    id: str

    def __post_init__(self) -> None:
        super().__init__(self.house)

    @property
    def state(self) -> State:
        with self.house.services.database.read() as tx:
            one = self.house.services.directory.person(tx, self.id)
            return self.house.services.consent.standing(tx, one, self.house.clock.now()).state

    @property
    def history(self) -> tuple[Decision, ...]:
        with self.house.services.database.read() as tx:
            return self.house.services.consent.history(tx, self.id)

    def move(self, **changes: str) -> None:
        with self.house.services.database.read() as tx:
            before = self.house.services.directory.person(tx, self.id)
        employ(self.house.services, [replace(before, **changes)])  # type: ignore[arg-type]

    def enter(self) -> None:
        """Begin a session, as the end of a sign-in does."""
        services, now = self.house.services, self.house.clock.now()
        with services.database.write() as tx:
            token = services.sessions.start(tx, self.id, "https://idp", self.id, now)
        self.http.cookies.set(cookie_name(services.settings), token)


def newcomer(house: House, region: str = "US-NY") -> Newcomer:
    """Employ somebody, and let them sign in."""
    made = Newcomer(house, f"N-{next(NUMBERS)}")
    services, entity = house.services, "US/Example Devices Inc"
    employ(services, [person(made.id, region=region, place=region, entity=entity)])
    made.enter()
    return made


def form_of(browser: Newcomer, path: str, act: str) -> dict[str, str]:
    """Everything that the button of an act would send."""
    page = browser.get(path).text
    return next(one.fields for one in controls(page) if one.fields.get("act") == act)


def send(browser: Newcomer, fields: dict[str, Any]) -> httpx2.Response:
    return browser.http.post("/me/decisions", data={"csrf": browser.csrf(), **fields})


def labels(page: str) -> list[str]:
    return [control.label for control in controls(page)]


@pytest.fixture
def browser(house: House) -> Newcomer:
    """Somebody who has agreed, with nothing decided before."""
    browser = newcomer(house)
    browser.press("/me/decide", "Capture me")
    return browser


def test_ending_a_pause_is_a_decision_of_its_own_with_the_old_end(
    house: House, browser: Newcomer
) -> None:
    given = browser.history[-1]
    browser.press("/me", "15 minutes")
    house.clock.advance(60)
    receipt = browser.press("/me", "End the pause now")
    assert headline(receipt.text) == "You ended the pause."
    resumed = browser.history[-1]
    assert (resumed.act, resumed.valid_until) == ("resumed", given.valid_until)
    assert browser.state is State.GIVEN


def test_who_paused_chooses_among_buttons_of_one_kind(house: House, browser: Newcomer) -> None:
    browser.press("/me", "30 minutes")
    page = browser.get("/me").text
    choices = page[page.index('class="choices"') :]
    choices = choices[: choices.index('class="pause"')]
    offered = ["End the pause now", "Stop capturing me", "Pause one hour more", "Do not capture me"]
    assert labels(choices) == offered
    assert "small-button" not in choices
    browser.press("/me", "Pause one hour more")
    assert browser.history[-1].until == house.clock.now() + timedelta(minutes=90)
    assert "Capture me again" not in labels(browser.get("/me").text)


def test_a_pause_is_said_to_go_on_by_itself_only_where_it_would(
    house: House, browser: Newcomer
) -> None:
    browser.press("/me", "15 minutes")
    assert "After that it goes on by itself." in words(browser.get("/me").text)
    with house.services.database.write() as tx:
        who, now = house.services.directory.person(tx, browser.id), house.clock.now()
        given = browser.history[0]
        shown = house.services.notices.shown(tx, who, str(given.shown_id))
        older = replace(shown.offer, decision_content=())
        other = house.services.notices.show(tx, who, older, "en", now)
        house.services.consent.decide(tx, who, Act.GIVEN, now, shown_id=other.id)
        house.services.consent.decide(tx, who, Act.PAUSED, now, until=now + timedelta(hours=1))
    page = browser.get("/me").text
    assert "After that it goes on by itself." not in words(page)
    assert "as far as the rules allow it then." in words(page)
    assert "End the pause now" not in labels(page)


def test_only_pauses_that_are_longer_than_the_one_that_runs_are_offered(
    house: House, browser: Newcomer
) -> None:
    browser.press("/me", "30 minutes")
    offered = labels(browser.get("/me").text)
    assert {"1 hour", "a day"} <= set(offered)
    assert not {"15 minutes", "30 minutes"} & set(offered)
    house.clock.advance(16 * 60)
    assert "15 minutes" in labels(browser.get("/me").text)


def test_the_same_form_sent_three_times_is_one_decision(house: House) -> None:
    browser = newcomer(house)
    fields = form_of(browser, "/me/decide", "given")
    answers = [browser.http.post("/me/decisions", data=fields) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 409, 409]
    told = words(answers[-1].text)
    assert "This is not what stands any more" in told
    assert "your last decision is number 1, given" in told
    assert "Nothing was changed." in told
    assert "Stop capturing me" in labels(answers[-1].text), "what stands, and the way on"
    assert len(browser.history) == 1


@pytest.mark.parametrize("act", ["withdrawn", "refused", "paused"])
def test_what_changes_nothing_waits_for_nobody_who_writes(house: House, act: str) -> None:
    """So saying no a thousand times keeps nobody from saying it once."""
    browser, services = newcomer(house), house.services
    send(browser, form_of(browser, "/me/decide", "given"))
    first = send(browser, {"act": act, "minutes": "60"})
    csrf = browser.csrf()
    with services.database.write() as tx:  # whoever writes now, about this very person
        services.directory.lock(tx, browser.id)
        fields = {"csrf": csrf, "act": act, "minutes": "30"}
        again = browser.http.post("/me/decisions", data=fields)
    assert (again.status_code, again.url) == (200, first.url)
    assert len(browser.history) == 2


def test_a_pause_over_nothing_is_refused_by_looking(house: House) -> None:
    browser, services = newcomer(house), house.services
    csrf = browser.csrf()
    with services.database.write() as tx:
        services.directory.lock(tx, browser.id)
        fields = {"csrf": csrf, "act": "paused", "minutes": "30"}
        answer = browser.http.post("/me/decisions", data=fields)
    assert answer.status_code == 409
    assert "There is nothing to pause: you have not decided yet" in words(answer.text)
    assert browser.history == ()


def test_unpairing_again_waits_for_nobody_who_writes(house: House, browser: Newcomer) -> None:
    device = house.pair(browser.id)
    address, csrf = f"/me/devices/{device.id}/revoke", browser.csrf()
    first = browser.http.post(address, data={"csrf": csrf})
    with house.services.database.write() as tx:
        house.services.directory.lock(tx, browser.id)
        again = browser.http.post(address, data={"csrf": csrf})
    assert (first.status_code, again.status_code) == (200, 200)
    assert "unpaired" in words(again.text)


@pytest.mark.parametrize("act", ["withdrawn", "given"])
def test_a_decision_that_is_sent_in_parts_is_told_how_to_send_it(house: House, act: str) -> None:
    """Its act cannot be read where lanes are chosen, so it would opt out among those who wait."""
    browser = newcomer(house)
    parts = {"csrf": (None, browser.csrf()), "act": (None, act)}
    answer = browser.http.post("/me/decisions", files=parts)
    assert answer.status_code == 422
    assert "application/x-www-form-urlencoded" in words(answer.text)
    assert browser.history == ()


def test_a_yes_of_another_window_does_not_undo_a_withdrawal(
    house: House, browser: Newcomer
) -> None:
    browser.press("/me", "Stop capturing me")
    stale = form_of(browser, "/me", "given")
    browser.press("/me", "Capture me again")
    browser.press("/me", "Stop capturing me")
    answer = send(browser, stale)
    assert answer.status_code == 409
    assert "number 4, withdrawn" in words(answer.text)
    assert browser.state is State.WITHDRAWN


@pytest.mark.parametrize("act", ["withdrawn", "refused"])
def test_opting_out_goes_through_on_a_stale_number_and_on_none(browser: Newcomer, act: str) -> None:
    for number in ({"seq": "0"}, {"seq": "soon"}, {}):
        assert send(browser, {"act": act, **number}).status_code == 200
        assert browser.state.value == act
    assert len(browser.history) == 2, "twice is once"


def as_it_is(_house: House, _browser: Newcomer) -> None:
    pass


def pause(_house: House, browser: Newcomer) -> None:
    browser.press("/me", "15 minutes")


def pause_and_move(_house: House, browser: Newcomer) -> None:
    browser.press("/me", "15 minutes")
    browser.move(region="GB")


def withdraw(_house: House, browser: Newcomer) -> None:
    browser.press("/me", "Stop capturing me")


REFUSED = {
    "a yes without a number": (as_it_is, {"act": "given", "seq": ""}, 422, "number of your last"),
    "a yes with a number that is none": (as_it_is, {"act": "given", "seq": "-1"}, 422, "number of"),
    "a number beyond all": (
        as_it_is,
        {"act": "given", "seq": "9" * 10},
        422,
        "number of your last",
    ),
    "a number in other digits": (
        as_it_is,
        {"act": "given", "seq": "\u0661"},
        422,
        "number of your",
    ),
    "an end of the pause without a number": (pause, {"act": "resumed"}, 422, "number of your last"),
    "a yes on nothing that was shown": (
        as_it_is,
        {"act": "given", "seq": "1"},
        422,
        "no notice was read",
    ),
    "a yes on an offer never shown": (
        as_it_is,
        {"act": "given", "seq": "1", "shown": "00000000-0000-0000-0000-000000000000"},
        404,
        "this notice was not shown to you",
    ),
    "an end without a pause": (as_it_is, {"act": "resumed", "seq": "1"}, 409, "no pause runs"),
    "an end after stopping": (withdraw, {"act": "resumed", "seq": "2"}, 409, "you said stop"),
    "an end of the pause after a move": (
        pause_and_move,
        {"act": "resumed", "seq": "2"},
        409,
        "the region where you live has changed",
    ),
    "an end of the pause on a stale number": (
        pause,
        {"act": "resumed", "seq": "1"},
        409,
        "your last decision is number 2, paused",
    ),
    "a pause after stopping": (
        withdraw,
        {"act": "paused", "minutes": "30"},
        409,
        "there is nothing to pause: you said stop",
    ),
    "a pause that is over": (as_it_is, {"act": "paused", "minutes": "-5"}, 422, "a pause needs"),
    "a pause of no time": (as_it_is, {"act": "paused", "minutes": "0"}, 422, "a pause needs"),
    "a pause too short": (as_it_is, {"act": "paused", "minutes": "4"}, 422, "a pause needs"),
    "a pause too long": (as_it_is, {"act": "paused", "minutes": "10081"}, 422, "a pause needs"),
    "a pause beyond all": (as_it_is, {"act": "paused", "minutes": "9" * 40}, 422, "a pause needs"),
    "a pause without an end": (as_it_is, {"act": "paused"}, 422, "a pause needs"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_the_way_on_and_changes_nothing(
    house: House, browser: Newcomer, case: str
) -> None:
    prepare, fields, status, said = REFUSED[case]
    prepare(house, browser)
    before = browser.history
    answer = send(browser, dict(fields))
    assert answer.status_code == status
    assert said in words(answer.text).lower()
    assert browser.history == before
    if status == 409:
        assert "Nothing was changed." in words(answer.text)
        assert headline(answer.text) == headline(browser.get("/me").text)


def test_what_was_shown_to_another_is_refused(house: House, browser: Newcomer) -> None:
    other = newcomer(house)
    fields = form_of(other, "/me/decide", "given")
    answer = send(browser, {"act": "given", "seq": "1", "shown": fields["shown"]})
    assert answer.status_code == 404
    assert len(browser.history) == 1
    assert other.history == ()


def test_an_offer_that_changed_is_shown_anew_and_nothing_is_decided(house: House) -> None:
    browser = newcomer(house)
    fields = form_of(browser, "/me/decide", "given")
    browser.move(place="GB")
    answer = send(browser, fields)
    assert answer.status_code == 409
    assert "What you were shown has changed since" in words(answer.text)
    assert browser.history == ()
    assert form_of(browser, "/me/decide", "given")["shown"] != fields["shown"]


def test_pausing_under_a_stop_is_recorded(house: House) -> None:
    browser = newcomer(house, "US-CA")
    browser.press("/me/decide", "Capture me")
    with house.services.database.write() as tx:
        officer = house.services.directory.person(tx, "E-0008")
        house.services.policy.stops.stop(tx, officer, "US-CA", "an incident", house.clock.now())
    assert headline(browser.get("/me").text).startswith("Nothing is captured. Capture is stopped")
    receipt = browser.press("/me", "15 minutes")
    assert headline(receipt.text).startswith("You paused capture until")
    assert browser.state is State.PAUSED


def test_the_number_stands_in_every_form_that_decides(browser: Newcomer) -> None:
    for path in ("/me", "/me/decide"):
        for form in forms(browser.get(path).text):
            acts = {value for name, value in form.buttons if name == "act"}
            if acts & {"given", "acknowledged", "resumed"}:
                assert form.fields["seq"] == str(len(browser.history)), path


# The notice, to read again


def agree(browser: Newcomer) -> None:
    browser.press("/me/decide?language=de", "Erfassen")


def agree_and(label: str) -> Callable[[Newcomer], None]:
    def story(browser: Newcomer) -> None:
        agree(browser)
        browser.press("/me", label)

    return story


def expire(browser: Newcomer) -> None:
    agree(browser)
    browser.house.clock.advance(timedelta(days=366))
    browser.enter()


AFTER: dict[str, Callable[[Newcomer], object]] = {
    "agreed": agree,
    "paused": agree_and("15 minutes"),
    "withdrawn": agree_and("Stop capturing me"),
    "refused": lambda browser: (agree(browser), send(browser, {"act": "refused"})),
    "expired": expire,
}


@pytest.mark.parametrize("state", AFTER)
def test_after_a_decision_the_notice_that_it_rests_on_is_in_reach_from_every_page(
    house: House, state: str
) -> None:
    browser = newcomer(house)
    AFTER[state](browser)
    for path in ("/me", "/me/devices/pair", f"/me/receipts/{browser.history[0].id}"):
        assert "The notice about capture" in labels(browser.get(path).text), path
    page = browser.press("/me", "The notice about capture")
    assert headline(page.text).startswith("Aufzeichnung")
    assert 'lang="de"' in page.text
    assert "This is the notice of today. Your decision of" in words(page.text)
    assert f"/me/receipts/{browser.history[0].id}" in page.text
    other = browser.get("/me/notice?language=en")
    assert headline(other.text).startswith("Recording how you work")
    version = house.services.notices.version
    assert f"rests on version {version} in Deutsch" in words(other.text)


@pytest.mark.parametrize("decision", ["", "Do not capture me"])
def test_before_any_agreement_the_notice_of_today_can_be_read_and_nothing_is_recorded(
    house: House, decision: str
) -> None:
    browser = newcomer(house)
    if decision:
        browser.press("/me", decision)
    page = browser.press("/me", "The notice about capture")
    assert "No decision of yours rests on a notice." in words(page.text)
    assert browser.get("/me/notice?language=xx").status_code == 404
    with house.services.database.read() as tx:
        shown = tx.execute(select(shown_table).where(shown_table.c.person_id == browser.id))
        assert shown.all() == []


def test_when_the_notice_changed_both_texts_can_be_read(house: House) -> None:
    browser = newcomer(house)
    browser.press("/me/decide?language=en", "Capture me")
    text = house.services.notices.text("en")
    newer = replace(text, version=text.version + 1, markdown="Other.", digest="sha256:2")
    notices = replace(house.services.notices, texts={"en": newer})
    app = create_app(replace(house.services, notices=notices))
    browser.http = TestClient(app, base_url=house.url, cookies=browser.http.cookies)
    page = words(browser.get("/me/notice").text)
    assert "This notice has been replaced since." in page
    assert "Why" in page
    today = words(browser.get("/me/notice?language=en").text)
    assert "This is the notice of today." in today
    assert f"rests on version {text.version} in English" in today
    assert "Other." in today


def test_a_refused_form_is_told_once_with_the_way_on(house: House) -> None:
    browser = newcomer(house)
    told = send(browser, {"act": "paused", "minutes": "soon"})
    page = words(told.text)
    assert page.casefold().count("a pause needs a number of minutes") == 1
    assert page.count("Use the buttons of the page.") == 1
    never = send(browser, {"act": "given", "shown": "never-shown", "seq": "0"})
    assert (never.status_code, headline(never.text)) == (404, "That was not found")
    assert "Read the current notice, then decide." in words(never.text)
    assert not browser.history


def test_the_offer_says_also_the_limits_that_are_agreed_to(house: House) -> None:
    """Whoever is told later that one of them becomes wider has read it before."""
    browser = newcomer(house)
    page = words(browser.get("/me/decide?language=en").text)
    offer = page[page.index("Exactly what is offered") : page.index("Name of this offer")]
    assert "Further limits" in offer
    assert "Between two screenshots: at least 1 minute" in offer
    assert "On a personal device: never captured" in offer
    german = words(browser.get("/me/decide?language=de").text)
    assert "Weitere Grenzen" in german
    assert "Zwischen zwei Bildschirmfotos: at least 1 minute" in german


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_offer_says_how_all_is_recognised_that_the_agreement_will_bind(
    house: House, language: str
) -> None:
    """What is bound is read from the terms that the offer's entry names."""
    browser = newcomer(house)
    page = words(browser.get(f"/me/decide?language={language}").text)
    with house.services.database.read() as tx:
        one = house.services.directory.person(tx, browser.id)
        bound = terms_of(house.services.capture.situation(tx, one, house.clock.now()).open)
    said = decide_words(language)
    apps, exclusions = bound["apps"], bound["exclusions"]
    assert isinstance(apps, list)
    assert isinstance(exclusions, list)
    assert apps
    assert exclusions
    for item in (decode(App, app) for app in apps):
        ways = app_ways_in_words(item, said.matchers)
        assert f"{item.name} {' '.join(ways)}" in page
    for place in (decode(Exclusion, exclusion) for exclusion in exclusions):
        name = said.exclusions.get(place.id, lower_first(place.name))
        assert f"{name} {' '.join(ways_in_words(place.match, said.matchers))}" in page


# New York


def test_in_new_york_one_click_is_recorded_as_consent_and_acknowledgement(house: House) -> None:
    browser = newcomer(house)
    page = words(browser.get("/me/decide?language=en").text)
    both = "The record says: notice read and acknowledged, and consent given."
    assert both in page
    receipt = browser.press("/me/decide?language=en", "Capture me")
    assert "that you read the notice and acknowledge it" in words(receipt.text)
    assert (browser.history[-1].act, browser.history[-1].content) == ("given", ("acknowledgement",))
    elsewhere = newcomer(house, "US-CA")
    assert both not in words(elsewhere.get("/me/decide").text)


def test_the_page_says_that_new_york_asks_for_both_and_california_for_either(house: House) -> None:
    both = "(legal term: consent) and your confirmation"
    either = "(legal term: consent) or your confirmation"
    page = words(newcomer(house).get("/me").text)
    assert both in page
    assert either not in page
    elsewhere = words(newcomer(house, "US-CA").get("/me").text)
    assert either in elsewhere
    assert both not in elsewhere
    told = words(house.signed_in("E-0107").get("/legal/regions/US-NY").text)
    assert "after consent and acknowledgement" in told
    assert "screenshots in part" in told


def test_who_goes_to_work_in_new_york_is_told_that_new_york_asks(house: House) -> None:
    browser = newcomer(house, "GB")
    browser.press("/me/decide", "Capture me")
    browser.move(place="US-NY")
    assert headline(browser.get("/me").text) == (
        "Nothing is captured. What you decided does not say yet all that New York asks for."
    )


def test_who_goes_to_work_elsewhere_is_told_who_accepts_no_confirmation_alone(
    house: House,
) -> None:
    browser = newcomer(house)
    browser.press("/me/decide", "Capture me")
    with house.services.database.write() as tx:
        who, now = house.services.directory.person(tx, browser.id), house.clock.now()
        offer = house.services.capture.situation(tx, who, now).offer
        only = replace(offer, bases=("acknowledgement",))
        shown = house.services.notices.show(tx, who, only, "en", now)
        house.services.consent.decide(tx, who, Act.ACKNOWLEDGED, now, shown_id=shown.id)
    browser.move(place="GB")
    said = headline(browser.get("/me").text)
    assert said == "Nothing is captured. What you decided is not enough for United Kingdom."


def test_a_consent_without_the_acknowledgement_is_asked_for_once(house: House) -> None:
    browser, services = newcomer(house), house.services
    with services.database.write() as tx:
        who, now = services.directory.person(tx, browser.id), house.clock.now()
        asked = services.capture.situation(tx, who, now).offer
        older = services.notices.show(tx, who, replace(asked, decision_content=()), "en", now)
        services.consent.decide(tx, who, Act.GIVEN, now, shown_id=older.id)
    page = browser.get("/me").text
    assert headline(page) == (
        "Nothing is captured. What you decided does not say yet all that New York asks for."
    )
    assert {"Read the notice and decide", "Stop capturing me"} <= set(labels(page))
    browser.press("/me/decide", "Capture me")
    assert browser.history[-1].content == ("acknowledgement",)
    assert "Read the notice and decide" not in labels(browser.get("/me").text)


# Homes


def test_who_is_recorded_under_a_code_of_no_place_is_told_whom_to_ask(house: House) -> None:
    """No rules can ever be added for it; where there is a place, legal would have to add them."""
    said = words(newcomer(house, "XX").get("/me").text)
    assert "XX is no code of ISO 3166 for a country or a part of one: ask your HR depart" in said
    assert "legal has added them" not in said
    place = words(newcomer(house, "JP").get("/me").text)
    assert "Nobody can turn it on until legal has added them." in place
    assert "ask your HR department" not in place


def test_who_is_recorded_as_living_everywhere_reads_a_sentence(house: House) -> None:
    said = headline(newcomer(house, "GLOBAL").get("/me").text)
    assert "You are recorded as living everywhere and working everywhere, and that" in said


def test_a_record_that_was_corrected_is_not_called_a_move(house: House, browser: Newcomer) -> None:
    browser.move(region="US", place="US")
    browser.move(region="US-NY", place="US-NY")
    said = "Where you live was recorded anew since you decided: New York."
    assert headline(browser.get("/me").text) == f"Nothing is captured. {said}"
