"""The whole program with the sample people, in process on both databases and in a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, StorageState
from starlette.testclient import TestClient

from app.demo import provider
from app.demo.server import demo_settings, free_port, running
from app.main import create_app
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.templates import Templates
from tests.web.auditing import ALF, PEOPLE
from tests.web.house import House
from tests.web.visiting import Visit, employ, visit


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    shipped: Shipped,
) -> Iterator[House]:
    """Habeas with the sample people and policies, once per module and database.

    The tests of a module share it; each takes people of its own.
    """
    folder, clock = tmp_path_factory.mktemp("house"), FakeClock()
    with templates.copy(request.param, "sample", folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=shipped)
        app = create_app(services)
        provider.install(app, services)
        yield House(app, services, clock)
        services.close()


@dataclass
class Site:
    """A demo that is served over HTTP, and a Chromium to look at it with.

    Attributes:
        entered: cookies of those who signed in before, by person; signing in is tested elsewhere.
    """

    url: str
    house: House
    chromium: Chromium
    entered: dict[str, StorageState]

    def open(self, person_id: str | None = None, path: str = "/me", **context: object) -> Page:
        """Open a page in a window of its own, signed in as a sample person.

        Args:
            person_id: who; None for nobody.
            path: which page.
            context: of the window: ``color_scheme``, ``viewport``, ``java_script_enabled``.
        """
        if person_id is not None and person_id not in self.entered:
            self.entered[person_id] = self._sign_in(person_id)
        cookies = self.entered[person_id] if person_id is not None else None
        window = self.chromium.new_context(storage_state=cookies, **context)  # type: ignore[arg-type]
        page = window.new_page()
        page.set_default_timeout(20_000)
        page.goto(self.url + path)
        return page

    def _sign_in(self, person_id: str) -> StorageState:
        window = self.chromium.new_context()
        page = window.new_page()
        page.goto(f"{self.url}/sign-in")
        page.locator(f"button[value='{person_id}']").first.click()
        page.wait_for_url(f"{self.url}/me")
        cookies = window.storage_state()
        window.close()
        return cookies

    def close(self) -> None:
        """Close every window."""
        for window in self.chromium.contexts:
            window.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo over HTTP, with the machine's clock."""
    settings = demo_settings(free_port(), tmp_path_factory.mktemp("served"))
    with running(settings) as services:
        # The browser tests reach the services only to pair laptops and let them poll.
        yield House(None, services, services.clock)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def entered() -> dict[str, StorageState]:
    """Who signed in to the served demo so far."""
    return {}


@pytest.fixture
def site(served: House, chromium: Chromium, entered: dict[str, StorageState]) -> Iterator[Site]:
    """The served demo and a Chromium; windows are closed after each test."""
    opened = Site(served.url, served, chromium, entered)
    yield opened
    opened.close()


def barriers(page: Page) -> list[str]:
    """What axe-core finds on a page: the rule and the elements, empty if nothing."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'])}" for one in found
    ]


@pytest.fixture
def people(services: Services) -> None:
    """Those of the auditor's pages; other pages have people of their own."""
    employ(services, PEOPLE)
    services.integrator.integrate()


@pytest.fixture
def alf(client: TestClient, services: Services, people: None) -> Visit:
    """The auditor, signed in."""
    return visit(client, services, ALF)
