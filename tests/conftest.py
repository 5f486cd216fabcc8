"""Real databases, real files, a clock that holds still.

Each test gets an empty, migrated database of its own: a copied file on SQLite, a database made from
a template on PostgreSQL. A test that uses ``database`` runs on both.
"""

import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.settings import Settings
from tests import postgresql
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from app.wiring import Services
    from app.wiring.shipped import Shipped


LISTED_SKIPS = {
    "HABEAS_VECTORS": "published test vectors are other people's data and lie beside a checkout",
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
    """Hear interrupts, and so let every child hear them.

    A shell that runs a command in the background lets it ignore SIGINT, and what is ignored is
    inherited: a child that is to end on Control-C would never end. A handler is not inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    database.engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as url:
        _maintain(url, "DROP DATABASE IF EXISTS habeas_template", "CREATE DATABASE habeas_template")
        template = open_database(url.format(db="habeas_template"))
        migrate(template)
        template.engine.dispose()
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "habeas.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    _copy_database(postgresql_server, name, "habeas_template")
    yield postgresql_server.format(db=name)
    _drop_database(postgresql_server, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty, migrated database, once on each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


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


@pytest.fixture(scope="session")
def shipped() -> "Shipped":
    """What the shipped policy files say, read once: nothing changes it."""
    from app.wiring.shipped import read_shipped

    return read_shipped(Settings(demo=True).policies)


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


@pytest.fixture(scope="session")
def sample_template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shipped: "Shipped"
) -> Callable[[str], Path]:
    """Make the sample organisation once for each kind of database; tests get copies of it."""
    from app.demo.seed import seed
    from app.demo.server import SECRETS
    from app.wiring import build

    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"sample-{kind}")
            if kind == "sqlite":
                shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "db.sqlite")
                url = f"sqlite:///{folder / 'db.sqlite'}"
            else:
                server = request.getfixturevalue("postgresql_server")
                _copy_database(server, "habeas_sample", "habeas_template")
                url = server.format(db="habeas_sample")
            settings = Settings(var=folder / "var", database_url=url, demo=True)
            services = build(settings, clock=FakeClock(), shipped=shipped)
            seed(services, settings.var / SECRETS)
            services.database.engine.dispose()
            made[kind] = folder
        return made[kind]

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def sample(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FakeClock,
    sample_template: "Callable[[str], Path]",
    shipped: "Shipped",
) -> "Iterator[Services]":
    """The whole program with the sample organisation, once on each kind of database."""
    from app.wiring import build

    folder = sample_template(request.param)
    shutil.copytree(folder / "var", tmp_path / "var")
    if request.param == "sqlite":
        shutil.copyfile(folder / "db.sqlite", tmp_path / "db.sqlite")
        url = f"sqlite:///{tmp_path / 'db.sqlite'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        name = f"t_{uuid.uuid4().hex}"
        _copy_database(server, name, "habeas_sample")
        url = server.format(db=name)
    settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
    services = build(settings, clock=clock, shipped=shipped)
    yield services
    services.database.engine.dispose()
    if request.param == "postgresql":
        _drop_database(server, name)


def _copy_database(server: str, name: str, template: str) -> None:
    _maintain(
        server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {template}"
    )


def _drop_database(server: str, name: str) -> None:
    _maintain(server, f"DROP DATABASE {name} WITH (FORCE)")


def _maintain(server: str, *statements: str) -> None:
    admin = create_engine(server.format(db="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    admin.dispose()
