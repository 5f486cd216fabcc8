"""How programs, addresses, pages, titles and accounts are matched, after docs/events.md alone.

The part of the second guard (second_guard.py) that is about texts.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import TypeGuard

LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
ADDRESS = re.compile(r"(?i:(https?))://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
FORBIDDEN = re.compile(r"%(?:2[fFeE5]|5[cC]|[01][0-9A-Fa-f]|7[fF])")


def fold(text: str) -> str:
    return text.casefold()


def _composed(text: str) -> str:
    return fold(unicodedata.normalize("NFC", text))


def fits_glob(pattern: str, text: str) -> bool:
    """Whether the whole text is the pattern, where `*` is any run of characters."""
    first, *rest = _composed(pattern).split("*")
    text = _composed(text)
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    text = text[len(first) :]
    for part in rest[:-1]:
        _, found, text = text.partition(part) if part else ("", "x", text)
        if not found:
            return False
    return text.endswith(rest[-1])


class ReadAddress:
    """An address that can be read: host, segments, query, fragment."""

    def __init__(self, text: str) -> None:
        found = ADDRESS.fullmatch(text)
        if not found or re.search(r"[^!-~]|\\", text):
            raise ValueError(text)
        scheme, authority, path, self.query, self.fragment = found.groups()
        self.scheme = scheme.lower()
        self.host = _host(authority, {"http": ":80", "https": ":443"}[self.scheme])
        self.segments = _segments(path)


def _host(authority: str, own_port: str) -> str:
    host = authority.removesuffix(own_port).removesuffix(".").lower()
    if len(host) > 253 or not all(map(LABEL.fullmatch, host.split("."))):
        raise ValueError(authority)
    return host


def _segments(path: str) -> list[str]:
    if not PATH.fullmatch(path) or FORBIDDEN.search(path):
        raise ValueError(path)
    segments = path.removeprefix("/").removesuffix("/").split("/") if path not in ("", "/") else []
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(path)
    return [_decoded(segment) for segment in segments]


def _decoded(text: str) -> str:
    """Percent codes as UTF-8; one that is incomplete stays.

    Raises:
        ValueError: they are not UTF-8.
    """
    return re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]), text.encode()
    ).decode()


def readable(address: str | None) -> ReadAddress | None:
    try:
        return ReadAddress(address) if address is not None else None
    except ValueError:
        return None


def _fits_host(pattern: str, host: str) -> bool:
    bare = pattern.removeprefix("*.").lower()
    return host == bare or (pattern.startswith("*.") and host.endswith("." + bare))


def pattern_parts(pattern: str) -> tuple[str, list[str]]:
    host, slash, path = pattern.partition("/")
    return host, _segments(slash + path)


def of_app(pattern: str, address: ReadAddress) -> bool:
    host, segments = pattern_parts(pattern)
    return (
        address.scheme == "https"
        and _fits_host(host, address.host)
        and address.segments[: len(segments)] == segments
    )


def in_url(pattern: str, address: ReadAddress, fits: Callable[[str, str], bool]) -> bool:
    host, segments = pattern_parts(pattern)
    shown = [_shown(segment) for segment in address.segments]
    return (
        _fits_host(host, address.host)
        and len(shown) >= len(segments)
        and all(map(fits, [_shown(segment) for segment in segments], shown))
    )


def _shown(segment: str) -> str:
    """What comes before parameters, without spaces and dots at its end."""
    text = segment.partition(";")[0]
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] == "."):
        end -= 1
    return text[:end]


def equal(one: str, other: str) -> bool:
    return _composed(one) == _composed(other)


def in_page(pattern: str, address: ReadAddress) -> bool:
    rest, _, fragment = pattern.partition("#")
    place, _, query = rest.partition("?")
    return (
        in_url(place, address, fits_glob)
        and (not query or _fits_query(query, address.query or ""))
        and (not fragment or _fits_fragment(fragment, address.fragment or ""))
    )


def _fits_query(pattern: str, query: str) -> bool:
    try:
        shown = [
            [_decoded(part.replace("+", " ")) for part in pair.partition("=")[::2]]
            for pair in query.split("&")
        ]
    except ValueError:
        return True
    return all(
        any(equal(name, key) and fits_glob(value, given) for key, given in shown)
        for name, _, value in (pair.partition("=") for pair in pattern.split("&"))
    )


def _fits_fragment(pattern: str, fragment: str) -> bool:
    try:
        parts = [_decoded(part) for part in re.split("[/?&]", fragment.lstrip("!/")) if part]
    except ValueError:
        return True
    wanted = [part for part in pattern.lstrip("!/").split("/") if part]
    return len(parts) >= len(wanted) and all(map(fits_glob, wanted, parts))


def comparable(title: str | None) -> TypeGuard[str]:
    if title is None:
        return False
    kinds = (unicodedata.category(sign)[0] for sign in title if not _ignored(sign))
    return "M" * 31 not in "".join(kinds)


def fits_title(texts: list[str], app: str, title: str | None) -> bool:
    named = (text.partition(": ") for text in texts)
    return comparable(title) and any(
        name == app and fits_glob(_seen(glob), _seen(title)) for name, _, glob in named
    )


def _seen(text: str) -> str:
    if text.isascii():
        return text
    visible = "".join(sign for sign in text if not _ignored(sign))
    return unicodedata.normalize("NFKC", visible)


def _ignored(sign: str) -> bool:
    unseen = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    return (
        unicodedata.category(sign) == "Cf"
        or sign in unseen
        or "\u180b" <= sign <= "\u180f"
        or "\ufe00" <= sign <= "\ufe0f"
        or "\U000e0100" <= sign <= "\U000e01ef"
    )


def fits_tenant(way: str, value: str, shown: str) -> bool:
    if way == "address":
        address = readable(shown)
        return address is not None and of_app(value, address)
    account, value = _ascii_fold(shown), _ascii_fold(value)
    if way == "account":
        return account == value
    mail = re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(.*)", account)
    return account == value or bool(mail and mail[1] == value)


def _ascii_fold(text: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)
