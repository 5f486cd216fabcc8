"""The export as a file: which parts it has, and the one way its bytes are laid out.

Pure. An export is an uncompressed POSIX tar whose headers carry nothing but name and size, so the
same log gives the same bytes, and a verifier can tell any other byte. Parts, in this order:

    checkpoint               the signed checkpoint
    selection.json           which entries (audit/reading/selection.py); not in a whole export
    entries.jsonl            each line without its newline is a leaf's bytes
    keys/log.vkey            the log's public key, one line
    policies/<sha256>.json   documents that entries name by digest
    tile/<L>/<N>[.p/<W>]     the tree (C2SP tlog-tiles), partial tiles for this size only
    manifest.json            format, origin, size, root, and the SHA-256 of every other part
"""

import hashlib
import re
import tarfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from app.audit.entries.model import FORMAT
from app.audit.tree.checkpoint import Checkpoint
from app.kernel.canonical import canonical
from app.kernel.shapes import SHA256

CHECKPOINT = "checkpoint"
SELECTION = "selection.json"
ENTRIES = "entries.jsonl"
KEY = "keys/log.vkey"
MANIFEST = "manifest.json"
BLOCK = 512
END = bytes(2 * BLOCK)
"""POSIX pax, "ustar Interchange Format": an archive ends with two blocks of zeros."""

_POLICY = re.compile(rf"policies/{SHA256.pattern}\.json")


def policy_path(digest: str) -> str:
    """Where the document with this digest is."""
    return f"policies/{digest.removeprefix('sha256:')}.json"


def is_policy_path(path: str) -> bool:
    """Whether a part is a document named by its digest."""
    return _POLICY.fullmatch(path) is not None


def manifest(signed: Checkpoint, files: Mapping[str, str]) -> bytes:
    """The manifest: nothing in it that a verifier does not compute itself."""
    return canonical(
        {
            "format": FORMAT,
            "origin": signed.origin,
            "size": signed.size,
            "root": signed.root.hex(),
            "files": files,
        }
    )


def header(name: str, size: int) -> bytes:
    """The one header block of a part: no time, no owner, mode 0644."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(format=tarfile.GNU_FORMAT)


def padding(size: int) -> int:
    """How many zero bytes follow a part of this size."""
    return -size % BLOCK


class ArchiveWriter:
    """Writes parts one after the other, in constant memory, and remembers their digests."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.files: dict[str, str] = {}

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> None:
        """Write one part.

        Raises:
            ValueError: the pieces do not have the announced size, or the part was written before.
        """
        if name in self.files:
            msg = f"{name} is in the archive already"
            raise ValueError(msg)
        self._target.write(header(name, size))
        digest, written = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            written += self._target.write(piece)
        if written != size:
            msg = f"{name} has {written} bytes where {size} were announced"
            raise ValueError(msg)
        self._target.write(bytes(padding(size)))
        self.files[name] = digest.hexdigest()

    def add_bytes(self, name: str, data: bytes) -> None:
        """Write a part whose bytes are all known."""
        self.add(name, len(data), (data,))

    def end(self) -> None:
        """Write the end of the archive."""
        self._target.write(END)
