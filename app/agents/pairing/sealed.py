"""What a device asks for, sealed into the link that it shows and the code that it keeps.

Rules:
1. Whoever begins a pairing leaves nothing here that the pairing needs: name, key and times travel
   in the sealed request, and come back with the person who opens the link. The code that the device
   keeps is sealed as well, so that asking whether somebody has approved needs no row.
2. A text is sealed with ChaCha20-Poly1305 (RFC 8439) under a key of its own, derived (HKDF,
   RFC 5869) from the vault's key and 16 random bytes. No nonce is used twice under one key.
3. What a text is for and whom it was made by go into its key: a request is no device code, and
   nothing that another service sealed can be opened.
4. What does not open is nothing: it is not told whether it was altered, cut or made up.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.agents.pairing.model import DeviceCode, PendingPairing
from app.kernel.signing import b64u, unb64u

MAX_SEALED = 800
"""Characters of a sealed text; a name of 80 characters of four bytes each has room."""

_FORM = 1
_HEAD = Struct(">B16s32sQQ")
"""Form, device, public key, begun, expires; instants in microseconds since 1970."""
_MORE = Struct(">32s8sB")
"""Of a request: digest of the device code, typed code, length of the source."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SALT_BYTES, _NONCE = 16, bytes(12)
_REQUEST, _CODE = "request", "device code"


@dataclass(frozen=True)
class PairingSeal:
    """Seals and opens what devices ask for.

    Attributes:
        secret: the vault's key, 32 bytes.
        issuer: the service that seals; what another one sealed does not open.
    """

    secret: bytes = field(repr=False)
    issuer: str

    def device_code(self, code: DeviceCode, started_at: datetime) -> str:
        """Seal the code that a device keeps."""
        return self._seal(_CODE, _head(code.device_id, code.public, started_at, code.expires_at))

    def request(self, pending: PendingPairing) -> str:
        """Seal what a device asks for.

        >>> at = datetime(2026, 11, 28, tzinfo=UTC)
        >>> pending = PendingPairing("d_" + "0" * 32, "laptop", bytes(32), at, at, "BCDF-GHJK",
        ...     "192.0.2.7", "00" * 32)
        >>> seal = PairingSeal(bytes(32), "https://habeas.example.com")
        >>> seal.open_request(seal.request(pending)) == pending
        True
        """
        letters = pending.user_code.replace("-", "").encode("ascii")
        source = pending.source.encode()
        return self._seal(
            _REQUEST,
            _head(pending.device_id, pending.public, pending.started_at, pending.expires_at)
            + _MORE.pack(bytes.fromhex(pending.device_code), letters, len(source))
            + source
            + pending.name.encode(),
        )

    def open_device_code(self, sealed: str) -> DeviceCode | None:
        """Read the code that a device keeps; None if it was not sealed here."""
        content = self._opened(_CODE, sealed)
        if content is None:
            return None
        device_id, public, _, expires_at = _read_head(content)
        return DeviceCode(device_id, public, expires_at)

    def open_request(self, sealed: str) -> PendingPairing | None:
        """Read what a device asks for; None if it was not sealed here."""
        content = self._opened(_REQUEST, sealed)
        if content is None:
            return None
        device_id, public, started_at, expires_at = _read_head(content)
        digest, letters, length = _MORE.unpack_from(content, _HEAD.size)
        rest = content[_HEAD.size + _MORE.size :]
        code = letters.decode("ascii")
        return PendingPairing(
            device_id=device_id,
            name=rest[length:].decode(),
            public=public,
            started_at=started_at,
            expires_at=expires_at,
            user_code=f"{code[:4]}-{code[4:]}",
            source=rest[:length].decode(),
            device_code=digest.hex(),
        )

    def _seal(self, use: str, content: bytes) -> str:
        salt = secrets.token_bytes(_SALT_BYTES)
        return b64u(salt + self._cipher(use, salt).encrypt(_NONCE, content, None))

    def _opened(self, use: str, sealed: str) -> bytes | None:
        if len(sealed) > MAX_SEALED:
            return None
        try:
            whole = unb64u(sealed)
            cipher = self._cipher(use, whole[:_SALT_BYTES])
            content = cipher.decrypt(_NONCE, whole[_SALT_BYTES:], None)
        except (ValueError, InvalidTag):
            return None
        return content if content[:1] == bytes([_FORM]) else None

    def _cipher(self, use: str, salt: bytes) -> ChaCha20Poly1305:
        info = f"habeas pairing {use} 1 {self.issuer}".encode()
        key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(self.secret)
        return ChaCha20Poly1305(key)


def _head(device_id: str, public: bytes, started_at: datetime, expires_at: datetime) -> bytes:
    device = bytes.fromhex(device_id.removeprefix("d_"))
    return _HEAD.pack(_FORM, device, public, _microseconds(started_at), _microseconds(expires_at))


def _read_head(content: bytes) -> tuple[str, bytes, datetime, datetime]:
    _, device, public, started, expires = _HEAD.unpack_from(content)
    return f"d_{device.hex()}", public, _instant(started), _instant(expires)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
