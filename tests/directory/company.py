"""A company whose directory somebody changes with SQL, while Habeas runs or between two starts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from app.audit.entries import store
from app.audit.entries.model import SYSTEM
from app.directory.model import Past, Person
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.make import person
from tests.tamper import sql

TOP = person("E-1", "admin", region="DE", place="DE", entity="DE/Sample Devices GmbH")
MIDDLE = person("E-2", "hr", region="DE", place="DE", manager="E-1")
LOW = person("E-3", region="DE", place="DE", manager="E-2")
OTHER = person("E-4", "auditor", region="FR", place="FR", manager="E-1")
GONE = person("E-5", "legal@DE", region="DE", place="DE", manager="E-1")
EVERYBODY = (TOP, MIDDLE, LOW, OTHER, GONE)

FILE = "sha256:" + "0" * 64


@dataclass
class Company:
    """Services over one database; each call is a transaction of its own.

    Attributes:
        again: starts a second process on the same database, which knows nothing yet.
    """

    services: Services
    clock: FakeClock
    again: Callable[[], Services]

    def open(self) -> None:
        """Hire everybody and let one of them leave; all of it is in the log."""
        self.bring(*EVERYBODY)
        with self.services.database.write() as tx:
            self.services.directory.leave(tx, GONE.id, SYSTEM, self.clock.now())
        self.services.integrator.integrate()
        self.people()  # what is remembered of them is remembered

    def bring(self, *people: Person) -> None:
        """Import a file of these people."""
        with self.services.database.write() as tx:
            self.services.directory.import_people(
                tx, people, actor=SYSTEM, now=self.clock.now(), file_digest=FILE
            )
        self.services.integrator.integrate()

    def sql(self, *statements: str) -> int:
        """Change rows behind the program's back."""
        return sql(self.services.database, *statements)

    def start_again(self) -> None:
        """Go on with a process that has just started."""
        self.services = self.again()

    def person(self, person_id: str) -> Person:
        with self.services.database.read() as tx:
            return self.services.directory.person(tx, person_id)

    def people(self) -> dict[str, Person]:
        with self.services.database.read() as tx:
            return {one.id: one for one in self.services.directory.people(tx)}

    def past(self, person_id: str) -> Past:
        with self.services.database.read() as tx:
            return self.services.directory.past(tx, person_id)

    def pseudonym(self, person_id: str) -> str:
        with self.services.database.read() as tx:
            return self.services.database.seals.names.known(tx, [person_id])[person_id]

    def alarms(self) -> list[dict[str, Any]]:
        """The facts of every alarm that stands in the log, in order."""
        self.services.integrator.integrate()
        with self.services.database.read() as tx:
            size = self.services.log.size(tx)
            leaves = [entry.leaf for entry in store.entries_between(tx, 0, size)]
        return [leaf["facts"] for leaf in leaves if leaf["kind"] == "alarm.raised"]


@contextmanager
def opened(services: Services, clock: FakeClock, shipped: Shipped) -> Iterator[Company]:
    """A company whose later processes are closed in the end."""
    with ExitStack() as started:

        def again() -> Services:
            new = build(services.settings, clock=clock, shipped=shipped)
            started.callback(new.close)
            return new

        made = Company(services, clock, again)
        made.open()
        yield made
