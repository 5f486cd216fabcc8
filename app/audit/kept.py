"""The newest checkpoint, kept in a file outside the database.

A database that was restored from a copy, or exchanged, does not know it. The file does: it names a
size and a root which the log of this instance had, under its own signature.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.audit.checkpoint import parse_checkpoint, parse_note
from app.kernel.keys import sync_folder


@dataclass(frozen=True)
class KeptCheckpoint:
    """The file; it moves forward only, whichever thread or process writes last."""

    path: Path

    def read(self) -> bytes | None:
        """The signed note; None while nothing was kept."""
        return self.path.read_bytes() if self.path.exists() else None

    def keep(self, note: str) -> None:
        """Replace what is kept, whole or not at all, by a checkpoint that is durable already."""
        with self._alone():
            kept = self.read()
            if kept is not None and _size(kept) >= _size(note.encode()):
                return
            draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
            try:
                with draft.open("xb") as file:
                    file.write(note.encode())
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)
            sync_folder(self.path.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.path.with_name(f"{self.path.name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _size(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size
