"""An import in pieces: it stops anywhere and goes on, and everybody else gets in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import event, text

from app.audit.entries.model import SYSTEM
from app.audit.entries.service import AuditService
from app.db.engine import Database, Tx
from app.directory.imports import TRIES, PeopleImport
from app.directory.model import ImportResult, Person, by_id
from app.directory.plan import ImportPlan
from app.directory.service import DirectoryService
from app.kernel.errors import HabeasError, InvalidInput, Unavailable
from tests.directory.conftest import OnlyAdmin
from tests.directory.entries import facts, submitted
from tests.fakes import FakeClock
from tests.make import person

FILE = "sha256:" + "0" * 64
TOP, LOW, OUT, KEEP = (
    person("top", "hr"),
    person("low", manager="top"),
    person("out"),
    person("keep"),
)
STAFF = (TOP, LOW, OUT, KEEP)
NEW = person("new", manager="head", email=LOW.email)
WANTED = (
    NEW,
    person("head", manager="top"),
    KEEP,
    replace(TOP, roles=(), email="top2@example.com"),
    replace(LOW, manager="new", email=TOP.email),
    replace(OUT, active=False),
)
"""Somebody new, under somebody new, has the address of who reports to them; and so on."""


class Killed(Exception):
    """The process ended here."""


@dataclass
class Registry:
    """Imports, in pieces of one."""

    database: Database
    directory: DirectoryService
    clock: FakeClock

    def plan(self, *people: Person) -> ImportPlan:
        with self.database.read() as tx:
            return self.directory.plan(tx, people, FILE, size=1)

    def apply(
        self, plan: ImportPlan, between: Callable[[float], None] = lambda _: None
    ) -> ImportResult:
        work = PeopleImport(self.database, self.directory, self.clock, SYSTEM, between)
        return work.apply(plan)

    def whole(self, *people: Person) -> None:
        with self.database.write() as tx:
            self.directory.import_people(
                tx, people, actor=SYSTEM, now=self.clock.now(), file_digest=FILE
            )

    def people(self) -> dict[str, Person]:
        with self.database.read() as tx:
            return by_id(self.directory.people(tx))

    def versions(self) -> dict[str, list[tuple[object, ...]]]:
        with self.database.read() as tx:
            return {
                one.id: [
                    (v.version, v.manager, v.active, v.residence, v.roles)
                    for v in self.directory.versions(tx, one.id)
                ]
                for one in self.directory.people(tx)
            }

    def said(self, kind: str) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return facts(tx, kind)


@pytest.fixture
def registry(database: Database, directory: DirectoryService, clock: FakeClock) -> Registry:
    made = Registry(database, directory, clock)
    made.whole(*STAFF)
    return made


@contextmanager
def killed_at(database: Database, statement: int) -> Iterator[None]:
    """End the process, as it were, before its n-th statement that may write, commits included."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed

    names = ("before_cursor_execute", "commit")
    for name in names:
        event.listen(database.engine, name, count)
    try:
        yield
    finally:
        for name in names:
            event.remove(database.engine, name, count)
        database.engine.dispose()  # as the end of a process closes its connections


def test_in_pieces_it_comes_to_the_same_as_at_once(registry: Registry) -> None:
    plan = registry.plan(*WANTED)
    assert registry.apply(plan) == ImportResult(2, 3, 1) == plan.result
    assert registry.people() == {**by_id(STAFF), **by_id(WANTED)}
    assert len(registry.said("directory.person")) == len(STAFF) + 5
    assert registry.said("directory.imported")[1:] == [
        {
            "added": 2,
            "changed": 3,
            "unchanged": 1,
            "returned": 0,
            "file": plan.file,
            "pieces": len(plan.pieces),
            "plan": plan.digest,
        }
    ]
    assert len(plan.pieces) > 1


def test_killed_before_any_statement_and_started_again_it_comes_to_the_same(
    registry: Registry,
) -> None:
    """Each start comes one statement further than the one before, until one ends."""
    digests, statement, ended = set(), 0, False
    while not ended:
        statement += 1
        plan = registry.plan(*WANTED)
        digests.add(plan.begun or plan.digest)
        try:
            with killed_at(registry.database, statement):
                registry.apply(plan)
            ended = True
        except Killed:
            pass
    assert statement > 20, "it was killed often"
    assert len(digests) == 1, "it is one import"
    assert registry.people() == {**by_id(STAFF), **by_id(WANTED)}
    assert len(registry.said("directory.person")) == len(STAFF) + 5, "nobody twice"
    (_, whole) = registry.said("directory.imported")
    assert (whole["added"], whole["changed"], whole["unchanged"]) == (2, 3, 1)
    assert {one: len(versions) for one, versions in registry.versions().items()} == {
        "top": 2,
        "low": 2,
        "out": 2,
        "keep": 1,
        "new": 1,
        "head": 1,
    }


def test_what_is_recorded_of_each_is_the_same_as_at_once(
    registry: Registry,
) -> None:
    registry.apply(registry.plan(*WANTED))
    in_pieces = registry.versions()
    back = [replace(one, active=True) for one in STAFF]
    registry.whole(*back, person("new", manager="head"), person("head", manager="top"))
    registry.whole(*WANTED)
    at_once = registry.versions()
    assert {one: versions[-1][1:3] for one, versions in in_pieces.items()} == {
        one: versions[-1][1:3] for one, versions in at_once.items()
    }


def test_who_leaves_is_gone_after_the_first_piece_wherever_they_stand_in_the_file(
    registry: Registry,
) -> None:
    gone: list[bool] = []
    registry.apply(
        registry.plan(*WANTED), lambda _: gone.append(not registry.people()["out"].active)
    )
    assert gone[0]
    assert len(gone) > 1


def test_between_two_pieces_nobody_waits(registry: Registry) -> None:
    """Each person of the file can be held and written between any two pieces."""
    times = 0

    def act(_: float) -> None:
        nonlocal times
        with registry.database.write() as tx:
            if tx.dialect == "postgresql":
                tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
            for one in sorted(by_id(STAFF)):
                registry.directory.lock(tx, one)
            registry.directory.hold(tx)
        times += 1

    registry.apply(registry.plan(*WANTED), act)
    assert times >= 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_piece_holds_the_rows_it_changes_and_no_other(registry: Registry) -> None:
    """SQLite has one writer, and no locks of rows."""
    plan = registry.plan(replace(OUT, active=False), KEEP, LOW)
    with registry.database.write() as importing:
        registry.directory.import_piece(
            importing, plan, plan.pieces[0], SYSTEM, registry.clock.now()
        )
        for one in ("keep", "low", "top"):
            with registry.database.write() as tx:
                tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
                registry.directory.lock(tx, one)
        with pytest.raises(Unavailable), registry.database.write() as tx:
            tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
            registry.directory.lock(tx, "out")


def once(act: Callable[[], None]) -> Callable[[float], None]:
    """Do something between the first two pieces."""
    left = [act]
    return lambda _: left.pop()() if left else None


def test_who_left_after_the_plan_was_made_stays_gone(registry: Registry) -> None:
    def leave() -> None:
        with registry.database.write() as tx:
            registry.directory.leave(tx, "keep", SYSTEM, registry.clock.now())

    plan = registry.plan(*WANTED[:2], replace(KEEP, department="Sales"), *WANTED[3:])
    result = registry.apply(plan, once(leave))
    assert not registry.people()["keep"].active
    assert result.changed == plan.result.changed - 1


def test_who_was_changed_after_the_plan_was_made_is_judged_anew(registry: Registry) -> None:
    plan = registry.plan(*WANTED[:2], replace(KEEP, department="Sales"), *WANTED[3:])
    moved = replace(KEEP, region="FR", department="Law")

    def move() -> None:
        with registry.database.write() as tx:
            other = registry.directory.plan(tx, [moved], "sha256:" + "1" * 64)
            registry.directory.import_piece(tx, other, ["keep"], SYSTEM, registry.clock.now())

    registry.apply(plan, once(move))
    assert registry.people()["keep"] == replace(KEEP, department="Sales")
    assert registry.people()["keep"].residence == 3, "there and back"
    assert registry.versions()["keep"][-1][0] == 3


def test_what_contradicts_half_way_says_what_was_applied_and_the_same_command_goes_on(
    registry: Registry,
) -> None:
    def taken(address: str) -> Callable[[], None]:
        return lambda: registry.whole(person("thief", email=address))

    wanted = [*WANTED[1:], person("late", email="late@example.com")]
    wanted[3] = LOW
    plan = registry.plan(*wanted)
    with pytest.raises(InvalidInput) as caught:
        registry.apply(plan, once(taken("late@example.com")))
    error = caught.value
    assert "the import stopped after" in error.problem
    assert "nothing was" not in f"{error.problem} {error.cure}".lower()
    assert "the same command" in error.cure
    assert error.faults[0].field == "person late, column email"
    assert not registry.people()["out"].active, "the first piece stays"
    taken("mine@example.com")()
    registry.apply(registry.plan(*wanted))
    assert registry.people()["late"].email == "late@example.com"


def test_a_plan_that_begins_is_refused_whole(registry: Registry) -> None:
    before = registry.people()
    with pytest.raises(InvalidInput, match="nothing was imported"):
        registry.plan(*WANTED, person("late", email=KEEP.email))
    assert registry.people() == before


class Tired(DirectoryService):
    """Does not take every piece.

    Attributes:
        refuses: how many pieces in a row it does not take, by how many it took.
    """

    refuses: dict[int, int]
    taken = 0

    def import_piece(self, tx: Tx, *args: Any) -> ImportPlan:
        if self.refuses.get(self.taken, 0) > 0:
            self.refuses[self.taken] -= 1
            raise Unavailable("the database is too busy", cure="Nothing was changed. Try again.")
        self.taken += 1
        return super().import_piece(tx, *args)


@pytest.fixture
def tired(registry: Registry, log: AuditService) -> Tired:
    registry.directory = made = Tired(log, OnlyAdmin())
    return made


def test_a_piece_that_the_database_did_not_take_is_tried_again(
    registry: Registry, tired: Tired
) -> None:
    tired.refuses = {0: TRIES - 1, 2: TRIES - 1}
    registry.apply(registry.plan(*WANTED))
    assert registry.people() == {**by_id(STAFF), **by_id(WANTED)}


@pytest.mark.parametrize("taken", [0, 2])
def test_it_is_said_that_nothing_changed_only_if_nothing_did(
    registry: Registry, tired: Tired, taken: int
) -> None:
    tired.refuses = {taken: TRIES}
    with pytest.raises(Unavailable) as caught:
        registry.apply(registry.plan(*WANTED))
    said = f"{caught.value.problem} {caught.value.cure}"
    assert ("Nothing was changed" in said) == (taken == 0)
    assert ("stopped after 2 of" in said) == (taken == 2)


def test_who_interrupts_it_is_told_what_was_applied(registry: Registry) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(HabeasError, match=r"stopped after 1 of \d pieces.*interrupted"):
        registry.apply(registry.plan(*WANTED), once(interrupt))


def test_a_first_piece_that_was_kept_and_not_confirmed_is_not_done_twice(
    registry: Registry,
) -> None:
    plan = registry.plan(*WANTED)
    runs = []
    for _ in range(2):
        with registry.database.write() as tx:
            done = registry.directory.import_piece(
                tx, plan, plan.pieces[0], SYSTEM, registry.clock.now()
            )
            runs.append(done.run)
    assert runs[0] == runs[1]
    assert len(registry.said("directory.person")) == len(STAFF) + len(plan.pieces[0])
    registry.apply(registry.plan(*WANTED))
    assert registry.said("directory.imported")[1]["changed"] == 3


def test_an_import_that_has_ended_is_recorded_once(registry: Registry) -> None:
    plan = registry.plan(*WANTED)
    for piece in plan.pieces:
        with registry.database.write() as tx:
            plan = registry.directory.import_piece(tx, plan, piece, SYSTEM, registry.clock.now())
    for _ in range(2):
        with registry.database.write() as tx:
            registry.directory.end_import(tx, plan, SYSTEM, registry.clock.now())
    with registry.database.read() as tx:
        assert [e["kind"] for e in submitted(tx)].count("directory.imported") == 2


def test_another_file_begins_an_import_of_its_own(registry: Registry) -> None:
    plan = registry.plan(*WANTED)
    with registry.database.write() as tx:
        registry.directory.import_piece(tx, plan, plan.pieces[0], SYSTEM, registry.clock.now())
    with registry.database.read() as tx:
        other = registry.directory.plan(tx, WANTED, "sha256:" + "1" * 64)
    assert other.run is None
    assert registry.plan(*WANTED).begun == plan.digest
    registry.apply(other)
    assert registry.plan(*WANTED).run is None, "the newest import is the one that goes on"
