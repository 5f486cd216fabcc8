"""Folders and files that their owner alone can read.

Keys, the directory of people and exports lie in files. Whoever else can enter their folder has read
them, perhaps, so that is refused, and the sentence says how it is mended.

Rules:
1. A folder is made so that its owner alone can enter it, and so is each folder above it that is
   missing. One that is there and that others can enter is refused: what was in it may be known.
2. What lies in a folder that nobody else can enter could be read by nobody else. So whatever is
   wider in there is narrowed without a word; links are left alone.
3. A file outside such a folder is made for its owner alone, and refused where others can reach it.
"""

import contextlib
import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from app.kernel.errors import Unavailable

_OTHERS = 0o077
_KIND = "not-private"
_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite writes next to a database; it takes over the database's mode."""


def private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or refuse it (rules 1 and 2).

    Raises:
        Unavailable: others can enter it (kind ``not-private``), or what is in it cannot be
            narrowed.
        OSError: it cannot be made.
    """
    _make(folder)
    mode = _mode(folder)
    if mode & _OTHERS:
        raise _wide(folder, mode, f"chmod -R go-rwx {shlex.quote(str(folder))}")
    for above, folders, files in os.walk(folder):
        _narrow(Path(above) / name for name in (*folders, *files))


def private_database(file: Path) -> None:
    """Make the file of a SQLite database for its owner alone, or refuse it (rule 3).

    Where it cannot be made nothing happens: whoever opens the database says why.

    Raises:
        Unavailable: others can read it (kind ``not-private``), or it cannot be narrowed.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    files = [beside for end in _BESIDE if (beside := file.with_name(file.name + end)).exists()]
    wide = [beside for beside in files if _mode(beside) & _OTHERS]
    if wide and _mode(file.parent) & _OTHERS:
        names = " ".join(shlex.quote(str(beside)) for beside in files)
        raise _wide(wide[0], _mode(wide[0]), f"chmod go-rwx {names}")
    _narrow(wide)


def _make(folder: Path) -> None:
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    for level in reversed(missing):
        level.mkdir(mode=0o700, exist_ok=True)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _narrow(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            found = path.lstat()
            if not stat.S_ISLNK(found.st_mode) and found.st_mode & _OTHERS:
                path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
        except FileNotFoundError:
            continue  # another process has just removed it
        except OSError as error:
            raise _wide(path, _mode(path), f"chmod go-rwx {shlex.quote(str(path))}") from error


def _wide(path: Path, mode: int, command: str) -> Unavailable:
    return Unavailable(
        f"{path} can be read by others on this machine (mode {mode:04o})",
        cure=f"Let its owner alone read it: {command}. Whoever could read it so far may know what "
        "is in it; see docs/operate.md, What only its owner may read.",
        kind=_KIND,
    )
