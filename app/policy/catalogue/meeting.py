"""What two accounts of the catalogue both recognise as an app, and either as an exclusion (pure).

Rules:
1. An app is recognised only in a way that both accounts have; without one it is no app any more. Of
   two addresses that overlap, what remains is what lies in both.
2. An exclusion is recognised in every way that either account has.
3. An app that is a browser in either account is one: its program alone then is no app.
4. Meeting is commutative, associative and idempotent in what is recognised. An account that already
   says what remains stays as it is written.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from urllib.parse import quote

from app.policy.catalogue.matching import BROWSER, Pattern, read_pattern
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers

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


def _exclusions(present: Catalogue, agreed: Catalogue) -> dict[str, Exclusion]:
    return {
        name: replace(item, match=_united(item.match, agreed.exclusions[name].match))
        if name in agreed.exclusions
        else item
        for name, item in present.exclusions.items()
    }


def _app(present: App, agreed: App) -> App:
    browser = BROWSER in {present.group, agreed.group}
    return replace(
        present,
        group=BROWSER if browser else present.group,
        match=_shared(present.match, agreed.match),
    )


def _shared(a: Matchers, b: Matchers) -> Matchers:
    """What both fit (rule 1); programs are compared without case, as the guard does."""
    if a == b:
        return a
    programs = _programs(a) & _programs(b)
    return Matchers(
        bundle_ids=_named(a.bundle_ids, programs),
        executables=_named(a.executables, programs),
        urls=_overlap(a.urls, b.urls),
        fields=tuple(sorted(set(a.fields) & set(b.fields))),
        private=a.private and b.private,
    )


def _programs(match: Matchers) -> frozenset[str]:
    return frozenset(name.casefold() for name in (*match.bundle_ids, *match.executables))


def _named(names: Iterable[str], programs: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name.casefold() in programs))


def _united(a: Matchers, b: Matchers) -> Matchers:
    return Matchers(
        bundle_ids=_all(a.bundle_ids, b.bundle_ids),
        executables=_all(a.executables, b.executables),
        urls=_all(a.urls, b.urls),
        fields=_all(a.fields, b.fields),
        private=a.private or b.private,
    )


def _all(a: Iterable[str], b: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*a, *b}))


def _overlap(a: Iterable[str], b: Iterable[str]) -> tuple[str, ...]:
    """The addresses that lie in one of each, without those that lie in another of the result."""
    pairs = product(map(read_pattern, a), map(read_pattern, b))
    found = {pattern for one, other in pairs if (pattern := _both(one, other)) is not None}
    widest = (
        pattern
        for pattern in found
        if not any(other != pattern and _both(other, pattern) == pattern for other in found)
    )
    return tuple(sorted(map(_written, widest)))


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
