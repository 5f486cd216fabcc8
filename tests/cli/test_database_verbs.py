"""``habeas database …`` as an administrator types it, and the whole service under its roles.

From an empty database, by somebody who is no superuser: roles, schema, people, service, a person's
yes and no, export, erasure, traces.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from app.consent.model import Act
from app.demo.custodians import NAMES, sample_custodians
from app.demo.seed import DATA
from app.settings import Settings
from app.wiring import build
from tests import typed
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.postgresql import drop_database
from tests.rights.test_erasure import traces

BASIS = ("--basis", "gdpr-17-1-b")
ROLES = ("app", "integrator", "auditor", "eraser", "owner")
HABEAS = Path(sys.executable).with_name("habeas")


@dataclass(frozen=True)
class Office:
    """An empty database, an administrator who owns it and may make roles, a folder."""

    admin_url: str
    prefix: str
    folder: Path
    root_url: str

    @property
    def settings(self) -> Settings:
        return Settings(
            var=self.folder / "var",
            database_url=self.as_role("app"),
            integrator_url=self.as_role("integrator"),
            oidc_issuer="https://idp.example",
            custodians=sample_custodians(self.folder / "custodians"),
        )

    def as_role(self, role: str) -> str:
        found = make_url(self.admin_url).set(username=f"{self.prefix}_{role}")
        return found.render_as_string(hide_password=False)

    @property
    def environment(self) -> dict[str, str]:
        said = self.settings
        return {
            "HABEAS_VAR": str(said.var),
            "HABEAS_DATABASE_URL": said.database_url,
            "HABEAS_INTEGRATOR_URL": said.integrator_url,
            "HABEAS_OIDC_ISSUER": said.oidc_issuer,
            "HABEAS_CUSTODIANS": str(said.custodians),
        }

    def habeas(self, *words: object, code: int = 0) -> str:
        done = typed.habeas(*words, settings=self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def database(self, verb: str) -> str:
        return self.habeas("database", verb, "--admin-url", self.admin_url, "--prefix", self.prefix)


@pytest.fixture
def office(postgresql_server: str, tmp_path: Path) -> Iterator[Office]:
    name, prefix = f"t_{uuid.uuid4().hex}", f"r{uuid.uuid4().hex[:8]}"
    server = create_engine(postgresql_server.format(db="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {prefix}_admin LOGIN CREATEROLE")
        connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {prefix}_admin")
    url = make_url(postgresql_server.format(db=name)).set(username=f"{prefix}_admin")
    yield Office(
        url.render_as_string(hide_password=False),
        prefix,
        tmp_path,
        postgresql_server.format(db=name),
    )
    drop_database(postgresql_server, name)
    with server.connect() as connection:
        for role in (*ROLES, "admin"):
            connection.exec_driver_sql(f"DROP ROLE IF EXISTS {prefix}_{role}")
    server.dispose()


@pytest.mark.slow
def test_from_an_empty_database_to_an_erasure(office: Office, tmp_path: Path) -> None:
    told = office.database("roles")
    assert f"{office.prefix}_app" in told
    assert office.habeas("people", "import", DATA / "people.csv", code=2).count("upgrade") == 1
    office.database("upgrade")
    office.database("roles")  # again is harmless, with tables and without
    office.database("upgrade")
    assert "added" in office.habeas("people", "import", DATA / "people.csv")

    with Served(office) as ask:
        assert ask("/log/checkpoint").startswith("audit.127.0.0.1/")
        says_yes_and_no(office)
    office.habeas("audit", "export", tmp_path / "log.tar")
    report = json.loads(office.habeas("verify", tmp_path / "log.tar", "--json"))
    assert report["ok"] is True

    words = erased(office, tmp_path)
    office.database("scrub")
    services = build(office.settings)
    assert traces(services, *words) == []
    services.close()
    office.habeas("audit", "export", tmp_path / "after.tar")
    report = json.loads(office.habeas("verify", tmp_path / "after.tar", "--json"))
    assert (report["ok"], report["counts"]["erased"]) == (True, 1)
    assert [file for file in tmp_path.rglob("*") if file.is_file() and holds(file, words)] == [
        tmp_path / "people.csv"
    ]


def test_what_the_administrator_may_not_do_is_a_sentence(office: Office) -> None:
    """No roles yet; then a superuser's role in the place of the app's."""
    unmade = ("--admin-url", office.admin_url, "--prefix", office.prefix)
    assert "PostgreSQL refuses" in office.habeas("database", "upgrade", *unmade, code=2)
    server = create_engine(office.root_url)
    with server.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {office.prefix}_app SUPERUSER")
    server.dispose()
    assert "PostgreSQL refuses" in office.habeas("database", "roles", *unmade, code=2)


def says_yes_and_no(office: Office) -> None:
    services = build(office.settings)
    with services.database.write() as tx:
        day = Story(services, tx)
        day.given()
        person = services.directory.person(tx, EMPLOYEE)
        services.consent.decide(tx, person, Act.WITHDRAWN, services.clock.now())
    services.close()


def erased(office: Office, folder: Path) -> tuple[str, ...]:
    services = build(office.settings)
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
    services.close()
    (folder / "people.csv").write_text(person.name, encoding="utf-8")  # what the search must find
    file = folder / "statement"
    office.habeas("people", "erase", EMPLOYEE, *BASIS, "--out", file)
    for name in NAMES:
        office.habeas("custodian", "sign", file, "--key", folder / "custodians" / f"{name}.key")
    # The service's role does not own the tables: the person is erased, the files wait for scrub.
    told = office.habeas("people", "erase", EMPLOYEE, *BASIS, "--signed", file, code=1)
    assert "habeas database scrub" in told
    office.habeas("people", "erase", EMPLOYEE, *BASIS, "--signed", file, code=2)
    return person.id, person.name, person.email


def holds(file: Path, words: tuple[str, ...]) -> bool:
    data = file.read_bytes()
    return any(word.encode() in data for word in words)


class Served:
    """``habeas serve`` in a process of its own, until it answers; yields how to ask."""

    def __init__(self, office: Office) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [HABEAS, "serve", "--port", str(self.port)], env=typed.PLAIN | office.environment
        )

    def __enter__(self) -> Callable[[str], str]:
        for _ in range(300):
            assert self.process.poll() is None, "it ended"
            try:
                self.ask("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                break
        return self.ask

    def ask(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
