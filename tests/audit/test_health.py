"""Whether the instance says that its log does not grow."""

from datetime import timedelta

from starlette.testclient import TestClient

from app.audit.entries.model import SYSTEM, Event, Kind
from app.main import create_app
from app.wiring import Services
from tests.fakes import FakeClock


def test_an_entry_that_waits_too_long_is_told_and_turns_nobody_away(
    services: Services, clock: FakeClock
) -> None:
    # Not entered as a context: no integrator runs.
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
    clock.advance(timedelta(seconds=10))
    assert client.get("/healthz").status_code == 200
    clock.advance(timedelta(seconds=1))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["oldest_pending_s"]) == (200, 11)
    services.integrator.integrate()
    assert client.get("/healthz").json()["status"] == "ok"
