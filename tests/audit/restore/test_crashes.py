"""A restore that was interrupted, forged, or whose lock store is gone."""

import pytest

from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.reading.service import ReadingService
from app.audit.restore.record import RestoreRecord
from app.demo.custodians import NAMES
from app.kernel.errors import Conflict, Forbidden, Unavailable
from app.kernel.facts import encode
from tests.architecture.test_every_change_is_an_entry import start_session
from tests.audit.restore.instance import Crash, Instance, consents, dies, lose_a_withdrawal, write

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("where", ["before the tree", "before the lock", "after the lock"])
def test_a_crash_in_the_middle_is_finished_by_the_next_start(lost: Instance, where: str) -> None:
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, where).acknowledge(note, lost.running[-1].consent.end_all, lost.clock.now())
    services = lost.start()
    assert services.log.origin.endswith("/e2")
    with services.database.read() as tx:
        assert len(ReadingService(services.log).search(tx, EntryFilter(kind="log.restored"))) == 1
        assert (
            len(ReadingService(services.log).search(tx, EntryFilter(kind="consent.revoked"))) == 1
        )
        assert services.log.pending(tx) == 0
    lost.stop()
    assert lost.start().log.origin.endswith("/e2")


def test_a_restore_that_was_begun_is_finished_by_asking_again_too(lost: Instance) -> None:
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, "before the tree").acknowledge(
            note, lost.running[-1].consent.end_all, lost.clock.now()
        )
    with pytest.raises(Conflict, match="is finished"):
        lost.recover()
    assert lost.start().log.origin.endswith("/e2")


def test_an_entry_put_into_the_database_by_hand_changes_no_name(lost: Instance) -> None:
    """Whoever owns the database can submit a ``log.restored``; nobody has signed for it."""
    found = lost.recover()
    note = lost.signed(found.statement(), NAMES[0])
    with found.database.write() as tx:
        restored, _ = found._situation(tx)
        kept = found.log.keep_document(tx, note, lost.clock.now())
        record = RestoreRecord(restored, statement=kept, custodians=kept)
        event = Event(Kind.LOG_RESTORED, SYSTEM, encode(record))
        found.log.append(tx, event, lost.clock.now())
    with pytest.raises(Forbidden):
        lost.start()


def test_an_entry_of_a_restore_without_its_facts_is_refused_in_words(instance: Instance) -> None:
    services = instance.start()
    with services.database.write() as tx:
        event = Event(Kind.LOG_RESTORED, SYSTEM, {"origin": services.log.origin})
        services.log.append(tx, event, instance.clock.now())
    for start in (instance.start, instance.recover):
        with pytest.raises(
            Unavailable, match=r"by this program: previous_origin: is missing"
        ) as refused:
            start()
        assert refused.value.kind == "another-log"


def test_a_lost_lock_store_is_acknowledged_like_a_restore(instance: Instance) -> None:
    write(instance.start(), consents)
    instance.stop()
    for file in instance.settings.lock_folder.glob("lock.sqlite*"):
        file.unlink()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "lock-lost"
    services = instance.acknowledge()
    assert services.log.origin.endswith("/e2")
    with services.database.read() as tx:
        (entry,) = ReadingService(services.log).search(tx, EntryFilter(kind="log.restored"))
        assert entry.leaf["facts"]["previous_size"] == entry.leaf["facts"]["restored_size"]


def test_a_lock_store_from_before_the_restore_is_refused(instance: Instance) -> None:
    """It knows neither what was lost nor the new name: under the old one the log would fork."""
    lock = instance.settings.lock_folder / "lock.sqlite"
    write(instance.start(), consents)
    instance.stop()
    old = lock.read_bytes()
    lose_a_withdrawal(instance)
    services = instance.acknowledge()
    write(services, start_session)
    instance.stop()
    lock.write_bytes(old)
    for start in (instance.start, instance.recover):
        with pytest.raises(Unavailable, match="before the restore") as refused:
            start()
        assert refused.value.kind == "lock-lost"
    lock.unlink()
    assert instance.acknowledge().log.origin.endswith("/e3")


def test_what_was_folded_of_lost_entries_is_folded_anew(instance: Instance) -> None:
    """The snapshot is in a folder that was not restored, and says more than the log still has."""
    write(instance.start(), consents)
    instance.back_up()
    services = instance.start()
    for _ in range(3):
        write(services, start_session)
    services.fold.catch_up()
    services.fold.save(services.settings.var / "fold.json")
    instance.put_back()
    services = instance.acknowledge()
    for _ in range(9):  # further than the snapshot: only its root tells that it is of another log
        write(services, start_session)
    instance.stop()
    services = instance.start()
    with services.database.read() as tx:
        assert (services.database.seals.broken, services.fold.tree.size) == (
            None,
            services.log.size(tx),
        )
