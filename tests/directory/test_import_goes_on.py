"""An import that stopped: what the same command does after others changed the directory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from app.audit.entries.erasure import Erasure, add
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Database, Tx
from app.directory.model import by_id
from app.directory.plan import ImportPlan
from app.directory.service import DirectoryService
from app.kernel.errors import HabeasError, Unavailable
from app.kernel.facts import encode
from app.rights.model import ErasureRecord
from tests.directory.test_import_in_pieces import KEEP, OUT, STAFF, TOP, Registry
from tests.fakes import FakeClock
from tests.make import person

WANTED = (
    replace(TOP, department="Board"),
    replace(KEEP, department="Sales"),
    replace(OUT, department="Law"),
    person("new", manager="top"),
)


@pytest.fixture
def registry(database: Database, directory: DirectoryService, clock: FakeClock) -> Registry:
    made = Registry(database, directory, clock)
    made.whole(*STAFF)
    clock.advance(timedelta(minutes=1))
    return made


def begin(registry: Registry) -> ImportPlan:
    """Do the first piece, and stop."""
    plan = registry.plan(*WANTED)
    with registry.database.write() as tx:
        registry.directory.import_piece(tx, plan, plan.pieces[0], SYSTEM, registry.clock.now())
    registry.clock.advance(timedelta(minutes=1))
    return plan


def leave(registry: Registry, person_id: str) -> None:
    with registry.database.write() as tx:
        registry.directory.leave(tx, person_id, SYSTEM, registry.clock.now())


def test_who_left_between_the_stop_and_the_same_command_stays_gone(registry: Registry) -> None:
    done = begin(registry).pieces[0]
    for one in ("keep", "out", "top"):
        leave(registry, one)
    result = registry.apply(registry.plan(*WANTED))
    people = registry.people()
    assert [people[one].active for one in ("keep", "out", "top")] == [False] * 3
    assert done[0] in ("keep", "out", "top"), "also whose piece was done"
    assert people["new"].active
    assert result.returned == 0


def test_who_left_before_the_import_began_comes_back_also_after_a_stop(registry: Registry) -> None:
    leave(registry, "out")
    registry.clock.advance(timedelta(minutes=1))
    begin(registry)
    registry.apply(registry.plan(*WANTED))
    assert registry.people()["out"].active


def erase(registry: Registry, log: AuditService, person_id: str) -> None:
    with registry.database.write() as tx:
        record = ErasureRecord(None, None, keys=1, bodies=0, again=True)
        event = Event(Kind.SUBJECT_ERASED, SYSTEM, encode(record), subjects=(person_id,))
        now = registry.clock.now()
        event_id = log.append(tx, event, now)
        add(tx, Erasure(log.pseudonym(tx, person_id), None, None, event_id, 1, 0, now))


def test_after_an_erasure_the_rest_may_bring_back_whom_it_adds(
    registry: Registry, log: AuditService
) -> None:
    erase(registry, log, "low")
    registry.clock.advance(timedelta(minutes=1))
    begin(registry)
    assert not registry.plan(*WANTED).may_bring_back, "that was before"
    erase(registry, log, "top")
    assert registry.plan(*WANTED).may_bring_back
    registry.apply(registry.plan(*WANTED))
    assert not registry.plan(*WANTED).may_bring_back


def test_the_rest_has_a_digest_of_its_own_that_follows_the_directory(registry: Registry) -> None:
    first = begin(registry)
    rest = registry.plan(*WANTED)
    assert rest.begun == first.digest
    assert registry.plan(*WANTED).digest == rest.digest != first.digest
    leave(registry, "keep")
    assert registry.plan(*WANTED).digest != rest.digest


def test_the_entry_names_the_plan_it_began_with_and_the_rest_it_ended_with(
    registry: Registry,
) -> None:
    first = begin(registry)
    rest = registry.plan(*WANTED)
    registry.apply(rest)
    whole = registry.said("directory.imported")[-1]
    assert (whole["plan"], whole["rest"]) == (first.digest, rest.digest)
    assert "rest" not in registry.said("directory.imported")[0]


@dataclass
class Lossy:
    """A database whose commits are kept, and whose answers are lost.

    Attributes:
        then: the errors that writing transactions end with, in order; None: none. After the last
            it takes nothing more if ``closes``.
    """

    inner: Database
    then: list[Callable[[], BaseException] | None]
    closes: bool = False

    @contextmanager
    def write(self) -> Iterator[Tx]:
        if not self.then and self.closes:
            raise Unavailable("the database is away", cure="Nothing was changed. Try again.")
        with self.inner.write() as tx:
            yield tx
        if self.then and (error := self.then.pop(0)) is not None:
            raise error()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def unknown() -> BaseException:
    return Unavailable("the database did not confirm", kind="outcome-unknown")


def lossy(registry: Registry, *then: Callable[[], BaseException] | None, closes: bool) -> Registry:
    fake: Any = Lossy(registry.database, list(then), closes)
    return Registry(fake, registry.directory, registry.clock)


@pytest.mark.parametrize("error", [unknown, KeyboardInterrupt])
def test_where_the_first_piece_may_be_kept_nobody_says_that_nothing_was(
    registry: Registry, error: Callable[[], BaseException]
) -> None:
    before = registry.people()
    with pytest.raises(HabeasError, match="not known whether") as caught:
        lossy(registry, error, closes=True).apply(registry.plan(*WANTED))
    said = f"{caught.value.problem} {caught.value.cure}".lower()
    assert registry.people() != before, "it was kept"
    assert "nothing was" not in said
    assert "the same command" in said


def test_a_piece_that_is_repeated_after_an_unknown_outcome_counts_once(
    registry: Registry,
) -> None:
    plan = registry.plan(*WANTED)
    result = lossy(registry, unknown, None, unknown, None, closes=False).apply(plan)
    whole = registry.said("directory.imported")[-1]
    assert whole["pieces"] == len(plan.pieces) == 4
    assert (result.added, result.changed) == (1, 3)
    assert {**by_id(STAFF), **by_id(WANTED)} == registry.people()
