"""A file is replaced whole, and is on disk when that is said."""

import os
import secrets
from pathlib import Path


def replace(file: Path, data: bytes) -> None:
    """Replace a file's content at once: written and synced next to it, renamed, the folder synced.

    Raises:
        OSError: the disk did not take it; the old content stands.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    finally:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened; the rename itself is the promise
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
