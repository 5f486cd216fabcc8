"""Folders and files that their owner alone can read."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.db.engine import open_database
from app.kernel.errors import Unavailable
from app.kernel.private import private_database, private_folder
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from app.witness.service import open_witness


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever the shell lets others do with new files."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_folder_and_those_above_it_are_made_for_their_owner(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]


@pytest.mark.parametrize("wide", [0o755, 0o750, 0o701, 0o777, 0o2770])
def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, wide: int) -> None:
    """With the command that mends it; and it does."""
    folder = tmp_path / "it's wide"
    folder.mkdir()
    folder.chmod(wide)
    with pytest.raises(Unavailable, match=f"mode {wide:04o}") as refused:
        private_folder(folder)
    assert refused.value.kind == "not-private"
    assert mode(folder) == wide
    command = str(refused.value.cure).partition("alone read it: ")[2].partition(". Whoever")[0]
    assert command.startswith("chmod -R go-rwx ")
    assert os.system(command) == 0  # noqa: S605 - the very command that an operator copies
    private_folder(folder)


def test_what_is_wider_in_a_private_folder_is_narrowed(tmp_path: Path) -> None:
    inside = tmp_path / "var" / "keys"
    private_folder(inside)
    key, outside = inside / "log.key", tmp_path / "elsewhere"
    for file in (key, outside):
        file.touch()
        file.chmod(0o644)
    (inside / "link").symlink_to(outside)
    inside.chmod(0o755)
    private_folder(tmp_path / "var")
    assert (mode(inside), mode(key)) == (0o700, 0o600)
    assert mode(outside) == 0o644  # a link is not followed


@pytest.mark.usefixtures("umask")
def test_a_database_and_what_is_next_to_it_are_made_for_their_owner(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "habeas.sqlite"
    database = open_database(f"sqlite:///{file}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        made = {path.name: mode(path) for path in tmp_path.iterdir()}
    database.engine.dispose()
    assert made == dict.fromkeys(("habeas.sqlite", "habeas.sqlite-wal", "habeas.sqlite-shm"), 0o600)


def test_a_database_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "habeas.sqlite"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE t (x)")
    file.chmod(0o640)
    with pytest.raises(Unavailable, match="mode 0640") as refused:
        open_database(f"sqlite:///{file}")
    assert refused.value.kind == "not-private"
    assert f"chmod go-rwx {file}" in str(refused.value.cure)
    file.chmod(0o600)
    open_database(f"sqlite:///{file}").engine.dispose()


def test_a_wider_database_in_a_private_folder_is_narrowed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "habeas.sqlite"
    file.touch(0o644)
    file.chmod(0o644)
    private_database(file)
    assert mode(file) == 0o600


@pytest.mark.usefixtures("umask")
def test_whatever_a_start_leaves_is_its_owners(tmp_path: Path, shipped: Shipped) -> None:
    services = build(Settings(var=tmp_path / "made" / "var", demo=True), shipped=shipped)
    left = [path for path in (tmp_path / "made").rglob("*") if mode(path) & 0o077]
    assert len(list(services.settings.var.rglob("*.key"))) > 3
    services.close()
    assert left == []


def test_a_wider_var_is_refused_before_anything_is_written(
    tmp_path: Path, shipped: Shipped
) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    with pytest.raises(Unavailable, match="can be read by others") as refused:
        build(Settings(var=var, demo=True), shipped=shipped)
    assert refused.value.kind == "not-private"
    assert list(var.iterdir()) == []


def test_a_witness_keeps_its_folder_to_itself(tmp_path: Path) -> None:
    opened = open_witness(tmp_path / "witness", "council.example")
    assert [path for path in (tmp_path / "witness").rglob("*") if mode(path) & 0o077] == []
    opened.database.engine.dispose()
    (tmp_path / "witness").chmod(0o755)
    with pytest.raises(Unavailable, match="can be read by others"):
        open_witness(tmp_path / "witness")
