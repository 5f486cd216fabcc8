"""Somebody is erased, yesterday's copy comes back, and in the end everything agrees again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.consent.model import Act
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.office import Office, opened
from tests.rights.test_erasure import traces

pytestmark = pytest.mark.slow

COLLEAGUE = "E-0030"


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    with opened(request.param, request, tmp_path) as made:
        yield made


def refuses(story: Story) -> None:
    story.services.consent.decide(story.tx, story.person(COLLEAGUE), Act.REFUSED, story.now)


def test_erase_restore_reconcile_verify(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.run(Story.given)
    services = office.run()
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
    services.close()
    office.follow("Copies")

    on_postgresql = office.kind == "postgresql"
    office.follow("Erasure", ends=1 if on_postgresql else 0)
    office.run(refuses)
    before = office.verified("before.tar")
    assert before["erased"] == 1

    office.follow("Put a copy back")
    assert "this log had" in office.says("people", "places", code=2)
    office.follow("Let the log go on")
    caplog.clear()
    office.run()  # erases again whom the copy had brought back
    assert ("habeas database scrub" in caplog.text) == on_postgresql
    if on_postgresql:
        office.says("database", "scrub", "--admin-url", office.environment["ADMIN_URL"])
    services = office.run()
    assert traces(services, person.id, person.name, person.email) == []
    services.close()

    assert office.says("doctor").startswith("In order")
    after = office.verified("after.tar")
    assert after["erased"] == 1
