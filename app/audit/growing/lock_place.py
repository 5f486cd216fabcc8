"""Where the lock store is where nobody named a place, and how it came out of the backed-up folder.

Earlier releases kept it in ``HABEAS_VAR``. Who put that folder back from a copy put the lock store
back with the database, and the loss could not be seen.

Rules:
1. It is in a folder of its own next to ``HABEAS_VAR``: two instances share none, and whoever works
   on the same ``HABEAS_VAR`` finds it, under whatever user.
2. Where that folder cannot be made, or would be gone with a container that ``HABEAS_VAR``
   outlives, it stays in ``HABEAS_VAR``, and each start says so. So does one that is a link:
   somebody has chosen its place.
3. One of an earlier release is taken over once: the checkpoint that is further, everybody who was
   erased, the key sets, and then the file goes. A crash anywhere between is finished by the next
   start. One that comes back with an old copy of ``HABEAS_VAR`` is behind, and takes nothing back.
"""

import logging
from datetime import datetime
from pathlib import Path

from app.audit.growing.lineage import another_log
from app.audit.growing.lock import LockStore, open_lock
from app.audit.tree.checkpoint import BadNote, Checkpoint, VerifierKey, open_checkpoint, origin_of
from app.audit.tree.epoch import base_of, number_of
from app.kernel.errors import Conflict
from app.kernel.keys import sync_folder
from app.kernel.private import private_folder

LOCK = "lock.sqlite"
_MOUNTS = Path("/proc/self/mountinfo")
_PASSING = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs", "tmpfs", "ramfs"})
"""File systems that end with the container or the machine's run."""

_logger = logging.getLogger(__name__)


def default_place(var: Path, folder: Path) -> Path:
    """The file of the lock store where HABEAS_LOCK_URL names none; its folder is made.

    Args:
        var: the folder that is backed up.
        folder: the one next to it.

    Raises:
        Unavailable: others can enter the folder (kind ``not-private``).
    """
    inside = var / LOCK
    if inside.is_symlink():
        return inside
    if not folder.exists():
        if _passes(folder, var):
            return _stays(inside, folder, "is on a file system that ends with the container")
        try:
            private_folder(folder)
        except OSError as error:
            return _stays(inside, folder, f"cannot be made: {error.strerror}")
    private_folder(folder)
    return folder / LOCK


def take_over(lock: LockStore, file: Path, key: VerifierKey, now: datetime) -> None:
    """Take over what an earlier release kept in a file, and remove the file (rule 3).

    Args:
        lock: the lock store from now on; another one than the file.
        file: may not be there.
        key: the log's key under the name that the log was opened under.
        now: the present instant.

    Raises:
        Unavailable: the file cannot be read, or keeps another log.
    """
    if not file.exists() or file.is_symlink():
        return
    old = open_lock(f"sqlite:///{file}")
    try:
        for pseudonym in sorted(old.erased()):
            lock.note_erased(pseudonym, now)
        for noted in old.key_sets(beyond=0):
            lock.note_key_set(noted)
        _follow(lock, old.read(), key, now)
    finally:
        old.database.engine.dispose()
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    sync_folder(file.parent)
    _logger.warning(
        "the lock store was moved out of %s, which is backed up; it is now %s",
        file.parent,
        lock.database.engine.url.render_as_string(),
    )


def _follow(lock: LockStore, note: bytes | None, key: VerifierKey, now: datetime) -> None:
    """Move to a checkpoint that is further than the one that is kept."""
    if note is None:
        return
    reached, kept = _reached(_opened(note, key)), lock.read()
    if kept is not None and reached <= _reached(_opened(kept, key)):
        return
    try:
        lock.advance(kept, note, now)
    except Conflict:  # another process has just taken the file over, or published
        _follow(lock, note, key, now)


def _reached(checkpoint: Checkpoint) -> tuple[int, int]:
    return number_of(checkpoint.origin), checkpoint.size


def _opened(note: bytes, key: VerifierKey) -> Checkpoint:
    try:
        name = origin_of(note)
        if base_of(name) != key.name:
            raise another_log(f"a lock store keeps the log {name}", key.name)
        return open_checkpoint(note, VerifierKey(name, key.public))
    except BadNote as error:
        raise another_log(f"a lock store's checkpoint is not of it: {error}", key.name) from error


def _stays(inside: Path, folder: Path, why: str) -> Path:
    _logger.warning(
        "the lock store is %s, in the folder that is backed up, because %s %s. Who restores both "
        "is not noticed: name another place in HABEAS_LOCK_URL.",
        inside,
        folder,
        why,
    )
    return inside


def _passes(folder: Path, var: Path) -> bool:
    """Whether a folder would be gone before ``var`` is."""
    if var.stat().st_dev == folder.parent.stat().st_dev or not _MOUNTS.exists():
        return False
    return file_system(folder, _MOUNTS.read_text(encoding="utf-8")) in _PASSING


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that a path is on (proc(5), mountinfo).

    >>> file_system(Path("/data/x"), "31 30 8:1 / /data rw shared:2 - ext4 /dev/sda1 rw")
    'ext4'
    """
    found = {}
    for line in mounts.splitlines():
        mounted, _, described = line.partition(" - ")
        found[Path(mounted.split()[4])] = described.split()[0]
    return next((found[at] for at in (path, *path.parents) if at in found), "")
