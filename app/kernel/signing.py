"""Ed25519 keys and compact JSON Web Signatures.

A token of Habeas is a JWS in compact form (RFC 7515 §3.1) with ``alg`` exactly ``Ed25519``
(RFC 9864 §2.2) and an explicit ``typ`` (RFC 8725 §3.11). Algorithm agility is a new ``typ``, never
a negotiation. Kept here in few lines because what leaves the building (app/sdk) may carry nothing
but the standard library, cryptography and httpx2.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.kernel.canonical import Json, canonical
from app.kernel.points import sound_point

MAX_TOKEN_BYTES = 16_384


class Signer(Protocol):
    """Holds a private key; signs bytes; never shows the key."""

    def held(self) -> "Signer":
        """The one key to sign the next message with: a key that is rotated is another one later."""
        ...

    @property
    def public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature (RFC 8032 §5.1.6)."""
        ...


@dataclass(frozen=True)
class LocalSigner:
    """A signer whose key lives in this process."""

    key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed: bytes) -> "LocalSigner":
        """Take the 32-byte seed of RFC 8032 §5.1.5."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def generate(cls) -> "LocalSigner":
        """Make a fresh key."""
        return cls(Ed25519PrivateKey.generate())

    def held(self) -> "LocalSigner":
        """This very key."""
        return self

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign bytes."""
        return self.key.sign(message)


class BadToken(ValueError):
    """A token that must not be believed; the message says which check failed."""


def b64u(data: bytes) -> str:
    r"""Base64url without padding (RFC 7515 §2).

    >>> b64u(b"\xff\xfe")
    '__4'
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    r"""Read base64url without padding, strictly: bytes have one accepted encoding.

    >>> unb64u("__4")
    b'\xff\xfe'
    >>> unb64u("__5")  # the same bytes, with an unused bit set
    Traceback (most recent call last):
    ValueError: not the one base64url form of these bytes

    Raises:
        ValueError: anything else.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error
    if b64u(data) != text:
        msg = "not the one base64url form of these bytes"
        raise ValueError(msg)
    return data


def jwk(public: bytes) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037 §2) with its thumbprint as ``kid``.

    >>> jwk(unb64u("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))["kid"]
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64u(public),
        "kid": thumbprint(public),
        "alg": "Ed25519",
        "use": "sig",
    }


def public_from_jwk(key: Mapping[str, Any]) -> bytes:
    """Read an Ed25519 public key from a JSON Web Key (RFC 8037 §2).

    >>> public = LocalSigner.from_seed(bytes(32)).public
    >>> public_from_jwk(jwk(public)) == public
    True

    Raises:
        ValueError: another key type, a private key, not 32 bytes, or an unsound point.
    """
    if key.get("kty") != "OKP" or key.get("crv") != "Ed25519":
        msg = "the key is not of kty OKP, crv Ed25519"
        raise ValueError(msg)
    if "d" in key:
        msg = "the key carries its private part (d); send only kty, crv and x"
        raise ValueError(msg)
    x = key.get("x")
    if not isinstance(x, str):
        msg = "the key has no x"
        raise ValueError(msg)  # noqa: TRY004 - one error for every unusable key
    public = unb64u(x)
    if len(public) != 32:  # noqa: PLR2004 - RFC 8032: an Ed25519 public key has 32 bytes
        msg = "x is not 32 bytes"
        raise ValueError(msg)
    return sound_point(public)


def thumbprint(public: bytes) -> str:
    """The key's id: its JWK thumbprint (RFC 7638 §3, RFC 8037 appendix A.3).

    >>> thumbprint(unb64u("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    body = canonical({"crv": "Ed25519", "kty": "OKP", "x": b64u(public)})
    return b64u(hashlib.sha256(body).digest())


def sign_token(signer: Signer, typ: str, claims: Mapping[str, Json]) -> str:
    """Sign claims as a compact JWS: ``alg`` Ed25519, the given ``typ``, the key's ``kid``.

    >>> token = sign_token(LocalSigner.from_seed(bytes(32)), "habeas-lease+jwt", {"capture": "off"})
    >>> len(token.split("."))  # header, claims, signature
    3
    """
    key = signer.held()  # asked once: key id and signature are of the same key
    header = canonical({"alg": "Ed25519", "kid": thumbprint(key.public), "typ": typ})
    signed = f"{b64u(header)}.{b64u(canonical(claims))}"
    return f"{signed}.{b64u(key.sign(signed.encode('ascii')))}"


def signing_key_of(token: str) -> str:
    """The id of the key that a token names; nothing is checked.

    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> signing_key_of(sign_token(signer, "habeas-lease+jwt", {})) == thumbprint(signer.public)
    True

    Raises:
        ValueError, KeyError: it names none.
    """
    return str(_object(unb64u(token.partition(".")[0]))["kid"])


def read_token(token: str, typ: str, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the claims of a compact JWS after checking form, ``typ``, ``alg``, ``kid``, signature.

    Times and audience are the caller's to check: their meaning differs by token.

    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> keys = {thumbprint(signer.public): signer.public}
    >>> lease = sign_token(signer, "habeas-lease+jwt", {"capture": "off"})
    >>> read_token(lease, "habeas-lease+jwt", keys)
    {'capture': 'off'}
    >>> read_token(lease, "habeas-grant+jwt", keys)
    Traceback (most recent call last):
    app.kernel.signing.BadToken: the token's type is not habeas-grant+jwt

    Args:
        token: the compact JWS, at most 16,384 characters.
        typ: the only accepted ``typ``.
        keys: trusted public keys (32 bytes each) by key id.

    Raises:
        BadToken: any check fails.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise BadToken("the token is too long")
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 §3.1: header.payload.signature
        raise BadToken("the token does not have three parts")
    try:
        header = _object(unb64u(parts[0]))
        signature = unb64u(parts[2])
    except ValueError as error:
        raise BadToken(f"the token cannot be read: {error}") from error
    if header.keys() - {"alg", "kid", "typ"}:
        raise BadToken("the token's header carries fields that are not understood")
    if header.get("alg") != "Ed25519":
        raise BadToken("the token's algorithm is not Ed25519")
    if header.get("typ") != typ:
        raise BadToken(f"the token's type is not {typ}")
    kid = header.get("kid")
    public = keys.get(kid) if isinstance(kid, str) else None
    if public is None:
        raise BadToken("the token is signed with an unknown key")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            signature, f"{parts[0]}.{parts[1]}".encode("ascii")
        )
    except (InvalidSignature, ValueError) as error:
        raise BadToken("the token's signature is wrong") from error
    try:
        return _object(unb64u(parts[1]))
    except ValueError as error:
        raise BadToken(f"the token's claims cannot be read: {error}") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"))
    except RecursionError as error:  # read before the signature is checked: anybody can send it
        msg = "nested too deeply"
        raise ValueError(msg) from error
    if not isinstance(value, dict):
        msg = "not a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - one error for every unreadable token
    return value
