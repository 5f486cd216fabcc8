"""The whole program with the sample people, in process on both databases and in a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from starlette.testclient import TestClient

from app.demo import provider
from app.demo.server import demo_settings, free_port, running
from app.main import create_app
from app.settings import Settings
from app.web.shell.door import cookie_name
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.templates import Templates
from tests.web.auditing import ALF, PEOPLE
from tests.web.house import House, start_session
from tests.web.visiting import Visit, employ, visit
from tests.web.window import Window


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


@dataclass(frozen=True)
class Site:
    """A demo that is served over HTTP, and windows to look at it with."""

    house: House
    window: Window
    without_scripts: Window

    @property
    def url(self) -> str:
        return self.house.url

    def open(
        self,
        person_id: str | None = None,
        path: str = "/me",
        *,
        java_script_enabled: bool = True,
        **look: Any,
    ) -> Page:
        """Open a page, signed in as a sample person; signing in is tested elsewhere.

        There is one window: what it showed before is gone.

        Args:
            person_id: who; None for nobody.
            path: which page.
            java_script_enabled: whether the browser runs scripts.
            look: of the window: ``color_scheme``, ``viewport``.
        """
        window = self.window if java_script_enabled else self.without_scripts
        cookies = {} if person_id is None else self._signed_in(person_id)
        return window.open(self.url + path, cookies, **look)

    def _signed_in(self, person_id: str) -> dict[str, str]:
        services = self.house.services
        return {cookie_name(services.settings): start_session(services, person_id)}

    def leave(self) -> None:
        """End what the pages do by themselves."""
        self.window.leave()
        self.without_scripts.leave()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo over HTTP, with the machine's clock."""
    settings = demo_settings(free_port(), tmp_path_factory.mktemp("served"))
    with running(settings) as services:
        # The browser tests reach the services only to pair laptops and let them poll.
        yield House(None, services, services.clock)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def without_scripts(chromium: Chromium) -> Window:
    """A window in which no script runs."""
    return Window(chromium, java_script_enabled=False)


@pytest.fixture
def site(served: House, window: Window, without_scripts: Window) -> Iterator[Site]:
    """The served demo and windows that show nothing of it yet."""
    opened = Site(served, window, without_scripts)
    yield opened
    opened.leave()


@pytest.fixture
def people(services: Services) -> None:
    """Those of the auditor's pages; other pages have people of their own."""
    employ(services, PEOPLE)
    services.integrator.integrate()


@pytest.fixture
def alf(client: TestClient, services: Services, people: None) -> Visit:
    """The auditor, signed in."""
    return visit(client, services, ALF)
