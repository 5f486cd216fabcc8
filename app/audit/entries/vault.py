"""Keys of people and what is encrypted under them.

Each person has a data key. The database holds it wrapped: encrypted with the vault's key, which is
not in the database. Destroying the wrapped key makes every body of that person unreadable, in every
copy, for ever.
AES-256-GCM throughout (NIST SP 800-38D), a fresh random 96-bit nonce each time.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.audit.tree.epoch import base_of
from app.kernel.canonical import Json, canonical
from app.kernel.signing import b64u, unb64u

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Tampered(ValueError):
    """A ciphertext, its place or its key is not what was stored."""


@dataclass(frozen=True)
class Sealed:
    """A body as it is stored in the database, and what the leaf says about it."""

    nonce: bytes
    ciphertext: bytes
    commitment: str


@dataclass(frozen=True)
class Vault:
    """Holds the key-encryption key (32 bytes)."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != _KEY_BYTES:
            msg = f"the vault's key must have {_KEY_BYTES} bytes"
            raise ValueError(msg)

    def new_key(self, owner: str) -> bytes:
        """Make a data key and return it wrapped: nonce, then ciphertext bound to its owner."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data_key = secrets.token_bytes(_KEY_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, data_key, _key_context(owner))

    def seal(self, wrapped: bytes, owner: str, body: Mapping[str, Json], context: bytes) -> Sealed:
        """Encrypt a body and commit to it.

        The commitment is an HMAC under a fresh 256-bit key that is only inside the ciphertext:
        who cannot decrypt cannot try guesses against it, even for a body of one word.

        Args:
            wrapped: the owner's wrapped data key.
            owner: whose key it is (a pseudonym).
            body: the personal detail.
            context: what binds the ciphertext to its place in the log (associated data).
        """
        commitment_key = secrets.token_bytes(_KEY_BYTES)
        plain = canonical({"key": b64u(commitment_key), "body": body})
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(self._unwrap(wrapped, owner)).encrypt(nonce, plain, context)
        return Sealed(nonce, ciphertext, _commit(commitment_key, body))

    def open(self, wrapped: bytes, owner: str, sealed: Sealed, context: bytes) -> Mapping[str, Any]:
        """Decrypt a body and check it against its commitment.

        Raises:
            Tampered: key, ciphertext, place or commitment do not fit together.
        """
        try:
            plain = AESGCM(self._unwrap(wrapped, owner)).decrypt(
                sealed.nonce, sealed.ciphertext, context
            )
        except (InvalidTag, ValueError) as error:
            raise Tampered("the encrypted body was altered or belongs elsewhere") from error
        envelope = json.loads(plain)
        body: Mapping[str, Any] = envelope["body"]
        if not hmac.compare_digest(_commit(unb64u(envelope["key"]), body), sealed.commitment):
            raise Tampered("the body does not match the commitment in the log")
        return body

    def fits(self, wrapped: bytes, owner: str) -> bool:
        """Whether a data key was wrapped by this vault."""
        try:
            self._unwrap(wrapped, owner)
        except Tampered:
            return False
        return True

    def commitment(self, data: bytes, context: str) -> str:
        """Commit to data that is stored elsewhere: HMAC under a key that is made from the vault's.

        Who holds the vault's key and the data can show that they fit; nobody else can try guesses.
        """
        own = hmac.new(self.key, b"habeas commitment|" + context.encode(), hashlib.sha256)
        return "hmac-sha256:" + hmac.new(own.digest(), data, hashlib.sha256).hexdigest()

    def _unwrap(self, wrapped: bytes, owner: str) -> bytes:
        try:
            return AESGCM(self.key).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _key_context(owner)
            )
        except (InvalidTag, ValueError) as error:
            raise Tampered("the data key was altered, or wrapped by another vault") from error


def detail_context(origin: str, event_id: str, kind: str) -> bytes:
    """What binds a body to its place: the log in all its epochs, the event, the event's kind."""
    return f"{base_of(origin)}|{event_id}|{kind}".encode()


def _key_context(owner: str) -> bytes:
    return b"habeas data key|" + owner.encode()


def _commit(key: bytes, body: Mapping[str, Json]) -> str:
    return "hmac-sha256:" + hmac.new(key, canonical(body), hashlib.sha256).hexdigest()
