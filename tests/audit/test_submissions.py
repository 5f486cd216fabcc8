"""The promise that an event will be in the log: given, kept, and missed."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.reading.service import ReadingService
from app.kernel.errors import Unavailable
from app.kernel.signing import BadToken, public_from_jwk, read_token
from app.kernel.tokens import SUBMISSION_TYPE, TYPE_OF
from app.main import create_app
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.fakes import FakeClock


def keys_of(services: Services, typ: str = SUBMISSION_TYPE) -> dict[str, bytes]:
    listed = services.jwks["keys"]
    assert isinstance(listed, list)
    return {key["kid"]: public_from_jwk(key) for key in listed if key["habeas_typ"] == typ}


def test_the_promise_names_what_the_entry_will_say(services: Services, clock: FakeClock) -> None:
    with services.database.write() as tx:
        event = services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
        early = services.log.submission_receipts(tx, (event,))[event]
    claims = read_token(early, SUBMISSION_TYPE, keys_of(services))
    services.integrator.integrate()
    clock.advance(100)
    with services.database.read() as tx:
        index = services.log.index_of(tx, event)
        assert index is not None
        leaf = ReadingService(services.log).entry(tx, index).leaf
        assert services.log.submission_receipts(tx, (event, "unknown")) == {event: early}
    issued = int((clock.now() - timedelta(seconds=100)).timestamp())
    assert claims == {
        "iss": services.settings.issuer,
        "log": services.log.origin,
        "event": event,
        "submission": leaf["submission"],
        "iat": issued,
        "merge_by": issued + 10,
    }


def test_its_key_signs_nothing_else(services: Services, clock: FakeClock) -> None:
    publics = {name: services.keys.signer(name).public for name in (*TYPE_OF, "log")}
    assert len(set(publics.values())) == len(publics)
    with services.database.write() as tx:
        event = services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
        token = services.log.submission_receipts(tx, (event,))[event]
    for typ in set(TYPE_OF.values()) - {SUBMISSION_TYPE}:
        with pytest.raises(BadToken):
            read_token(token, typ, keys_of(services, typ))


def test_a_change_that_was_undone_has_no_promise(services: Services, clock: FakeClock) -> None:
    def undone() -> str:
        with services.database.write() as tx:
            event = services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
            services.log.append(tx, Event(Kind.LOG_READ, SYSTEM, {"n": "x" * 70_000}), clock.now())
        return event

    with pytest.raises(ValueError, match="code"):
        undone()
    with services.database.read() as tx:
        assert services.log.pending(tx) == 0


def test_whoever_holds_the_id_of_an_event_gets_its_promise(
    client: TestClient, services: Services, clock: FakeClock
) -> None:
    with services.database.write() as tx:
        event = services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
    answer = client.get(f"/log/submissions/{event}")
    assert answer.headers["content-type"] == f"application/{SUBMISSION_TYPE}"
    assert read_token(answer.text, SUBMISSION_TYPE, keys_of(services))["event"] == event
    unknown = client.get("/log/submissions/00000000-0000-4000-8000-000000000000")
    assert unknown.status_code == 404
    assert client.get("/log/submissions/x").status_code == 422


def test_the_receipt_of_a_decision_carries_the_promise(sample: Services, clock: FakeClock) -> None:
    with sample.database.write() as tx:
        Story(sample, tx).given()
    with sample.database.read() as tx:
        (receipt,) = sample.consent.receipts(tx, EMPLOYEE)
        promised = sample.log.submission_receipts(tx, (receipt.event_id,))
    claims = read_token(promised[receipt.event_id], SUBMISSION_TYPE, keys_of(sample))
    assert claims["event"] == receipt.event_id
    assert claims["iat"] == int(clock.now().timestamp())


def test_a_missed_promise_shows_until_it_is_kept(services: Services, clock: FakeClock) -> None:
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
    clock.advance(11)
    health = client.get("/healthz")
    # Not 503: nobody may be turned away from opting out by a probe.
    assert (health.status_code, health.json()["status"]) == (200, "late")
    assert health.json()["overdue"] == 1
    services.integrator.integrate()
    assert client.get("/healthz").json()["overdue"] == 0


def test_a_lock_store_that_does_not_answer_holds_back_publishing_and_nothing_else(
    services: Services, clock: FakeClock
) -> None:
    """What people decide meanwhile is taken; it is published when the lock store is back."""
    services.lock.database.engine.dispose()
    lock = services.settings.lock_folder / "lock.sqlite"
    hidden = lock.with_name("hidden")
    lock.rename(hidden)
    lock.mkdir()
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), clock.now())
    with pytest.raises(Unavailable):
        services.integrator.integrate()
    assert services.log.halt.state is None
    lock.rmdir()
    hidden.rename(lock)
    assert services.integrator.integrate() == 1
