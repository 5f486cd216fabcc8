"""An operator's office: what docs/operate.md says is typed there, on an instance of its own."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from app.consent.model import State
from app.demo.seed import DATA
from app.settings import Settings
from app.wiring import Services, build
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.audit.restore.instance import write
from tests.guide import Desk
from tests.postgresql import copy_database, drop_database, programs
from tests.roles import dropping_roles

LISTED = "custodians.txt"
ADMIN = "admin"


@dataclass(frozen=True)
class Office(Desk):
    """The operator's desk, and what the tests look at from next to it."""

    owner: str

    def run(self, tell: Callable[[Story], object] | None = None) -> Services:
        """Start the service, let something happen, stop it."""
        with chdir(self.folder):
            services = build(self.settings)
        if tell is not None:
            write(services, tell)
        services.close()
        return services

    @property
    def settings(self) -> Settings:
        named = {name.lower(): value for name, value in self.environment.items()}
        fields = {
            name.removeprefix("habeas_"): value
            for name, value in named.items()
            if name.startswith("habeas_")
        }
        return Settings(**fields)  # type: ignore[arg-type]

    def says(self, *words: object, code: int = 0) -> str:
        done = self.habeas(*words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def state(self) -> State:
        services = self.run()
        with services.database.read() as tx:
            person = services.directory.person(tx, EMPLOYEE)
            state = services.consent.standing(tx, person, services.clock.now()).state
        services.close()
        return state

    def verified(self, name: str) -> dict[str, int]:
        """Export the log, and check it as an auditor does."""
        self.says("audit", "export", name)
        report = json.loads(self.says("verify", name, "--json"))
        assert report["ok"] is True, report
        counts: dict[str, int] = report["counts"]
        return counts


@contextmanager
def opened(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """A first day's office: custodians, people and, on PostgreSQL, the roles.

    The roles are called as the page calls them, which one test of a server can do at a time.
    """
    said = {"HABEAS_OIDC_ISSUER": "https://idp.example", "HABEAS_CUSTODIANS": LISTED}
    (tmp_path / LISTED).touch()
    if kind == "sqlite":
        owner = f"sqlite:///{tmp_path / 'var' / 'habeas.sqlite'}"
        yield begun(Office(tmp_path, "sqlite", said, programs(), owner))
        return
    server, name = request.getfixturevalue("postgresql_server"), f"t_{uuid.uuid4().hex}"
    copy_database(server, name, None)
    owner = server.format(db=name)
    url = make_url(owner)
    as_role = {
        role: url.set(username=f"habeas_{role}").render_as_string(hide_password=False)
        for role in ("app", "integrator", ADMIN)
    }
    said |= {
        "HABEAS_DATABASE_URL": as_role["app"],
        "HABEAS_INTEGRATOR_URL": as_role["integrator"],
        "ADMIN_URL": as_role[ADMIN],
        "PGHOST": str(url.query.get("host") or url.host),
        "PGUSER": f"habeas_{ADMIN}",
        "PGDATABASE": name,
        "PGPORT": str(url.port or 5432),
    }
    with dropping_roles(server, "habeas", ADMIN):
        hire(owner, name)
        yield begun(Office(tmp_path, "postgresql", said, programs(), owner))
        drop_database(server, name)


def hire(owner: str, database: str) -> None:
    """An administrator as the page asks for one at least: no superuser."""
    server = create_engine(owner, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE habeas_{ADMIN} LOGIN CREATEROLE CREATEDB")
        connection.exec_driver_sql(f"ALTER DATABASE {database} OWNER TO habeas_{ADMIN}")
    server.dispose()


def begun(office: Office) -> Office:
    """Custodians, roles, people: as far as a first day goes."""
    lines = office.follow("Custodians")
    (office.folder / LISTED).write_text(lines, encoding="utf-8")
    if office.kind == "postgresql":
        office.follow("Roles")
    office.run()
    office.says("people", "import", DATA / "people.csv")
    return office
