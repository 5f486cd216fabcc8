"""Where tests keep their files: in memory where there is room, else where temporary files go.

Everything that the tests write is thrown away, so nothing is lost with the power. What a process
has committed before it is killed stays in either place: the tests that kill one see the same.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - each run makes folders of its own in it
ROOM = 1 << 30
"""Bytes that must be free; a worker with its databases takes about a tenth of it."""


def folder() -> Path:
    """The folder in which temporary folders are made; TMPDIR decides where it is set."""
    fits = (
        "TMPDIR" not in os.environ
        and os.access(MEMORY, os.W_OK | os.X_OK)
        and shutil.disk_usage(MEMORY).free >= ROOM
    )
    return MEMORY if fits else Path(tempfile.gettempdir())
