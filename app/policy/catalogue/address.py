"""Addresses of pages, read in one way only (pure).

Shared with the guard on the laptop: only the standard library may be imported here.

Rules:
1. An address that two programs could read differently is no address: user names in it, a port, a
   backslash, a slash or dot written in percent code, dot segments, empty segments, letters outside
   ASCII in the host, another scheme than http and https. Whoever asks then knows nothing.
2. Query and fragment are the page's own affair, and pages write them as they like. Where one of
   them cannot be read it is None: it could be anything.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, unquote_plus, urlsplit

MAX_URL = 8_192
_MAX_HOST = 253

_PORTS = {"http": "80", "https": "443"}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NOT_PLAIN = re.compile(r"[^\x21-\x7e]|\\")
_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_AMBIGUOUS = re.compile(r"%(?:2[ef5]|5c|0.|1.|7f)", re.IGNORECASE)
_BETWEEN = re.compile(r"[/?&]")

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """An address that can be read in one way only.

    Attributes:
        secure: https.
        host: in lower case, without a final dot.
        path: its segments, decoded.
        query: names and values, decoded; None if they cannot be read.
        fragment: its parts between ``/``, ``?`` and ``&``, decoded; None if they cannot be read.
    """

    host: str
    path: tuple[str, ...]
    secure: bool = True
    query: Parameters | None = ()
    fragment: tuple[str, ...] | None = ()


@lru_cache(maxsize=4096)
def read_address(url: str) -> Address | None:
    """Read an address, or None if it cannot be read in one way only (rule 1).

    >>> read_address("https://Example.com/a/b").path
    ('a', 'b')
    >>> read_address("https://example.com/?q=1#/x").fragment
    ('x',)
    >>> read_address("https://example.com/a/../b") is None  # programs could disagree about it
    True
    """
    if len(url) > MAX_URL or _NOT_PLAIN.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    named, colon, port = parts.netloc.partition(":")
    # A colon without a number is a port of none, which some programs take and others refuse.
    if parts.scheme not in _PORTS or (colon and port != _PORTS[parts.scheme]):
        return None
    host, path = read_host(named), read_path(parts.path)
    if host is None or path is None:
        return None
    secure = parts.scheme == "https"
    return Address(host, path, secure, _parameters(parts.query), _fragment(parts.fragment))


def read_host(text: str) -> str | None:
    """A host in lower case without its final dot; None unless it is plain ASCII labels.

    >>> read_host("Example.COM."), read_host("[::1]")
    ('example.com', None)
    """
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    plain = len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
    return host if plain else None


def read_path(path: str) -> tuple[str, ...] | None:
    """The decoded segments of a path; None if programs could disagree about them.

    >>> read_path("/wiki/a%20b/"), read_path("/wiki//b")
    (('wiki', 'a b'), None)
    """
    if not _PATH.fullmatch(path) or _AMBIGUOUS.search(path):
        return None
    segments = path.removeprefix("/").removesuffix("/").split("/") if path.strip("/") else []
    if "//" in path or any(segment in {"", ".", ".."} for segment in segments):
        return None
    try:
        return tuple(unquote(segment, errors="strict") for segment in segments)
    except UnicodeDecodeError:
        return None


def _parameters(query: str) -> Parameters | None:
    try:
        pairs = [one.partition("=") for one in query.split("&") if one]
        return tuple((_plus(name), _plus(value)) for name, _, value in pairs)
    except UnicodeDecodeError:
        return None


def _fragment(fragment: str) -> tuple[str, ...] | None:
    try:
        parts = _BETWEEN.split(fragment.lstrip("!/"))
        return tuple(unquote(part, errors="strict") for part in parts if part)
    except UnicodeDecodeError:
        return None


def _plus(text: str) -> str:
    return unquote_plus(text, errors="strict")
