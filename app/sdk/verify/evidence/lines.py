"""The lines of ``entries.jsonl``, in batches of one tile."""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from app.audit.entries.model import MAX_ENTRY_BYTES
from app.audit.tree.tiles import TILE_WIDTH

_PIECE = 1 << 16
"""Bytes read at a time: few enough to stay in the processor's cache until they are hashed."""
_LONGEST = MAX_ENTRY_BYTES + 1
"""An entry and its newline. Only the first line of a piece can be longer; of it no more is kept
than shows that it is too long."""


class LeafLines:
    """Reads lines in constant memory, whatever the file holds.

    Attributes:
        cut_off: whether the last line does not end where it should; known after the last batch.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.cut_off = False

    def batches(self) -> Iterator[list[bytes]]:
        """Yield at most 256 lines at a time, each with the newline that ends it.

        Of a line that is too long for an entry comes the beginning, and two newlines, as with
        nothing else. Every batch but the last has 256, so that each is one tile.
        """
        waiting: list[bytes] = []
        rest = b""
        while piece := self._stream.read(_PIECE):
            lines = BytesIO(piece).readlines()  # finds newlines faster than split does
            lines[0] = rest + lines[0]
            is_whole = lines[-1].endswith(b"\n")
            if len(lines[0]) > _LONGEST:
                lines[0] = lines[0][:_LONGEST] + (b"\n\n" if len(lines) > 1 or is_whole else b"")
            rest = b"" if is_whole else lines.pop()
            waiting += lines
            if len(waiting) >= TILE_WIDTH:
                full = len(waiting) // TILE_WIDTH * TILE_WIDTH
                for start in range(0, full, TILE_WIDTH):
                    yield waiting[start : start + TILE_WIDTH]
                del waiting[:full]
        if rest:
            self.cut_off = True
            waiting.append(rest + b"\n")
        for start in range(0, len(waiting), TILE_WIDTH):
            yield waiting[start : start + TILE_WIDTH]
