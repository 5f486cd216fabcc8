"""Keys in files: made at first run, readable by the owner only, never shown."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner

_SEED_BYTES = 32


@dataclass(frozen=True)
class KeyFolder:
    """A folder of 32-byte secrets, one file each."""

    path: Path

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
        with contextlib.suppress(FileExistsError):
            self._create(file)
        found = file.read_bytes()
        if len(found) != _SEED_BYTES:
            raise Unavailable(
                f"the key file {file.name} does not hold {_SEED_BYTES} bytes",
                cure="Put the key back from its copy; a new one would not fit what is signed.",
            )
        return found

    def _create(self, file: Path) -> None:
        """Write the whole key under another name first: a crash leaves no half key behind."""
        if file.exists():
            raise FileExistsError
        draft = file.with_suffix(f".{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(_SEED_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, file)  # refuses to replace a key that another process just made
        finally:
            draft.unlink()
