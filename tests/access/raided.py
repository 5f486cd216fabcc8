"""An office whose tables somebody writes with SQL, and what is left of it afterwards."""

from contextlib import ExitStack
from dataclasses import dataclass

from app.access.decision.model import Closed
from app.kernel.errors import Unauthenticated
from app.wiring.shipped import Shipped
from tests.access.office import ALICE, Office
from tests.tamper import sql


@dataclass
class Raided:
    """An office, its service, and whoever writes SQL."""

    office: Office
    running: bool
    started: ExitStack
    shipped: Shipped

    def attack(self, *statements: str) -> None:
        """Let somebody write SQL when all is in the log; the service goes on, or starts anew."""
        from app.wiring import build

        services = self.office.services
        services.integrator.integrate()
        assert sql(services.database, *statements) >= len(statements)
        if not self.running:
            services = build(services.settings, clock=self.office.clock, shipped=self.shipped)
            self.started.callback(services.close)
            self.office = Office(services, self.office.clock, self.office.secrets)

    def opens(self, secret: str) -> bool:
        """Whether a secret is anybody's."""
        try:
            with self.office.services.database.read() as tx:
                self.office.services.consumers.authenticate(tx, secret, self.office.now)
        except Unauthenticated:
            return False
        return True

    def permit(self) -> str:
        """A grant that was issued: its id."""
        answer = self.office.captured(ALICE).ask(ALICE)
        assert answer.decision
        return str(self.office.entry_of(answer)["facts"]["grant"])

    def close(self, grant: str, outcome: str = "unused") -> Closed:
        services = self.office.services
        with services.database.write() as tx:
            consumer = services.consumers.authenticate(
                tx, self.office.secrets["pipeline"], self.office.now
            )
            return services.access.use(tx, consumer, grant, outcome, self.office.now)

    @property
    def alarms(self) -> set[str]:
        """The chains that the log names as disputed."""
        self.office.services.integrator.integrate()
        return {each.leaf["facts"]["chain"] for each in self.office.entries(kind="alarm.raised")}
