"""An import beside whoever changes or holds the same people at that moment."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.audit.entries.model import SYSTEM
from app.db.engine import Database, Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
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
        said = [(one.active, one.residence) for one in directory.versions(tx, "ada")]
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


def test_of_two_imports_at_once_the_second_sees_what_the_first_said(
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


def _import(directory: DirectoryService, tx: Tx, clock: FakeClock, one: Person) -> None:
    directory.import_people(tx, (one,), actor=SYSTEM, now=clock.now(), file_digest="sha256:f")
