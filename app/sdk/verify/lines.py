"""The lines of ``entries.jsonl``, in batches of one tile, as the bytes that are hashed."""

from collections.abc import Iterator
from typing import BinaryIO

from app.audit.model import MAX_ENTRY_BYTES
from app.audit.tiles import TILE_WIDTH

_PIECE = 1 << 16
"""Bytes read at a time: few enough to stay in the processor's cache until they are hashed."""
_LONGEST = MAX_ENTRY_BYTES + 1
"""The zero byte and an entry. Only the first line of a piece can be longer; of it no more is kept
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
        """Yield at most 256 lines at a time, each as ``0x00 || line`` (RFC 6962 §2.1).

        Of a line that is too long for an entry comes the beginning, and a newline, as nothing else.

        Every batch but the last has 256, so that each is one tile. The zero byte takes the place of
        the newline that ends the line before: no line is copied for it.
        """
        waiting: list[bytes] = []
        rest = b"\x00"
        while piece := self._stream.read(_PIECE):
            lines = piece.replace(b"\n", b"\n\x00").split(b"\n")
            lines[0] = rest + lines[0]
            if len(lines[0]) > _LONGEST:
                lines[0] = lines[0][:_LONGEST] + b"\n"
            rest = lines.pop()
            waiting += lines
            if len(waiting) >= TILE_WIDTH:
                full = len(waiting) // TILE_WIDTH * TILE_WIDTH
                for start in range(0, full, TILE_WIDTH):
                    yield waiting[start : start + TILE_WIDTH]
                del waiting[:full]
        if rest != b"\x00":
            self.cut_off = True
            waiting.append(rest)
        for start in range(0, len(waiting), TILE_WIDTH):
            yield waiting[start : start + TILE_WIDTH]
