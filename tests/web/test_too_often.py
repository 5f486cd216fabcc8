"""Whoever asks for pages without end: told when to come back, and never kept from opting out."""

from dataclasses import replace

from starlette.testclient import TestClient

from app.main import create_app
from tests.web.house import House, controls, words
from tests.web.test_decision_forms import newcomer


def test_a_person_who_asks_too_often_gets_a_page_and_can_opt_out_all_the_same(
    house: House,
) -> None:
    browser = newcomer(house)
    csrf = browser.csrf()
    settings = house.services.settings.model_copy(update={"person_per_minute": 10})
    app = create_app(replace(house.services, settings=settings))
    http = TestClient(app, base_url=house.url, headers={"Origin": house.url})
    http.cookies = browser.http.cookies
    pages = [http.get("/me") for _ in range(12)]
    assert [page.status_code for page in pages] == [200] * 10 + [429] * 2
    assert "That was too often" in pages[-1].text
    told = words(pages[-1].text)
    assert "ore than 10 requests came from one person within a minute" in told
    assert "Opting out works meanwhile." in told
    assert int(pages[-1].headers["Retry-After"]) >= 1
    (no,) = [one for one in controls(pages[-1].text) if one.label == "Stop capturing me"]
    answer = http.post(no.action, data=no.fields, follow_redirects=False)
    assert answer.status_code == 303
    receipt = http.get(answer.headers["location"])
    assert receipt.status_code == 200, "and sees that it was taken"
    assert http.post("/me/decisions", data={"csrf": csrf, "act": "given"}).status_code == 429
    assert [decision.act for decision in browser.history] == ["withdrawn"]
