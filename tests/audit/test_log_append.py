"""Appending, integrating, looking up and proving, on both databases."""

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.audit.entries import store
from app.audit.entries.model import SYSTEM, Actor, EntryFilter, Event, Kind, read_leaf
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.growing.integrator import BATCH, Integrator
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.audit.tree.merkle import leaf_hash, verify_inclusion
from app.audit.tree.proof_file import parse_tlog_proof
from app.db.engine import Database
from app.kernel.errors import NotFound, TooLarge, Unavailable
from tests.audit import make
from tests.fakes import FakeClock


class Rolled(Exception):
    """Ends a transaction in a test."""


def fail() -> None:
    raise Rolled


def test_an_empty_log_is_opened_once(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.read() as tx:
        assert (log.size(tx), log.checkpoint(tx)) == (0, None)
    for _ in range(2):
        with database.write() as tx:
            log.open(tx, clock.now())
        integrator.integrate()
    with database.read() as tx:
        assert log.size(tx) == 1
        leaf = ReadingService(log).entry(tx, 0).leaf
    assert leaf["kind"] == "log.opened"
    assert leaf["facts"] == {"format": "habeas-log/1", "origin": log.origin}


def test_an_appended_event_is_pending_then_an_entry_with_a_proof(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 5)
    with database.write() as tx:
        event = log.append(tx, make.decision(1), clock.now())
    with database.read() as tx:
        assert (log.pending(tx), log.index_of(tx, event)) == (1, None)
    assert integrator.integrate() == 1
    with database.read() as tx:
        assert (log.pending(tx), log.index_of(tx, event)) == (0, 5)
        entry, proof = ReadingService(log).entry(tx, 5), ReadingService(log).proof(tx, 5)
        note, proof_file = log.checkpoint(tx), ReadingService(log).tlog_proof(tx, 5)
    assert note == proof.checkpoint
    signed = open_checkpoint(proof.checkpoint.encode(), parse_vkey(integrator.vkey))
    assert (signed.size, proof.index) == (6, 5)
    verify_inclusion(5, 6, leaf_hash(entry.raw), proof.path, signed.root)
    parsed = parse_tlog_proof(proof_file)
    assert (parsed.extra, parsed.path, parsed.checkpoint) == (entry.raw, proof.path, note)


def test_a_transaction_that_fails_leaves_no_entry_and_no_gap(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 3)
    with suppress(Rolled), database.write() as tx:
        log.append(tx, make.withdrawal(1), clock.now())
        fail()
    with database.write() as tx:
        kept = log.append(tx, make.decision(2), clock.now())
    integrator.integrate()
    with database.read() as tx:
        assert (log.size(tx), log.index_of(tx, kept)) == (4, 3)


def test_every_proof_holds_across_full_tiles_and_batches(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """More than one batch, more than one full tile, the last tile partial."""
    make.fill(database, log, integrator, clock, BATCH + 300)
    with database.read() as tx:
        size = log.size(tx)
        key = parse_vkey(integrator.vkey)
        for idx in (*range(0, size, 97), 255, 256, 767, 768, 1023, 1024, size - 1):
            proof = ReadingService(log).proof(tx, idx)
            signed = open_checkpoint(proof.checkpoint.encode(), key)
            assert signed.size == size == BATCH + 300
            verify_inclusion(idx, size, proof.leaf_hash, proof.path, signed.root)


def test_streams_count_each_subject_actor_and_purpose(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 30)
    with database.write() as tx:
        log.append(tx, make.decision(0), clock.now())
    integrator.integrate()
    seen: dict[str, tuple[int, int]] = {}
    with database.read() as tx:
        for idx in range(log.size(tx)):
            leaf = read_leaf(ReadingService(log).entry(tx, idx).raw)
            assert leaf["idx"] == idx
            for name, place in leaf["streams"].items():
                seq, last = seen.get(name, (0, None))
                assert place == [seq + 1, last]
                seen[name] = (seq + 1, idx)
    assert {name.split(":")[0] for name in seen} == {"subject", "actor", "purpose"}


def test_a_person_has_one_random_name_in_the_log(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    event = Event(
        Kind.CONSENT_WITHDRAWN,
        Actor("person", "E-4711"),
        subjects=("E-4711",),
        body={"name": "Sample Person"},
    )
    with database.write() as tx:
        first = log.append(tx, event, clock.now())
        log.append(tx, event, clock.now())
        name = log.pseudonym(tx, "E-4711")
        assert log.pseudonyms(tx, ("E-4711", "E-4712"))["E-4711"] == name
    integrator.integrate()
    with database.read() as tx:
        raws = store.raw_entries(tx, 0, 10)
        assert ReadingService(log).body(tx, first) == {"name": "Sample Person"}
        bodies = b"".join(tx.execute(select(store.body.c.ciphertext)).scalars())
    assert len(raws) == 2
    for raw in raws:
        assert b"E-4711" not in raw
        assert b"Sample" not in raw
        leaf = read_leaf(raw)
        assert leaf["subjects"] == [name] == [leaf["actor"]["id"]]
        assert len(name) == len("p_") + 32
    assert b"Sample" not in bodies
    # The same body twice: what the leaves say about it does not show that.
    assert len({read_leaf(raw)["commitment"] for raw in raws}) == 2


def test_a_person_named_twice_is_one_subject(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    event = Event(Kind.CONSENT_WITHDRAWN, SYSTEM, {}, subjects=("E-2", "E-1", "E-2"))
    with database.write() as tx:
        log.append(tx, event, clock.now())
        names = log.pseudonyms(tx, ["E-1", "E-2"])
    integrator.integrate()
    with database.read() as tx:
        (entry,) = store.entries_between(tx, 0, 1)
    assert entry.leaf["subjects"] == [names["E-2"], names["E-1"]]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_who_name_the_same_new_people_the_other_way_round_do_not_wait_for_each_other(
    database: Database, log: AuditService
) -> None:
    """On PostgreSQL, where writers overlap: both name them in one order, so one waits at most."""
    failed: list[Exception] = []

    def name_both() -> None:
        try:
            with database.write() as tx:
                log.pseudonyms(tx, ["b", "a"])
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    second = threading.Thread(target=name_both)
    with database.write() as first:
        log.pseudonym(first, "a")
        second.start()
        for _ in range(1_000):
            if waits_for_a_lock(database):
                break
            second.join(0.01)
        assert waits_for_a_lock(database)
        log.pseudonym(first, "b")
    second.join(30)
    assert failed == []


def waits_for_a_lock(database: Database) -> bool:
    """Whether some session of this database waits for another."""
    found = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.read() as tx:
        return bool(tx.execute(found).scalar_one())


def test_a_body_can_be_read_before_and_after_integration_but_not_once_its_key_is_gone(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.write() as tx:
        event = log.append(tx, make.withdrawal(3), clock.now())
        bare = log.append(tx, make.decision(3), clock.now())
        assert ReadingService(log).body(tx, event) == {"note": "Sample reason 3"}
    integrator.integrate()
    with database.write() as tx:
        assert ReadingService(log).body(tx, event) == {"note": "Sample reason 3"}
        assert ReadingService(log).body(tx, bare) is None
        assert ReadingService(log).body(tx, str(uuid.uuid4())) is None
        _lift_protection(database, tx, "audit_subject")  # erasure proper has its own tests
        tx.execute(store.subject.delete())
        assert ReadingService(log).body(tx, event) is None


def test_an_altered_body_is_noticed(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """The triggers are lifted first: this is what an owner of the database could do."""
    with database.write() as tx:
        events = [log.append(tx, make.withdrawal(number), clock.now()) for number in (0, 7)]
        _lift_protection(database, tx, "audit_body")
    integrator.integrate()
    for column in ("ciphertext", "nonce", "owner"):
        with suppress(Rolled), database.write() as tx:
            value = tx.execute(
                select(store.body.c[column]).where(store.body.c.event_id == events[0])
            ).scalar_one()
            bad = "p_" + "0" * 32 if column == "owner" else bytes([value[0] ^ 1]) + value[1:]
            _alter(tx, events[0], column, bad)
            if column == "owner":
                assert ReadingService(log).body(tx, events[0]) is None
            else:
                with pytest.raises(Unavailable):
                    ReadingService(log).body(tx, events[0])
            fail()
    with database.write() as tx:
        # Both belong to one person, so one key opens both: the place in the log tells them apart.
        other = store.body_of(tx, events[1])
        assert other is not None
        _alter(tx, events[0], "ciphertext", other.ciphertext)
        _alter(tx, events[0], "nonce", other.nonce)
        with pytest.raises(Unavailable):
            ReadingService(log).body(tx, events[0])
        with pytest.raises(Unavailable):
            ReadingService(AuditService(Vault(b"k" * 32), log.origin)).body(tx, events[1])


def _alter(tx: store.Tx, event: str, column: str, value: object) -> None:
    tx.execute(update(store.body).where(store.body.c.event_id == event).values({column: value}))


def _lift_protection(database: Database, tx: store.Tx, table: str) -> None:
    if database.dialect == "sqlite":
        found = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        for name in tx.execute(found, {"table": table}).scalars().all():
            tx.execute(text(f"DROP TRIGGER {name}"))
    else:
        tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_what_cannot_be_an_entry_is_refused_before_it_is_pending(
    database: Database, log: AuditService, clock: FakeClock
) -> None:
    for event, problem in (
        (Event(Kind.LOG_READ, SYSTEM, {"kind": ["x" * 100] * 700}), TooLarge),
        (Event(Kind.LOG_READ, SYSTEM, {"count": 1.5}), ValueError),  # type: ignore[dict-item]
        (Event(Kind.LOG_READ, SYSTEM, body={"note": "whose?"}), ValueError),
        (Event(Kind.LOG_READ, SYSTEM, subjects=("a",), body={"n": "?"}, owner="b"), ValueError),
        (Event(Kind.LOG_READ, SYSTEM, subjects=("a", "b"), body={"note": "?"}), ValueError),
    ):
        with pytest.raises(problem), database.write() as tx:
            log.append(tx, event, clock.now())
    with database.read() as tx:
        assert log.pending(tx) == 0


@pytest.mark.parametrize(
    "text",
    ["Erika Sample", "erika@example.com", "", "x" * 129, "Müller", "a\nb", "<script>"],
)
def test_a_text_that_is_not_a_code_does_not_get_into_an_entry(
    database: Database, log: AuditService, clock: FakeClock, text: str
) -> None:
    """Wherever it stands; an entry is for ever."""
    for event in (
        Event(Kind.LOG_READ, SYSTEM, {"kind": text}),
        Event(Kind.LOG_READ, SYSTEM, {text: 1}),
        Event(Kind.LOG_READ, SYSTEM, {"kind": [{"deep": text}]}),
        Event(Kind.LOG_READ, SYSTEM, purpose=text),
        Event(Kind.LOG_READ, Actor("consumer", text)),
    ):
        with pytest.raises(ValueError, match="not a code"), database.write() as tx:
            log.append(tx, event, clock.now())
    with database.read() as tx:
        assert log.pending(tx) == 0


def test_the_largest_entry_that_is_taken_still_fits_when_it_is_stamped(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    people = tuple(f"E-{number}" for number in range(60))
    low, high = 0, 66_000
    while high - low > 1:
        middle = (low + high) // 2
        try:
            with database.write() as tx:
                facts = {"x" * 100: ["x" * 100] * (middle // 103), "x": ["x" * (middle % 103 + 1)]}
                log.append(tx, Event(Kind.LOG_READ, SYSTEM, facts, people, "p" * 90), clock.now())
            low = middle
        except TooLarge:
            high = middle
    integrator.integrate()
    with database.read() as tx:
        sizes = [len(raw) for raw in store.raw_entries(tx, 0, 100)]
    assert 60_000 < max(sizes) <= 65_535


def test_entries_are_found_by_each_field_newest_first(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    def event(number: int) -> Event:
        return make.decision(number, make.TRAINING if number % 2 else make.FORBIDDEN)

    make.fill(database, log, integrator, clock, 44, event)
    with database.read() as tx:
        name = log.pseudonym(tx, "E-3")
        every = ReadingService(log).search(tx, EntryFilter(limit=500))
        assert [entry.idx for entry in every] == list(range(43, -1, -1))
        for wanted, expected in (
            (EntryFilter(kind="log.opened"), [0]),
            (EntryFilter(subject=name), [38, 31, 24, 17, 10, 3]),
            (EntryFilter(subject=name, outcome="deny"), [38, 24, 10]),
            (EntryFilter(actor="consumer:pipeline-1", limit=2), [43, 40]),
            (EntryFilter(actor="system:habeas"), [1, 0]),
            (EntryFilter(purpose=make.TRAINING, before=6), [5, 3]),
            (EntryFilter(outcome="permit", before=9, limit=3), [7, 5, 3]),
            (EntryFilter(subject="p_nobody"), []),
            (EntryFilter(limit=0), [43]),
        ):
            assert [entry.idx for entry in ReadingService(log).search(tx, wanted)] == expected, (
                wanted
            )
        assert ReadingService(log).counts_by_kind(tx) == {
            "access.decided": 42,
            "log.opened": 1,
            "policy.purposes_adopted": 1,
        }
        with pytest.raises(NotFound):
            ReadingService(log).entry(tx, 44)


def test_eight_writers_and_two_integrators_leave_no_gap_and_lose_nothing(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """Some writers roll back, so that numbers given early would be missing."""
    acknowledged: list[str] = []
    written = threading.Event()

    def write() -> None:
        number = 0
        while number < 25:
            try:
                with suppress(Rolled), database.write() as tx:
                    event = log.append(tx, make.decision(number), clock.now())
                    if number % 5 == 4:
                        fail()
            except Unavailable:  # the database was too busy and changed nothing: once more
                continue
            if number % 5 != 4:
                acknowledged.append(event)
            number += 1

    def integrate() -> None:
        while not written.wait(0.005):
            with suppress(Unavailable):
                integrator.integrate()

    with ThreadPoolExecutor(10) as pool:
        integrators = [pool.submit(integrate) for _ in range(2)]
        writers = [pool.submit(write) for _ in range(8)]
        wait(writers)
        written.set()
        for future in writers + integrators:
            future.result()
    integrator.integrate()
    with database.read() as tx:
        entries = store.entries_between(tx, 0, 10_000)
        assert log.pending(tx) == 0
        signed = open_checkpoint((log.checkpoint(tx) or "").encode(), parse_vkey(integrator.vkey))
        for entry in entries[::17]:
            proof = ReadingService(log).proof(tx, entry.idx)
            verify_inclusion(entry.idx, signed.size, leaf_hash(entry.raw), proof.path, signed.root)
    assert [entry.idx for entry in entries] == list(range(8 * 20))
    assert Counter(entry.leaf["event"] for entry in entries) == Counter(acknowledged)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_entry_committed_late_is_not_skipped(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """Where writers overlap (not on SQLite), a smaller row number may commit after a larger."""
    with database.write() as slow:
        late = log.append(slow, make.decision(1), clock.now())
        with database.write() as fast:
            early = log.append(fast, make.decision(2), clock.now())
        assert integrator.integrate() == 1
    assert integrator.integrate() == 1
    with database.read() as tx:
        assert (log.index_of(tx, early), log.index_of(tx, late)) == (0, 1)


def test_the_loop_integrates_what_is_committed_and_stops_when_told(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=integrator.run, args=(stop,))
    loop.start()
    try:
        with database.write() as tx:
            event = log.append(tx, make.decision(1), clock.now())
        for _ in range(200):
            with database.read() as tx:
                if log.index_of(tx, event) is not None:
                    break
            threading.Event().wait(0.02)
        with database.read() as tx:
            assert log.index_of(tx, event) == 0
    finally:
        stop.set()
        loop.join(timeout=5)
    assert not loop.is_alive()


def test_the_loop_outlives_a_broken_database(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with database.write() as tx:
        log.append(tx, make.decision(1), clock.now())
        tx.execute(text("ALTER TABLE audit_tile RENAME TO hidden"))
        tx.execute(text("ALTER TABLE audit_leaf RENAME TO hidden_too"))
    stop = threading.Event()
    loop = threading.Thread(target=integrator.run, args=(stop,))
    loop.start()
    threading.Event().wait(0.4)
    with database.write() as tx:
        tx.execute(text("ALTER TABLE hidden RENAME TO audit_tile"))
        tx.execute(text("ALTER TABLE hidden_too RENAME TO audit_leaf"))
    for _ in range(200):
        with database.read() as tx:
            if log.size(tx) == 1:
                break
        threading.Event().wait(0.02)
    stop.set()
    loop.join(timeout=5)
    assert "the log was not integrated" in caplog.text
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == (1, 0)


def test_the_same_event_cannot_be_submitted_twice(database: Database, clock: FakeClock) -> None:
    with database.write() as tx:
        store.add_pending(tx, "once", b"{}", clock.now())
    with pytest.raises(IntegrityError), database.write() as tx:
        store.add_pending(tx, "once", b"{}", clock.now())
