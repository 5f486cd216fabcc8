"""Real databases, real files, a clock that holds still.

Each test gets a database of its own, copied from one that was made once (tests/templates.py). A
test that uses ``database`` runs on both kinds.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright
from sqlalchemy import Connection, Engine, event
from starlette.testclient import TestClient

from app.db.engine import Database, open_database
from app.settings import Settings
from tests import pairs, postgresql, scratch
from tests.fakes import FakeClock
from tests.templates import FILE, Name, Templates
from tests.web.window import Window

if TYPE_CHECKING:
    from app.wiring import Services
    from app.wiring.shipped import Shipped


LISTED_SKIPS = {
    "HABEAS_VECTORS": "published test vectors are other people's data and are next to a checkout",
}


CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    """Hear interrupts, and so let every child hear them; keep files in memory and byte code.

    A shell that runs a command in the background lets it ignore SIGINT, and what is ignored is
    inherited: a child that is to end on Control-C would never end. A handler is not inherited.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(scratch.folder()))
    # Where it is set, each of the many programs that tests start would compile all anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_FIRST: dict[tuple[str, str | None], Engine] = {}


@event.listens_for(Engine, "engine_connect")
def _compile_once(connection: Connection) -> None:
    """Each database of a test is new, its statements are not: all take what the first compiled."""
    engine, dialect = connection.engine, connection.engine.dialect
    first = _FIRST.setdefault((dialect.name, dialect._on_connect_isolation_level), engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the products that are marked what has no pair of its own (tests/pairs.py)."""
    if out := pairs.left_out(items):
        config.hook.pytest_deselected(items=out)
        gone = set(out)
        items[:] = [item for item in items if item not in gone]


def pytest_collection_finish() -> None:
    """What was imported stays: do not look through it for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)  # a twelfth of the time of tests that start a service


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In continuous integration a skip is a failure, unless its reason is listed here."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    for report in reporter.stats.get("skipped", ()):
        reason = str(report.longrepr)
        if not any(word in reason for word in LISTED_SKIPS):
            reporter.write_line(f"skipped without a listed reason: {report.nodeid}: {reason}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


# These machines are shared and noisy: how long an example takes says nothing about the code.
hypothesis_settings.register_profile(
    "habeas", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("habeas")


@pytest.fixture(scope="session", autouse=True)
def _every_class_that_is_written_is_listed() -> Iterator[None]:
    """Entries are for ever: whatever the tests of a run wrote is held against its first shape."""
    yield
    from app.kernel.fact_forms import used_classes
    from tests.vectors.test_shapes_only_grow import unlisted

    assert unlisted(used_classes()) == set(), "add them in tests/vectors/test_shapes_only_grow.py"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A real Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(chromium: Chromium) -> Window:
    """A window of it, which every test leads to its pages."""
    return Window(chromium)


@pytest.fixture(scope="session")
def shipped() -> "Shipped":
    """What the shipped policy files say, read once: nothing changes it."""
    from app.wiring.shipped import read_shipped

    return read_shipped(Settings(demo=True).policies)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as url:
        yield url


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shipped: "Shipped"
) -> Templates:
    """Instances to copy; the server of PostgreSQL starts with the first test that needs it."""
    return Templates(
        tmp_path_factory.mktemp("templates"),
        lambda: str(request.getfixturevalue("postgresql_server")),
        shipped,
    )


@pytest.fixture(scope="session")
def sqlite_template(templates: Templates) -> Path:
    """A file with the tables and nothing in them."""
    return templates.folder("sqlite", "empty") / FILE


@pytest.fixture
def sqlite_url(templates: Templates, tmp_path: Path) -> Iterator[str]:
    with templates.copy("sqlite", "empty", tmp_path) as url:
        yield url


@pytest.fixture
def postgresql_url(templates: Templates, tmp_path: Path) -> Iterator[str]:
    with templates.copy("postgresql", "empty", tmp_path) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """The URL of a migrated database, once on each kind.

    It is empty, unless the test asks for ``services``: then it is as their first start leaves it.
    """
    name: Name = "started" if "services" in request.fixturenames else "empty"
    with templates.copy(request.param, name, tmp_path) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(var=tmp_path / "var", database_url=database_url, demo=True)


@pytest.fixture
def services(
    settings: Settings, database: Database, clock: FakeClock, shipped: "Shipped"
) -> "Services":
    """The whole program on this database and this clock, floors and catalogue adopted."""
    from app.wiring import build

    return build(settings, clock=clock, database=database, shipped=shipped)


@pytest.fixture
def client(services: "Services") -> Iterator[TestClient]:
    """HTTP over the whole application; its integrator runs."""
    from app.main import create_app

    with TestClient(
        create_app(services), base_url=services.settings.base_url, follow_redirects=False
    ) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def sample(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FakeClock,
    templates: Templates,
    shipped: "Shipped",
) -> "Iterator[Services]":
    """The whole program with the sample organisation, once on each kind of database."""
    from app.wiring import build

    with templates.copy(request.param, "sample", tmp_path) as url:
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=shipped)
        yield services
        services.close()
