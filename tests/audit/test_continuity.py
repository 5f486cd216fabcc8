"""A start on a database whose log is not the one this instance has kept."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.audit.model import SYSTEM, Event, Kind
from app.db.engine import Database
from app.kernel.errors import Unavailable
from app.settings import Settings
from app.wiring import Services, build
from tests.fakes import FakeClock


def note_an_export(services: Services) -> None:
    with services.database.write() as tx:
        event = Event(Kind.LOG_EXPORTED, SYSTEM, {"size": 0, "root": "0"})
        services.log.append(tx, event, services.clock.now())
    services.integrator.integrate()


def test_a_second_start_goes_on_with_the_same_log(
    services: Services, settings: Settings, database: Database, clock: FakeClock
) -> None:
    again = build(settings, clock=clock, database=database)
    assert again.integrator.vkey == services.integrator.vkey


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda var: (var / "origin").unlink(), "origin-lost"),
        (lambda var: (var / "keys" / "log.key").unlink(), "key-lost"),
        (lambda var: (var / "keys" / "vault.key").unlink(), "key-lost"),
        (lambda var: (var / "origin").write_text("audit.example.com/x/2026\n"), "another-log"),
        (lambda var: (var / "keys" / "log.key").write_bytes(b"l" * 32), "another-log"),
        (lambda var: (var / "keys" / "vault.key").write_bytes(b"v" * 32), "another-log"),
        (lambda var: (var / "log.checkpoint").write_text("x"), "another-log"),
        (shutil.rmtree, "origin-lost"),
    ],
    ids=["no name", "no key", "no vault", "other name", "other key", "other vault", "bad", "none"],
)
def test_a_start_without_what_the_log_needs_is_refused(
    services: Services,
    settings: Settings,
    database: Database,
    clock: FakeClock,
    damage: Callable[[Path], object],
    kind: str,
) -> None:
    """Nothing is made anew, and nothing is appended."""
    with services.database.write() as tx:
        services.log.pseudonym(tx, "E-1")  # somebody has a data key
        before = services.log.size(tx)
    damage(settings.var)
    with pytest.raises(Unavailable) as refused:
        build(settings, clock=clock, database=database)
    assert refused.value.kind == kind
    assert refused.value.cure
    with database.read() as tx:
        assert services.log.size(tx) == before
        assert services.log.pending(tx) == 0


def test_a_second_instance_with_a_folder_of_its_own_is_refused(
    services: Services, settings: Settings, database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    assert services.log.origin
    other = settings.model_copy(update={"var": tmp_path / "other"})
    with pytest.raises(Unavailable):
        build(other, clock=clock, database=database)
    assert not (tmp_path / "other" / "keys").exists()


def test_a_database_restored_from_an_older_copy_is_refused(
    tmp_path: Path, sqlite_url: str, clock: FakeClock
) -> None:
    settings = Settings(var=tmp_path / "var", database_url=sqlite_url, demo=True)
    services = build(settings, clock=clock)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy_to(tmp_path / "copy", file)
    note_an_export(services)
    services.database.engine.dispose()
    restore(file, tmp_path / "copy")
    with pytest.raises(Unavailable, match="rolled back") as refused:
        build(settings, clock=clock)
    assert refused.value.kind == "rolled-back"


def test_a_restored_database_that_grew_again_elsewhere_is_refused(
    tmp_path: Path, sqlite_url: str, clock: FakeClock
) -> None:
    """As long as before, or longer, but another log from the copy on."""
    settings = Settings(var=tmp_path / "var", database_url=sqlite_url, demo=True)
    services = build(settings, clock=clock)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy_to(tmp_path / "copy", file)
    note_an_export(services)
    services.database.engine.dispose()
    kept = (settings.var / "log.checkpoint").read_bytes()
    restore(file, tmp_path / "copy")
    (settings.var / "log.checkpoint").unlink()
    clock.advance(1)
    forked = build(settings, clock=clock)
    note_an_export(forked)
    note_an_export(forked)
    forked.database.engine.dispose()
    (settings.var / "log.checkpoint").write_bytes(kept)
    with pytest.raises(Unavailable, match="are not those that were signed"):
        build(settings, clock=clock)


def copy_to(copy: Path, file: Path) -> None:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def restore(file: Path, copy: Path) -> None:
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(copy, file)


def test_the_kept_checkpoint_follows_the_log_and_never_goes_back(services: Services) -> None:
    kept = services.integrator.kept
    assert kept is not None
    with services.database.read() as tx:
        early = services.log.checkpoint(tx)
    assert early is not None
    assert kept.read() == early.encode()
    note_an_export(services)
    with services.database.read() as tx:
        late = services.log.checkpoint(tx)
    assert late is not None
    kept.keep(early)  # a thread that was slow
    assert kept.read() == late.encode()
    assert list(kept.path.parent.glob("log.checkpoint.*")) == [
        kept.path.with_name("log.checkpoint.lock")
    ]
