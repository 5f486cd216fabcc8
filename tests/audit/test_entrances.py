"""What somebody puts at the log's entrances with SQL: never numbered, never signed, and named."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.audit.entries import store
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.vault import Vault
from app.audit.entries.waiting import PENDING_CHAIN
from app.audit.growing.backlog import Backlog
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.db.engine import open_database
from app.kernel.errors import Unavailable
from app.main import create_app
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.tamper import sql, tampering

FORGED = b'{"kind":"consent.given","facts":{}}'


def hand_in(services: Services) -> str:
    with services.database.write() as tx:
        return services.log.append(tx, Event(Kind.SESSION_STARTED, SYSTEM), services.clock.now())


def numbered(services: Services, event: str) -> bool:
    with services.database.read() as tx:
        return services.log.index_of(tx, event) is not None


def signed(services: Services) -> int:
    note = services.lock.read()
    assert note is not None
    return parse_checkpoint(parse_note(note).text).size


def alarms(services: Services) -> int:
    """How many alarms the log raised about what waits."""
    with services.database.read() as tx:
        entries = store.entries_between(tx, 0, services.log.size(tx))
    raised = [entry.leaf for entry in entries if entry.leaf["kind"] == Kind.ALARM_RAISED]
    return sum(leaf["facts"]["chain"] == PENDING_CHAIN for leaf in raised)


def put(services: Services, event: str, submission: object, created_at: str = "now") -> None:
    """Insert a submission without the seal that belongs to it, behind all that wait."""
    at = services.clock.now().isoformat(" ") if created_at == "now" else created_at
    with tampering(services.database) as connection:
        connection.execute(
            text(
                "INSERT INTO audit_pending (pid, event_id, submission, created_at) "
                "SELECT 9000 + count(*), :event, :submission, :at FROM audit_pending"
            ),
            {"event": event, "submission": submission, "at": at},
        )


# What waits


def inserted(services: Services) -> str:
    with services.database.write() as tx:  # as the service would write it, without the key
        event = services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), services.clock.now())
    sql(services.database, f"UPDATE audit_pending SET seal = NULL WHERE event_id = '{event}'")
    return event


def changed(services: Services) -> str:
    event = hand_in(services)
    with tampering(services.database) as connection:
        (raw,) = connection.execute(text("SELECT submission FROM audit_pending")).one()
        said = bytes(raw).replace(b'"session.started"', b'"consent.revoked"')
        assert said != bytes(raw)
        connection.execute(text("UPDATE audit_pending SET submission = :said"), {"said": said})
    return event


def dated_back(services: Services) -> str:
    event = hand_in(services)
    sql(services.database, "UPDATE audit_pending SET created_at = '2026-11-15 09:00:00+00:00'")
    return event


def with_the_seal_of_another(services: Services) -> str:
    hand_in(services)
    put(services, "another", FORGED)
    sql(
        services.database,
        "UPDATE audit_pending SET seal = (SELECT seal FROM audit_pending WHERE pid < 9000) "
        "WHERE event_id = 'another'",
    )
    return "another"


def with_the_content_of_another(services: Services) -> str:
    """All of a sound row, under a name of its own."""
    hand_in(services)
    sql(
        services.database,
        "INSERT INTO audit_pending (pid, event_id, submission, created_at, seal) "
        "SELECT 9000, 'another', submission, created_at, seal FROM audit_pending",
    )
    return "another"


def unreadable(services: Services) -> str:
    put(services, "unreadable", b"\xff{")
    return "unreadable"


FORGERIES: dict[str, Callable[[Services], str]] = {
    "inserted": inserted,
    "its bytes changed": changed,
    "dated back": dated_back,
    "with the seal of another": with_the_seal_of_another,
    "a sound row again, under another name": with_the_content_of_another,
    "unreadable": unreadable,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_the_service_did_not_hand_in_waits_for_ever_and_is_named(
    forge: Callable[[Services], str], services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    forged = forge(services)
    ours = hand_in(services)
    services.integrator.integrate()
    assert numbered(services, ours), "others wait for it"
    assert not numbered(services, forged)
    services.integrator.integrate()
    assert PENDING_CHAIN in services.database.seals.alarms

    started = build(services.settings, clock=clock, shipped=shipped)
    later = hand_in(started)
    started.integrator.integrate()
    assert numbered(started, later)
    assert not numbered(started, forged)
    assert signed(started) == started.fold.tree.size
    assert alarms(started) == 1, "it is told once"
    started.close()


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_the_service_did_not_hand_in_is_an_alarm_and_not_late(
    forge: Callable[[Services], str], services: Services, clock: FakeClock
) -> None:
    forged = forge(services)
    for _ in range(2):
        services.integrator.integrate()
    clock.advance(timedelta(hours=1))
    client = TestClient(create_app(services), base_url=services.settings.base_url)
    answer = client.get("/healthz")
    said = {name: answer.json()[name] for name in ("status", "pending", "overdue", "alarms")}
    assert answer.status_code == 200
    assert said == {"status": "ok", "pending": 0, "overdue": 0, "alarms": 1}
    assert answer.json()["oldest_pending_s"] == 0
    Backlog(1, timedelta(seconds=10), 0).require_room(services.database, clock.now())

    ours = hand_in(services)
    clock.advance(timedelta(hours=1))
    late = client.get("/healthz")
    said = {name: late.json()[name] for name in ("status", "pending", "overdue")}
    assert (late.status_code, said) == (200, {"status": "late", "pending": 1, "overdue": 1})
    assert late.json()["oldest_pending_s"] == 3600
    with pytest.raises(Unavailable, match="more waits"):
        Backlog(1, timedelta(seconds=10), 0).require_room(services.database, clock.now())
    with services.database.read() as tx:
        (waits,) = services.log.overdue(tx, clock.now())
        (raised,) = (
            entry.leaf["facts"]
            for entry in store.entries_between(tx, 0, services.log.size(tx))
            if entry.leaf["kind"] == Kind.ALARM_RAISED
        )
    assert waits.event_id == ours
    assert (raised["table"], raised["row"]) == ("audit_pending", forged)


def test_many_that_nobody_handed_in_hide_nothing_that_is_late(
    services: Services, clock: FakeClock
) -> None:
    row = {"submission": FORGED, "created_at": clock.now()}
    with tampering(services.database) as connection:
        forged = [{**row, "pid": pid, "event_id": f"e-{pid}"} for pid in range(500, 650)]
        connection.execute(store.pending.insert(), forged)
    event = hand_in(services)
    with tampering(services.database) as connection:  # behind them; no seal is over this number
        named = store.pending.c.event_id == event
        connection.execute(store.pending.update().where(named).values(pid=1_000))
    with services.database.read() as tx:
        assert services.log.pending(tx) == 1
        later = clock.now() + timedelta(hours=1)
        assert [one.event_id for one in services.log.overdue(tx, later)] == [event]


@pytest.mark.parametrize("column", ["submission", "created_at"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_submission_of_another_type_stops_no_start(
    column: str, services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    """SQLite keeps any type in any column."""
    if column == "submission":
        put(services, "odd", "text")
    else:
        put(services, "odd", FORGED, created_at="never")
    started = build(services.settings, clock=clock, shipped=shipped)
    ours = hand_in(started)
    started.integrator.integrate()
    assert numbered(started, ours)
    assert not numbered(started, "odd")
    started.integrator.integrate()
    assert PENDING_CHAIN in started.database.seals.alarms
    started.close()


def test_a_submission_that_has_its_index_and_is_put_back_stops_nothing(services: Services) -> None:
    """Its seal fits; whoever reads what waits can keep a copy."""
    event = hand_in(services)
    with services.database.read() as tx:
        row = tx.execute(store.pending.select()).one()._asdict()
    services.integrator.integrate()
    size = signed(services)
    with tampering(services.database) as connection:
        connection.execute(store.pending.insert(), row)
    ours = hand_in(services)
    services.integrator.integrate()
    assert numbered(services, event)
    assert numbered(services, ours)
    assert signed(services) == size + 1
    services.integrator.integrate()
    assert PENDING_CHAIN in services.database.seals.alarms


# Leaves and the head


def grown_by_somebody_else(services: Services) -> None:
    """A leaf, its tiles and the head, all as the integrator writes them, but for the key."""
    owner = open_database(services.settings.database_url)  # nobody gave it the keys of seals
    log = replace(services.log, vault=Vault(bytes(32)))
    alone = replace(services.integrator, database=owner, lock=None, fold=None, raise_found=None)
    with owner.write() as tx:
        log.append(tx, Event(Kind.LOG_READ, SYSTEM), services.clock.now())
        alone.grow(tx, store.head_of(tx))
    owner.engine.dispose()


def rolled_back(services: Services) -> None:
    """The head as it was, with the seal that it had then; the leaf behind it is gone."""
    with services.database.read() as tx:
        before = tx.execute(store.head.select()).one()._asdict()
    hand_in(services)
    services.integrator.integrate()
    with tampering(services.database) as connection:
        for table in ("audit_leaf_subject", "audit_leaf_region", "audit_leaf"):
            connection.execute(
                text(f"DELETE FROM {table} WHERE idx >= :size"), {"size": before["size"]}
            )
        connection.execute(
            text("DELETE FROM audit_checkpoint WHERE size > :size"), {"size": before["size"]}
        )
        connection.execute(store.head.update().values(**before))


def removed(services: Services) -> None:
    sql(services.database, "DELETE FROM audit_head")


def of_other_size(services: Services) -> None:
    sql(services.database, "UPDATE audit_head SET size = size + 1")


def cut_off(services: Services) -> None:
    sql(services.database, "UPDATE audit_head SET frontier = root")


def hash_changed(services: Services) -> None:
    sql(
        services.database,
        "UPDATE audit_leaf SET leaf_hash = (SELECT root FROM audit_head) WHERE idx = 3",
    )
    hand_in(services)  # an idle log is not read


HEADS: dict[str, tuple[Callable[[Services], None], str]] = {
    "a leaf inserted and the head moved": (grown_by_somebody_else, "head-unsealed"),
    "the head rolled back": (rolled_back, "rolled_back"),
    "the head removed": (removed, "head-unsealed"),
    "the head of another size": (of_other_size, "head-unsealed"),
    "the frontier cut off": (cut_off, "head-unsealed"),
    "the hash of a leaf changed": (hash_changed, "rolled_back"),
}


@pytest.fixture(params=HEADS.values(), ids=HEADS.keys())
def headless(request: pytest.FixtureRequest, services: Services) -> tuple[Services, str, int]:
    """The service, the kind of its refusal, and how many entries were signed before."""
    tamper, kind = request.param
    tamper(services)
    return services, kind, signed(services)


def test_a_head_that_somebody_moved_halts_a_service_that_runs(
    headless: tuple[Services, str, int],
) -> None:
    services, kind, size = headless
    with pytest.raises(Unavailable) as refused:
        services.integrator.integrate()
    assert refused.value.kind == kind
    assert services.log.halt.state == kind
    with pytest.raises(Unavailable) as refused:
        hand_in(services)
    assert refused.value.kind == kind
    assert signed(services) == size


def test_a_head_that_somebody_moved_is_noticed_with_the_next_submission(
    services: Services,
) -> None:
    hand_in(services)
    grown_by_somebody_else(services)
    hand_in(services)
    size = signed(services)
    with pytest.raises(Unavailable, match="moved from"):
        services.integrator.integrate()
    assert signed(services) == size


def test_a_head_that_somebody_moved_lets_nobody_start(
    headless: tuple[Services, str, int], clock: FakeClock, shipped: Shipped
) -> None:
    services, kind, size = headless
    with pytest.raises(Unavailable) as refused:
        build(services.settings, clock=clock, shipped=shipped)
    assert refused.value.kind == kind
    assert signed(services) == size


@pytest.mark.parametrize("column", ["size", "frontier"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_head_of_another_type_is_a_sentence(
    column: str, services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    sql(services.database, f"UPDATE audit_head SET {column} = 'text'")
    with pytest.raises(Unavailable, match="removed, or made unreadable"):
        build(services.settings, clock=clock, shipped=shipped)


# A log that cannot be believed


def garble(services: Services) -> bytes:
    """Change a leaf's bytes, not its hash; return what it was."""
    with tampering(services.database) as connection:
        said = connection.execute(text("SELECT entry FROM audit_leaf WHERE idx = 1")).scalar_one()
        leaf = json.loads(bytes(said))
        assert leaf["kind"] == Kind.SEALS_ADOPTED
        connection.execute(
            text("UPDATE audit_leaf SET entry = :entry WHERE idx = 1"),
            {"entry": bytes(said).replace(b"seals.adopted", b"log.read")},
        )
    return bytes(said)


def test_a_log_that_does_not_say_that_rows_are_sealed_takes_nothing_on_trust(
    services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    garble(services)
    put(services, "forged", FORGED)
    started = build(services.settings, clock=clock, shipped=shipped)
    assert started.database.seals.broken is not None
    started.integrator.integrate()
    assert not numbered(started, "forged")
    started.close()


def test_nor_does_it_take_a_head_on_trust(
    services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    garble(services)
    grown_by_somebody_else(services)
    with pytest.raises(Unavailable, match="moved from"):
        build(services.settings, clock=clock, shipped=shipped)
