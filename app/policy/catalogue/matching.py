"""Which app an event belongs to, and whether it is in an excluded place (pure).

Shared with the guard on the laptop: only the standard library may be imported here.

Rules:
1. An event with an address is judged by the address alone: a page belongs to the app whose address
   it is, never to the browser that shows it. An event without one is judged by the program.
2. A browser without a known address is no app, also if a policy lists the browser.
3. An address that two programs could read differently is no address: user names in it, a port, a
   backslash, a slash or dot written in percent code, dot segments, empty segments, letters outside
   ASCII in the host. It then belongs to no app, and what is not listed is not captured.
4. An exclusion is recognised by program, address, kind of field, or private window. It wins over
   every app; asking for it first is the caller's duty.
5. Comparison errs towards exclusion: an app's path must be equal letter for letter, an exclusion's
   path in any case.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

BROWSER = "browser"
COMMUNICATION = "communication"
"""The group of apps that show what other people write."""
MATCHED = frozenset({"bundle_ids", "executables", "urls", "fields", "private"})
"""The matchers that have code here; a guard refuses a document with any other."""
MAX_URL = 8_192
_MAX_HOST = 253

_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NOT_PLAIN = re.compile(r"[^\x21-\x7e]|\\")
_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_AMBIGUOUS = re.compile(r"%(?:2[ef5]|5c|0.|1.|7f)", re.IGNORECASE)


class Observed(Protocol):
    """What is known of an event's place."""

    @property
    def app(self) -> str:
        """Bundle id or executable of the program in front."""

    @property
    def url(self) -> str | None:
        """Address of the page in front, in a browser."""

    @property
    def field(self) -> str | None:
        """Kind of the field that has the focus, e.g. ``password``."""

    @property
    def private(self) -> bool:
        """Whether the window is private."""


@dataclass(frozen=True)
class Address:
    """Host and path segments of an address that can be read in one way only."""

    host: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """``host/path-prefix``; ``*.host`` also stands for the host itself."""

    host: str
    below: bool
    path: tuple[str, ...]


def match_app(event: Observed, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the listed app of a policy document that the event belongs to, or None.

    >>> from types import SimpleNamespace
    >>> page = SimpleNamespace(app="Safari", url="https://mail.example.com/inbox")
    >>> match = {"bundle_ids": [], "executables": [], "urls": ["mail.example.com"]}
    >>> match_app(page, {"apps": [{"id": "mail", "group": "mail", "match": match}]})["id"]
    'mail'
    """
    if event.url is None:
        program = event.app.casefold()
        for app in document["apps"]:
            if app["group"] != BROWSER and program in _programs(app["match"]):
                return app  # type: ignore[no-any-return]
        return None
    address = read_address(event.url)
    if address is None:
        return None
    for app in document["apps"]:
        if any(_fits(address, read_pattern(url)) for url in app["match"]["urls"]):
            return app  # type: ignore[no-any-return]
    return None


def match_exclusion(event: Observed, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the exclusion of a policy document that the event falls under, or None.

    >>> from types import SimpleNamespace
    >>> event = SimpleNamespace(app="slack", url=None, field="Password", private=False)
    >>> match = {"bundle_ids": [], "executables": [], "urls": [], "private": False}
    >>> match["fields"] = ["password"]
    >>> match_exclusion(event, {"exclusions": [{"id": "passwords", "match": match}]})["id"]
    'passwords'
    """
    program = event.app.casefold()
    field = None if event.field is None else event.field.casefold()
    address = None if event.url is None else read_address(event.url)
    for item in document["exclusions"]:
        match = item["match"]
        if (
            program in _programs(match)
            or (field is not None and field in {name.casefold() for name in match["fields"]})
            or (match["private"] and event.private)
            or (address is not None and _excluded(address, match["urls"]))
        ):
            return item  # type: ignore[no-any-return]
    return None


@lru_cache(maxsize=4096)
def read_address(url: str) -> Address | None:
    """Read an address, or None if it cannot be read in one way only (rule 3).

    >>> read_address("https://Example.com/a/b")
    Address(host='example.com', path=('a', 'b'))
    >>> read_address("https://example.com/a/../b") is None  # programs could disagree about it
    True
    """
    if len(url) > MAX_URL or _NOT_PLAIN.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or "@" in parts.netloc:
        return None
    # A colon without a number is a port of none, which some programs take and others refuse.
    if parts.netloc.endswith(":") or (port is not None and port != _PORTS[parts.scheme]):
        return None
    host = _host(parts.hostname or "")
    path = _segments(parts.path)
    return None if host is None or path is None else Address(host, path)


@lru_cache(maxsize=4096)
def read_pattern(text: str) -> Pattern:
    """Read ``host/path-prefix`` or ``*.host/path-prefix``.

    >>> read_pattern("*.example.com/wiki")
    Pattern(host='example.com', below=True, path=('wiki',))

    Raises:
        ValueError: anything else; the message says what.
    """
    named, slash, rest = text.partition("/")
    below = named.startswith("*.")
    host = _host(named.removeprefix("*."))
    if host is None or host != named.removeprefix("*."):
        raise ValueError("the host is not a plain name in lower case")
    if "." not in host:
        raise ValueError("the host has one label only: that is a whole top-level domain")
    path = _segments(slash + rest)
    if path is None or (slash and not path):
        raise ValueError("the path cannot be read in one way only, or is empty")
    return Pattern(host, below, path)


def _host(text: str) -> str | None:
    """The host in lower case without its final dot; None unless it is plain ASCII labels."""
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    plain = len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
    return host if plain else None


def _segments(path: str) -> tuple[str, ...] | None:
    """The decoded segments of a path; None if programs could disagree about them."""
    if not _PATH.fullmatch(path) or _AMBIGUOUS.search(path):
        return None
    segments = path.removeprefix("/").removesuffix("/").split("/") if path.strip("/") else []
    if "//" in path or any(segment in {"", ".", ".."} for segment in segments):
        return None
    try:
        return tuple(unquote(segment, errors="strict") for segment in segments)
    except UnicodeDecodeError:
        return None


def _fits(address: Address, pattern: Pattern) -> bool:
    return _same_host(address, pattern) and address.path[: len(pattern.path)] == pattern.path


def _excluded(address: Address, patterns: Iterable[str]) -> bool:
    path = tuple(_bare(segment) for segment in address.path)
    for text in patterns:
        pattern = read_pattern(text)
        wanted = tuple(_bare(segment) for segment in pattern.path)
        if _same_host(address, pattern) and path[: len(wanted)] == wanted:
            return True
    return False


def _bare(segment: str) -> str:
    """A segment without case and without path parameters, which many servers drop."""
    return segment.partition(";")[0].casefold()


def _same_host(address: Address, pattern: Pattern) -> bool:
    return address.host == pattern.host or (
        pattern.below and address.host.endswith("." + pattern.host)
    )


def _programs(match: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name.casefold() for name in (*match["bundle_ids"], *match["executables"]))
