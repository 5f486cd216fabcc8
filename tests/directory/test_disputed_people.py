"""Whoever changes the directory with SQL gives nobody anything, and an alarm names the person."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.audit.entries.model import SYSTEM, Actor
from app.db.engine import Database
from app.directory.model import Headcount, ImportResult, Line
from app.directory.tables import person_table
from app.kernel.errors import Forbidden, InvalidInput
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.directory.company import FILE, GONE, LOW, MIDDLE, OTHER, TOP, Company, opened
from tests.fakes import FakeClock
from tests.tamper import sql, tampering
from tests.templates import Templates

WHO = "WHERE id = 'E-3'"
CHANGES: dict[str, str] = {
    "a role": f"UPDATE person SET roles = 'legal@DE' {WHO}",
    "a role that is none": f"UPDATE person SET roles = 'king;;@@' {WHO}",
    "another manager": f"UPDATE person SET manager = 'E-4' {WHO}",
    "no manager": f"UPDATE person SET manager = NULL {WHO}",
    "another home": f"UPDATE person SET region = 'US-CA' {WHO}",
    "a home that is none": f"UPDATE person SET region = '' {WHO}",
    "another place of work": f"UPDATE person SET place = 'US-CA' {WHO}",
    "another employer": f"UPDATE person SET entity = 'US/Sample' {WHO}",
    "an employer without a region": f"UPDATE person SET entity = '' {WHO}",
    "another department": f"UPDATE person SET department = 'Board' {WHO}",
    "another address": f"UPDATE person SET email = 'thief@example.com' {WHO}",
    "that they left": f"UPDATE person SET active = false {WHO}",
    "an earlier residence": f"UPDATE person SET residence = 0 {WHO}",
    "a later version": f"UPDATE person SET version = 9 {WHO}",
    "no seal": f"UPDATE person SET seal = NULL {WHO}",
    "the seal of somebody else": (
        f"UPDATE person SET seal = (SELECT seal FROM person WHERE id = 'E-4') {WHO}"
    ),
    "the row of somebody else": (
        "UPDATE person SET (region, place, entity, department, manager, roles, active, residence, "
        "version, seal) = (SELECT region, place, entity, department, manager, roles, active, "
        f"residence, version, seal FROM person WHERE id = 'E-4') {WHO}"
    ),
}


@pytest.mark.parametrize("said", CHANGES)
def test_a_row_that_somebody_changed_gives_no_role_and_raises_an_alarm(
    said: str, company: Company
) -> None:
    """While the program runs, and for a process that starts then and knows nothing yet."""
    pseudonym = company.pseudonym("E-3")
    company.sql(CHANGES[said])
    for _ in range(2):
        people = company.people()
        assert (people["E-3"].disputed, people["E-3"].roles) == (True, ())
        assert company.person("E-3") == people["E-3"]
        assert not any(one.disputed for one in people.values() if one.id != "E-3")
        company.start_again()
    company.person("E-3")
    (alarm,) = company.alarms()
    assert alarm == {
        "chain": f"person:{pseudonym}",
        "why": "unsealed",
        "table": "person",
        "row": pseudonym,
    }


def test_the_name_alone_decides_nothing_and_is_not_sealed(company: Company) -> None:
    company.sql(f"UPDATE person SET name = 'Married' {WHO}")
    assert company.person("E-3") == replace(LOW, name="Married")


def test_a_row_that_was_put_right_again_stays_disputed_until_the_alarm_is_cleared(
    company: Company, change: Callable[..., None]
) -> None:
    change(f"UPDATE person SET roles = 'legal@DE' {WHO}")
    assert company.person("E-3").disputed
    assert len(company.alarms()) == 1
    change(f"UPDATE person SET roles = '' {WHO}")
    assert company.person("E-3") == replace(LOW, disputed=True)
    assert len(company.alarms()) == 1, "one alarm is enough"


def test_an_old_row_put_back_with_its_own_seal_is_behind(
    company: Company, change: Callable[..., None]
) -> None:
    """An auditor who was one, and whose role was taken back, is none again by their old row."""
    database = company.services.database
    with database.read() as tx:
        old = (
            tx.execute(person_table.select().where(person_table.c.id == OTHER.id)).mappings().one()
        )
    company.bring(replace(OTHER, roles=()))
    with tampering(database) as connection:
        kept = person_table.update().where(person_table.c.id == OTHER.id).values(**old)
        connection.execute(kept)
    change("UPDATE person SET name = name WHERE id = 'E-4'")
    person = company.person(OTHER.id)
    assert (person.disputed, person.roles) == (True, ())
    assert [alarm["why"] for alarm in company.alarms()] == ["behind"]


def test_somebody_who_left_does_not_come_back_by_a_row(
    company: Company, change: Callable[..., None]
) -> None:
    change("UPDATE person SET active = true WHERE id = 'E-5'")
    person = company.person(GONE.id)
    assert (person.disputed, person.active, person.roles) == (True, False, ())


def test_somebody_who_is_here_is_not_put_out_by_a_broken_row(
    company: Company, change: Callable[..., None]
) -> None:
    """They must be able to come in, to read why capture is off and to opt out."""
    change(f"UPDATE person SET region = 'XX' {WHO}")
    assert company.person("E-3").active


@pytest.mark.parametrize("named", [False, True])
def test_a_person_whom_only_a_row_knows_is_nobody(
    named: bool, company: Company, change: Callable[..., None]
) -> None:
    """Also where a pseudonym was made for that id before, by whoever asked about it."""
    if named:
        with company.services.database.write() as tx:
            company.services.log.pseudonym(tx, "E-99")
    change(
        "INSERT INTO person (id, name, email, region, place, entity, department, manager, roles, "
        "active, residence, version, seal) SELECT 'E-99', name, 'new@example.com', region, place, "
        "entity, department, manager, 'legal@DE', active, residence, version, seal "
        "FROM person WHERE id = 'E-1'"
    )
    person = company.people()["E-99"]
    assert (person.disputed, person.active, person.roles) == (True, False, ())
    assert company.alarms()


def test_a_disputed_person_is_in_no_headcount(
    company: Company, change: Callable[..., None]
) -> None:
    change("UPDATE person SET region = 'DE', place = 'DE' WHERE id = 'E-4'")
    with company.services.database.read() as tx:
        counted = company.services.directory.headcounts(tx)
    assert counted == (Headcount("DE", "DE", "US", 2), Headcount("DE", "DE", "DE", 1))


def test_an_importer_whose_row_does_not_stand_imports_nobody(
    company: Company, change: Callable[..., None]
) -> None:
    change("UPDATE person SET roles = 'admin' WHERE id = 'E-3'")
    services = company.services
    with pytest.raises(Forbidden), services.database.write() as tx:
        services.directory.import_people(
            tx, [LOW], actor=Actor("person", "E-3"), now=company.clock.now(), file_digest=FILE
        )


ODD = {
    "a version that is a word": "version = 'newest'",
    "a residence that is a word": "residence = 'here'",
    "a region of bytes": "region = x'00ff'",
    "roles of bytes": "roles = x'00ff'",
    "a manager of bytes": "manager = x'00ff'",
    "an address that is a number": "email = 7",
    "a seal that is a word": "seal = 'seal'",
}


@pytest.mark.parametrize("said", ODD)
def test_a_row_of_any_shape_gives_a_person_without_a_role(
    said: str, tmp_path: Path, templates: Templates, clock: FakeClock, shipped: Shipped
) -> None:
    """SQLite keeps any kind of value in any column."""
    with templates.copy("sqlite", "started", tmp_path) as url:
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        with opened(build(settings, clock=clock, shipped=shipped), clock, shipped) as company:
            without_foreign_keys(company.services.database, f"UPDATE person SET {ODD[said]} {WHO}")
            for _ in range(2):
                person = company.people()["E-3"]
                assert (person.disputed, person.roles) == (True, ())
                with company.services.database.read() as tx:
                    assert company.services.directory.line(tx, "E-3").disputed
                company.start_again()
            company.services.close()


# Lines ------------------------------------------------------------------------------------------

LINES: dict[str, tuple[str, Line]] = {
    "another manager": (f"UPDATE person SET manager = 'E-4' {WHO}", Line(("E-4", "E-1"), True)),
    "another manager above": (
        "UPDATE person SET manager = 'E-4' WHERE id = 'E-2'",
        Line(("E-2", "E-4", "E-1"), True),
    ),
    "an end": ("UPDATE person SET manager = NULL WHERE id = 'E-2'", Line(("E-2",), True)),
    "a circle": (
        "UPDATE person SET manager = 'E-3' WHERE id = 'E-1'",
        Line(("E-2", "E-1"), True),
    ),
    "somebody whose own row changed": (
        "UPDATE person SET roles = '' WHERE id = 'E-2'",
        Line(("E-2", "E-1"), True),
    ),
    "a manager who reports to themselves": (
        "UPDATE person SET manager = 'E-2' WHERE id = 'E-2'",
        Line(("E-2",), True),
    ),
}


@pytest.mark.every_pair("said", "change", "database_url")
@pytest.mark.parametrize("said", LINES)
def test_a_line_in_which_somebody_is_disputed_is_disputed(
    said: str, company: Company, change: Callable[..., None]
) -> None:
    statement, line = LINES[said]
    change(statement)
    with company.services.database.read() as tx:
        assert company.services.directory.line(tx, "E-3") == line
        assert not company.services.directory.line(tx, "E-4").disputed or said == "a circle"
    assert len(company.alarms()) == 1


def test_a_manager_who_was_deleted_leaves_a_disputed_line(
    company: Company,
) -> None:
    without_foreign_keys(company.services.database, "DELETE FROM person WHERE id = 'E-2'")
    with company.services.database.read() as tx:
        assert company.services.directory.line(tx, "E-3") == Line((), disputed=True)
        assert company.services.directory.line(tx, "E-2") == Line((), disputed=True)


def without_foreign_keys(database: Database, statement: str) -> None:
    if database.dialect == "postgresql":
        sql(database, "SET LOCAL session_replication_role = replica", statement)
        return
    with closing(sqlite3.connect(str(database.engine.url.database))) as connection, connection:
        connection.execute(statement)


# What was recorded before -----------------------------------------------------------------------

PAST = "WHERE person_id = 'E-3'"
REWRITTEN: dict[str, str] = {
    "the first version deleted": f"DELETE FROM person_version {PAST} AND version = 1",
    "one in between deleted": f"DELETE FROM person_version {PAST} AND version = 2",
    "the newest deleted": f"DELETE FROM person_version {PAST} AND version = 3",
    "all deleted": f"DELETE FROM person_version {PAST}",
    "another home": f"UPDATE person_version SET region = 'US-CA' {PAST} AND version = 2",
    "another instant": (
        f"UPDATE person_version SET recorded_at = '2026-01-01 00:00:00' {PAST} AND version = 2"
    ),
    "a role that is none": f"UPDATE person_version SET roles = 'king' {PAST} AND version = 2",
    "a residence of before": f"UPDATE person_version SET residence = 1 {PAST} AND version = 3",
    "one more": (
        "INSERT INTO person_version SELECT person_id, 4, region, place, entity, department, "
        f"manager, roles, active, residence, recorded_at FROM person_version {PAST} "
        "AND version = 1"
    ),
    "one of somebody else": (
        "INSERT INTO person_version SELECT 'E-3', 4, region, place, entity, department, "
        "manager, roles, active, residence, recorded_at FROM person_version "
        "WHERE person_id = 'E-4'"
    ),
    "its seals deleted": "DELETE FROM row_seal WHERE table_name = 'person_version'",
}


@pytest.mark.parametrize("said", REWRITTEN)
def test_a_past_that_somebody_rewrote_does_not_stand(said: str, company: Company) -> None:
    """While the program runs, and for a process that starts then."""
    company.bring(replace(LOW, region="FR"))
    company.bring(LOW)
    assert not company.past("E-3").disputed
    company.sql(REWRITTEN[said])
    # Seals that were read are remembered: only a process that starts then misses them.
    assert company.past("E-3").disputed or said == "its seals deleted"
    company.start_again()
    assert company.past("E-3").disputed
    assert len(company.alarms()) == 1
    assert company.person("E-3").disputed, "with its alarm, the person is"


# Acts over a disputed row -----------------------------------------------------------------------


def test_an_import_records_anew_what_the_file_says_and_the_alarm_stays(
    company: Company, change: Callable[..., None]
) -> None:
    """What the row said meanwhile goes into no entry: the move to France was never recorded."""
    change(f"UPDATE person SET region = 'FR', roles = 'legal@FR', residence = 7 {WHO}")
    assert company.person("E-3").disputed
    company.bring(LOW)
    past = company.past("E-3")
    assert [(one.version, one.region, one.residence) for one in past.versions] == [
        (1, "DE", 1),
        (2, "DE", 1),
    ]
    assert company.person("E-3") == replace(LOW, disputed=True)
    with company.services.database.write() as tx:
        plan = company.services.directory.plan(tx, [LOW], FILE)
    assert plan.result == ImportResult(added=0, changed=0, unchanged=1), "the row is sound again"


@pytest.mark.every_pair("said", "change", "database_url")
@pytest.mark.parametrize("said", ["all deleted", "the newest deleted", "one more"])
def test_an_import_over_a_past_that_does_not_stand_is_refused_by_name(
    said: str, company: Company, change: Callable[..., None]
) -> None:
    company.bring(replace(LOW, region="FR"))
    company.bring(LOW)
    change(REWRITTEN[said], f"UPDATE person SET region = 'FR' {WHO}")
    with pytest.raises(InvalidInput) as caught:
        company.bring(LOW, OTHER)
    assert [fault.field for fault in caught.value.faults] == ["person E-3, column id"]
    company.bring(replace(OTHER, department="Board"))  # without that line it goes


def test_leaving_works_whatever_the_rows_say(company: Company, change: Callable[..., None]) -> None:
    change(f"DELETE FROM person_version {PAST}", f"UPDATE person SET active = false {WHO}")
    services = company.services
    for _ in range(2):
        with services.database.write() as tx:
            services.directory.leave(tx, "E-3", SYSTEM, company.clock.now())
    assert not company.person("E-3").active


def test_an_erasure_over_a_disputed_row_records_nothing_that_it_says(
    company: Company, change: Callable[..., None]
) -> None:
    """Those who reported to the person go on without a line that anybody could believe."""
    change("UPDATE person SET manager = 'E-4' WHERE id = 'E-2'")
    services = company.services
    with services.database.write() as tx:
        services.directory.hand_over(tx, "E-2", SYSTEM, company.clock.now())
    with services.database.read() as tx:
        assert services.directory.line(tx, "E-3") == Line(("E-1",))
        assert services.directory.past(tx, "E-3").versions[-1].manager == TOP.id
    assert MIDDLE.manager == TOP.id
