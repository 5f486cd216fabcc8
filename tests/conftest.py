"""Real databases, real files, a clock that holds still.

Each test gets an empty, migrated database of its own: a copied file on SQLite, a database made from
a template on PostgreSQL. A test that uses ``database`` runs on both.
"""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.settings import Settings
from tests import postgresql
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from app.wiring import Services


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
        admin = create_engine(url.format(db="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS habeas_template")
            connection.exec_driver_sql("CREATE DATABASE habeas_template")
        template = open_database(url.format(db="habeas_template"))
        migrate(template)
        template.engine.dispose()
        yield url
        admin.dispose()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "habeas.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    admin = create_engine(postgresql_server.format(db="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE habeas_template")
    yield postgresql_server.format(db=name)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


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


@pytest.fixture
def services(settings: Settings, database: Database, clock: FakeClock) -> "Services":
    """The whole program on this database and this clock, floors and catalogue adopted."""
    from app.wiring import build

    return build(settings, clock=clock, database=database)
