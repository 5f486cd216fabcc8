"""The lock store: it moves by compare-and-swap, and forgets nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit.growing.lock import LockStore, NotedKeySet, open_lock
from app.audit.tree.checkpoint import Checkpoint, sign_note
from app.kernel.errors import Conflict, Unavailable
from app.kernel.signing import LocalSigner
from tests.fakes import FakeClock

ORIGIN = "audit.example.com/5f0c/2026"
SIGNER = LocalSigner.generate()


def note(size: int) -> bytes:
    text = Checkpoint(ORIGIN, size, size.to_bytes(32)).text
    return sign_note(text, ORIGIN, SIGNER).encode()


@pytest.fixture(params=["sqlite", "postgresql"])
def lock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LockStore]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'lock.sqlite'}"
    else:
        url = request.getfixturevalue("postgresql_url")
    opened = open_lock(url)
    yield opened
    opened.database.engine.dispose()


def test_it_moves_from_what_it_holds_and_from_nothing_else(
    lock: LockStore, clock: FakeClock
) -> None:
    assert lock.read() is None
    lock.advance(None, note(1), clock.now())
    lock.advance(note(1), note(2), clock.now())
    for stale in (None, note(1), note(3)):
        with pytest.raises(Conflict) as moved:
            lock.advance(stale, note(4), clock.now())
        assert moved.value.kind == "lock-moved"
    assert lock.read() == note(2)


def test_the_same_again_says_when_it_was_last_published(lock: LockStore, clock: FakeClock) -> None:
    lock.advance(None, note(1), clock.now())
    later = clock.advance(timedelta(minutes=10))
    lock.advance(note(1), note(1), later)
    published = lock.published()
    assert published is not None
    assert (published.note, published.at) == (note(1), later)


def test_of_many_who_continue_the_same_checkpoint_one_wins(
    lock: LockStore, clock: FakeClock
) -> None:
    lock.advance(None, note(1), clock.now())

    def go_on(size: int) -> bool:
        try:
            lock.advance(note(1), note(size), clock.now())
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        sizes = range(2, 10)
        won = [size for size, one in zip(sizes, pool.map(go_on, sizes), strict=True) if one]
    assert [note(size) for size in won] == [lock.read()]


def test_it_remembers_who_was_erased(lock: LockStore, clock: FakeClock) -> None:
    assert lock.erased() == frozenset()
    for pseudonym in ("p_1", "p_2", "p_1"):
        lock.note_erased(pseudonym, clock.now())
    assert lock.erased() == {"p_1", "p_2"}


def test_two_processes_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lock.sqlite'}"
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_lock, [url] * 4))
    assert [store.read() for store in stores] == [None] * 4
    for store in stores:
        store.database.engine.dispose()


def test_the_file_of_earlier_releases_is_taken_over_once(
    lock: LockStore, clock: FakeClock, tmp_path: Path
) -> None:
    file = tmp_path / "log.checkpoint"
    lock.adopt_file(file, clock.now())
    assert lock.read() is None
    file.write_bytes(note(5))
    lock.adopt_file(file, clock.now())
    lock.advance(note(5), note(6), clock.now())
    lock.adopt_file(file, clock.now())
    assert lock.read() == note(6)


def test_a_file_that_is_no_checkpoint_stops_the_start(
    lock: LockStore, clock: FakeClock, tmp_path: Path
) -> None:
    (tmp_path / "log.checkpoint").write_text("x", encoding="utf-8")
    with pytest.raises(Unavailable) as refused:
        lock.adopt_file(tmp_path / "log.checkpoint", clock.now())
    assert refused.value.kind == "another-log"


def test_a_lock_store_without_its_tables_is_no_answer_and_has_a_cure(
    lock: LockStore, clock: FakeClock
) -> None:
    with lock.database.write() as tx:
        for table in ("lock_checkpoint", "lock_erased"):
            tx.execute(text(f"ALTER TABLE {table} RENAME TO {table}_gone"))
    asked = (
        lock.read,
        lock.erased,
        lambda: lock.advance(None, note(1), clock.now()),
        lambda: lock.note_erased("p_1", clock.now()),
    )
    for ask in asked:
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.cure


def test_a_file_that_is_no_database_is_no_lock_store(tmp_path: Path) -> None:
    (tmp_path / "lock.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(Unavailable) as refused:
        open_lock(f"sqlite:///{tmp_path / 'lock.sqlite'}")
    assert refused.value.cure


def test_key_sets_are_kept_in_their_order_and_none_is_replaced(
    lock: LockStore, clock: FakeClock
) -> None:
    assert (lock.newest_key_set(), lock.key_sets(beyond=0)) == (0, ())
    second, first = (NotedKeySet(version, b"set", clock.now()) for version in (2, 1))
    for noted in (second, first, second):
        lock.note_key_set(noted)
    assert (lock.newest_key_set(), lock.key_sets(beyond=0)) == (2, (first, second))
    assert lock.key_sets(beyond=1) == (second,)


def test_a_version_of_a_key_set_has_one_text(lock: LockStore, clock: FakeClock) -> None:
    """Who signed it may differ."""
    first = NotedKeySet(2, b"set\n\nsigned", clock.now())
    lock.note_key_set(first)
    lock.note_key_set(NotedKeySet(2, b"set\n\nsigned by others", clock.now()))
    with pytest.raises(Unavailable) as refused:
        lock.note_key_set(NotedKeySet(2, b"another\n\nsigned", clock.now()))
    assert refused.value.kind == "another-log"
    assert lock.key_sets(beyond=0) == (first,)
