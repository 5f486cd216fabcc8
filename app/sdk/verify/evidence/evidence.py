"""The parts of an export, read strictly, from a tar or from a folder it was unpacked into.

Nothing is ever unpacked. In a tar every byte that is not content has one right value (app/audit/
archive.py); any other is a fault, so that no byte of the file can change unseen.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from app.audit.export.archive import BLOCK, END, header, padding

_PIECE = 1 << 24
"""Bytes of a digest's step: large, for between two steps a thread waits for the interpreter."""


@dataclass(frozen=True)
class EvidencePart:
    """A stretch of a file."""

    file: Path
    offset: int
    size: int


@dataclass(frozen=True)
class EvidenceParts:
    """Parts by name, and what is wrong with the wrapping they came in.

    A file that holds several parts stays open until the evidence is closed; it is read by offset,
    so that threads do not get into each other's way.
    """

    parts: Mapping[str, EvidencePart]
    faults: tuple[str, ...]
    archive: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.archive is not None:
            self.archive.close()

    def read(self, name: str, limit: int) -> bytes | None:
        """A part's first ``limit`` bytes; None where there is no such part."""
        part = self.parts.get(name)
        if part is None:
            return None
        if self.archive is not None:
            return os.pread(self.archive.fileno(), min(part.size, limit), part.offset)
        with self.stream(name) as stretch:
            return stretch.read(min(part.size, limit))

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Read a part from its beginning; an absent part is empty."""
        part = self.parts.get(name)
        if part is None:
            yield io.BytesIO()
        elif self.archive is not None:
            yield _Stretch(self.archive.fileno(), part)
        else:
            with part.file.open("rb", buffering=0) as file:
                yield _Stretch(file.fileno(), part)

    def digest(self, name: str) -> str:
        """SHA-256 of a part, hex."""
        with self.stream(name) as stretch:
            digest = hashlib.sha256()
            while piece := stretch.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()


class _Stretch(io.RawIOBase, BinaryIO):
    """The bytes of a part and not one more; ``read`` gives fewer than asked only at the end."""

    def __init__(self, handle: int, part: EvidencePart) -> None:
        super().__init__()
        self._handle = handle
        self._at = part.offset
        self._end = part.offset + part.size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        pieces, wanted = [], left if size < 0 else min(size, left)
        while wanted and (piece := os.pread(self._handle, wanted, self._at)):
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def from_folder(folder: Path) -> EvidenceParts:
    """Take the files below a folder."""
    parts, faults = {}, []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            faults.append(f"{name} is not an ordinary file")
        elif file.is_file():
            parts[name] = EvidencePart(file, 0, file.stat().st_size)
    return EvidenceParts(parts, tuple(faults))


def from_tar(path: Path) -> EvidenceParts:
    """Find the parts of an archive without believing its headers."""
    parts: dict[str, EvidencePart] = {}
    faults: list[str] = []
    file = path.open("rb", buffering=0)
    end = file.seek(0, io.SEEK_END)
    at = 0
    while (named_part := _part_at(file, at, path, faults)) is not None:
        name, part = named_part
        if name in parts:
            faults.append(f"{name} is in the archive twice")
        after = part.offset + part.size
        if after + padding(part.size) > end:
            parts[name] = EvidencePart(path, part.offset, max(0, min(part.size, end - part.offset)))
            faults.append(f"the archive is cut off within {name}")
            break
        parts[name] = part
        if any(os.pread(file.fileno(), padding(part.size), after)):
            faults.append(f"the bytes after {name} are not all zero")
        at = after + padding(part.size)
    return EvidenceParts(parts, tuple(faults), file)


def _part_at(
    file: BinaryIO, at: int, path: Path, faults: list[str]
) -> tuple[str, EvidencePart] | None:
    """The part whose header begins at a byte; None at the end or where nothing can be read."""
    block = os.pread(file.fileno(), BLOCK, at)
    if not any(block):
        if block + os.pread(file.fileno(), len(END) - BLOCK + 1, at + len(block)) != END:
            faults.append(f"the archive does not end as it should at byte {at}")
        return None
    usual = _usual(block)
    if usual is not None:
        return usual[0], EvidencePart(path, at + BLOCK, usual[1])
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        if info.size < 0 or header(info.name, info.size) != block:
            faults.append(f"the header of {info.name!r} at byte {at} is not the one it should be")
    except (tarfile.HeaderError, ValueError):
        faults.append(f"the archive is damaged at byte {at}")
        return None
    return info.name, EvidencePart(path, at + BLOCK, max(0, info.size))


_NAME, _SIZE, _SUM = slice(0, 100), slice(124, 136), slice(148, 156)
"""POSIX ustar: the three fields in which the headers of an export differ."""


def _usual(block: bytes) -> tuple[str, int] | None:
    """Name and size of a header that is the right one, without the detour over ``tarfile``.

    None where that is not certain. An archive has a header for each tile, so this counts.
    """
    name = block[_NAME].rstrip(b"\0")
    size = block[_SIZE]
    expected = bytearray(_TEMPLATE)
    expected[: len(name)] = name
    expected[_SIZE] = size
    expected[_SUM] = b"%06o\0 " % (sum(expected))
    fits = bytes(expected) == block and size[:-1].isdigit() and size[-1:] == b"\0"
    if not fits or not name.isascii() or b"\0" in name or not name or name.endswith(b"/"):
        return None
    try:
        return name.decode("ascii"), int(size[:-1], 8)
    except ValueError:
        return None


def _template() -> bytes:
    block = bytearray(header("x", 0))
    block[0] = 0
    block[_SIZE] = bytes(12)
    block[_SUM] = b" " * 8
    return bytes(block)


_TEMPLATE = _template()
