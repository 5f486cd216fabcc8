"""Whatever is done to rows of consent never allows more: generated over all its tables.

Rows are changed in a transaction that is undone, with the guards away. What holds then is asked of
the service that runs, with all it remembers, and of one that has read nothing yet.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Table, and_, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.audit.entries.subjects import SealedNames
from app.capture.service import CaptureService
from app.consent.model import Act
from app.consent.store import DECISIONS, SHOWINGS, notice_table, offer_table
from app.db.engine import Tx
from app.db.ring import SealRing, row_seal
from app.directory.model import Person
from app.kernel.errors import HabeasError
from app.wiring import Services
from tests.policy.tampered import new_id

TABLES: tuple[Table, ...] = (DECISIONS.table, SHOWINGS.table, notice_table, offer_table)
DOINGS = ("flip", "empty", "delete", "copy", "copy with its seal", "exchange", "reorder")
HISTORIES: tuple[tuple[Act, ...], ...] = (
    (Act.GIVEN,),
    (Act.GIVEN, Act.WITHDRAWN),
    (Act.GIVEN, Act.PAUSED),
    (Act.GIVEN, Act.PAUSED, Act.RESUMED),
    (Act.REFUSED, Act.GIVEN, Act.WITHDRAWN, Act.GIVEN),
)
MADE_UP = ("", "given", "resumed", "DE", "FR", "[]", '["screenshot"]', "{", "sha256:" + "0" * 64)

numbers = st.integers(0, 10**6)


@dataclass(frozen=True)
class Doing:
    """What somebody does to one row, or to two; numbers choose among what there is."""

    what: str
    table: int
    row: int
    other: int
    column: int
    value: int


doings = st.lists(
    st.builds(Doing, st.sampled_from(DOINGS), numbers, numbers, numbers, numbers, numbers),
    min_size=1,
    max_size=3,
)


def key(table: Table, row: Any) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))


def other_value(row: Any, name: str, value: int, rows: list[Any]) -> Any:
    """Another value for a column: that of another row, or one that is made up."""
    now = row[name]
    choices = [one[name] for one in rows if one[name] != now]
    if isinstance(now, datetime):
        choices += [now - timedelta(days=900), now + timedelta(days=900)]
    elif isinstance(now, int):
        choices += [now + 1, now - 1, 0]
    elif isinstance(now, bytes):
        choices += [now[:-1], now + b" "]
    elif isinstance(now, str):
        choices += [now[:-1], now + " ", *MADE_UP]
    return choices[value % len(choices)] if choices else now


def do(tx: Tx, doing: Doing) -> None:
    table = TABLES[doing.table % len(TABLES)]
    order = list(table.primary_key)
    rows = [dict(row) for row in tx.execute(select(table).order_by(*order)).mappings()]
    if not rows:
        return
    row, other = rows[doing.row % len(rows)], rows[doing.other % len(rows)]
    name = list(table.c)[doing.column % len(table.c)].name
    here, there = key(table, row), key(table, other)
    match doing.what:
        case "flip":
            changed = {name: other_value(row, name, doing.value, rows)}
            tx.execute(update(table).where(here).values(**changed))
        case "empty":
            tx.execute(update(table).where(here).values(**{name: None}))
        case "delete":
            tx.execute(delete(table).where(here))
        case "exchange":
            tx.execute(update(table).where(here).values(**{name: other[name]}))
            tx.execute(update(table).where(there).values(**{name: row[name]}))
        case "reorder" if "seq" in table.c:
            tx.execute(update(table).where(here).values(seq=-1))
            tx.execute(update(table).where(there).values(seq=row["seq"]))
            tx.execute(update(table).where(here).values(seq=other["seq"]))
        case "copy" | "copy with its seal":
            copy(tx, doing, table, row, {name: other_value(row, name, doing.value, rows)})


def copy(tx: Tx, doing: Doing, table: Table, row: Any, changed: dict[str, Any]) -> None:
    """The row once more, under a name of its own and with one value changed."""
    again = {**row, **changed}
    fresh = {"id": new_id(), "event_id": new_id(), "seq": 1 + doing.value % 9}
    again |= {column: value for column, value in fresh.items() if column in table.c}
    tx.execute(insert(table).values(**again))
    if doing.what == "copy with its seal" and "event_id" in row:
        named = row_seal.c.row_key == row["event_id"]
        for sealed in tx.execute(select(row_seal).where(named)).mappings().all():
            tx.execute(insert(row_seal).values(**{**sealed, "row_key": again["event_id"]}))


@dataclass(frozen=True)
class Allowed:
    """What is allowed of one person.

    Attributes:
        captured: the terms of capture; nothing where it is off.
        reads: which stretches of the past may be read, as far as decisions go.
        shown: what each showing said on which somebody could agree now, by its id.
    """

    captured: frozenset[str]
    reads: frozenset[int]
    shown: frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Hall:
    """People with every kind of history, and the hours in which they had it."""

    services: Services
    people: tuple[Person, ...]
    hours: tuple[datetime, ...]
    showings: tuple[str, ...]

    def allowed(self, tx: Tx, capture: CaptureService, who: Person) -> Allowed:
        now = self.services.clock.now()
        situation = capture.situation(tx, who, now)
        terms = situation.limits.compiled if situation.directive.capture else None
        rules = terms.signals.items() if terms else ()
        modes = {f"{signal} {rule.mode}" for signal, rule in rules}
        return Allowed(
            frozenset({*modes, *(terms.apps if terms else ())}),
            frozenset(self._reads(tx, who)),
            frozenset(filter(None, (self._shown(tx, who, name) for name in self.showings))),
        )

    def _reads(self, tx: Tx, who: Person) -> Iterator[int]:
        for number, hour in enumerate(self.hours):
            until = hour + timedelta(minutes=30)
            consent = self.services.consent
            if consent.standing_between(tx, who, hour, until, bases=["consent"]):
                yield number

    def _shown(self, tx: Tx, who: Person, name: str) -> tuple[str, str, str] | None:
        try:
            shown = self.services.notices.shown(tx, who, name)
        except (HabeasError, ValueError):
            return None
        return shown.id, shown.notice.markdown, shown.offer.digest


@pytest.fixture
def hall(sample: Services) -> Hall:
    services = sample
    with services.database.read() as tx:
        known = services.directory.people(tx)
        able = [one for one in known if one.active and _may_agree(services, tx, one)]
    people, hours = tuple(able[: len(HISTORIES)]), []
    assert len(people) == len(HISTORIES)
    for step in range(max(map(len, HISTORIES))):
        for who, acts in zip(people, HISTORIES, strict=True):
            if step < len(acts):
                _decide(services, who, acts[step])
        services.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
        hours.append(services.clock.now() - timedelta(minutes=45))
    services.integrator.integrate()
    with services.database.read() as tx:
        showings = tuple(tx.execute(select(SHOWINGS.table.c.id)).scalars())
    return Hall(services, people, tuple(hours), showings)


def _may_agree(services: Services, tx: Tx, who: Person) -> bool:
    offer = services.capture.situation(tx, who, services.clock.now()).offer
    decided = services.consent.last_number(tx, who.id)
    return bool(offer.signals) and "consent" in offer.bases and not decided


def _decide(services: Services, who: Person, act: Act) -> None:
    now = services.clock.now()
    until = now + timedelta(days=1) if act is Act.PAUSED else None
    with services.database.write() as tx:
        named = None
        if act is Act.GIVEN:
            offer = services.capture.situation(tx, who, now).offer
            named = services.notices.show(tx, who, offer, "en", now).id
        services.consent.decide(tx, who, act, now, shown_id=named, until=until)


def unguard(services: Services) -> None:
    """The guards are away and foreign keys are not looked at, for as long as the test lasts."""
    with services.database.engine.begin() as connection:
        if services.database.dialect == "postgresql":
            for table in (*TABLES, row_seal):
                connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))
            return
        found = text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for name in connection.execute(found).scalars().all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))


@contextmanager
def undone(services: Services, ring: SealRing) -> Iterator[Tx]:
    """A transaction of which nothing is kept."""
    tx = Tx(services.database.engine, "write", ring)
    try:
        yield tx
    finally:
        tx.close()


def new_ring(services: Services) -> SealRing:
    """What a process knows that has folded the log and read nothing else."""
    known, ring = services.database.seals, SealRing()
    assert known.key is not None
    ring.take(known.key)
    ring.names = SealedNames(services.log.vault)
    ring.positions, ring.size = dict(known.positions), known.size
    return ring


@pytest.mark.parametrize("when", ["running", "at start"])
def test_nothing_done_to_rows_allows_more(when: str, hall: Hall) -> None:
    services = hall.services
    unguard(services)
    with services.database.read() as tx:
        before = [hall.allowed(tx, services.capture, who) for who in hall.people]
    assert [bool(one.captured) for one in before] == [True, False, False, True, True]
    assert all(one.reads for one in before)
    assert all(one.shown for one in before)

    @settings(
        max_examples=60,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        deadline=None,
    )
    @given(done=doings)
    def never_more(done: list[Doing]) -> None:
        running = when == "running"
        ring = services.database.seals if running else new_ring(services)
        capture = services.capture if running else replace(services.capture)
        with undone(services, ring) as tx:
            try:
                for doing in done:
                    do(tx, doing)
            except (DBAPIError, HabeasError):  # a CHECK, a UNIQUE or a type refused it
                reject()
            for who, was in zip(hall.people, before, strict=True):
                now = hall.allowed(tx, capture, who)
                assert now.captured in (frozenset(), was.captured), (who.id, done)
                assert now.reads <= was.reads, (who.id, done)
                assert now.shown <= was.shown, (who.id, done)

    never_more()
