"""The demo's sign-in provider keeps the protocol, and stays on this machine."""

from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.demo.provider import CODE_LIFE_S, AuthorizationRequest, Provider, challenge, grouped
from app.kernel.errors import InvalidInput, Unavailable
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.make import person
from tests.web.house import House, words

VERIFIER = "v" * 43


@pytest.fixture
def provider(house: House) -> Provider:
    return Provider(house.services)


def asked(house: House, **changes: str) -> AuthorizationRequest:
    request = AuthorizationRequest(
        client_id="habeas",
        redirect_uri=f"{house.url}/sign-in/callback",
        response_type="code",
        scope="openid",
        state="state",
        nonce="nonce",
        code_challenge=challenge(VERIFIER),
        code_challenge_method="S256",
    )
    return request._replace(**changes)


def redemption(house: House, code: str, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{house.url}/sign-in/callback",
        "client_id": "habeas",
        "code_verifier": VERIFIER,
    } | changes


def test_a_code_serves_once(house: House, provider: Provider) -> None:
    code = provider.issue("E-0001", asked(house))
    assert provider.redeem(redemption(house, code)) is not None
    assert provider.redeem(redemption(house, code)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"client_id": "payroll"},
        {"redirect_uri": "https://evil.example.com/"},
        {"grant_type": "password"},
    ],
)
def test_a_wrong_try_is_refused_and_uses_the_code_up(
    wrong: dict[str, str], house: House, provider: Provider
) -> None:
    code = provider.issue("E-0001", asked(house))
    assert provider.redeem(redemption(house, code, **wrong)) is None
    assert provider.redeem(redemption(house, code)) is None


def test_a_code_ends_after_a_minute(house: House) -> None:
    moment = [0.0]
    provider = Provider(house.services, monotonic=lambda: moment[0])
    code = provider.issue("E-0001", asked(house))
    moment[0] = CODE_LIFE_S
    assert provider.redeem(redemption(house, code)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "payroll"},
        {"redirect_uri": "https://evil.example.com/"},
        {"response_type": "token"},
        {"scope": "email"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_request_without_the_protocol_is_refused_and_leads_nowhere(
    wrong: dict[str, str], house: House, provider: Provider
) -> None:
    with pytest.raises(InvalidInput):
        provider.check(asked(house, **wrong))
    query = asked(house, **wrong)._asdict()
    answer = house.browser().http.get("/demo/idp/authorize", params=query)
    assert answer.status_code == 422
    assert not answer.history


def test_a_choice_sent_from_another_site_is_refused(house: House) -> None:
    answer = house.browser().http.post(
        "/demo/idp/authorize",
        data=asked(house)._asdict() | {"person": "E-0001"},
        headers={"Origin": "https://evil.example.com"},
        follow_redirects=False,
    )
    assert answer.status_code == 403


def test_it_answers_nobody_on_another_machine(house: House) -> None:
    stranger = TestClient(
        house.app,
        base_url=house.url,
        headers={"Origin": house.url},
        client=("192.0.2.7", 4000),
    )
    query = asked(house)._asdict()
    assert stranger.get("/demo/idp/authorize", params=query).status_code == 403
    answer = stranger.post("/demo/idp/authorize", data=query | {"person": "E-0001"})
    assert answer.status_code == 403
    assert stranger.post("/demo/idp/token", data=redemption(house, "x")).status_code == 403


def test_it_is_not_built_outside_the_demo(
    tmp_path_factory: pytest.TempPathFactory, shipped: Shipped
) -> None:
    settings = Settings(
        var=tmp_path_factory.mktemp("real"), oidc_issuer="https://login.example.com"
    )
    services = build(settings, shipped=shipped)
    with pytest.raises(Unavailable):
        Provider(services)
    services.database.engine.dispose()


def test_the_page_lists_everybody_once_by_what_they_do() -> None:
    people = (
        person("E-1"),
        person("E-2", "legal@DE", "legal@FR"),
        person("E-3", "auditor"),
        person("E-4", region="DE"),
    )
    groups = {name: [member.id for member in members] for name, members in grouped(people).items()}
    assert groups == {
        "Legal": ["E-2"],
        "Audit": ["E-3"],
        "Employees in US-CA": ["E-1"],
        "Employees in DE": ["E-4"],
    }


def test_the_search_finds_by_name_region_and_role(house: House) -> None:
    browser = house.browser()
    query = parse_qs(urlsplit(str(browser.get("/sign-in").url)).query)
    fields = {name: values[0] for name, values in query.items()}
    page = browser.http.get("/demo/idp/authorize", params=fields | {"q": "works DE"}).text
    assert "Ute Muster" in words(page)
    assert "Fritz Muster" not in words(page)
    page = browser.http.get("/demo/idp/authorize", params=fields | {"q": "nobody-like-this"}).text
    assert "Nobody matches" in words(page)
