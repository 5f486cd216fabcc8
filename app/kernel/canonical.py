"""Canonical bytes: the one function that turns a value into the bytes that are hashed and signed.

The profile is the part of RFC 8785 (JSON Canonicalization Scheme) that needs no number formatting:
objects with ASCII keys, strings, booleans, null, integers below 2**53 and arrays. No floats.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

_LIMIT = 2**53


def canonical(value: Json) -> bytes:
    """Return the canonical UTF-8 bytes of a value (RFC 8785 §3.2, integers and ASCII keys only).

    Raises:
        ValueError: the value lies outside the profile: a float, a large integer, a non-ASCII key,
            a lone surrogate.
    """
    _check(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def digest(data: bytes) -> str:
    """Name bytes by their SHA-256: ``sha256:`` and 64 lower-case hex digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_canonical(data: bytes) -> Any:
    """Read bytes that must be canonical already.

    Raises:
        ValueError: not JSON, a duplicate key, or not the canonical form of what it says.
    """
    value = json.loads(data.decode("utf-8"))
    if canonical(value) != data:
        msg = "the bytes are not the canonical form of their own content"
        raise ValueError(msg)
    return value


def _check(value: object) -> None:
    if type(value) is str:  # by far the most frequent, so it is not matched against the others
        return
    match value:
        case None | bool() | str():
            return
        case int():
            if not -_LIMIT < value < _LIMIT:
                msg = f"the integer {value} is too large for canonical JSON"
                raise ValueError(msg)
        case Mapping():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    msg = f"the key {key!r} is not an ASCII string"
                    raise ValueError(msg)
                _check(item)
        case list() | tuple():
            for item in value:
                _check(item)
        case _:
            msg = f"{type(value).__name__} has no canonical form"
            raise ValueError(msg)
