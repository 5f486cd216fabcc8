"""Refusals at the door are counted, and told in one entry a minute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient

from app.audit.entries.model import EntryFilter, Kind
from app.audit.reading.service import ReadingService
from app.db.engine import Database, Tx
from app.kernel.errors import Unavailable
from app.kernel.lanes import Lane
from app.main import create_app
from app.wiring import Services
from tests.fakes import FakeClock


def told(services: Services) -> list[dict[str, object]]:
    """The facts of what the log says of refusals, the oldest first."""
    services.integrator.integrate()
    with services.database.read() as tx:
        wanted = EntryFilter(kind=Kind.DOOR_REFUSED, limit=100)
        entries = ReadingService(services.log).search(tx, wanted)
    return [entry.leaf["facts"] for entry in sorted(entries, key=lambda entry: entry.idx)]


def test_a_thousand_wrong_secrets_are_one_entry_that_names_nobody(
    services: Services, clock: FakeClock
) -> None:
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    for number in range(30):
        answer = client.post(
            "/access/v1/evaluation", headers={"Authorization": f"Bearer guess-{number}"}, json={}
        )
        assert answer.status_code == 401
    for _ in range(5):
        assert client.get("/v1/agent/lease").status_code == 401
    assert told(services) == [], "nothing is written at the door"
    clock.advance(60)
    assert services.doorkeeper.tell()
    assert not services.doorkeeper.tell(), "it is told once"
    (facts,) = told(services)
    assert facts["refusals"] == [
        {"lane": "agents", "status": 401, "count": 5},
        {"lane": "consumers", "status": 401, "count": 30},
    ]
    assert facts.keys() == {"counted_from", "counted_until", "refusals"}


def test_a_form_of_another_site_is_counted_as_what_is_not_theirs(services: Services) -> None:
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    client.cookies.set("habeas", "no such session")
    answer = client.post("/me/decisions", data={"act": "withdrawn"})
    assert answer.status_code == 403
    services.doorkeeper.tell()
    assert told(services)[0]["refusals"] == [{"lane": "out", "status": 403, "count": 1}]


def test_where_nothing_is_refused_nothing_is_written(services: Services) -> None:
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    assert client.get("/healthz").status_code == 200
    assert client.get("/nowhere").status_code == 404
    assert not services.doorkeeper.tell()


def test_what_the_database_does_not_take_is_told_the_next_time(services: Services) -> None:
    keeper = services.doorkeeper
    keeper.count(Lane.PEOPLE, 403)
    working, silent = keeper.database, Silent(services.database.engine)
    keeper.database = silent
    with pytest.raises(Unavailable):
        keeper.tell()
    keeper.database = working
    keeper.count(Lane.PEOPLE, 403)
    assert keeper.tell()
    assert told(services)[-1]["refusals"] == [{"lane": "people", "status": 403, "count": 2}]


class Silent(Database):
    """A database that does not answer."""

    @contextmanager
    def write(self, lane: Lane = Lane.PEOPLE) -> Iterator[Tx]:
        raise Unavailable(f"nobody answers {lane.name}")
        yield


def test_what_was_counted_is_told_when_the_service_ends(services: Services) -> None:
    stop = threading.Event()
    services.doorkeeper.count(Lane.AGENTS, 429)
    runs = threading.Thread(target=services.doorkeeper.run, args=(stop,))
    runs.start()
    stop.set()
    runs.join(10)
    assert told(services)[0]["refusals"] == [{"lane": "agents", "status": 429, "count": 1}]
