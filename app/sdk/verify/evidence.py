"""The parts of an export, read strictly, from a tar or from a folder it was unpacked into.

Nothing is ever unpacked. In a tar every byte that is not content has one right value (app/audit/
archive.py); any other is a fault, so that no byte of the file can change unseen.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.audit.archive import BLOCK, END, header, padding

_PIECE = 1 << 20


@dataclass(frozen=True)
class Part:
    """A stretch of a file."""

    file: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Evidence:
    """Parts by name, and what is wrong with the wrapping they came in."""

    parts: Mapping[str, Part]
    faults: tuple[str, ...]

    def read(self, name: str, limit: int) -> bytes | None:
        """A part's first ``limit`` bytes; None where there is no such part."""
        part = self.parts.get(name)
        if part is None:
            return None
        with part.file.open("rb") as file:
            file.seek(part.offset)
            return file.read(min(part.size, limit))

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Read a part from its beginning; an absent part is empty."""
        part = self.parts.get(name)
        if part is None:
            yield io.BytesIO()
            return
        with part.file.open("rb") as file, io.BufferedReader(_Stretch(file, part)) as stretch:
            yield stretch

    def digest(self, name: str) -> str:
        """SHA-256 of a part, hex."""
        with self.stream(name) as stretch:
            digest = hashlib.sha256()
            while piece := stretch.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()


class _Stretch(io.RawIOBase):
    """The bytes of a part and not one more."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self._file = file
        self._left = part.size
        file.seek(part.offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(min(len(buffer), self._left))
        self._left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def from_folder(folder: Path) -> Evidence:
    """Take the files below a folder."""
    parts, faults = {}, []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            faults.append(f"{name} is not an ordinary file")
        elif file.is_file():
            parts[name] = Part(file, 0, file.stat().st_size)
    return Evidence(parts, tuple(faults))


def from_tar(path: Path) -> Evidence:
    """Find the parts of an archive without believing its headers."""
    parts: dict[str, Part] = {}
    faults: list[str] = []
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        at = 0
        while (found := _part_at(file, at, path, faults)) is not None:
            name, part = found
            if name in parts:
                faults.append(f"{name} is in the archive twice")
            after = part.offset + part.size
            if after + padding(part.size) > end:
                parts[name] = Part(path, part.offset, max(0, min(part.size, end - part.offset)))
                faults.append(f"the archive is cut off within {name}")
                break
            parts[name] = part
            file.seek(after)
            if any(file.read(padding(part.size))):
                faults.append(f"the bytes after {name} are not all zero")
            at = after + padding(part.size)
    return Evidence(parts, tuple(faults))


def _part_at(file: BinaryIO, at: int, path: Path, faults: list[str]) -> tuple[str, Part] | None:
    """The part whose header begins at a byte; None at the end or where nothing can be read."""
    file.seek(at)
    block = file.read(BLOCK)
    if not any(block):
        if block + file.read(len(END) - BLOCK + 1) != END:
            faults.append(f"the archive does not end as it should at byte {at}")
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        if info.size < 0 or header(info.name, info.size) != block:
            faults.append(f"the header of {info.name!r} at byte {at} is not the one it should be")
    except (tarfile.HeaderError, ValueError):
        faults.append(f"the archive is damaged at byte {at}")
        return None
    return info.name, Part(path, at + BLOCK, max(0, info.size))
