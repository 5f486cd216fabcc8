"""The door: forged forms, cookies, stale rights, headers, strangers' texts."""

from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.audit.entries.model import SYSTEM
from app.directory.model import Person
from app.directory.sessions import session_table
from app.main import create_app
from app.settings import Settings
from app.web.shell.signin import SignIn
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.make import person
from tests.web.house import Browser, House, headline, words

EMPLOYEE = "E-0038"


@pytest.fixture
def visitor(house: House) -> Browser:
    return house.signed_in(EMPLOYEE)


def undecided(house: House) -> bool:
    with house.services.database.read() as tx:
        return not house.services.consent.history(tx, EMPLOYEE)


FORGERIES: dict[str, tuple[dict[str, str], str]] = {
    "without the token of the session": ({}, ""),
    "with a made-up token": ({}, "x" * 43),
    "from another site": ({"Origin": "https://evil.example.com"}, "right"),
    "from another port of this machine": ({"Origin": "http://127.0.0.1:1"}, "right"),
    "from a sandboxed frame": ({"Origin": "null"}, "right"),
    "that the browser calls cross-site": ({"Sec-Fetch-Site": "cross-site"}, "right"),
    "that the browser calls same-site": ({"Sec-Fetch-Site": "same-site"}, "right"),
    "without any origin": ({"Origin": ""}, "right"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_decision_is_refused(forgery: str, house: House, visitor: Browser) -> None:
    headers, token = FORGERIES[forgery]
    csrf = visitor.csrf() if token == "right" else token
    answer = visitor.http.post(
        "/me/decisions", data={"csrf": csrf, "act": "refused"}, headers=headers
    )
    assert answer.status_code == 403
    assert "Nothing was changed." in words(answer.text)
    assert undecided(house)


def test_the_token_of_another_session_does_not_count(house: House, visitor: Browser) -> None:
    other = house.signed_in("E-0039").csrf()
    answer = visitor.http.post("/me/decisions", data={"csrf": other, "act": "refused"})
    assert answer.status_code == 403
    assert undecided(house)


@pytest.mark.parametrize(
    "path", ["/me/decisions?act=refused", "/sign-out", "/me/devices/d_1/revoke"]
)
def test_nothing_is_changed_by_looking(path: str, house: House, visitor: Browser) -> None:
    assert visitor.get(path).status_code in {404, 405}
    assert visitor.get("/me").status_code == 200, "still signed in"
    assert undecided(house)


def test_json_instead_of_a_form_is_no_way_round(house: House, visitor: Browser) -> None:
    """What a cross-site page can send without asking first: text/plain that looks like JSON."""
    answer = visitor.http.post(
        "/me/decisions",
        content=f'{{"csrf":"{visitor.csrf()}","act":"refused"}}',
        headers={"Content-Type": "text/plain"},
    )
    assert answer.status_code == 403
    assert undecided(house)


def test_a_form_without_a_session_is_refused_and_says_so(house: House) -> None:
    answer = house.browser().http.post("/me/decisions", data={"act": "refused"})
    assert answer.status_code == 401
    assert headline(answer.text) == "You are signed out"
    assert "Nothing was changed." in words(answer.text)


def test_the_session_cookie_is_for_this_site_and_not_for_scripts(house: House) -> None:
    cookies = _cookies_of_a_sign_in(house)
    flags = cookies["habeas"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    assert "path=/" in flags
    assert "domain" not in flags
    assert "max-age=28800" in flags


def _cookies_of_a_sign_in(house: House) -> dict[str, str]:
    visitor = house.browser()
    answer = visitor.sign_in(EMPLOYEE)
    lines = [line for step in answer.history for line in step.headers.get_list("set-cookie")]
    return {line.partition("=")[0]: line for line in lines}


def test_over_https_cookies_are_secure_and_bound_to_the_host(
    house: House, tmp_path_factory: pytest.TempPathFactory, shipped: Shipped
) -> None:
    settings = Settings(
        var=tmp_path_factory.mktemp("https"),
        base_url="https://habeas.example.com",
        oidc_issuer="https://login.example.com",
    )
    services = build(settings, clock=FakeClock(), shipped=shipped)
    with services.database.write() as tx:
        services.directory.import_people(
            tx,
            (person(),),
            actor=SYSTEM,
            now=services.clock.now(),
            file_digest="sha256:" + "0" * 64,
        )
    app = create_app(services)
    app.state.sign_in = _Vouches(settings)
    client = TestClient(app, base_url=settings.base_url, follow_redirects=False)
    begun = client.get("/sign-in")
    assert begun.headers["set-cookie"].startswith("__Host-habeas-handshake=")
    answer = client.get("/sign-in/callback")
    cookie = next(
        line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-habeas=")
    )
    assert "; Secure" in cookie
    assert "domain" not in cookie.lower()
    assert "path=/" in cookie.lower()
    assert client.get("/me").headers["strict-transport-security"].startswith("max-age=31536000")
    services.database.engine.dispose()


class _Vouches(SignIn):
    """A sign-in whose provider has vouched already: here only the cookie matters."""

    async def start(self, request: Request) -> Response:
        request.session["begun"] = "yes"
        return RedirectResponse(self.issuer)

    async def finish(self, request: Request) -> tuple[str, str]:
        assert request.session["begun"] == "yes"
        return self.issuer, "E-1000"


def test_a_page_of_a_signed_in_person_is_kept_nowhere_and_framed_by_nobody(
    visitor: Browser,
) -> None:
    headers = visitor.get("/me").headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "script-src 'self'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"


def test_no_page_carries_script_or_style_of_its_own(visitor: Browser) -> None:
    for path in ("/", "/me", "/me/decide", "/me/devices/pair", "/nowhere"):
        page = visitor.http.get(path, headers={"Accept": "text/html"}).text
        assert " style=" not in page, path
        assert "<style" not in page, path
        assert "javascript:" not in page, path
        assert page.count("<script") == page.count('<script src="/static/'), path


def test_somebody_who_left_is_out_at_the_next_request(house: House) -> None:
    leaver = "E-0055"
    visitor = house.signed_in(leaver)
    with house.services.database.write() as tx:
        house.services.directory.leave(tx, leaver, SYSTEM, house.clock.now())
    assert visitor.http.get("/me", follow_redirects=False).status_code == 303
    assert "does not know you" in headline(house.browser().sign_in_as_text(leaver))


def test_a_role_that_was_taken_away_counts_no_more(house: House) -> None:
    auditor = next(
        one for one in _people(house) if any(role.name == "auditor" for role in one.roles)
    )
    visitor = house.signed_in(auditor.id)
    assert visitor.get("/auditor").status_code == 200
    with house.services.database.write() as tx:
        house.services.directory.import_people(
            tx,
            (replace(auditor, roles=()),),
            actor=SYSTEM,
            now=house.clock.now(),
            file_digest="sha256:" + "1" * 64,
        )
    assert visitor.get("/auditor").status_code == 403


def _people(house: House) -> tuple[Person, ...]:
    with house.services.database.read() as tx:
        return house.services.directory.people(tx)


def test_an_idle_session_ends_after_an_hour(house: House, visitor: Browser) -> None:
    house.clock.advance(timedelta(minutes=59))
    assert visitor.http.get("/me", follow_redirects=False).status_code == 200
    house.clock.advance(timedelta(minutes=59))
    assert visitor.http.get("/me", follow_redirects=False).status_code == 200
    house.clock.advance(timedelta(minutes=61))
    assert visitor.http.get("/me", follow_redirects=False).status_code == 303


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    house: House, visitor: Browser
) -> None:
    for _ in range(7):
        house.clock.advance(timedelta(minutes=10))
        answer = visitor.http.get("/me", headers={"X-Refresh": "1"}, follow_redirects=False)
    assert answer.status_code == 303


def test_no_session_lives_longer_than_eight_hours(house: House, visitor: Browser) -> None:
    for _ in range(15):
        house.clock.advance(timedelta(minutes=32))
        answer = visitor.http.get("/me", follow_redirects=False)
    assert answer.status_code == 303


def test_the_table_of_sessions_signs_nobody_in(house: House, visitor: Browser) -> None:
    """Who reads the table finds digests, and a digest is no token."""
    with house.services.database.read() as tx:
        digests = list(tx.execute(select(session_table.c.token_digest)).scalars())
    token = visitor.http.cookies["habeas"]
    assert token not in digests
    for digest in digests:
        visitor.http.cookies.clear()
        visitor.http.cookies.set("habeas", digest)
        assert visitor.http.get("/me", follow_redirects=False).status_code == 303


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "</title><script>alert(1)</script>",
    "'; alert(1); '",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_laptop_s_name_is_shown_as_text(payload: str, house: House) -> None:
    """The name is chosen by whoever starts the pairing: the one text of a stranger on this page."""
    visitor = house.signed_in("E-0056")
    code = house.waiting_code(payload)
    for page in (
        visitor.get(f"/me/devices/pair?code={code}").text,
        visitor.press(f"/me/devices/pair?code={code}", "Pair this laptop").text,
        visitor.get("/me").text,
    ):
        assert payload in unescape(page)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_typed_is_given_back_as_text(payload: str, visitor: Browser) -> None:
    page = visitor.http.get("/me/devices/pair", params={"code": payload}).text
    assert payload in unescape(page)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_machines(
    visitor: Browser,
) -> None:
    people = visitor.http.get("/nowhere", headers={"Accept": "text/html"})
    assert (people.status_code, headline(people.text)) == (404, "There is no such page")
    machine = visitor.http.get("/nowhere", headers={"Accept": "application/json"})
    assert machine.headers["content-type"] == "application/problem+json"
