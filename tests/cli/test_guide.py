"""What docs/operate.md says to type: on SQLite, and on PostgreSQL with its roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from app.consent.model import State
from app.db.engine import open_database
from app.db.migrate import alembic_config
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE
from tests.audit.restore.instance import consents, withdraws
from tests.guide import blocks
from tests.office import Office, opened
from tests.rights.test_erasure import traces

pytestmark = pytest.mark.slow

FOLLOWED = {
    "Copies", "Upgrade", "Custodians", "Put a copy back", "Let the log go on", "Erasure", "Roles",
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    with opened(request.param, request, tmp_path) as made:
        yield made


def test_each_command_of_the_page_is_run_here() -> None:
    mine = [block for block in blocks() if block.chapter != "Keys"]  # tests/cli/test_keys_verbs.py
    assert {block.section for block in mine} == FOLLOWED
    assert {block.only for block in mine} == {"", "sqlite", "postgresql"}


def test_a_copy_is_put_back_and_two_custodians_let_the_log_go_on(office: Office) -> None:
    office.run(consents)
    office.follow("Copies")
    office.run(withdraws)
    office.follow("Put a copy back")
    assert "this log had" in office.says("people", "places", code=2)
    assert "1 consent was ended" in office.follow("Let the log go on")
    assert office.state() is State.REVOKED
    office.verified("after.tar")
    office.run(consents)
    assert office.state() is State.GIVEN


def test_a_person_is_erased(office: Office) -> None:
    office.run(consents)
    services = office.run()
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
    services.close()
    told = office.follow("Erasure", ends=1 if office.kind == "postgresql" else 0)
    assert ("habeas database scrub" in told) == (office.kind == "postgresql")
    services = office.run()
    assert traces(services, person.id, person.name, person.email) == []
    services.close()
    assert office.verified("after.tar")["erased"] == 1


def test_a_database_of_an_earlier_release_is_upgraded(office: Office) -> None:
    office.run(consents)
    office.follow("Copies")
    owner = open_database(office.owner)
    command.downgrade(alembic_config(owner), "-1")
    owner.engine.dispose()
    if office.kind == "postgresql":
        assert "habeas database upgrade" in office.says("people", "places", code=2)
    office.follow("Upgrade")
    office.verified("after.tar")


def test_an_older_program_says_so_and_nothing_is_lost_where_nothing_was_recorded(
    office: Office,
) -> None:
    office.run(consents)
    office.follow("Copies")
    upgrade_to_tomorrow(office)
    assert "this program is older than the database" in office.says("people", "places", code=2)
    office.follow("Put a copy back")
    assert office.state() is State.GIVEN


def test_what_a_newer_program_recorded_is_lost_when_an_older_one_comes_back(
    office: Office,
) -> None:
    office.run(consents)
    office.follow("Copies")
    office.run(withdraws)
    upgrade_to_tomorrow(office)
    assert "Roll back" in office.says("people", "places", code=2)
    office.follow("Put a copy back")
    office.says("people", "places", code=2)
    office.follow("Let the log go on")
    assert office.state() is State.REVOKED


def upgrade_to_tomorrow(office: Office) -> None:
    """What a newer program's upgrade leaves, as far as this one can see."""
    owner = open_database(office.owner)
    with owner.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999_of_tomorrow'"))
    owner.engine.dispose()
