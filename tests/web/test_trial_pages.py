"""The pages on which a place is tried: they say what the guard says, and keep nothing of it."""

import html
import json
import re
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.capture.trial import Told, as_json
from app.consent.model import Act
from app.db.metadata import metadata
from app.event.reading import read_event
from app.kernel.canonical import canonical, digest
from app.kernel.forms import AGENT_FORM
from app.sdk.agent.guard import Denied
from tests.agent_simulator import BROWSER, AgentSimulator, LeaseOffice
from tests.event import events
from tests.policy.pace import unhurried
from tests.web.house import Browser, House, words

LEGAL, LANE = "E-0101", "E-0042"
HR_PAGE = {"app": "confluence", "address": "https://example.atlassian.net/wiki/spaces/HR/x"}
FIELDS = {"signal": "click", "window": "ordinary", "field": "none", "title": "Plan"}
SECRET = "somebody-in-hr"


def send(by: Browser, path: str, **typed: str) -> Response:
    """Send the form; what is not said is as in the first example."""
    return by.http.post(path, data={"csrf": by.csrf(), **FIELDS, **typed})


def verdict(page: Response) -> Any:
    """The verdict of a page, in JSON."""
    assert page.status_code == 200, words(page.text)
    found = re.search(r'aria-label="Verdict">(.*?)</pre>', page.text, re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def legal(house: House) -> Browser:
    return house.signed_in(LEGAL)


@pytest.fixture(scope="module")
def lane(house: House) -> Browser:
    return house.signed_in(LANE)


def test_legal_reads_why_an_hr_page_is_not_captured_and_who_says_so(legal: Browser) -> None:
    page = send(legal, "/legal/try", region="US-CA", **HR_PAGE)
    assert verdict(page)["denied"] == "excluded"
    text = words(page.text)
    assert "It would not be captured." in text
    assert "It is in an excluded place" in text
    assert "Everywhere , floor" in text or "Everywhere, floor" in text


@pytest.mark.parametrize("example", ["hr_page", "chat_germany", "others_unknown"])
def test_the_examples_of_california_are_denied(legal: Browser, example: str) -> None:
    page = send(legal, "/legal/try", region="US-CA", example=example)
    assert "denied" in verdict(page)
    assert "California" in page.text


def test_where_somebody_works_narrows_what_is_captured_at_home(legal: Browser) -> None:
    at_home = send(legal, "/legal/try", region="US-CA", example="listed")
    assert verdict(at_home)["allowed"]["mode"] == "allow"
    typed = {"signal": "key_content", "app": verdict(at_home)["allowed"]["app"]}
    assert "allowed" in verdict(send(legal, "/legal/try", region="US-CA", **typed))
    in_norway = send(legal, "/legal/try", region="US-CA", place="NO", **typed)
    assert verdict(in_norway) == {"denied": "region_blocked"}


def test_what_was_typed_stays_and_the_fault_stands_at_its_field(legal: Browser) -> None:
    typed = {"address": 'https://a.example/"<b>', "counterparties": "DE, Berlin"}
    page = send(legal, "/legal/try", region="DE", **typed)
    assert page.status_code == 422
    assert 'href="#counterparties"' in page.text
    for text in typed.values():
        assert f'value="{html.escape(text)}"' in page.text.replace("&#34;", "&quot;")
    pasted = send(legal, "/legal/try", region="DE", event="{not json")
    assert pasted.status_code == 422
    assert "{not json</textarea>" in pasted.text
    assert 'href="#event"' in pasted.text


def test_a_region_that_is_no_place_is_refused_by_name(legal: Browser) -> None:
    for typed in ({"region": "EU"}, {"region": "US"}, {"region": "DE", "place": "Berlin"}):
        page = send(legal, "/legal/try", **typed)
        assert page.status_code == 422, typed
        assert f'href="#{list(typed)[-1]}"' in page.text


def test_a_form_of_another_site_is_refused(house: House) -> None:
    stranger = house.signed_in(LANE)
    csrf = stranger.csrf()
    for headers, sent in (({"Origin": "https://evil.example"}, csrf), ({}, "x")):
        data = {"csrf": sent, **FIELDS}
        assert stranger.http.post("/me/try", data=data, headers=headers).status_code == 403


def test_what_is_tried_is_kept_nowhere(house: House, lane: Browser) -> None:
    before = _everything(house)
    page = send(lane, "/me/try", title=SECRET, account=SECRET, address=f"https://{SECRET}.example/")
    assert page.status_code == 200
    assert SECRET in page.text
    assert SECRET not in str(page.request.url)
    assert page.headers["cache-control"] == "no-store"
    assert _everything(house) == before


def _everything(house: House) -> dict[str, int]:
    """How many rows each table has; nobody else writes meanwhile."""
    with house.services.database.read() as tx:
        return {
            table.name: int(tx.execute(select(func.count()).select_from(table)).scalar_one())
            for table in metadata.sorted_tables
        }


def test_somebody_who_agreed_to_nothing_reads_what_would_be(lane: Browser) -> None:
    page = send(lane, "/me/try", example="listed")
    assert verdict(page) == {"denied": "consent_missing"}
    assert "If capture were on, it would be captured" in words(page.text)
    assert "You have agreed to nothing" in words(lane.get("/me/try").text)


def test_somebody_for_whom_no_app_is_listed_reads_that_nothing_can_be_captured(
    house: House,
) -> None:
    said = words(house.signed_in("E-0015").get("/me/try").text)
    assert "No app is listed for you, so nothing can be captured" in said
    assert "if you agreed" not in said


@pytest.mark.parametrize("person", ["E-0015", "E-0016", LANE])
def test_whatever_the_situation_the_verdict_names_it(house: House, person: str) -> None:
    """Blocked by law, something missing, nothing decided: the first reason of the lease."""
    with house.services.database.read() as tx:
        who = house.services.directory.person(tx, person)
        reasons = house.services.capture.situation(tx, who, house.clock.now()).directive.reasons
    by = house.signed_in(person)
    assert by.get("/me/try").status_code == 200
    assert verdict(send(by, "/me/try", app="vscode")) == {"denied": reasons[0]}


def test_what_somebody_agreed_to_is_what_is_tried(house: House) -> None:
    person, now = "E-0079", house.clock.now()
    services = house.services
    with services.database.write() as tx:
        who = services.directory.person(tx, person)
        offer = services.capture.held(tx, who, now).offer
        shown = services.notices.show(tx, who, offer, "en", now)
        services.consent.decide(tx, who, Act.GIVEN, now, shown_id=shown.id, offer=offer)
    with services.database.read() as tx:
        situation = services.capture.situation(tx, who, now, form=AGENT_FORM)
        told = services.capture.told(tx, situation, now)
    assert digest(canonical(dict(told.document))) == situation.policy_digest
    assert digest(canonical(dict(told.counterparties or {}))) == situation.counterparties
    page = send(house.signed_in(person), "/me/try", example="listed")
    assert "allowed" in verdict(page)


def test_pages_lead_to_the_one_on_which_a_place_is_tried(legal: Browser) -> None:
    assert 'href="/legal/try"' in legal.get("/legal").text
    assert 'href="/legal/try?region=DE"' in legal.get("/legal/regions/DE").text
    assert "/legal/try" not in legal.get("/legal/regions/EU").text
    assert '<option value="DE" selected>' in legal.get("/legal/try?region=DE").text
    assert 'href="/me/try"' in legal.get("/me").text
    assert 'href="/me/try"' in legal.get("/me/captured").text


# The page and a guard


@pytest.fixture(scope="module")
def guarded(house: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[AgentSimulator, Told]:
    """A guard that was sent what California gets."""
    with house.services.database.read() as tx:
        told, _ = house.services.capture.told_in(tx, "US-CA", None, house.clock.now())
    document = {**told.document, "screenshot_min_interval_s": 0}
    others = dict((told.counterparties or {})["regions"])
    office = LeaseOffice(house.clock, document=document, others=others)
    agent = AgentSimulator(tmp_path_factory.mktemp("laptop"), office, house.clock)
    agent.poll()
    return agent, told


def _known(listed: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    urls = [f"https://{url.replace('*.', 'a.')}" for app in listed for url in app["match"]["urls"]]
    signed = [program.split("@", 1) for app in listed for program in app["match"]["programs"]]
    programs = [{"id": name, "signer": by, "executable": None} for name, by in signed]
    chrome = {"id": BROWSER, "signer": "EQHXZ8M8AV", "executable": None}
    return st.fixed_dictionaries(
        {},
        optional={
            "program": st.just(chrome) | st.sampled_from(programs),
            "address": st.none() | st.sampled_from(urls),
            "frames": st.just([]),
            "window": st.just("ordinary"),
            "title": st.just("Plan"),
            "field": st.sampled_from(["none", "text", "password"]),
            "counterparties": st.lists(st.sampled_from(["DE", "NO", "US-CA"]), max_size=2),
        },
    )


@settings(unhurried, max_examples=40)
@given(data=st.data())
def test_the_page_says_what_a_guard_says(
    house: House, legal: Browser, guarded: tuple[AgentSimulator, Told], data: st.DataObject
) -> None:
    agent, told = guarded
    known = _known(list(told.document["apps"]))
    raw = data.draw(st.builds(dict.__or__, events.EVENTS, known))
    raw["at"] = house.clock.now().isoformat()
    page = send(legal, "/legal/try", region="US-CA", event=json.dumps(raw))
    said = agent.guard.may_capture(read_event(raw))
    assert verdict(page) == as_json(said)
    assert ("not be captured" in words(page.text)) == isinstance(said, Denied)
