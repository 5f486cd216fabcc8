"""The texts by which the catalogue recognises programs, addresses, pages and titles (pure).

Shared with the guard on the laptop: only the standard library may be imported here.

Rules:
1. ``NAME@SIGNER`` is a program: its bundle id, desktop id or executable in any case, and letter for
   letter who signed it. Without the signer anything could bear the name.
2. ``host/path`` is an address: everything below the path, by whole segments; ``*.host`` stands for
   the host and all below it.
3. ``host/path?name=value#fragment`` is a page within an app, in any case. ``*`` in a segment, a
   value or a part of the fragment stands for any run of letters; alone it is one whole segment.
   Path and fragment are prefixes. A parameter fits if any of that name has the value. What of an
   address cannot be read could be anything, so it fits.
4. ``APP: GLOB`` is a window's title in an app of the catalogue, in any case; ``*: GLOB`` in any.
   ``*`` stands for any run of letters. Characters that nobody sees do not count.
5. Comparison errs towards exclusion: an app's path must be equal letter for letter and the address
   https, what is excluded fits in any case, however its letters are composed, and without path
   parameters, which servers drop.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from app.policy.catalogue.address import Address, read_host, read_path

ANY_APP = "*"
_UNSEEN = frozenset(
    map(
        chr,
        (
            0x34F,
            *range(0x115F, 0x1161),
            *range(0x17B4, 0x17B6),
            *range(0x180B, 0x1810),
            0x3164,
            *range(0xFE00, 0xFE10),
            0xFFA0,
            *range(0xE0100, 0xE01F0),
        ),
    )
)
"""Joiners, fillers and variation selectors (Unicode: Default_Ignorable_Code_Point, beside Cf)."""
MOST_MARKS = 30
"""Marks on one letter, as the Stream-Safe Text Format allows (Unicode, UAX #15 §13)."""
_MAX_TEXT = 500
_DROPPED = "." + "".join(char for char in map(chr, range(0x3001)) if char.isspace())
"""What servers drop at the end of a segment."""
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.\-~$\[\]]+")
_FRAGMENT = re.compile(r"[A-Za-z0-9\-._~$'()*+,;=:@%! ]+")


@dataclass(frozen=True)
class SignedProgram:
    """A program by its name, in lower case, and who signed it."""

    name: str
    signer: str


@dataclass(frozen=True)
class Pattern:
    """``host/path-prefix``; ``*.host`` also stands for the host itself."""

    host: str
    below: bool
    path: tuple[str, ...]


@dataclass(frozen=True)
class Glob:
    """Text with ``*`` for any run of letters, as the parts between, in lower case."""

    parts: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Whether a text in lower case is one of those meant.

        >>> read_glob("d*").fits("d0123"), read_glob("d*").fits("c0123")
        (True, False)
        """
        first, *rest = self.parts
        if not rest:
            return text == first
        *inner, last = rest
        if not text.startswith(first) or len(text) < len(first) + len(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in inner:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return text.endswith(last)

    @property
    def longest(self) -> str:
        """The longest of the parts, which is in every text that fits.

        >>> read_glob("*pay*payroll").longest
        'payroll'
        """
        return max(self.parts, key=len)


@dataclass(frozen=True)
class Page:
    """A place within a site (rule 3)."""

    host: str
    below: bool
    path: tuple[Glob, ...]
    query: tuple[tuple[str, Glob], ...] = ()
    fragment: tuple[Glob, ...] = ()

    def fits(self, address: Address) -> bool:
        """Whether an address is, or could be, of this place.

        >>> from app.policy.catalogue.address import read_address
        >>> page = read_page("app.example.com/client/*/D*")
        >>> page.fits(read_address("https://app.example.com/client/T1/d77"))
        True
        """
        return (
            _of_host(address.host, self.host, below=self.below)
            and _begins(tuple(map(bare, address.path)), self.path)
            and all(_has(address.query, name, glob) for name, glob in self.query)
            and (
                address.fragment is None
                or _begins(tuple(map(folded, address.fragment)), self.fragment)
            )
        )


@dataclass(frozen=True)
class Title:
    """What windows of an app are called, or of any app (rule 4)."""

    app: str
    glob: Glob

    def asks(self, app: str) -> bool:
        """Whether it speaks of windows of an app."""
        return self.app in {app, ANY_APP}


@lru_cache(maxsize=4096)
def read_signed(text: str) -> SignedProgram:
    """Read ``NAME@SIGNER``.

    >>> read_signed("Code.exe@Microsoft Corporation")
    SignedProgram(name='code.exe', signer='Microsoft Corporation')

    Raises:
        ValueError: anything else; the message says what.
    """
    name, at, signer = text.partition("@")
    if not at or not name or not signer or text != text.strip():
        raise ValueError("a program is NAME@SIGNER: its name, and who signed it")
    return SignedProgram(name.casefold(), signer)


@lru_cache(maxsize=4096)
def read_pattern(text: str) -> Pattern:
    """Read ``host/path-prefix`` or ``*.host/path-prefix``.

    >>> read_pattern("*.example.com/wiki")
    Pattern(host='example.com', below=True, path=('wiki',))

    Raises:
        ValueError: anything else; the message says what.
    """
    named, slash, rest = text.partition("/")
    host, below = _named_host(named)
    path = read_path(slash + rest)
    if path is None or (slash and not path):
        raise ValueError("the path cannot be read in one way only, or is empty")
    return Pattern(host, below, path)


@lru_cache(maxsize=4096)
def read_page(text: str) -> Page:
    """Read ``host/path?name=value#fragment``.

    >>> read_page("hr.example.com/x?tab=pay*#/salary").query
    (('tab', Glob(parts=('pay', ''))),)

    Raises:
        ValueError: anything else; the message says what.
    """
    place, hash_, fragment = text.partition("#")
    place, mark, query = place.partition("?")
    named, slash, rest = place.partition("/")
    host, below = _named_host(named)
    path = read_path(slash + rest)
    if path is None:
        raise ValueError("the path cannot be read in one way only")
    if len(text) > _MAX_TEXT or not (path or query or fragment):
        raise ValueError("a page needs a path, a parameter or a fragment")
    if (mark and not query) or (hash_ and not fragment.strip("!/")):
        raise ValueError("after ? comes name=value, and after # a fragment")
    parameters = tuple(_parameter(one) for one in query.split("&")) if query else ()
    parts = tuple(_part(one) for one in fragment.strip("!/").split("/")) if fragment else ()
    return Page(host, below, tuple(read_glob(bare(one)) for one in path), parameters, parts)


@lru_cache(maxsize=4096)
def read_title(text: str) -> Title:
    """Read ``APP: GLOB`` or ``*: GLOB``.

    >>> read_title("slack: *(DM)*").app
    'slack'

    Raises:
        ValueError: anything else; the message says what.
    """
    app, colon, glob = text.partition(": ")
    if not colon or not (app == ANY_APP or _ID.fullmatch(app)):
        raise ValueError("a title is APP: TEXT with the id of an app, or *: TEXT")
    seen = plain(glob) if len(text) <= _MAX_TEXT else None
    if seen is None or not seen.strip("* "):
        raise ValueError("the text of the title is too long, or would fit every title")
    return Title(app, read_glob(seen))


def read_glob(text: str) -> Glob:
    """Read text in lower case with ``*`` for any run of letters.

    >>> read_glob("*pay*").parts
    ('', 'pay', '')
    """
    return Glob(tuple(text.split("*")))


def fits(address: Address, pattern: Pattern) -> bool:
    """Whether an address is one of an app's (rule 5).

    >>> fits(Address("example.com", ("wiki", "a")), read_pattern("example.com/wiki"))
    True
    """
    return (
        address.secure
        and _of_host(address.host, pattern.host, below=pattern.below)
        and address.path[: len(pattern.path)] == pattern.path
    )


def excludes(pattern: Pattern, address: Address) -> bool:
    """Whether an address is one of an exclusion's (rule 5).

    >>> excludes(read_pattern("example.com/Wiki"), Address("example.com", ("wiki;v=1",), False))
    True
    """
    wanted = tuple(map(bare, pattern.path))
    path = tuple(map(bare, address.path[: len(wanted)]))
    return _of_host(address.host, pattern.host, below=pattern.below) and path == wanted


def first_of(place: Pattern | Page) -> str | None:
    """The first segment of every address of an exclusion's place, as ``bare`` writes it.

    None where it may be any, or none.

    >>> first_of(read_page("example.com/Admin/*")), first_of(read_pattern("*.example.com"))
    ('admin', None)
    """
    if not place.path:
        return None
    first = place.path[0]
    if isinstance(first, str):
        return bare(first)
    return first.parts[0] if len(first.parts) == 1 else None


def plain(title: str) -> str | None:
    r"""A title as it is compared (rule 4): in one case, without characters that nobody sees.

    >>> plain("Pay\u200bro\ufe0fll \uff21")
    'payroll a'

    Returns:
        None where more than ``MOST_MARKS`` marks stand in a row. No language writes that, and to
        bring it to one form takes a time that grows with its square.
    """
    if title.isascii():
        return title.casefold()
    seen, marks = list[str](), 0
    for char in title:
        category = unicodedata.category(char)
        if category == "Cf" or char in _UNSEEN:
            continue
        marks = marks + 1 if category[0] == "M" else 0
        if marks > MOST_MARKS:
            return None
        seen.append(char)
    return unicodedata.normalize("NFKC", "".join(seen)).casefold()


def folded(text: str) -> str:
    r"""A text of an address as exclusions compare it: in one case, and with composed letters.

    Folders that a Mac has made are written with letters and marks apart.

    >>> folded("GEHA\u0308LTER")
    'gehälter'
    """
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).casefold()


def bare(segment: str) -> str:
    """A segment without case, and without what many servers drop: parameters, spaces and dots.

    >>> bare("Settings;v=1"), bare("Settings. ")
    ('settings', 'settings')
    """
    return folded(segment.partition(";")[0]).rstrip(_DROPPED)


def hosts_of(host: str) -> tuple[str, ...]:
    """A host and all above it that have two labels or more, the host itself first.

    >>> hosts_of("a.b.example.com")
    ('a.b.example.com', 'b.example.com', 'example.com')
    """
    labels = host.split(".")
    return tuple(".".join(labels[first:]) for first in range(max(1, len(labels) - 1)))


def _named_host(named: str) -> tuple[str, bool]:
    below = named.startswith("*.")
    host = read_host(named.removeprefix("*."))
    if host is None or host != named.removeprefix("*."):
        raise ValueError("the host is not a plain name in lower case")
    if "." not in host:
        raise ValueError("the host has one label only: that is a whole top-level domain")
    return host, below


def _parameter(text: str) -> tuple[str, Glob]:
    name, equals, value = text.partition("=")
    if not equals or not value or not _PARAMETER.fullmatch(name):
        raise ValueError("a parameter is name=value")
    return folded(name), read_glob(folded(value))


def _part(text: str) -> Glob:
    if not _FRAGMENT.fullmatch(text):
        raise ValueError("the fragment is text between slashes")
    return read_glob(folded(text))


def _of_host(host: str, named: str, *, below: bool) -> bool:
    return host == named or (below and host.endswith("." + named))


def _begins(parts: tuple[str, ...], globs: tuple[Glob, ...]) -> bool:
    return len(parts) >= len(globs) and all(
        glob.fits(part) for glob, part in zip(globs, parts, strict=False)
    )


def _has(query: tuple[tuple[str, str], ...] | None, name: str, glob: Glob) -> bool:
    return query is None or any(
        folded(given) == name and glob.fits(folded(value)) for given, value in query
    )
