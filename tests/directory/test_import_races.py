"""An import while somebody else changes or holds the same people at that moment."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.audit.entries.model import SYSTEM
from app.audit.entries.service import AuditService
from app.db.engine import Database, Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.errors import Unavailable
from tests.directory.conftest import OnlyAdmin
from tests.fakes import FakeClock
from tests.make import person

ADA, BEN = person("ada"), person("ben")
Act = Callable[[Tx], None]
HEADSTART_S = 0.5
"""How long the import has to come as far as it can, seconds."""


class Registry:
    """Imports into a database, alone or while another transaction is open."""

    def __init__(self, database: Database, directory: DirectoryService, clock: FakeClock) -> None:
        self.database, self.directory, self.clock = database, directory, clock

    def bring(self, *people: Person) -> None:
        with self.database.write() as tx:
            self.directory.import_people(
                tx, people, actor=SYSTEM, now=self.clock.now(), file_digest="sha256:f"
            )

    def bring_during(self, first: Act, then: Act | None = None) -> "_Import":
        """Begin an import between the two halves of another transaction; wait for both."""

        def begin(*people: Person) -> list[Exception]:
            failed: list[Exception] = []
            with self.database.write() as tx:
                first(tx)
                thread = threading.Thread(target=self._try, args=(people, failed))
                thread.start()
                time.sleep(HEADSTART_S)
                if then is not None:
                    then(tx)
            thread.join(timeout=30)
            assert not thread.is_alive()
            return failed

        return begin

    def person(self, person_id: str) -> Person:
        with self.database.read() as tx:
            return self.directory.person(tx, person_id)

    def _try(self, people: Sequence[Person], failed: list[Exception]) -> None:
        try:
            self.bring(*people)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failed.append(error)


_Import = Callable[..., list[Exception]]


def test_a_leave_recorded_during_an_import_is_not_lost(
    database: Database, directory: DirectoryService, clock: FakeClock
) -> None:
    """Else the person would be back in the old residence, and the old consent with them."""
    registry = Registry(database, directory, clock)
    registry.bring(ADA)
    begin = registry.bring_during(lambda tx: directory.leave(tx, "ada", SYSTEM, clock.now()))
    assert begin(replace(ADA, department="Moved")) == []
    assert registry.person("ada").residence == 2
    with database.read() as tx:
        said = [(version.active, version.residence) for version in directory.versions(tx, "ada")]
    assert said == [(True, 1), (False, 1), (True, 2)]


def test_an_import_and_whoever_takes_people_in_their_order_do_not_block_each_other(
    database: Database, directory: DirectoryService, clock: FakeClock
) -> None:
    registry = Registry(database, directory, clock)
    registry.bring(BEN, ADA)
    begin = registry.bring_during(
        lambda tx: directory.lock(tx, "ada"), lambda tx: directory.lock(tx, "ben")
    )
    assert begin(replace(BEN, department="Moved"), replace(ADA, department="Moved")) == []
    assert registry.person("ada").department == registry.person("ben").department == "Moved"


def test_a_manager_s_row_is_taken_in_the_same_order(
    database: Database, directory: DirectoryService, clock: FakeClock
) -> None:
    registry = Registry(database, directory, clock)
    registry.bring(ADA, BEN)
    begin = registry.bring_during(
        lambda tx: directory.lock(tx, "ada"), lambda tx: directory.lock(tx, "ben")
    )
    assert begin(replace(BEN, manager="ada")) == []
    assert registry.person("ben").manager == "ada"


def test_of_two_imports_at_once_the_second_sees_what_the_first_wrote(
    database: Database, directory: DirectoryService, clock: FakeClock
) -> None:
    """Neither alone is a circle of managers; both together are."""
    registry = Registry(database, directory, clock)
    registry.bring(ADA, BEN)
    begin = registry.bring_during(
        lambda tx: _import(directory, tx, clock, replace(ADA, manager="ben"))
    )
    (refused,) = begin(replace(BEN, manager="ada"))
    assert "contradictions" in str(refused)
    assert registry.person("ben").manager is None


class Watched(DirectoryService):
    """Keeps whom it has read."""

    def __init__(self, log: AuditService, authority: Authority) -> None:
        super().__init__(log, authority)
        self.read: list[str] = []

    def person(self, tx: Tx, person_id: str) -> Person:
        self.read.append(person_id)
        return super().person(tx, person_id)


@pytest.fixture
def watched(log: AuditService) -> Watched:
    return Watched(log, OnlyAdmin())


@contextmanager
def impatient(database: Database) -> Iterator[Tx]:
    """A transaction that takes "wait for the other" for no."""
    with database.write() as tx:
        tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        yield tx


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""SQLite has one writer at a time (tests/db/test_engine.py)."""


@on_postgresql
@pytest.mark.parametrize("act", ["leave", "hand_over"])
def test_who_leaves_or_hands_over_waits_for_an_import_before_reading_anybody(
    database: Database, directory: DirectoryService, clock: FakeClock, watched: Watched, act: str
) -> None:
    """Else what was read would be past when it is written, and undo what the import said."""
    Registry(database, directory, clock).bring(ADA)
    with database.write() as importing:
        _import(directory, importing, clock, BEN)
        with pytest.raises(Unavailable), impatient(database) as tx:
            getattr(watched, act)(tx, "ada", SYSTEM, clock.now())
    assert watched.read == []


@on_postgresql
def test_who_leaves_waits_for_who_holds_them_before_they_are_read(
    database: Database, directory: DirectoryService, clock: FakeClock, watched: Watched
) -> None:
    Registry(database, directory, clock).bring(ADA)
    with database.write() as holding:
        directory.lock(holding, "ada")
        with pytest.raises(Unavailable), impatient(database) as tx:
            watched.leave(tx, "ada", SYSTEM, clock.now())
    assert watched.read == []


@on_postgresql
@pytest.mark.parametrize("held", ["ada", "ben", "cy"])
def test_who_hands_over_holds_the_person_the_reports_and_the_manager(
    database: Database, directory: DirectoryService, clock: FakeClock, held: str
) -> None:
    line = (ADA, replace(BEN, manager="ada"), person("cy", manager="ben"))
    Registry(database, directory, clock).bring(*line)
    with database.write() as erasing:
        directory.hand_over(erasing, "ben", SYSTEM, clock.now())
        with pytest.raises(Unavailable), impatient(database) as tx:
            directory.lock(tx, held)


def _import(directory: DirectoryService, tx: Tx, clock: FakeClock, one: Person) -> None:
    directory.import_people(tx, (one,), actor=SYSTEM, now=clock.now(), file_digest="sha256:f")
