"""What a process knows of the log: the same from a snapshot as from the leaves, or from the leaves.

A snapshot is a file next to the keys. Whoever can write it, but has no key, gains nothing.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.growing.fold import Fold
from app.consent.model import Act
from app.db.engine import Database, open_database
from app.db.ring import SealKey
from app.kernel.errors import Unavailable
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.recording import RECORDING
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.fakes import FakeClock
from tests.tamper import tampering
from tests.templates import Templates


def more(services: Services) -> None:
    """Something that chains are about: two people's decisions end."""
    with services.database.write() as tx:
        people = [one for one in services.directory.people(tx) if one.active]
        for person in people[:2]:
            services.consent.revoke(tx, person, SYSTEM, "a reason", services.clock.now())
    services.integrator.integrate()


def another(services: Services, vault: bytes | None = None) -> Fold:
    """The fold of another process on the same log."""
    database = Database(services.database.engine)
    secret = services.keys.secret("vault") if vault is None else vault
    database.seals.derive = partial(SealKey.of, secret)
    database.seals.turn(1)
    return Fold(database, RECORDING)


def known(fold: Fold) -> dict[str, Any]:
    """All that is known, after everything is folded."""
    fold.catch_up()
    assert fold.ring.broken is None
    return fold._state()


@dataclass(frozen=True)
class Saved:
    """A snapshot, and the database that it is of."""

    database: Database
    file: Path
    sound: bytes

    def taken(self, content: bytes) -> bool:
        """Whether a process that starts with this file takes it."""
        self.file.write_bytes(content)
        fold = Fold(self.database, RECORDING)
        was_taken = fold.load(self.file)
        assert was_taken == (fold.tree.size > 0)
        self.file.write_bytes(self.sound)
        return was_taken


@pytest.fixture
def snapshot(sample: Services, tmp_path: Path) -> Path:
    file = tmp_path / "snapshot"
    sample.fold.save(file)
    return file


@pytest.fixture
def beside(
    sample: Services, templates: Templates, tmp_path: Path, shipped: Shipped
) -> Iterator[Services]:
    """Another copy of the same database, with the same keys: what a restore could put there."""
    folder = tmp_path / "beside"
    folder.mkdir(0o700)
    with templates.copy(sample.database.dialect, "sample", folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        with closing(build(settings, clock=FakeClock(), shipped=shipped)) as services:
            yield services


def test_a_right_snapshot_is_continued(sample: Services, snapshot: Path) -> None:
    more(sample)
    fold = another(sample)
    assert fold.load(snapshot)
    begun = fold.tree.size
    assert 0 < begun < sample.fold.tree.size
    assert known(fold) == known(another(sample)) == known(sample.fold)


def test_an_older_snapshot_learns_what_came_after_it(sample: Services, snapshot: Path) -> None:
    """Somebody puts yesterday's file back, from before a withdrawal."""
    older = snapshot.read_bytes()
    more(sample)
    sample.fold.save(snapshot)
    snapshot.write_bytes(older)
    fold = another(sample)
    fold.load(snapshot)
    assert known(fold) == known(another(sample))


def test_a_snapshot_under_another_key_is_not_used(sample: Services, snapshot: Path) -> None:
    fold = another(sample, vault=b"k" * 32)
    assert not fold.load(snapshot)
    assert (fold.tree.size, fold.ring.positions) == (0, {})


@pytest.mark.parametrize("forked", [False, True])
def test_a_snapshot_of_what_was_lost_is_not_used(
    sample: Services, beside: Services, tmp_path: Path, *, forked: bool
) -> None:
    """It is ahead of the copy that was put back; or as long, with other entries."""
    more(sample)
    if forked:
        more(beside)
    sample.fold.save(tmp_path / "lost")
    fold = another(beside)
    assert not fold.load(tmp_path / "lost")
    assert known(fold) == known(another(beside))


def test_a_snapshot_of_what_was_lost_is_dropped_where_the_log_has_outgrown_it(
    sample: Services, beside: Services, shipped: Shipped
) -> None:
    """Only the root tells then: such a process folds the log from its first entry."""
    more(sample)
    sample.fold.save(beside.settings.var / "fold.json")
    for _ in range(2):
        more(beside)
    with closing(build(beside.settings, clock=FakeClock(), shipped=shipped)) as started:
        assert known(started.fold) == known(another(started))


def test_what_was_cleared_in_a_lost_log_is_not_cleared(sample: Services) -> None:
    ring = sample.database.seals
    ring.set_alarms(ring.alarms, cleared=["consent:p_1"])
    assert ring.was_cleared("consent:p_1")
    sample.fold.restart()
    sample.fold.catch_up()
    assert not ring.was_cleared("consent:p_1")


@pytest.fixture(scope="module")
def saved(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """A sound snapshot; the file is the same on both kinds of database."""
    folder = tmp_path_factory.mktemp("saved")
    with templates.copy("sqlite", "sample", folder) as url:
        database = open_database(url)
        database.seals.derive = partial(SealKey.of, b"v" * 32)
        database.seals.turn(1)
        fold = Fold(database, RECORDING)
        fold.catch_up()
        fold.save(folder / "snapshot")
        yield Saved(database, folder / "snapshot", (folder / "snapshot").read_bytes())
        database.engine.dispose()


@given(data=st.data())
def test_a_snapshot_of_which_any_byte_was_changed_is_not_used(
    data: st.DataObject, saved: Saved
) -> None:
    at = data.draw(st.integers(0, len(saved.sound) - 1))
    other = bytearray(saved.sound)
    other[at] ^= data.draw(st.integers(1, 255))
    assert not saved.taken(bytes(other))
    assert saved.taken(saved.sound)


@given(data=st.data())
def test_a_snapshot_that_was_cut_or_made_longer_is_not_used(
    data: st.DataObject, saved: Saved
) -> None:
    cut = saved.sound[: data.draw(st.integers(0, len(saved.sound) - 1))]
    assert not saved.taken(cut)
    assert not saved.taken(saved.sound + data.draw(st.binary(min_size=1, max_size=3)))


def test_a_file_that_is_none_is_no_snapshot(saved: Saved, tmp_path: Path) -> None:
    assert not Fold(saved.database, RECORDING).load(tmp_path / "none")
    assert not Fold(saved.database, RECORDING).load(tmp_path)


def test_without_a_key_nothing_is_saved_and_nothing_taken(saved: Saved, tmp_path: Path) -> None:
    fold = Fold(Database(saved.database.engine), RECORDING)
    fold.catch_up()
    fold.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    assert not fold.load(saved.file)


# A log that is not what was signed


def flip(services: Services, idx: int, at: int = 40) -> None:
    """Change one bit of an entry; again puts it back."""
    with tampering(services.database) as connection:
        where = text("SELECT entry FROM audit_leaf WHERE idx = :idx")
        entry = bytearray(connection.execute(where, {"idx": idx}).scalar_one())
        entry[at] ^= 1
        change = text("UPDATE audit_leaf SET entry = :entry WHERE idx = :idx")
        connection.execute(change, {"idx": idx, "entry": bytes(entry)})


@pytest.mark.parametrize("idx", [1, 20, -1])
def test_where_any_leaf_was_changed_nothing_stands_until_it_is_put_back(
    idx: int, sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    with sample.database.write() as tx:
        Story(sample, tx).given()
    sample.integrator.integrate()
    assert capturable(sample) == {EMPLOYEE}
    idx %= sample.fold.tree.size
    flip(sample, idx)
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as started:
        assert started.database.seals.broken is not None
        with started.database.read() as tx:
            people = started.directory.people(tx)
        assert all(person.disputed for person in people)
        assert not any(person.roles for person in people)
        assert capturable(started) == set()
        flip(started, idx)
        started.integrator.integrate()
        assert started.database.seals.broken is None
        assert set(started.database.seals.alarms) == {"log"}, "one alarm, and of nobody"
        assert capturable(started) == {EMPLOYEE}


def test_a_log_whose_first_entry_was_made_unreadable_lets_nobody_start(
    sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    flip(sample, 0)
    with pytest.raises(Unavailable, match=r"first entry opens none|entry 0 of the log"):
        build(sample.settings, clock=clock, shipped=shipped)


def test_a_process_that_runs_stops_believing_as_soon_as_it_cannot_read_on(
    sample: Services,
) -> None:
    with sample.database.write() as tx:
        Story(sample, tx).given()
    sample.integrator.integrate()
    assert capturable(sample) == {EMPLOYEE}
    with sample.database.write() as tx:
        sample.log.append(tx, Event(Kind.SESSION_STARTED, SYSTEM), sample.clock.now())
    replace(sample.integrator, fold=None).integrate()  # another process numbers it
    last = sample.fold.tree.size
    flip(sample, last)
    sample.integrator.integrate()
    with sample.database.read() as tx:
        person = sample.directory.person(tx, EMPLOYEE)
        disputed = sample.capture.situation(tx, person, sample.clock.now()).circumstances.disputed
    assert set(disputed) == {"person", "consent", "policy"}
    flip(sample, last)
    sample.integrator.integrate()
    assert capturable(sample) == {EMPLOYEE}


def test_a_withdrawal_is_taken_while_the_log_cannot_be_believed(
    sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    with sample.database.write() as tx:
        Story(sample, tx).given()
    sample.integrator.integrate()
    flip(sample, 20)
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as started:
        with started.database.write() as tx:
            person = started.directory.person(tx, EMPLOYEE)
            started.consent.decide(tx, person, Act.WITHDRAWN, clock.now())
        flip(started, 20)
        started.integrator.integrate()
        assert started.database.seals.broken is None
        assert capturable(started) == set()
        assert started.reconciler.examine(lambda *_: None).count == 0


def capturable(services: Services) -> set[str]:
    """Who can be captured now."""
    now = services.clock.now()
    with services.database.read() as tx:
        people = [one for one in services.directory.people(tx) if one.active]
        return {
            person.id
            for person in people
            if not services.capture.situation(tx, person, now).obstacles
        }
