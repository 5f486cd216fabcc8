"""Canonical bytes: the only function that turns a value into the bytes that are hashed and signed.

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
    r"""Return the canonical UTF-8 bytes of a value (RFC 8785 §3.2, integers and ASCII keys only).

    >>> canonical({"b": [1, None], "a": "ü"})
    b'{"a":"\xc3\xbc","b":[1,null]}'

    Raises:
        ValueError: the value is outside the profile: a float, a large integer, a non-ASCII key,
            a lone surrogate.
    """
    _check(value)
    return rewritten(value)


def rewritten(value: Json) -> bytes:
    """The canonical bytes of a value, or of a part of one, that ``parse_canonical`` returned.

    >>> rewritten(parse_canonical(b'{"a":[1,2]}')["a"])
    b'[1,2]'

    Raises:
        ValueError: a lone surrogate.
    """
    return _WRITER.encode(value).encode("utf-8")


def digest(data: bytes) -> str:
    """Name bytes by their SHA-256: ``sha256:`` and 64 lower-case hex digits.

    >>> digest(b"")
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_canonical(data: bytes) -> Any:
    """Read bytes that must be canonical already.

    >>> parse_canonical(b'{"a":1}')
    {'a': 1}
    >>> parse_canonical(b'{"a": 1}')
    Traceback (most recent call last):
    ValueError: the bytes are not the canonical form of their own content

    Raises:
        ValueError: not JSON, a duplicate key, or not the canonical form of what it says.
    """
    value = _READER.decode(data.decode("utf-8"))
    # Numbers were judged as they were read; keys of bytes that are ASCII can be nothing else.
    if not data.isascii():
        _check(value)
    if rewritten(value) != data:
        msg = "the bytes are not the canonical form of their own content"
        raise ValueError(msg)
    return value


def _integer(text: str) -> int:
    value = int(text)
    if not -_LIMIT < value < _LIMIT:
        msg = f"the integer {value} is too large for canonical JSON"
        raise ValueError(msg)
    return value


def _refuse(text: str) -> None:
    msg = f"the number {text} has no canonical form"
    raise ValueError(msg)


_READER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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
