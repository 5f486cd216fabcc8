"""The lock store is outside the folder that is backed up, and came out of it unharmed."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.audit.growing.lock import LockStore, NotedKeySet, open_lock
from app.audit.growing.lock_place import default_place, file_system, take_over
from app.audit.tree.checkpoint import Checkpoint, VerifierKey, sign_note
from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import Story, start_session
from tests.fakes import FakeClock
from tests.templates import FILE, Templates

SIGNER, NAME = LocalSigner.generate(), "log.example"
KEY = VerifierKey(NAME, SIGNER.public)


class Crash(Exception):
    """Ends a process in a test."""


def note(size: int, origin: str = NAME, signer: LocalSigner = SIGNER) -> bytes:
    return sign_note(Checkpoint(origin, size, bytes([size]) * 32).text, origin, signer).encode()


def before(folder: Path, clock: FakeClock, kept: bytes | None, *erased: str) -> Path:
    """A lock store as an earlier release left it."""
    file = folder / "lock.sqlite"
    old = open_lock(f"sqlite:///{file}")
    for pseudonym in erased:
        old.note_erased(pseudonym, clock.now())
    if kept is not None:
        old.advance(old.read(), kept, clock.now())
    old.database.engine.dispose()
    return file


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[LockStore]:
    opened = open_lock(f"sqlite:///{tmp_path / 'now.sqlite'}")
    yield opened
    opened.database.engine.dispose()


def test_what_an_earlier_release_kept_is_taken_over_once(
    lock: LockStore, tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    file = before(tmp_path, clock, note(7), "p_1", "p_2")
    take_over(lock, file, KEY, clock.now())
    assert (lock.read(), lock.erased()) == (note(7), {"p_1", "p_2"})
    assert not list(tmp_path.glob("lock.sqlite*"))
    assert str(tmp_path / "now.sqlite") in caplog.text
    caplog.clear()
    take_over(lock, file, KEY, clock.now())
    assert caplog.text == ""


def test_the_key_sets_of_an_earlier_place_are_taken_over(
    lock: LockStore, tmp_path: Path, clock: FakeClock
) -> None:
    file = before(tmp_path, clock, note(7))
    old = open_lock(f"sqlite:///{file}")
    sets = tuple(NotedKeySet(version, b"%d" % version, clock.now()) for version in (1, 2))
    for noted in sets:
        old.note_key_set(noted)
    old.database.engine.dispose()
    take_over(lock, file, KEY, clock.now())
    assert lock.key_sets(beyond=0) == sets


@pytest.mark.parametrize(
    ("kept", "came", "left"),
    [
        (note(5), note(7), note(7)),  # an earlier release ran again in between
        (note(9), note(7), note(9)),  # it came back with an old copy of the folder
        (note(9), note(7, f"{NAME}/e2"), note(7, f"{NAME}/e2")),
        (note(9, f"{NAME}/e2"), note(70), note(9, f"{NAME}/e2")),
        (note(9), None, note(9)),
    ],
)
def test_of_two_lock_stores_the_further_one_holds(
    lock: LockStore,
    tmp_path: Path,
    clock: FakeClock,
    kept: bytes,
    came: bytes | None,
    left: bytes,
) -> None:
    lock.advance(None, kept, clock.now())
    lock.note_erased("p_1", clock.now())
    take_over(lock, before(tmp_path, clock, came, "p_2"), KEY, clock.now())
    assert (lock.read(), lock.erased()) == (left, {"p_1", "p_2"})


@pytest.mark.parametrize(
    "foreign", [note(7, "other.example"), note(7, signer=LocalSigner.generate())]
)
def test_a_lock_store_of_another_log_is_left_where_it_is(
    lock: LockStore, tmp_path: Path, clock: FakeClock, foreign: bytes
) -> None:
    file = before(tmp_path, clock, foreign)
    with pytest.raises(Unavailable) as refused:
        take_over(lock, file, KEY, clock.now())
    assert refused.value.kind == "another-log"
    assert (lock.read(), file.exists()) == (None, True)


class DyingFirst(LockStore):
    """The process dies when one of two erased people is taken over."""

    def note_erased(self, pseudonym: str, at: datetime) -> None:
        if pseudonym == "p_2":
            raise Crash
        super().note_erased(pseudonym, at)


class DyingLater(LockStore):
    """The process dies when the checkpoint is to be taken over."""

    def advance(self, *_: object) -> None:
        raise Crash


class DyingLast(LockStore):
    """The process dies when the checkpoint was taken over."""

    def advance(self, old: bytes | None, new: bytes, now: datetime) -> None:
        super().advance(old, new, now)
        raise Crash


@pytest.mark.parametrize("dying", [DyingFirst, DyingLater, DyingLast])
def test_a_crash_in_the_middle_is_finished_by_the_next_start(
    lock: LockStore, tmp_path: Path, clock: FakeClock, dying: type[LockStore]
) -> None:
    file = before(tmp_path, clock, note(7), "p_1", "p_2")
    with pytest.raises(Crash):
        take_over(dying(lock.database), file, KEY, clock.now())
    take_over(lock, file, KEY, clock.now())
    assert (lock.read(), lock.erased(), file.exists()) == (note(7), {"p_1", "p_2"}, False)


def test_a_place_that_cannot_be_made_is_said_at_each_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        caplog.clear()
        assert default_place(tmp_path, tmp_path / "file" / "var-lock") == tmp_path / "lock.sqlite"
        assert "HABEAS_LOCK_URL" in caplog.text


def test_a_lock_store_that_somebody_placed_by_a_link_stays_there(tmp_path: Path) -> None:
    (tmp_path / "lock.sqlite").symlink_to(tmp_path / "elsewhere.sqlite")
    assert default_place(tmp_path, tmp_path / "var-lock") == tmp_path / "lock.sqlite"


def test_the_file_system_of_a_path_is_the_innermost_mount() -> None:
    mounts = (
        "30 1 0:27 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l - x\n"
        "31 30 8:1 / /data rw shared:2 - ext4 /dev/sda1 rw\n"
        "32 31 0:9 / /data/fast rw - tmpfs tmpfs rw\n"
    )
    found = [
        file_system(Path(path), mounts) for path in ("/", "/data-lock", "/data/v", "/data/fast/v")
    ]
    assert found == ["overlay", "overlay", "ext4", "tmpfs"]


# The whole program ------------------------------------------------------------------------------


class Instance:
    """The sample organisation on SQLite, with a copy of its folder and its database."""

    def __init__(self, folder: Path, url: str, clock: FakeClock, shipped: Shipped) -> None:
        self.folder, self.clock, self.shipped = folder, clock, shipped
        self.var, self.copy = folder / "var", folder / "copy"
        self.settings = Settings(var=self.var, database_url=url, demo=True)

    def start(self) -> Services:
        return build(self.settings, clock=self.clock, shipped=self.shipped)

    def as_before(self) -> None:
        """As an earlier release left it: the lock store in the folder."""
        (self.settings.lock_folder / "lock.sqlite").rename(self.var / "lock.sqlite")
        self.settings.lock_folder.rmdir()

    def back_up(self) -> None:
        shutil.copytree(self.var, self.copy / "var")
        shutil.copyfile(self.folder / FILE, self.copy / FILE)

    def put_back(self) -> None:
        shutil.rmtree(self.var)
        shutil.copytree(self.copy / "var", self.var)
        shutil.copyfile(self.copy / FILE, self.folder / FILE)


@pytest.fixture
def instance(
    templates: Templates, tmp_path: Path, clock: FakeClock, shipped: Shipped
) -> Iterator[Instance]:
    with templates.copy("sqlite", "sample", tmp_path) as url:
        yield Instance(tmp_path, url, clock, shipped)


def grow(instance: Instance) -> None:
    services = instance.start()
    with services.database.write() as tx:
        start_session(Story(services, tx))
    services.integrator.integrate()
    services.close()


def test_an_upgrade_moves_it_and_goes_on(instance: Instance) -> None:
    instance.as_before()
    for _ in range(2):
        grow(instance)
    assert list(instance.var.glob("lock.sqlite*")) == []
    assert (instance.settings.lock_folder / "lock.sqlite").exists()


def test_an_upgrade_that_names_a_place_takes_it_there(instance: Instance) -> None:
    instance.as_before()
    named = f"sqlite:///{instance.folder / 'named.sqlite'}"
    instance.settings = instance.settings.model_copy(update={"lock_url": named})
    grow(instance)
    assert list(instance.var.glob("lock.sqlite*")) == []
    assert not instance.settings.lock_folder.exists()


def test_a_place_that_is_named_in_the_folder_stays_there(instance: Instance) -> None:
    instance.as_before()
    named = f"sqlite:///{instance.var / 'lock.sqlite'}"
    instance.settings = instance.settings.model_copy(update={"lock_url": named})
    for _ in range(2):
        grow(instance)
    assert (instance.var / "lock.sqlite").exists()


@pytest.mark.parametrize("upgraded", [False, True])
def test_who_restores_the_folder_with_the_database_is_noticed(
    instance: Instance, *, upgraded: bool
) -> None:
    """Also where the copy is of before the upgrade, with the lock store of its day in it."""
    if not upgraded:
        instance.as_before()
    instance.back_up()
    grow(instance)
    instance.put_back()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "rolled_back"


def test_two_instances_on_one_machine_share_none(
    tmp_path: Path, clock: FakeClock, shipped: Shipped
) -> None:
    made = [
        build(Settings(var=tmp_path / name, demo=True), clock=clock, shipped=shipped)
        for name in ("one", "two")
    ]
    files = {make_url(str(services.lock.database.engine.url)).database for services in made}
    assert files == {str(tmp_path / f"{name}-lock" / "lock.sqlite") for name in ("one", "two")}
    for services in made:
        services.close()


def test_all_who_work_on_one_folder_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link, from another working folder, under another user's home."""
    (tmp_path / "srv" / "var").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "srv" / "var")
    monkeypatch.chdir(tmp_path / "srv")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    paths = (tmp_path / "srv" / "var", tmp_path / "link", Path("var"), Path("../link"))
    found = {Settings(var=path, demo=True).lock_folder for path in paths}
    assert found == {(tmp_path / "srv" / "var-lock").resolve()}


def test_its_folder_is_its_owners(instance: Instance) -> None:
    grow(instance)
    folder = instance.settings.lock_folder
    assert [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077] == []
    folder.chmod(0o755)
    with pytest.raises(Unavailable, match="can be read by others") as refused:
        instance.start()
    assert refused.value.kind == "not-private"
