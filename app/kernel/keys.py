"""Keys in files: made at first run, readable by the owner only, never shown.

The first key of a name is in ``lease.key``; those that follow it by rotation in ``lease.2.key``,
``lease.3.key`` and so on. None is ever overwritten.
"""

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner

_SEED_BYTES = 32
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class KeyFolder:
    """A folder of 32-byte secrets, one file each."""

    path: Path

    def require(self, *names: str) -> None:
        """Refuse to make a key anew where the old key is still needed.

        Raises:
            Unavailable: one of the keys is missing.
        """
        for name in names:
            if not (self.path / f"{name}.key").exists():
                raise Unavailable(
                    f"the database holds a log, but the key file {name}.key is missing",
                    cure="Put the key back from its copy; a new one would not fit what is signed.",
                    kind="key-lost",
                )

    def held(self, name: str) -> tuple[LocalSigner, ...]:
        """The keys of a name that are there, the oldest first; none is made.

        Raises:
            Unavailable: a file is not a key.
        """
        return tuple(LocalSigner.from_seed(self.secret(each)) for each in self._files(name))

    def next(self, name: str) -> LocalSigner:
        """Make the key that follows those of a name."""
        return self.signer(f"{name}.{max(self._numbers(name), default=1) + 1}")

    def _files(self, name: str) -> tuple[str, ...]:
        """What the files of a name's keys are called, in their order."""
        numbers = sorted(self._numbers(name))
        return tuple(name if number == 1 else f"{name}.{number}" for number in numbers)

    def _numbers(self, name: str) -> set[int]:
        found = {1} if (self.path / f"{name}.key").exists() else set()
        for file in self.path.glob(f"{name}.*.key"):
            number = file.name.removeprefix(f"{name}.").removesuffix(".key")
            found |= {int(number)} if _NUMBER.fullmatch(number) else set()
        return found

    def signer(self, name: str) -> LocalSigner:
        """The Ed25519 signer whose seed is in ``<name>.key``."""
        return LocalSigner.from_seed(self.secret(name))

    def secret(self, name: str) -> bytes:
        """The 32 random bytes of ``<name>.key``; made when missing.

        Raises:
            Unavailable: the file is there but is not a key.
        """
        file = self.path / f"{name}.key"
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            create_once(file, secrets.token_bytes(_SEED_BYTES))
        secret = file.read_bytes()
        if len(secret) != _SEED_BYTES:
            raise Unavailable(
                f"the key file {file.name} does not hold {_SEED_BYTES} bytes",
                cure="Put the key back from its copy; a new one would not fit what is signed.",
                kind="key-lost",
            )
        return secret


def create_once(file: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all; a file that is there stays.

    The content is written under another name first: a crash leaves no half file behind.
    """
    draft = file.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # Refuses to replace what another process just made.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make a new or replaced file of a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
