"""An import is whole or nothing, twice is once, and every change has its entry."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit.entries.model import SYSTEM, Actor
from app.audit.entries.service import AuditService
from app.db.engine import Database
from app.directory.model import ImportResult, Person
from app.directory.service import DirectoryService
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from tests.directory.entries import facts, submitted
from tests.fakes import FakeClock
from tests.make import person

TOP = person("top", region="DE", place="DE", entity="DE/Sample Devices GmbH")
LOW = person("low", "hr", manager="top")
FILE = "sha256:" + "0" * 64


class Office:
    """Imports with one call."""

    def __init__(self, database: Database, directory: DirectoryService, clock: FakeClock) -> None:
        self.database, self.directory, self.clock = database, directory, clock

    def bring(self, *people: Person, actor: Actor = SYSTEM) -> ImportResult:
        with self.database.write() as tx:
            return self.directory.import_people(
                tx, people, actor=actor, now=self.clock.now(), file_digest=FILE
            )

    def person(self, person_id: str) -> Person:
        with self.database.read() as tx:
            return self.directory.person(tx, person_id)

    def facts(self) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return facts(tx, "directory.person")

    def kinds(self) -> list[object]:
        with self.database.read() as tx:
            return [entry["kind"] for entry in submitted(tx)]


@pytest.fixture
def office(database: Database, directory: DirectoryService, clock: FakeClock) -> Office:
    return Office(database, directory, clock)


def test_people_come_in_whatever_the_order_of_their_managers(office: Office) -> None:
    assert office.bring(LOW, TOP) == ImportResult(added=2, changed=0, unchanged=0)
    assert office.person("low") == LOW


def test_the_same_file_twice_changes_nothing_and_says_so(office: Office) -> None:
    office.bring(TOP, LOW)
    assert office.bring(TOP, LOW) == ImportResult(added=0, changed=0, unchanged=2)
    assert office.kinds() == [
        "directory.person",
        "directory.person",
        "directory.imported",
        "directory.imported",
    ]
    with office.database.read() as tx:
        assert len(office.directory.versions(tx, "top")) == 1


def test_an_entry_says_each_role_with_its_region_in_one_order(office: Office) -> None:
    office.bring(person("top", "legal@FR", "auditor", "legal@DE", "legal@FR"))
    (facts,) = office.facts()
    assert facts["roles"] == [["auditor", None], ["legal", "DE"], ["legal", "FR"]]
    assert facts["functions"] == ["auditor", "legal"]


def test_a_role_in_another_region_is_a_change_with_an_entry(office: Office) -> None:
    office.bring(person("top", "legal@DE"))
    office.bring(person("top", "legal@FR"))
    office.bring(person("top"))
    said = [facts["roles"] for facts in office.facts()]
    assert said == [[["legal", "DE"]], [["legal", "FR"]], []]


def test_who_holds_a_role_is_recorded_once_more_as_they_are(office: Office) -> None:
    office.bring(person("top", "legal@DE"), LOW, person("plain"))
    with office.database.write() as tx:
        office.directory.state_roles(tx, office.clock.now())
    before, anew = office.facts()[:3], office.facts()[3:]
    assert anew == [before[1], before[0]], "as they are, by id"
    with office.database.read() as tx:
        kept = {one: office.directory.versions(tx, one) for one in ("top", "low", "plain")}
        by = [entry["actor"]["kind"] for entry in submitted(tx)[-2:]]
    assert {one: len(versions) for one, versions in kept.items()} == {
        "top": 2,
        "low": 2,
        "plain": 1,
    }
    assert replace(kept["top"][1], version=1) == kept["top"][0], "nothing changed"
    assert by == ["system", "system"], "nobody is said to have changed anything"


def test_nobody_whose_row_does_not_stand_is_said_to_hold_a_role(office: Office) -> None:
    office.bring(person("top", "legal@DE"))
    key, office.database.seals.key = office.database.seals.key, None
    with office.database.write() as tx:
        office.directory.state_roles(tx, office.clock.now())
    office.database.seals.key = key
    assert len(office.facts()) == 1


def test_people_who_are_not_in_the_file_stay_as_they_are(office: Office) -> None:
    office.bring(TOP, LOW)
    assert office.bring(replace(LOW, department="Legal")) == ImportResult(0, 1, 0)
    assert office.person("top") == TOP


def test_a_dry_run_says_what_would_change_and_changes_nothing(office: Office) -> None:
    office.bring(TOP)
    with office.database.read() as tx:
        plan = office.directory.plan(tx, [replace(TOP, place="FR"), LOW], FILE).result
    assert plan == ImportResult(added=1, changed=1, unchanged=0)
    assert office.person("top") == TOP
    with pytest.raises(NotFound):
        office.person("low")


CONTRADICTIONS = {
    "a manager who is nowhere": ([replace(LOW, manager="who")], "low", "manager", "neither"),
    "a circle through the directory": ([replace(TOP, manager="low")], "top", "manager", "report"),
    "an address that another has": ([person("new", email=LOW.email)], "new", "email", "another"),
}


@pytest.mark.parametrize(
    ("people", "who", "column", "problem"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys()
)
def test_what_contradicts_the_directory_is_refused_whole(
    office: Office, people: list[Person], who: str, column: str, problem: str
) -> None:
    office.bring(TOP, LOW)
    before = office.kinds()
    with pytest.raises(InvalidInput) as caught:
        office.bring(person("fine"), *people)
    assert caught.value.faults[0].field == f"person {who}, column {column}"
    assert problem in caught.value.faults[0].problem
    with pytest.raises(NotFound):
        office.person("fine")
    assert office.kinds() == before


def test_two_people_may_swap_addresses_and_a_newcomer_may_take_a_released_one(
    office: Office,
) -> None:
    office.bring(TOP, LOW)
    office.bring(replace(TOP, email=LOW.email), replace(LOW, email=TOP.email))
    assert office.person("top").email == LOW.email
    office.bring(replace(TOP, email="new@example.com"), person("heir", email=LOW.email))
    assert office.person("heir").email == LOW.email


def test_an_entry_names_nobody_and_carries_the_line_as_pseudonyms(
    office: Office, log: AuditService
) -> None:
    office.bring(TOP, LOW)
    with office.database.write() as tx:
        entry = next(e for e in submitted(tx) if e["facts"]["functions"] == ["hr"])
        top, low = log.pseudonym(tx, "top"), log.pseudonym(tx, "low")
    assert entry["subjects"] == [low]
    assert entry["facts"] == {
        "region": "US-CA",
        "place": "US-CA",
        "entity_region": "US",
        "active": True,
        "residence": 1,
        "manager": top,
        "line": [top],
        "functions": ["hr"],
        "roles": [["hr", None]],
    }
    for personal in ("Sample", "example.com", '"low"', '"top"'):
        assert personal not in str(entry).replace("'", '"')


def test_every_change_of_a_row_is_kept_next_to_it_without_name_and_address(office: Office) -> None:
    office.bring(TOP)
    office.clock.advance(60)
    office.bring(replace(TOP, region="FR"))
    with office.database.read() as tx:
        versions = office.directory.versions(tx, "top")
    assert [(v.version, v.region, v.residence) for v in versions] == [(1, "DE", 1), (2, "FR", 2)]
    assert versions[1].recorded_at == office.clock.now()
    assert not {"name", "email"} & versions[0].__dict__.keys()


@pytest.mark.parametrize(
    "change", ["UPDATE person_version SET region='US'", "DELETE FROM person_version"]
)
def test_what_was_recorded_before_cannot_be_rewritten(office: Office, change: str) -> None:
    office.bring(TOP)
    with pytest.raises(DBAPIError, match="append-only"), office.database.write() as tx:
        tx.execute(text(change))


def test_moving_begins_a_new_residence_also_on_the_way_back(office: Office) -> None:
    residences = []
    for region in ("DE", "FR", "DE", "DE"):
        office.bring(replace(TOP, region=region))
        residences.append(office.person("top").residence)
    assert residences == [1, 2, 3, 3]


def test_somebody_who_left_and_comes_back_begins_a_new_residence(office: Office) -> None:
    office.bring(TOP)
    with office.database.write() as tx:
        office.directory.leave(tx, "top", SYSTEM, office.clock.now())
        office.directory.leave(tx, "top", SYSTEM, office.clock.now())
    assert not office.person("top").active
    assert office.kinds().count("directory.person") == 2, "leaving twice is leaving once"
    assert office.bring(TOP) == ImportResult(0, 1, 0, returned=1), "not silently"
    assert (office.person("top").active, office.person("top").residence) == (True, 2)


def test_only_an_active_admin_or_the_command_line_imports(office: Office) -> None:
    office.bring(TOP, person("root", "admin"), person("gone", "admin", active=False))
    assert office.bring(LOW, actor=Actor("person", "root")).added == 1
    for actor in (
        Actor("person", "top"),
        Actor("person", "gone"),
        Actor("person", "nobody"),
        Actor("device", "root"),
        Actor("system", "other"),
    ):
        with pytest.raises(Forbidden):
            office.bring(person("x"), actor=actor)
        with pytest.raises(Forbidden), office.database.write() as tx:
            office.directory.leave(tx, "top", actor, office.clock.now())


def test_nobody_is_locked_who_is_not_there(office: Office) -> None:
    with office.database.write() as tx, pytest.raises(NotFound):
        office.directory.lock(tx, "nobody")


def test_a_large_company_is_imported_and_read_back(office: Office) -> None:
    people = [person("p-0"), *(person(f"p-{n}", manager=f"p-{n // 8}") for n in range(1, 1300))]
    assert office.bring(*people).added == 1300
    moved = [replace(one, department="Moved") for one in people]
    assert office.bring(*moved) == ImportResult(0, 1300, 0)
    with office.database.read() as tx:
        assert sorted(office.directory.people(tx), key=lambda p: p.id) == sorted(
            moved, key=lambda p: p.id
        )
        assert len(office.directory.lines(tx, [p.id for p in people])) == 1300
