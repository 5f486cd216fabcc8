"""What two accounts of the catalogue both recognise as an app, and either as an exclusion (pure).

Rules:
1. An app is recognised only in a way that both accounts have; without one it is no app any more. Of
   two addresses that overlap, what remains is what lies in both. A name alone stands for the
   program of that name whoever signed it.
2. An exclusion is recognised in every way that either account has.
3. What is a browser in one account and an app in the other is neither. An app that shows other
   people's words, or has private accounts, in either account does so in what remains.
4. Meeting is commutative, associative and idempotent in what is recognised. An account that already
   says what remains stays as it is written.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import product
from typing import Any
from urllib.parse import quote

from app.policy.catalogue.model import (
    COMMUNICATION,
    App,
    Catalogue,
    Exclusion,
    Matchers,
)
from app.policy.catalogue.patterns import Pattern, SignedProgram, read_pattern, read_signed

_PLAIN = "-._~!$&'()*+,;=:@"


def meeting(present: Catalogue, agreed: Catalogue) -> Catalogue:
    """Keep of a catalogue what another one also recognises, and all exclusions of both.

    >>> wide = App("wiki", "Wiki", "documents", Matchers(urls=("*.example.com",)))
    >>> narrow = App("wiki", "Wiki", "documents", Matchers(urls=("docs.example.com/wiki",)))
    >>> both = meeting(Catalogue({"wiki": wide}, {}), Catalogue({"wiki": narrow}, {}))
    >>> both.apps["wiki"].match.urls
    ('docs.example.com/wiki',)

    Args:
        present: names and groups are taken from it.
        agreed: the other one.
    """
    if present == agreed:
        return present
    both = (
        _app(app, agreed.apps[name]) for name, app in present.apps.items() if name in agreed.apps
    )
    apps = {app.id: app for app in both if app.match != Matchers()}
    return Catalogue(apps, {**agreed.exclusions, **_exclusions(present, agreed)})


def programs(match: Matchers) -> frozenset[str]:
    """The programs that fit, without case, as the guard compares them.

    >>> sorted(programs(Matchers(bundle_ids=("com.Wiki",), executables=("WIKI.EXE", "wiki.exe"))))
    ['com.wiki', 'wiki.exe']
    """
    return frozenset(name.casefold() for name in (*match.bundle_ids, *match.executables))


def lies_within(url: str, urls: Iterable[str]) -> bool:
    """Whether every address that fits a pattern also fits one of others.

    >>> lies_within("docs.example.com/wiki", ["*.example.com"])
    True
    >>> lies_within("*.example.com", ["docs.example.com", "example.com"])
    False
    """
    inner = read_pattern(url)
    return any(_both(inner, outer) == inner for outer in map(read_pattern, urls))


def shared_ways(a: App, b: App) -> tuple[str, ...]:
    """The addresses and programs by which two apps are both recognised; a browser is no app.

    >>> site = App("site", "Site", "crm", Matchers(urls=("*.example.com",)))
    >>> chat = App("chat", "Chat", "communication", Matchers(urls=("example.com/chat",)))
    >>> shared_ways(site, chat), shared_ways(chat, chat)
    (('example.com/chat',), ('example.com/chat',))
    """
    if a.browser or b.browser:
        return ()
    pairs = product(map(read_pattern, a.match.urls), map(read_pattern, b.match.urls))
    addresses = _widest(pattern for one, other in pairs if (pattern := _both(one, other)))
    both = _shared(a.match, b.match)
    return (*sorted(map(_written, addresses)), *sorted(programs(both)), *both.programs)


def signed(match: Matchers) -> frozenset[SignedProgram]:
    """The programs that fit only with who signed them.

    >>> sorted(one.name for one in signed(Matchers(programs=("Code.exe@Example Ltd",))))
    ['code.exe']
    """
    return frozenset(map(read_signed, match.programs))


def covers(match: Matchers, program: SignedProgram) -> bool:
    """Whether a program is one that fits: with its signer, or by a name alone.

    >>> covers(Matchers(executables=("code",)), SignedProgram("code", "Example Ltd"))
    True
    """
    return program in signed(match) or program.name in programs(match)


def _exclusions(present: Catalogue, agreed: Catalogue) -> dict[str, Exclusion]:
    return {
        name: replace(item, match=uniting(item.match, agreed.exclusions[name].match))
        if name in agreed.exclusions
        else item
        for name, item in present.exclusions.items()
    }


def _app(present: App, agreed: App) -> App:
    groups = {present.group, agreed.group}
    match = _shared(present.match, agreed.match)
    if present.browser != agreed.browser:
        match = Matchers()
    return replace(
        present,
        group=COMMUNICATION if COMMUNICATION in groups else present.group,
        match=match,
        others=max(present, agreed, key=lambda app: app.shows_others).others,
        private_accounts=present.private_accounts or agreed.private_accounts,
    )


def _shared(a: Matchers, b: Matchers) -> Matchers:
    """What both fit (rule 1); programs are compared without case, as the guard does."""
    if a == b:
        return a
    kept = programs(a) & programs(b)
    both: dict[str, Any] = {
        row.name: _in_both(getattr(a, row.name), getattr(b, row.name)) for row in fields(a)
    }
    both["bundle_ids"] = _named(a.bundle_ids, kept)
    both["executables"] = _named(a.executables, kept)
    both["urls"] = overlap(a.urls, b.urls)
    both["programs"] = tuple(
        sorted(
            {text for text in a.programs if covers(b, read_signed(text))}
            | {text for text in b.programs if read_signed(text).name in programs(a)}
        )
    )
    return replace(a, **both)


def uniting(a: Matchers, b: Matchers) -> Matchers:
    """What either fits (rule 2).

    >>> uniting(Matchers(executables=("a",)), Matchers(executables=("b",))).executables
    ('a', 'b')
    """
    either: dict[str, Any] = {
        row.name: _in_either(getattr(a, row.name), getattr(b, row.name)) for row in fields(a)
    }
    return replace(a, **either)


def _in_both(a: Any, b: Any) -> Any:
    return a and b if isinstance(a, bool) else tuple(sorted({*a} & {*b}))


def _in_either(a: Any, b: Any) -> Any:
    return a or b if isinstance(a, bool) else tuple(sorted({*a, *b}))


def _named(names: Iterable[str], kept: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name.casefold() in kept))


def overlap(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses that lie in one of each; as the first account writes them if it is no wider.

    >>> overlap(("*.example.com",), ("docs.example.com/wiki", "example.net"))
    ('docs.example.com/wiki',)
    """
    ours = {text: read_pattern(text) for text in a}
    pairs = product(ours.values(), map(read_pattern, b))
    shared = _widest(pattern for one, other in pairs if (pattern := _both(one, other)) is not None)
    return a if shared == _widest(ours.values()) else tuple(sorted(map(_written, shared)))


def _widest(patterns: Iterable[Pattern]) -> frozenset[Pattern]:
    """Without those that lie in another."""
    found = frozenset(patterns)
    return frozenset(
        pattern
        for pattern in found
        if not any(other != pattern and _both(other, pattern) == pattern for other in found)
    )


def _both(a: Pattern, b: Pattern) -> Pattern | None:
    """The addresses that fit both patterns; None if there are none."""
    path = max(a.path, b.path, key=len)
    if path[: len(a.path)] != a.path or path[: len(b.path)] != b.path:
        return None
    if _within(a, b):
        return Pattern(a.host, a.below, path)
    if _within(b, a):
        return Pattern(b.host, b.below, path)
    return None


def _within(inner: Pattern, outer: Pattern) -> bool:
    """Whether every host of one pattern is a host of another."""
    if inner.host == outer.host:
        return outer.below or not inner.below
    return outer.below and inner.host.endswith("." + outer.host)


def _written(pattern: Pattern) -> str:
    host = f"*.{pattern.host}" if pattern.below else pattern.host
    return "/".join((host, *(quote(segment, safe=_PLAIN) for segment in pattern.path)))
