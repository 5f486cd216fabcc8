"""Whatever is done to the rows of any sealed table, a start on them opens nothing that was closed.

One office in which everything stands that can open something. For each table: cells changed, the
oldest and the newest row deleted, a row copied under another key with the seal of the first, and
the contents of two rows exchanged. Then a service starts, and every question is asked again.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Integer, Table
from sqlalchemy.exc import IntegrityError

from app.consent.model import Act
from app.db.engine import open_database
from app.kernel.errors import HabeasError, Unauthenticated
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.held import HELD
from app.wiring.shipped import Shipped
from tests.access.laptop import Laptop
from tests.access.office import ALICE, BOB, FURNISHED, LAWYERS, TOP, Office, furnish
from tests.fakes import FakeClock
from tests.tamper import tampering
from tests.templates import Templates
from tests.web.house import start_session

pytestmark = pytest.mark.slow

INHABITED = "inhabited"
HELD_BY = "held.json"
LATER = timedelta(hours=3)
TABLES = {held.sealed.table.name: held.sealed for held in HELD}
EMPTY = {
    "agent_pairing",
    "agent_revocation",
    "access_use",
    "audit_erasure",
    "policy_catalogue_step",
}
"""Of these the office has no rows; their rooms have attacks of their own."""
DOINGS = ("changed", "oldest deleted", "newest deleted", "copied", "exchanged")

Answers = Mapping[str, Any]


@pytest.fixture
def inhabited(templates: Templates, shipped: Shipped) -> str:
    """An office in which people are captured, withdrew, hold roles, are signed in, ask."""
    furnish(templates, shipped)

    def grow(settings: Settings) -> None:
        with closing(build(settings, clock=FakeClock(), shipped=shipped)) as services:
            office = Office.entered(services, services.clock)  # type: ignore[arg-type]
            office.captured(ALICE, BOB)
            office.decide(BOB, Act.WITHDRAWN)
            laptops = {one.id: asdict(Laptop.paired(office, one)) for one in (ALICE, BOB)}
            for laptop in laptops.values():
                Laptop(**laptop).lease(services)
            assert office.ask(ALICE).decision
            sessions = [start_session(services, one.id) for one in (ALICE, LAWYERS[0], TOP)]
            services.integrator.integrate()
            held = {"laptops": laptops, "sessions": sessions, "secrets": office.secrets}
            (settings.var / HELD_BY).write_text(json.dumps(held), encoding="utf-8")

    templates.add(INHABITED, FURNISHED, grow)  # type: ignore[arg-type]
    return INHABITED


@dataclass(frozen=True)
class Inquiry:
    """Asks a service everything that rows can open."""

    services: Services
    held: Mapping[str, Any]

    def answers(self) -> Answers:
        return dict(self._each())

    def _each(self) -> Iterator[tuple[str, Any]]:
        services = self.services
        office = Office(services, services.clock, self.held["secrets"])  # type: ignore[arg-type]
        for person in (ALICE, BOB):
            yield f"read {person.id}", self._try(lambda one=person: office.ask(one).decision)  # type: ignore[misc]
            laptop = Laptop(**self.held["laptops"][person.id])
            yield f"lease {person.id}", self._try(lambda of=laptop: self._captures(of))  # type: ignore[misc]
        with services.database.read() as tx:
            now = services.clock.now()
            for number, token in enumerate(self.held["sessions"]):
                found = services.sessions.find(tx, token, now)
                yield f"session {number}", {found.person_id} if found else set()
            for name, secret in self.held["secrets"].items():
                yield f"secret {name}", self._secret(tx, secret)
            for person in services.directory.people(tx):
                yield f"roles {person.id}", {f"{role.name}@{role.region}" for role in person.roles}
            for region in ("US-CA", "US-NY", "DE"):
                yield f"policy {region}", self._policy(tx, region)

    def _try(self, ask: Any) -> set[str]:
        try:
            return {"yes"} if ask() else set()
        except (HabeasError, AssertionError):  # an answer that is no permission
            return set()

    def _captures(self, laptop: Laptop) -> bool:
        return bool(laptop.lease(self.services)["capture"] == "on")

    def _secret(self, tx: Any, secret: str) -> set[str]:
        try:
            known = self.services.consumers.authenticate(tx, secret, self.services.clock.now())
        except Unauthenticated:
            return set()
        return {known.id, *known.purposes, *known.functions}

    def _policy(self, tx: Any, region: str) -> set[str]:
        known = self.services.policy.in_force(tx, (region,), self.services.clock.now())
        if known.blocked or known.stopped or known.disputed or known.missing:
            return set()
        signals = known.compiled.signals.items()
        return {*known.compiled.apps, *(f"{signal} {rule}" for signal, rule in signals)}


def do(connection: Connection, table: Table, doing: str) -> int:
    """Tamper with a table; return how many rows were touched."""
    rows = [row[0] for row in connection.exec_driver_sql(f"SELECT rowid FROM {table.name}")]
    if not rows:
        return 0
    if doing.endswith("deleted"):
        row = rows[0] if doing.startswith("oldest") else rows[-1]
        return connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE rowid = {row}").rowcount
    if doing == "changed":
        return sum(change(connection, table, name, rows, at) for at, name in cells(table))
    if doing == "copied":
        return copy(connection, table, rows[-1])
    return exchange(connection, table, rows[0], rows[-1])


def cells(table: Table) -> Iterator[tuple[int, str]]:
    """The columns that are no number of a row, numbered."""
    names = (one.name for one in table.c if not (one.primary_key and isinstance(one.type, Integer)))
    return enumerate(names)


def change(connection: Connection, table: Table, name: str, rows: list[int], at: int) -> int:
    """Give one cell what another row has there, or a little more of what it has."""
    row = rows[at % len(rows)]
    of = table.name
    other = f"(SELECT o.{name} FROM {of} AS o WHERE o.{name} IS NOT {of}.{name} LIMIT 1)"
    mine = f"CASE typeof({name}) WHEN 'integer' THEN {name} + 1 ELSE {name} || 'x' END"
    return connection.exec_driver_sql(
        f"UPDATE OR IGNORE {table.name} SET {name} = coalesce({other}, {mine}) WHERE rowid = {row}"
    ).rowcount


def copy(connection: Connection, table: Table, row: int) -> int:
    """Copy a row under another key, with its seal, wherever that is kept."""
    names = [column.name for column in table.c]
    values = []
    for column in table.c:
        own = column.primary_key or column.unique or column.name in uniques(table)
        number = isinstance(column.type, Integer)
        more = f"{column.name} + 1000" if number else f"substr({column.name}, 2) || '0'"
        values.append(more if own else column.name)
    listed, said, of = ", ".join(names), ", ".join(values), table.name
    try:
        return connection.exec_driver_sql(
            f"INSERT INTO {of} ({listed}) SELECT {said} FROM {of} WHERE rowid = {row}"
        ).rowcount
    except IntegrityError:
        return 0


def uniques(table: Table) -> set[str]:
    return {
        column.name
        for constraint in table.constraints
        if type(constraint).__name__ in {"UniqueConstraint", "PrimaryKeyConstraint"}
        for column in constraint.columns  # type: ignore[attr-defined]
    }


def exchange(connection: Connection, table: Table, one: int, other: int) -> int:
    """Two rows change all that is not their key, the seals in them as well."""
    kept = uniques(table)
    names = [column.name for column in table.c if column.name not in kept]
    if one == other or not names:
        return 0
    of, both = table.name, f"rowid IN ({one}, {other})"
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE held AS SELECT rowid AS at, * FROM {of} WHERE {both}"
    )
    its = f"FROM held WHERE held.at = {one} + {other} - {of}.rowid"
    sets = ", ".join(f"{name} = (SELECT held.{name} {its})" for name in names)
    changed = connection.exec_driver_sql(f"UPDATE {of} SET {sets} WHERE {both}").rowcount
    connection.exec_driver_sql("DROP TABLE held")
    return changed


def asked(settings: Settings, shipped: Shipped) -> Answers:
    """Start a service three hours after the office was left, and ask."""
    clock = FakeClock()
    clock.advance(LATER)
    held = json.loads((settings.var / HELD_BY).read_text(encoding="utf-8"))
    with closing(build(settings, clock=clock, shipped=shipped)) as services:
        return Inquiry(services, held).answers()


@pytest.fixture(scope="module")
def before() -> dict[str, Answers]:
    """What was answered before anything was done; asked once."""
    return {}


@pytest.mark.parametrize("doing", DOINGS)
@pytest.mark.parametrize("name", [name for name in TABLES if name not in EMPTY])
def test_nothing_done_to_a_sealed_table_opens_anything(
    templates: Templates,
    shipped: Shipped,
    tmp_path: Path,
    inhabited: str,
    before: dict[str, Answers],
    name: str,
    doing: str,
) -> None:
    if not before:
        (tmp_path / "before").mkdir(mode=0o700)
        with templates.copy("sqlite", inhabited, tmp_path / "before") as url:
            settings = Settings(var=tmp_path / "before" / "var", database_url=url, demo=True)
            before |= asked(settings, shipped)
        assert all(before[f"{what} {ALICE.id}"] for what in ("read", "lease"))
        assert not any(before[f"{what} {BOB.id}"] for what in ("read", "lease"))
    (tmp_path / "after").mkdir(mode=0o700)
    with templates.copy("sqlite", inhabited, tmp_path / "after") as url:
        database = open_database(url)
        with tampering(database, keys=False) as connection:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            do(connection, TABLES[name].table, doing)
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
        database.engine.dispose()
        settings = Settings(var=tmp_path / "after" / "var", database_url=url, demo=True)
        try:
            after = asked(settings, shipped)
        except HabeasError:  # nothing is served at all
            after = {}
    opened = {what: said - before.get(what, set()) for what, said in after.items()}
    assert {what: more for what, more in opened.items() if more} == {}
