"""Whoever is erased, and whenever: managers, auditors, lawyers, twice, with entries waiting."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.audit.entries.model import SYSTEM
from app.db.metadata import metadata
from app.db.scrub import scrub
from app.demo.seed import DATA
from app.directory.packs import read_people
from app.kernel.errors import Forbidden
from app.rights.store import TABLES
from app.sdk.verify import render, verify
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story, lease, start_session
from tests.rights.test_erasure import (  # noqa: F401
    BASIS,
    erase,
    export,
    opened,
    signed,
    traces,
)

pytestmark = pytest.mark.parametrize("opened", ["sqlite"], indirect=True)
COLLEAGUE = "E-0026"


def rows_about(services: Services, person_id: str) -> list[str]:
    with services.database.read() as tx:
        return sorted(
            f"{table.name} {dict(row)}"
            for table in metadata.sorted_tables
            for row in tx.execute(select(table)).mappings()
            if person_id in map(str, row.values())
        )


def test_everybody_with_many_rows_is_erased_in_turn_and_all_verifies(
    opened: Services,  # noqa: F811
    tmp_path: Path,
) -> None:
    with opened.database.read() as tx:
        people = opened.directory.people(tx)
    wanted = {EMPLOYEE: next(one for one in people if one.id == EMPLOYEE)}
    for function in sorted({role.name for one in people for role in one.roles}):
        one = next(one for one in people if any(role.name == function for role in one.roles))
        wanted[one.id] = one
    top = next(one for one in people if one.manager is None)
    wanted[top.id] = top
    assert len(wanted) > 4
    for person_id in wanted:
        erase(opened, person_id)
    words = [word for one in wanted.values() for word in (one.id, one.name, one.email)]
    assert traces(opened, *words) == []
    export(opened, tmp_path / "log.tar")
    report = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert report.ok, render(report)
    assert report.counts["erased"] == len(wanted)
    assert scrub(opened.database, TABLES) is None
    for file in (file for file in tmp_path.rglob("*") if file.is_file()):
        data = file.read_bytes()
        assert [word for word in words if word.encode() in data] == [], file


def test_a_colleagues_rows_stay_as_they_are(opened: Services) -> None:  # noqa: F811
    with opened.database.write() as tx:
        day = Story(opened, tx)
        opened.sessions.start(tx, COLLEAGUE, "https://idp", COLLEAGUE, day.now)
    before = rows_about(opened, COLLEAGUE)
    assert len(before) > 2
    erase(opened, EMPLOYEE)
    assert rows_about(opened, COLLEAGUE) == before


def test_with_entries_waiting_for_their_index(opened: Services, tmp_path: Path) -> None:  # noqa: F811
    """What was submitted a moment before is in the log, without its body."""
    note = signed(opened, EMPLOYEE)
    with opened.database.write() as tx:
        day = Story(opened, tx)
        for story in (lease, start_session):
            story(day)
    with opened.database.read() as tx:
        person, waiting = opened.directory.person(tx, EMPLOYEE), opened.log.pending(tx)
    assert waiting
    with opened.database.write() as tx:
        opened.rights.erase(tx, EMPLOYEE, BASIS, note, opened.clock.now())
    opened.integrator.integrate()
    assert traces(opened, person.id, person.name, person.email) == []
    export(opened, tmp_path / "log.tar")
    report = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert report.ok, render(report)


def test_who_came_back_is_erased_by_a_new_statement_only(opened: Services, tmp_path: Path) -> None:  # noqa: F811
    old = signed(opened, EMPLOYEE)
    first = erase(opened, EMPLOYEE)
    with opened.database.write() as tx:
        opened.directory.import_people(
            tx, read_people((DATA / "people.csv").read_bytes(), frozenset()), actor=SYSTEM,
            now=opened.clock.now(), file_digest="sha256:" + "0" * 64,
        )  # fmt: skip
    with pytest.raises(Forbidden), opened.database.write() as tx:
        opened.rights.erase(tx, EMPLOYEE, BASIS, old, opened.clock.now())
    again = erase(opened, EMPLOYEE)
    assert again.pseudonym != first.pseudonym
    export(opened, tmp_path / "log.tar")
    report = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert report.ok, render(report)
    assert report.counts["erased"] == 2


def test_the_log_replays_without_the_rows_it_was_decided_by(
    opened: Services,  # noqa: F811
    tmp_path: Path,
) -> None:
    """access_decision is a projection; whoever empties it takes nothing from the proof."""
    with opened.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_decision")
        connection.exec_driver_sql("DELETE FROM person_session")
    export(opened, tmp_path / "log.tar")
    report = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert report.ok, render(report)
    assert report.counts["decisions"] >= 1
