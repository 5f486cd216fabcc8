"""A service over the sample organisation, and somebody who writes rows of policy past it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import insert, select, text

from app.directory.model import Person
from app.kernel.authority import Role
from app.kernel.canonical import canonical, digest, parse_canonical
from app.policy.changes.model import Change
from app.policy.model import InForce
from app.policy.tables import document_table
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.tamper import sql, tampering

When = Literal["at run time", "at start"]
AT = "'2026-11-01 00:00:00.000000'"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Instance:
    """One database and the service on it, which may be started again."""

    services: Services
    shipped: Shipped

    def restart(self) -> None:
        """Another process takes over."""
        settings, clock = self.services.settings, self.services.clock
        self.services.close()
        self.services = build(settings, clock=clock, shipped=self.shipped)

    def settle(self) -> None:
        """Everything is in the log, and what was found is raised."""
        for _ in range(2):
            self.services.integrator.integrate()

    def sql(self, *statements: str) -> int:
        """Somebody who owns the database executes these; returns how many rows they changed."""
        return sql(self.services.database, *statements, keys=False)

    def keep(self, body: dict[str, Any], kind: str) -> str:
        """Somebody adds a document; returns its digest."""
        raw, table = canonical(body), document_table
        row = {"digest": digest(raw), "kind": kind, "body": raw, "recorded_at": NOW}
        with tampering(self.services.database) as connection:
            there = select(table.c.digest).where(table.c.digest == digest(raw))
            if connection.execute(there).first() is None:
                connection.execute(insert(table), row)
        return digest(raw)

    def body(self, name: str) -> dict[str, Any]:
        """A document, as it stands in the database."""
        with self.services.database.read() as tx:
            return dict(parse_canonical(self.services.policy.document(tx, name)))

    def one(self, query: str) -> Any:
        """The only value of a query."""
        with self.services.database.read() as tx:
            return tx.execute(text(query)).scalar_one()

    # What the service says

    def in_force(self, *regions: str) -> InForce:
        with self.services.database.read() as tx:
            return self.services.policy.in_force(tx, regions, self.services.clock.now())

    @property
    def alarmed(self) -> set[str]:
        """The chains on which an alarm is open."""
        return set(self.services.database.seals.alarmed)

    # What people do

    def holder(self, role: str, region: str, number: int = 0) -> Person:
        with self.services.database.read() as tx:
            people = self.services.directory.people(tx)
        return [person for person in people if Role(role, region) in person.roles][number]

    @contextmanager
    def acting(self) -> Iterator[Any]:
        with self.services.database.write() as tx:
            yield tx
        self.settle()

    def stop(self, region: str = "DE") -> None:
        actor, now = self.holder("legal", region), self.services.clock.now()
        with self.acting() as tx:
            self.services.policy.stops.stop(tx, actor, region, "", now)

    def propose_resume(self, region: str = "DE") -> None:
        actor, now = self.holder("legal", region), self.services.clock.now()
        with self.acting() as tx:
            self.services.policy.stops.propose_resume(tx, actor, region, now)

    def resume(self, region: str = "DE") -> None:
        self.propose_resume(region)
        actor, now = self.holder("legal", region, 1), self.services.clock.now()
        with self.acting() as tx:
            self.services.policy.stops.approve_resume(tx, actor, region, now)

    def propose(self, region: str, policy: str, number: int = 0) -> Change:
        actor, now = self.holder("legal", region, number), self.services.clock.now()
        with self.acting() as tx:
            return self.services.policy.workflow.propose(tx, actor, region, policy, "", now)

    def look(self, change_id: str) -> Change:
        with self.services.database.read() as tx:
            return self.services.policy.workflow.change(tx, change_id, self.services.clock.now())

    def approve(self, change_id: str, number: int = 1) -> Change:
        change = self.look(change_id)
        actor, now = self.holder("legal", "DE", number), self.services.clock.now()
        with self.acting() as tx:
            return self.services.policy.workflow.approve(
                tx, actor, change_id, change.digest, now, role="legal"
            )

    def withdraw(self, change_id: str, region: str = "DE") -> Change:
        actor, now = self.holder("legal", region), self.services.clock.now()
        with self.acting() as tx:
            return self.services.policy.workflow.withdraw(tx, actor, change_id, now)


def new_id() -> str:
    """An id as the service makes them."""
    return str(uuid.uuid4())


def captured(in_force: InForce) -> frozenset[str]:
    """What can be captured under it: nothing where anything forbids it."""
    if in_force.blocked or in_force.stopped or in_force.disputed or in_force.missing:
        return frozenset()
    modes = {f"{signal} {rule.mode}" for signal, rule in in_force.compiled.signals.items()}
    return frozenset({*modes, *in_force.compiled.apps})


def wider_company(instance: Instance) -> str:
    """The digest of the German policy with one more app, added to the documents."""
    name = instance.one("SELECT digest FROM policy_company WHERE region = 'DE'")
    body = instance.body(name)
    body["knobs"]["apps"]["value"] = sorted([*body["knobs"]["apps"]["value"], "outlook"])
    return instance.keep(body, "company")
