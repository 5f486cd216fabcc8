"""An instance whose database is copied and put back, under the documented roles."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import LockStore, open_lock
from app.audit.restore.custody import read_private_key, sign_statement
from app.audit.restore.service import Restore
from app.consent.model import Act
from app.demo.custodians import NAMES, sample_custodians
from app.settings import Settings
from app.wiring import Services, build, restore
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story, start_session
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database
from tests.roles import Estate, dropping_roles, new_prefix
from tests.templates import FILE, Templates

pytestmark = pytest.mark.slow


class Crash(Exception):
    """Ends a process in a test."""


class Instance:
    """The sample organisation on a database that can be copied and put back."""

    def __init__(
        self, settings: Settings, server: str, clock: FakeClock, shipped: Shipped, owner: str = ""
    ) -> None:
        self.custodians = settings.var / "custodians"
        listed = sample_custodians(self.custodians)
        self.settings = settings.model_copy(update={"custodians": listed})
        self.server, self.clock, self.shipped = server, clock, shipped
        self.owner = owner or settings.database_url
        self.folder = settings.var.parent
        self.file, self.copy = self.folder / FILE, self.folder / "copy.sqlite"
        url = make_url(settings.database_url)
        self.kind, self.name = url.get_backend_name(), str(url.database)
        self.copied = False
        self.running: list[Services] = []

    def start(self) -> Services:
        self.running.append(build(self.settings, clock=self.clock, shipped=self.shipped))
        return self.running[-1]

    def recover(self) -> Restore:
        services, found = restore(self.settings, clock=self.clock, shipped=self.shipped)
        self.running.append(services)
        return found

    def stop(self) -> None:
        for services in self.running:
            services.close()
        self.running.clear()

    def back_up(self) -> None:
        self.stop()
        if self.kind == "sqlite":
            with (
                closing(sqlite3.connect(self.file)) as source,
                closing(sqlite3.connect(self.copy)) as target,
            ):
                source.backup(target)
        else:
            copy_database(self.server, f"{self.name}_c", self.name)
            self.copied = True

    def put_back(self) -> None:
        self.stop()
        if self.kind == "sqlite":
            for suffix in ("-wal", "-shm"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self.copy, self.file)
        else:
            drop_database(self.server, self.name)
            copy_database(self.server, self.name, f"{self.name}_c")

    def drop_copy(self) -> None:
        if self.copied:
            drop_database(self.server, f"{self.name}_c")

    def signed(self, statement: str, *names: str) -> bytes:
        for name in names:
            key = (self.custodians / f"{name}.key").read_bytes()
            statement = sign_statement(statement.encode(), *read_private_key(key))
        return statement.encode()

    def acknowledge(self) -> Services:
        """The two-person path, whole; the service runs again."""
        found = self.recover()
        note = self.signed(found.statement(), *NAMES)
        done = found.acknowledge(note, self.running[-1].consent.end_all, self.clock.now())
        assert set(done.signers) == set(NAMES)
        self.stop()
        return self.start()


def write(services: Services, tell: Callable[[Story], object]) -> object:
    with services.database.write() as tx:
        said = tell(Story(services, tx))
    services.integrator.integrate()
    return said


def consents(story: Story) -> None:
    story.given()


def withdraws(story: Story) -> None:
    story.services.consent.decide(story.tx, story.person(EMPLOYEE), Act.WITHDRAWN, story.now)


MINUTE = 60


def lose_a_withdrawal(instance: Instance) -> None:
    """A consent, the copy, a withdrawal and more, and the copy comes back."""
    write(instance.start(), consents)
    instance.back_up()
    services = instance.start()
    instance.clock.advance(MINUTE)
    write(services, withdraws)
    for _ in range(3):
        write(services, start_session)
    instance.put_back()


@contextmanager
def opened(
    kind: str, name: str, request: pytest.FixtureRequest, folder: Path, clock: FakeClock
) -> Iterator[Instance]:
    """A copy of an instance, on PostgreSQL under its roles; what it leaves there is dropped."""
    templates: Templates = request.getfixturevalue("templates")
    shipped: Shipped = request.getfixturevalue("shipped")
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else ""

    def lose(settings: Settings) -> None:
        instance = Instance(settings, server, FakeClock(), shipped)
        lose_a_withdrawal(instance)
        instance.drop_copy()

    templates.add("lost", "sample", lose)
    prefix = new_prefix()
    with (
        dropping_roles(server, prefix) if server else nullcontext(),
        templates.copy(kind, name, folder) as url,
    ):
        instance = Instance(as_documented(folder, url, prefix), server, clock, shipped, url)
        yield instance
        instance.stop()
        instance.drop_copy()


def as_documented(folder: Path, url: str, prefix: str) -> Settings:
    """As docs/operate.md says: outside the demo, on PostgreSQL with its roles."""
    settings = Settings(var=folder / "var", database_url=url, oidc_issuer="https://idp.example")
    if settings.database.startswith("sqlite"):
        return settings
    estate = Estate(url, prefix)
    estate.make_roles()
    urls = {"database_url": estate.as_role("app"), "integrator_url": estate.as_role("integrator")}
    return settings.model_copy(update=urls)


def lock_store(instance: Instance) -> bytes:
    """The newest checkpoint that the instance remembers."""
    lock = open_lock(instance.settings.lock)
    note = lock.read()
    lock.database.engine.dispose()
    assert note is not None
    return note


class Dying(LockStore):
    """The process dies as the lock store is to be moved."""

    after = False

    def advance(self, *arguments: object) -> None:
        if self.after:
            super().advance(*arguments)  # type: ignore[arg-type]
        raise Crash


class DyingAfter(Dying):
    """The process dies just after the lock store was moved."""

    after = True


class DyingTree(Integrator):
    """The process dies before the tree takes in the entry."""

    def grow(self, *_: object) -> int:
        raise Crash


def dies(found: Restore, where: str) -> Restore:
    parts = dict(vars(found.integrator))
    if where == "before the tree":
        return replace(found, integrator=DyingTree(**parts))
    dying = DyingAfter if where == "after the lock" else Dying
    parts["lock"] = dying(found.lock.database)
    return replace(found, integrator=Integrator(**parts))
