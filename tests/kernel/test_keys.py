"""Keys in files: made once, private, never replaced."""

import stat
import threading
from pathlib import Path

import pytest

from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    first = KeyFolder(tmp_path / "keys").secret("log")
    assert len(first) == 32
    assert KeyFolder(tmp_path / "keys").secret("log") == first
    assert KeyFolder(tmp_path / "keys").secret("lease") != first


def test_only_the_owner_can_read_a_key(tmp_path: Path) -> None:
    KeyFolder(tmp_path / "keys").secret("log")
    assert stat.S_IMODE((tmp_path / "keys" / "log.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "log.key").write_bytes(b"short")
    with pytest.raises(Unavailable, match=r"log\.key"):
        KeyFolder(tmp_path).secret("log")
    assert (tmp_path / "log.key").read_bytes() == b"short"


def test_many_starting_at_once_agree_on_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(KeyFolder(tmp_path).secret("log")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["log.key"]
