"""Integrating, then publishing: what a crash, a second process or a restored copy does to it."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit.entries import store
from app.audit.entries.service import AuditService
from app.audit.growing import growth
from app.audit.growing.integrator import REPUBLISH_AFTER, Integrator
from app.audit.growing.lock import LockStore, Published, open_lock
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import Checkpoint, open_checkpoint, sign_note
from app.audit.tree.merkle import CompactRange
from app.db.engine import Database
from app.kernel.errors import Conflict, NotFound, Unavailable
from app.kernel.signing import LocalSigner
from tests.audit import make
from tests.audit.conftest import ORIGIN
from tests.fakes import FakeClock


class Crash(Exception):
    """Ends a process in a test."""


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[LockStore]:
    opened = open_lock(f"sqlite:///{tmp_path / 'lock.sqlite'}")
    yield opened
    opened.database.engine.dispose()


@pytest.fixture
def log(log: AuditService, integrator: Integrator) -> AuditService:
    return replace(log, halt=integrator.halt)


@pytest.fixture
def integrator(integrator: Integrator, lock: LockStore) -> Integrator:
    return replace(integrator, lock=lock)


def append(database: Database, log: AuditService, clock: FakeClock, count: int = 1) -> None:
    with database.write() as tx:
        for number in range(count):
            log.append(tx, make.decision(number), clock.now())


def served(database: Database, log: AuditService, integrator: Integrator) -> int:
    with database.read() as tx:
        note = log.checkpoint(tx)
    return 0 if note is None else open_checkpoint(note.encode(), integrator.key).size


def locked(integrator: Integrator) -> int:
    assert integrator.lock is not None
    note = integrator.lock.read()
    return 0 if note is None else open_checkpoint(note, integrator.key).size


class DiesBefore(LockStore):
    """A lock store whose process dies before it is written."""

    def advance(self, *_: object) -> None:
        raise Crash


class DiesAfter(LockStore):
    """A lock store whose process dies just after it was written."""

    def advance(self, old: bytes | None, new: bytes, now: datetime) -> None:
        super().advance(old, new, now)
        raise Crash


def test_nothing_is_published_of_an_empty_log(
    database: Database, log: AuditService, integrator: Integrator
) -> None:
    assert integrator.integrate() == 0
    assert (served(database, log, integrator), locked(integrator)) == (0, 0)


@pytest.mark.parametrize(("dying", "in_lock"), [(DiesBefore, 3), (DiesAfter, 5)])
def test_a_crash_between_the_steps_is_finished_by_the_next_publishing(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
    dying: type[LockStore],
    in_lock: int,
) -> None:
    """What is served is never ahead of the lock store."""
    make.fill(database, log, integrator, clock, 3)
    append(database, log, clock, 2)
    with pytest.raises(Crash):
        replace(integrator, lock=dying(lock.database)).integrate()
    assert (served(database, log, integrator), locked(integrator)) == (3, in_lock)
    with database.read() as tx:
        assert log.size(tx) == 5
        with pytest.raises(NotFound):
            ReadingService(log).proof(tx, 4)
        assert ReadingService(log).proof(tx, 2).size == 3
    assert integrator.integrate() == 0
    assert (served(database, log, integrator), locked(integrator)) == (5, 5)
    with database.read() as tx:
        assert ReadingService(log).proof(tx, 4).size == 5


def test_who_finds_the_lock_store_moved_looks_again(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
) -> None:
    """Another process publishes between our look and our write."""
    make.fill(database, log, integrator, clock, 3)

    class Beaten(LockStore):
        def advance(self, old: bytes | None, new: bytes, now: datetime) -> None:
            append(database, log, clock)
            assert integrator.integrate() == 1
            LockStore.advance(LockStore(self.database), old, new, now)

    append(database, log, clock)
    replace(integrator, lock=Beaten(lock.database)).integrate()
    assert served(database, log, integrator) == locked(integrator) == 5
    assert integrator.halt.state is None


def test_who_is_beaten_without_end_gives_up_for_now(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
) -> None:
    class AlwaysBeaten(LockStore):
        def advance(self, *_: object) -> None:
            raise Conflict("moved", kind="lock-moved")

    append(database, log, clock)
    with pytest.raises(Unavailable, match="without end"):
        replace(integrator, lock=AlwaysBeaten(lock.database)).integrate()
    assert (served(database, log, integrator), locked(integrator)) == (0, 0)
    assert integrator.halt.state is None


def test_an_unchanged_checkpoint_is_published_again_after_ten_minutes(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
) -> None:
    make.fill(database, log, integrator, clock, 3)

    def published() -> datetime:
        found = lock.published()
        assert found is not None
        return found.at

    first = published()
    clock.advance(REPUBLISH_AFTER - timedelta(seconds=1))
    integrator.integrate()
    assert published() == first
    now = clock.advance(1)
    integrator.integrate()
    assert published() == now
    assert locked(integrator) == 3


def test_a_clock_that_is_set_back_does_not_stop_the_republishing(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
) -> None:
    make.fill(database, log, integrator, clock, 1)
    clock.advance(timedelta(days=-1))
    integrator.integrate()
    published = lock.published()
    assert published is not None
    assert published.at == clock.now()


def test_the_time_of_integration_never_decreases(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 3)
    before = clock.now()
    for step in (-3600, 1, 7200, -1):
        clock.advance(step)
        append(database, log, clock)
        integrator.integrate()
    with database.read() as tx:
        times = [entry.leaf["integrated_at"] for entry in store.entries_between(tx, 0, 100)]
    assert times == sorted(times)
    assert times[3] == times[2]  # the clock had gone back
    assert clock.now() > before


def forged(
    integrator: Integrator, size: int, root: bytes, signer: LocalSigner | None = None
) -> bytes:
    text = Checkpoint(ORIGIN, size, root).text
    return sign_note(text, ORIGIN, signer or integrator.signer).encode()


def ahead(integrator: Integrator, tree: CompactRange) -> bytes:
    return forged(integrator, tree.size + 1, bytes(32))


def beside(integrator: Integrator, tree: CompactRange) -> bytes:
    return forged(integrator, tree.size, bytes(32))


def behind_and_beside(integrator: Integrator, tree: CompactRange) -> bytes:
    return forged(integrator, tree.size - 1, bytes(32))


def of_a_stranger(integrator: Integrator, tree: CompactRange) -> bytes:
    return forged(integrator, tree.size, tree.root, LocalSigner.generate())


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (ahead, "rolled_back"),
        (beside, "rolled_back"),
        (behind_and_beside, "rolled_back"),
        (of_a_stranger, "another-log"),
    ],
)
def test_a_log_that_does_not_continue_what_was_signed_halts_and_goes_on_when_it_does_again(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    known: Callable[[Integrator, CompactRange], bytes],
    state: str,
) -> None:
    """Neither grown nor signed nor added to; and said once, loudly."""
    make.fill(database, log, integrator, clock, 4)
    append(database, log, clock)
    with database.read() as tx:
        tree = store.head_of(tx)
    right = lock.read()
    assert right is not None
    wrong = known(integrator, tree)
    lock.advance(right, wrong, clock.now())
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            integrator.integrate()
        assert refused.value.kind == state
    assert integrator.halt.state == state
    with pytest.raises(Unavailable) as refused, database.write() as tx:
        log.append(tx, make.decision(1), clock.now())
    assert refused.value.kind == state
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == (4, 1)
    assert [record.levelname for record in caplog.records if "halted" in record.message] == [
        "CRITICAL"
    ]
    lock.advance(wrong, right, clock.now())
    assert integrator.integrate() == 1
    assert integrator.halt.state is None


def test_a_lock_store_that_forgets_while_we_run_is_not_written_anew(
    database: Database, log: AuditService, integrator: Integrator, lock: LockStore, clock: FakeClock
) -> None:
    """With what it knew, whoever rolls the database back would begin another log unnoticed."""
    make.fill(database, log, integrator, clock, 4)
    right = lock.read()
    assert right is not None
    append(database, log, clock)
    with lock.database.write() as tx:
        tx.execute(text("DELETE FROM lock_checkpoint"))
    for publish in (integrator.integrate, integrator.publish):
        with pytest.raises(Unavailable) as refused:
            publish()
        assert refused.value.kind == "lock-lost"
    assert integrator.halt.state == "lock-lost"
    assert lock.read() is None
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == (4, 1)
    lock.advance(None, right, clock.now())
    assert integrator.integrate() == 1
    assert integrator.halt.state is None


class PublishedMeanwhile(LockStore):
    """Holds nothing at the first look; then another process publishes the first checkpoint."""

    looked = False

    def published(self) -> Published | None:
        if not type(self).looked:
            type(self).looked = True
            return None
        return super().published()


def test_the_first_checkpoint_of_another_process_is_no_loss(
    database: Database, log: AuditService, integrator: Integrator, lock: LockStore, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 4)
    replace(integrator, lock=PublishedMeanwhile(lock.database)).publish()
    assert integrator.halt.state is None


def test_a_database_that_lost_entries_takes_none_even_before_the_integrator_looks(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 4)
    integrator.halt.reached(5)  # what this process published, which this database never had
    with pytest.raises(Unavailable) as refused, database.write() as tx:
        log.append(tx, make.decision(1), clock.now())
    assert refused.value.kind == "rolled_back"
    assert integrator.halt.state == "rolled_back"


def test_the_loop_of_a_halted_log_keeps_looking_and_recovers(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    lock: LockStore,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make.fill(database, log, integrator, clock, 4)
    right = lock.read()
    assert right is not None
    wrong = forged(integrator, 4, bytes(32))
    lock.advance(right, wrong, clock.now())
    stop = threading.Event()
    loop = threading.Thread(target=integrator.run, args=(stop,))
    loop.start()
    try:
        assert waited(lambda: integrator.halt.state == "rolled_back")
        lock.advance(wrong, right, clock.now())
        assert waited(lambda: integrator.halt.state is None)
    finally:
        stop.set()
        loop.join(timeout=5)
    assert "Traceback" not in caplog.text
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_overdue_submissions_are_reported_once(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    append(database, log, clock)
    with database.read() as tx:
        assert log.overdue(tx, clock.now()) == ()
        later = clock.now() + timedelta(seconds=11)
        assert len(log.overdue(tx, later)) == 1
    clock.advance(11)
    with caplog.at_level(logging.WARNING):
        late = integrator._warn(late=False)
        assert integrator._warn(late)
    assert len(caplog.records) == 1
    integrator.integrate()
    assert not integrator._warn(late)


def waited(condition: Callable[[], bool]) -> bool:
    for _ in range(300):
        if condition():
            return True
        threading.Event().wait(0.02)
    return False


def test_two_processes_publish_the_same_size_once(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 3)
    with database.read() as tx:
        tree, signed = store.head_of(tx), store.last_checkpoint(tx)
    assert signed is not None
    with database.write() as tx:
        growth.add_checkpoint(tx, tree, signed.note, clock.now())
    with database.read() as tx:
        assert store.last_checkpoint(tx) == signed


def test_the_lock_store_of_another_process_is_a_conflict(
    integrator: Integrator, lock: LockStore, clock: FakeClock
) -> None:
    lock.advance(None, forged(integrator, 1, bytes(32)), clock.now())
    with pytest.raises(Conflict):
        lock.advance(None, forged(integrator, 2, bytes(32)), clock.now())
