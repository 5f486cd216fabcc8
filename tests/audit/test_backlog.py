"""When more waits than the log takes: machines come later, people do not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.api import deps
from app.audit.entries.service import AuditService
from app.audit.growing.backlog import LOOK_AGAIN_S, Backlog
from app.audit.growing.integrator import Integrator
from app.consent.model import Act
from app.db.engine import Database
from app.kernel.errors import Unavailable
from app.main import create_app
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.architecture.test_house import calls, routes
from tests.audit import make
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow

MOST, WITHIN, SETTLE = 3, timedelta(seconds=10), 1.0


class Boot:
    """Seconds since boot."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def boot() -> Boot:
    return Boot()


@pytest.fixture
def has_room(database: Database, clock: FakeClock, boot: Boot) -> Callable[[], bool]:
    backlog = Backlog(MOST, WITHIN, SETTLE, boot)

    def look() -> bool:
        boot.at += LOOK_AGAIN_S
        try:
            backlog.require_room(database, clock.now())
        except Unavailable:
            return False
        return True

    return look


def append(database: Database, log: AuditService, clock: FakeClock, count: int = 1) -> None:
    with database.write() as tx:
        for number in range(count):
            log.append(tx, make.decision(number), clock.now())


def test_machines_are_sent_away_when_too_many_entries_wait(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    has_room: Callable[[], bool],
) -> None:
    assert has_room()
    append(database, log, clock, MOST)
    assert has_room()
    append(database, log, clock)
    assert not has_room()
    integrator.integrate()
    assert has_room()


def test_machines_are_sent_away_when_the_oldest_entry_waits_too_long(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    boot: Boot,
    has_room: Callable[[], bool],
) -> None:
    append(database, log, clock)
    assert has_room()
    boot.at += SETTLE
    clock.advance(WITHIN)
    assert has_room()
    clock.advance(1)
    assert has_room()
    boot.at += SETTLE
    assert not has_room()
    integrator.integrate()
    append(database, log, clock)
    assert has_room()


def test_a_queue_that_moves_but_is_always_late_sends_machines_away(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    boot: Boot,
    has_room: Callable[[], bool],
) -> None:
    """The oldest entry is another one at each look, and each of them is late."""

    def append_late() -> None:
        with database.write() as tx:
            log.append(tx, make.decision(1), clock.now() - WITHIN - timedelta(seconds=1))

    append_late()
    assert has_room()
    integrator.integrate()
    append_late()
    boot.at += SETTLE
    assert not has_room()


def test_a_clock_that_leaps_makes_no_entry_old(
    database: Database,
    log: AuditService,
    clock: FakeClock,
    boot: Boot,
    has_room: Callable[[], bool],
) -> None:
    """Only where entries are old for a while are they too old."""
    append(database, log, clock)
    clock.advance(timedelta(days=1))
    assert has_room()
    boot.at += SETTLE
    assert not has_room()


def test_between_two_looks_the_database_is_left_alone(
    database: Database, log: AuditService, clock: FakeClock, boot: Boot
) -> None:
    backlog = Backlog(MOST, WITHIN, SETTLE, boot)
    backlog.require_room(database, clock.now())
    append(database, log, clock, MOST + 1)
    backlog.require_room(database, clock.now())
    boot.at += LOOK_AGAIN_S
    with pytest.raises(Unavailable):
        backlog.require_room(database, clock.now())
    with pytest.raises(Unavailable):
        backlog.require_room(database, clock.now())


def test_an_opt_out_is_taken_while_machines_are_sent_away(
    sample: Services, clock: FakeClock
) -> None:
    """Not entered as a context: no integrator runs."""
    client = TestClient(create_app(sample), base_url=sample.settings.base_url)
    with sample.database.write() as tx:
        Story(sample, tx).given()
    append(sample.database, sample.log, clock, sample.settings.pending_max)
    for path in ("/v1/agent/reports", "/access/v1/evaluation"):
        answer = client.post(path, headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.headers["Retry-After"].isdecimal()) == (503, True), path
        assert answer.json()["type"].endswith(":log-busy")
    for act in (Act.PAUSED, Act.WITHDRAWN):
        until = clock.now() + timedelta(hours=1) if act is Act.PAUSED else None
        with sample.database.write() as tx:
            person = sample.directory.person(tx, EMPLOYEE)
            taken = sample.consent.decide(tx, person, act, clock.now(), until=until)
        assert taken.decision.act is act


def test_no_page_of_a_person_asks_whether_there_is_room(sample: Services) -> None:
    """Every route that does is one that machines call by the thousand; leases ask by themselves."""
    asking = {route.path for route in routes(create_app(sample)) if deps._room in calls(route)}
    assert asking == {"/v1/agent/reports", "/access/v1/evaluation"}
