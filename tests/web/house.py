"""A whole Habeas with the sample people, and visitors who use it as a browser would."""

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.agents.devices.model import Device
from app.agents.leases.terms import Poll
from app.agents.pairing.model import Pairing
from app.demo.visitor import forms
from app.directory.model import Person
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import LocalSigner, jwk
from app.web.shell.door import cookie_name
from app.wiring import Services
from tests.fakes import FakeClock

OURS = Poll(forms=str(AGENT_FORM))
"""What an agent of today says."""


@dataclass
class House:
    """The application, its services, and its clock."""

    app: FastAPI
    services: Services
    clock: FakeClock

    @property
    def url(self) -> str:
        return self.services.settings.base_url

    def browser(self) -> "Browser":
        """A browser in which nobody is signed in."""
        return Browser(self)

    def signed_in(self, person_id: str) -> "Browser":
        """A browser with a session of this person; the way to one is ``Browser.sign_in``."""
        browser, services = self.browser(), self.services
        token = start_session(services, person_id)
        host = urlsplit(self.url).hostname or ""
        browser.http.cookies.set(cookie_name(services.settings), token, domain=host)
        return browser

    def person(self, person_id: str) -> Person:
        with self.services.database.read() as tx:
            return self.services.directory.person(tx, person_id)

    def pair(self, person_id: str, name: str = "A sample laptop") -> Device:
        """Pair a laptop with a person, without pages."""
        request = self.waiting(name).request
        with self.services.database.write() as tx:
            person = self.services.directory.person(tx, person_id)
            return self.services.pairing.approve(tx, person, request, self.clock.now())

    def waiting_code(self, name: str = "A sample laptop") -> str:
        """The code of a laptop that waits to be paired."""
        return self.waiting(name).user_code

    def waiting(self, name: str = "A sample laptop", source: str = "") -> Pairing:
        """What a laptop shows that waits to be paired."""
        key = jwk(LocalSigner.generate().public)
        with self.services.database.write() as tx:
            return self.services.pairing.start(tx, name, key, self.clock.now(), source)

    def poll(self, device: Device) -> bool:
        """Let a laptop ask for its lease; whether it may capture."""
        with self.services.database.write() as tx:
            answer = self.services.leases.lease(tx, device, self.clock.now(), OURS)
        self.integrate()
        return not answer.reasons

    def integrate(self) -> None:
        """Bring what is committed into the tree, so that pages can name its place."""
        self.services.integrator.integrate()


def start_session(services: Services, person_id: str) -> str:
    """Begin a session of somebody for whom the provider vouched; its token."""
    now, issuer = services.clock.now(), f"{services.settings.base_url}/demo/idp"
    with services.database.write() as tx:
        return services.sessions.start(tx, person_id, issuer, person_id, now)


class Browser:
    """One browser session: keeps cookies, follows redirects, sends forms whole."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.http = TestClient(house.app, base_url=house.url, headers={"Origin": house.url})

    def sign_in(self, person_id: str) -> httpx2.Response:
        page = self.http.get("/sign-in")
        form = next(form for form in forms(page.text) if form.buttons and form.method == "post")
        assert ("person", person_id) in form.buttons, f"{person_id} is not offered"
        return self.http.post(form.action, data=form.fields | {"person": person_id})

    def sign_in_as_text(self, person_id: str) -> str:
        """Sign in as somebody whom the provider's page need not offer; the page one ends on."""
        page = self.http.get("/sign-in")
        form = next(form for form in forms(page.text) if form.buttons and form.method == "post")
        return self.http.post(form.action, data=form.fields | {"person": person_id}).text

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(path)

    def csrf(self) -> str:
        """The token of this session for forms, as its pages carry it."""
        return next(form.fields["csrf"] for form in forms(self.http.get("/me").text))

    def press(self, path: str, label: str) -> httpx2.Response:
        """Open a page and press the button, or follow the link, with this label."""
        page = self.http.get(path)
        for control in controls(page.text):
            if control.label == label:
                if control.href:
                    return self.http.get(control.href)
                return self.http.post(control.action, data=control.fields)
        raise AssertionError(f"{path} offers no {label!r}")


@dataclass
class Control:
    """Something to press: a link, or a button with everything its form sends."""

    label: str
    href: str
    action: str
    fields: dict[str, str]


class _Controls(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Control] = []
        self._action = ""
        self._fields: dict[str, str] = {}
        self._open: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action, self._fields = given.get("action", ""), {}
        elif tag == "input" and given.get("type") == "hidden":
            self._fields[given["name"]] = given.get("value", "")
        elif tag == "button":
            own = {given["name"]: given.get("value", "")} if "name" in given else {}
            self._open = Control("", "", self._action, self._fields | own)
        elif tag == "a":
            self._open = Control("", given.get("href", ""), "", {})

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.label = f"{self._open.label} {data.strip()}".strip()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"button", "a"} and self._open is not None:
            self.found.append(self._open)
            self._open = None


def controls(page: str) -> list[Control]:
    """What can be pressed on a page, in its order."""
    parser = _Controls()
    parser.feed(page)
    return parser.found


def words(page: str) -> str:
    """What a page says, without its markup and with single spaces."""
    parser = _Words()
    parser.feed(page)
    return " ".join(" ".join(parser.pieces).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def headline(page: str) -> str:
    """The text of the page's h1."""
    start = page.index("<h1")
    return words(page[start : page.index("</h1>")])
