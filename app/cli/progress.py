"""How far an import came, said while it runs: one line that changes on a terminal, else lines."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from app.directory.imports import ImportProgress

LINE_EVERY_S = 10.0
"""How often a line is written where there is no terminal, seconds."""


@dataclass
class ImportShown:
    """Says how far an import came."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Remember when it began."""
        self._began = self._said = self.monotonic()
        self._open = False

    def say(self, progress: ImportProgress) -> None:
        """Say it, on a terminal each time."""
        now = self.monotonic()
        if self.out.isatty():
            self.out.write(f"\r{sentence(progress, now - self._began)}\033[K")
            self.out.flush()
            self._open = True
        elif now - self._said >= LINE_EVERY_S:
            self.out.write(f"{sentence(progress, now - self._began)}\n")
            self._said = now

    def close(self) -> None:
        """End the line of a terminal."""
        if self._open:
            self.out.write("\n")


def sentence(progress: ImportProgress, took_s: float) -> str:
    """How far an import came.

    >>> sentence(ImportProgress(3, 450, 10, 1500), 6.0)
    'Piece 3 of 10, 450 of 1500 people, about 14 seconds left.'

    Args:
        progress: with one person done at least.
        took_s: how long that took, seconds.
    """
    left = progress.of_people - progress.people
    seconds = round(took_s * left / max(progress.people, 1))
    return (
        f"Piece {progress.pieces} of {progress.of_pieces}, "
        f"{progress.people} of {progress.of_people} people, about {seconds} seconds left."
    )
