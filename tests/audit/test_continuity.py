"""A start on a database whose log is not the one this instance has kept."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import insert
from starlette.testclient import TestClient

from app.audit.entries import store
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.growing.lock import open_lock
from app.db.engine import Database, open_database
from app.kernel.errors import Unavailable
from app.main import create_app
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow


def note_an_export(services: Services) -> None:
    with services.database.write() as tx:
        event = Event(Kind.LOG_EXPORTED, SYSTEM, {"size": 0, "root": "0"})
        services.log.append(tx, event, services.clock.now())
    services.integrator.integrate()


def test_a_second_start_goes_on_with_the_same_log(
    services: Services, settings: Settings, database: Database, clock: FakeClock, shipped: Shipped
) -> None:
    again = build(settings, clock=clock, database=database, shipped=shipped)
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
        (
            lambda var: [file.unlink() for file in var.with_name("var-lock").glob("lock.sqlite*")],
            "lock-lost",
        ),
        (shutil.rmtree, "origin-lost"),
    ],
    ids=[
        "no name",
        "no key",
        "no vault",
        "other name",
        "other key",
        "other vault",
        "no lock",
        "none",
    ],
)
def test_a_start_without_what_the_log_needs_is_refused(
    services: Services,
    settings: Settings,
    database: Database,
    clock: FakeClock,
    shipped: Shipped,
    damage: Callable[[Path], object],
    kind: str,
) -> None:
    """Nothing is made anew, and nothing is appended."""
    with services.database.write() as tx:
        services.log.pseudonym(tx, "E-1")  # somebody has a data key
        before = services.log.size(tx)
    damage(settings.var)
    with pytest.raises(Unavailable) as refused:
        build(settings, clock=clock, database=database, shipped=shipped)
    assert refused.value.kind == kind
    assert refused.value.cure
    with database.read() as tx:
        assert services.log.size(tx) == before
        assert services.log.pending(tx) == 0


def test_a_second_instance_with_a_folder_of_its_own_is_refused(
    services: Services,
    settings: Settings,
    database: Database,
    clock: FakeClock,
    shipped: Shipped,
    tmp_path: Path,
) -> None:
    assert services.log.origin
    other = settings.model_copy(update={"var": tmp_path / "other"})
    with pytest.raises(Unavailable):
        build(other, clock=clock, database=database, shipped=shipped)
    assert not (tmp_path / "other" / "keys").exists()


def test_a_database_restored_from_an_older_copy_is_refused(
    tmp_path: Path, sqlite_url: str, clock: FakeClock, shipped: Shipped
) -> None:
    settings = Settings(var=tmp_path / "var", database_url=sqlite_url, demo=True)
    services = build(settings, clock=clock, shipped=shipped)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy_to(tmp_path / "copy", file)
    note_an_export(services)
    services.database.engine.dispose()
    restore(file, tmp_path / "copy")
    with pytest.raises(Unavailable, match="rolled back") as refused:
        build(settings, clock=clock, shipped=shipped)
    assert refused.value.kind == "rolled_back"


def test_a_restored_database_that_grew_again_elsewhere_is_refused(
    tmp_path: Path, sqlite_url: str, clock: FakeClock, shipped: Shipped
) -> None:
    """As long as before, or longer, but another log from the copy on."""
    settings = Settings(var=tmp_path / "var", database_url=sqlite_url, demo=True)
    services = build(settings, clock=clock, shipped=shipped)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy_to(tmp_path / "copy", file)
    note_an_export(services)
    services.database.engine.dispose()
    restore(file, tmp_path / "copy")
    clock.advance(1)
    elsewhere = settings.model_copy(update={"lock_url": f"sqlite:///{tmp_path / 'other.sqlite'}"})
    open_lock(elsewhere.lock).advance(None, checkpoint_of(settings), clock.now())
    forked = build(elsewhere, clock=clock, shipped=shipped)
    note_an_export(forked)
    note_an_export(forked)
    forked.database.engine.dispose()
    with pytest.raises(Unavailable, match="are not those that were signed"):
        build(settings, clock=clock, shipped=shipped)


def checkpoint_of(settings: Settings) -> bytes:
    database = open_database(settings.database)
    with database.read() as tx:
        signed = store.last_checkpoint(tx)
    database.engine.dispose()
    assert signed is not None
    return signed.note.encode()


def copy_to(copy: Path, file: Path) -> None:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def restore(file: Path, copy: Path) -> None:
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(copy, file)


def test_the_lock_store_follows_the_log(services: Services) -> None:
    for _ in range(2):
        with services.database.read() as tx:
            signed = store.last_checkpoint(tx)
        assert signed is not None
        assert services.lock.read() == signed.note.encode()
        note_an_export(services)


def test_a_checkpoint_that_cannot_be_read_stops_the_start_with_a_sentence(
    services: Services, settings: Settings, clock: FakeClock, shipped: Shipped
) -> None:
    """Somebody wrote into the database; what cannot be read says nothing about its epoch."""
    with services.database.write() as tx:
        size = services.log.size(tx)
        row = {"size": size + 1, "root": bytes(32), "note": "no note\n", "created_at": clock.now()}
        tx.execute(insert(store.checkpoint), row)
    with pytest.raises(Unavailable) as refused:
        build(settings, clock=clock, database=services.database, shipped=shipped)
    assert refused.value.kind == "another-log"


def test_a_lock_store_in_the_main_database_is_no_lock_store(settings: Settings) -> None:
    with pytest.raises(ValidationError, match="HABEAS_LOCK_URL"):
        Settings(**{**settings.model_dump(), "lock_url": settings.database})


def test_the_checkpoint_file_of_an_earlier_release_is_taken_over(
    services: Services, settings: Settings, clock: FakeClock, shipped: Shipped
) -> None:
    kept = services.lock.read()
    assert kept is not None
    services.lock.database.engine.dispose()
    for file in settings.lock_folder.glob("lock.sqlite*"):
        file.unlink()
    (settings.var / "log.checkpoint").write_bytes(kept)
    again = build(settings, clock=clock, database=services.database, shipped=shipped)
    assert again.lock.read() == kept


def test_a_database_restored_while_the_service_runs_is_answered_503_by_name(
    tmp_path: Path, sqlite_url: str, clock: FakeClock, shipped: Shipped
) -> None:
    """Pages can be read; nothing is recorded, nothing decided, no lease given."""
    settings = Settings(var=tmp_path / "var", database_url=sqlite_url, demo=True)
    services = build(settings, clock=clock, shipped=shipped)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy_to(tmp_path / "copy", file)
    note_an_export(services)
    services.database.engine.dispose()
    restore(file, tmp_path / "copy")
    app = create_app(services)
    with TestClient(app, base_url=settings.base_url) as client:
        for _ in range(200):
            health = client.get("/healthz")
            if health.status_code == 503:
                break
            threading.Event().wait(0.02)
        assert health.json()["status"] == "rolled_back"
        for method, path in (
            ("GET", "/v1/agent/lease"),
            ("POST", "/v1/agent/pairings"),
            ("POST", "/access/v1/evaluation"),
        ):
            body = {"name": "x", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}
            answer = client.request(
                method,
                path,
                json=body if method == "POST" else None,
                headers={"Authorization": "Bearer x"},
            )
            assert answer.status_code in {401, 503}, path
        refused = client.post("/v1/agent/pairings", json=body)
    assert refused.status_code == 503
    assert refused.json()["type"].endswith(":rolled_back")
    assert refused.headers["Retry-After"]
    services.database.engine.dispose()
