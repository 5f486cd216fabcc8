"""Sign-in against a provider that lies: no defect ever ends in a session.

The real client code runs; only the provider is ours.
"""

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.audit.entries.model import SYSTEM
from app.main import create_app
from app.settings import Settings
from app.web.shell.signin import SignIn
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.make import person
from tests.web.crooked_provider import ISSUER, Claims, CrookedProvider


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, shipped: Shipped) -> Iterator[Services]:
    settings = Settings(var=tmp_path_factory.mktemp("signin"), oidc_issuer=ISSUER)
    made = build(settings, shipped=shipped)
    with made.database.write() as tx:
        people = (person("E-1000"), person("E-1001", active=False))
        made.directory.import_people(
            tx, people, actor=SYSTEM, now=made.clock.now(), file_digest="sha256:" + "0" * 64
        )
    yield made
    made.database.engine.dispose()


@pytest.fixture(scope="module")
def _provider() -> CrookedProvider:
    return CrookedProvider()  # making its key takes a moment


@pytest.fixture
def provider(_provider: CrookedProvider) -> Iterator[CrookedProvider]:
    _provider.straighten()
    _provider.subject = "E-1000"
    return _provider


@pytest.fixture
def visitor(services: Services, provider: CrookedProvider) -> TestClient:
    app = create_app(services)
    app.state.sign_in = SignIn(services.settings, httpx2.ASGITransport(app=provider.app))
    return TestClient(app, base_url=services.settings.base_url, follow_redirects=False)


def begin(visitor: TestClient, path: str = "/sign-in") -> tuple[str, str]:
    """Start a sign-in; returns where the browser is sent to, and the state."""
    location = visitor.get(path).headers["location"]
    return location, parse_qs(urlsplit(location).query)["state"][0]


def finish(visitor: TestClient, code: str, state: str) -> httpx2.Response:
    return visitor.get("/sign-in/callback", params={"code": code, "state": state})


def sign_in(visitor: TestClient, provider: CrookedProvider) -> httpx2.Response:
    location, state = begin(visitor)
    return finish(visitor, provider.code_for(location), state)


def refused(visitor: TestClient, answer: httpx2.Response) -> bool:
    """No session: nothing set, and the person's page still leads to sign-in."""
    assert "text/html" in answer.headers["content-type"]
    assert "habeas" not in answer.cookies
    return answer.status_code in {400, 403, 503} and visitor.get("/me").status_code == 303


def without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def with_(**fields: object) -> Callable[[Claims], Claims]:
    return lambda claims: claims | fields


LIES: dict[str, Callable[[Claims], Claims]] = {
    "the nonce is of another sign-in": with_(nonce="somebody-else-s"),
    "the nonce is missing": without("nonce"),
    "another issuer vouches": with_(iss="https://evil.example.com"),
    "the issuer differs by a slash": with_(iss=ISSUER + "/"),
    "the issuer is missing": without("iss"),
    "it is for another client": with_(aud="payroll"),
    "it is for nobody": with_(aud=[]),
    "the audience is missing": without("aud"),
    "it is for another client and names us as the authorized party": with_(
        aud="payroll", azp="habeas"
    ),
    "it expired yesterday": with_(exp=int(time.time()) - 86_400),
    "it never expires": without("exp"),
    "it was issued tomorrow": with_(iat=int(time.time()) + 86_400),
    "the subject is missing": without("sub"),
    "the subject is empty": with_(sub=""),
    "the subject is a number": with_(sub=1000),
    "the subject is unknown, the e-mail address is a person's": with_(
        sub="stranger", email="e-1000@example.com", email_verified=False
    ),
    "the person has left": with_(sub="E-1001"),
}


def test_a_link_to_the_callback_writes_no_line_of_its_own_into_the_log(
    visitor: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    _, state = begin(visitor)
    forged = "x\nWARNING habeas: E-1000 signed in\x1b[2K" + "y" * 5_000
    visitor.get(
        "/sign-in/callback",
        params={"error": "access_denied", "error_description": forged, "state": state},
    )
    (said,) = (record.getMessage() for record in caplog.records if record.name == "habeas")
    assert "E-1000 signed in" in said
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize("lie", LIES)
def test_no_session_when(lie: str, visitor: TestClient, provider: CrookedProvider) -> None:
    provider.change = LIES[lie]
    assert refused(visitor, sign_in(visitor, provider))


@pytest.mark.parametrize("signature", ["none", "HS256", "stranger"])
def test_no_session_with_a_signature_of_kind(
    signature: str, visitor: TestClient, provider: CrookedProvider
) -> None:
    provider.sign = signature
    # Even if the provider's own metadata allowed it.
    provider.metadata = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    assert refused(visitor, sign_in(visitor, provider))


def test_the_true_answer_gives_a_session(visitor: TestClient, provider: CrookedProvider) -> None:
    """Otherwise every refusal above would prove nothing."""
    answer = sign_in(visitor, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert visitor.get("/me").status_code == 200


def test_an_answer_without_an_id_token_is_refused(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    provider.answer = {"id_token": None}
    assert refused(visitor, sign_in(visitor, provider))


def test_metadata_of_another_issuer_stops_the_sign_in(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    provider.metadata = {"issuer": "https://evil.example.com"}
    assert refused(visitor, visitor.get("/sign-in"))


def test_a_provider_that_only_offers_weak_algorithms_is_refused(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    provider.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    assert refused(visitor, visitor.get("/sign-in"))


def test_a_code_of_another_browser_s_sign_in_is_refused(
    visitor: TestClient, services: Services, provider: CrookedProvider
) -> None:
    """Swapped code: the verifier of this visitor does not fit the challenge of the other."""
    other = TestClient(visitor.app, base_url=services.settings.base_url, follow_redirects=False)
    theirs, _ = begin(other)
    _, state = begin(visitor)
    assert refused(visitor, finish(visitor, provider.code_for(theirs), state))


def test_a_sign_in_begun_elsewhere_cannot_be_finished_here(
    visitor: TestClient, services: Services, provider: CrookedProvider
) -> None:
    """Login CSRF: the attacker's code and state in the victim's visitor."""
    attacker = TestClient(visitor.app, base_url=services.settings.base_url, follow_redirects=False)
    location, state = begin(attacker)
    assert refused(visitor, finish(visitor, provider.code_for(location), state))


def test_a_state_serves_once(visitor: TestClient, provider: CrookedProvider) -> None:
    location, state = begin(visitor)
    assert finish(visitor, provider.code_for(location), state).status_code == 303
    answer = finish(visitor, provider.code_for(location), state)
    assert answer.status_code == 400
    assert "habeas" not in answer.cookies


def test_a_state_serves_once_also_if_the_provider_said_no_to_it(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    location, state = begin(visitor)
    assert refused(visitor, visitor.get(f"/sign-in/callback?error=access_denied&state={state}"))
    assert refused(visitor, finish(visitor, provider.code_for(location), state))


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x", "?state=x"])
def test_half_an_answer_is_refused(query: str, visitor: TestClient) -> None:
    begin(visitor)
    assert refused(visitor, visitor.get(f"/sign-in/callback{query}"))


def test_a_handshake_cookie_that_was_tampered_with_is_worth_nothing(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    location, state = begin(visitor)
    cookie = visitor.cookies["habeas-handshake"]
    for spoiled in ("A" + cookie[1:], cookie[:-2], cookie[:20] + cookie[21:], ""):
        visitor.cookies.clear()
        visitor.cookies.set("habeas-handshake", spoiled)
        assert refused(visitor, finish(visitor, provider.code_for(location), state))


def test_signing_in_again_replaces_the_session(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    """A session that was planted before the sign-in is not the one after it."""
    sign_in(visitor, provider)
    before = visitor.cookies["habeas"]
    sign_in(visitor, provider)
    assert visitor.cookies["habeas"] != before
    visitor.cookies.clear()
    visitor.cookies.set("habeas", before)
    assert visitor.get("/me").status_code == 303


def test_the_request_carries_pkce_state_and_nonce(visitor: TestClient) -> None:
    location, _ = begin(visitor)
    asked = parse_qs(urlsplit(location).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) >= 20
    assert len(asked["nonce"][0]) >= 20
    assert asked["scope"] == ["openid"]


OUTWARD = (
    "https://evil.example.com/",
    "//evil.example.com",
    "///evil.example.com",
    "/\\evil.example.com",
    "\\\\evil.example.com",
    "/\t/evil.example.com",
    "/\n/evil.example.com",
    "javascript:alert(1)",
    "evil.example.com",
    "/me\r\nSet-Cookie: a=b",
    "",
)


@pytest.mark.parametrize("address", OUTWARD)
def test_sign_in_never_leads_out_of_the_site(
    address: str, visitor: TestClient, provider: CrookedProvider
) -> None:
    location = visitor.get("/sign-in", params={"next": address}).headers["location"]
    state = parse_qs(urlsplit(location).query)["state"][0]
    answer = finish(visitor, provider.code_for(location), state)
    assert answer.headers["location"] == "/"


def test_sign_in_leads_back_to_the_page_that_was_asked_for(
    visitor: TestClient, provider: CrookedProvider
) -> None:
    asked = visitor.get("/me/decide?language=de").headers["location"]
    location, state = begin(visitor, asked)
    answer = finish(visitor, provider.code_for(location), state)
    assert answer.headers["location"] == "/me/decide?language=de"
