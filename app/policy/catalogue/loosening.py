"""What one catalogue lets be recorded that another one does not (pure).

Rules:
1. An app that gains a way to be recognised loosens. So does one that comes back: a policy lists it,
   or an earlier catalogue had it. A new app reaches nobody before two people list it.
2. A browser that becomes another kind of app loosens: its program alone then is that app. So does
   an app that becomes a browser, since pages count in it from then on, an app that shows what other
   people write, if it is said not to any more or only of documents, and one that private people
   use, if that is said no more.
3. An exclusion that is gone, or loses a way to be recognised, loosens.
4. What is recognised counts, not how it is written: names are compared without case, and a name
   alone stands for every program of that name; an address that lies within another adds nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.policy.catalogue.meeting import covers, lies_within, programs
from app.policy.catalogue.model import (
    App,
    Catalogue,
    Exclusion,
    Matchers,
)
from app.policy.catalogue.patterns import (
    hosts_of,
    read_page,
    read_pattern,
    read_signed,
    read_title,
)


class LooseningKind(StrEnum):
    """How a catalogue loosens."""

    APP_AGAIN = "app_again"
    WIDER_APP = "wider_app"
    BROWSER_AS_APP = "browser_as_app"
    BECOMES_BROWSER = "becomes_browser"
    OTHERS_WORDS = "others_words"
    PRIVATE_ACCOUNTS = "private_accounts"
    EXCLUSION_GONE = "exclusion_gone"
    NARROWER_EXCLUSION = "narrower_exclusion"


@dataclass(frozen=True)
class Loosening:
    """One app that is recognised in more ways, or one exclusion that is in fewer.

    Attributes:
        id, name: of the app or exclusion.
        ways: the ways that an app gains or an exclusion loses; all of them where what is said of
            the app has changed.
    """

    kind: LooseningKind
    id: str
    name: str
    ways: Matchers


def loosenings(
    before: Catalogue, after: Catalogue, known: Collection[str]
) -> tuple[Loosening, ...]:
    """Say what a catalogue loosens, apps first, by id; nothing where it only narrows.

    >>> narrow = App("wiki", "Wiki", "documents", Matchers(urls=("docs.example.com",)))
    >>> wide = App("wiki", "Wiki", "documents", Matchers(urls=("*.example.com",)))
    >>> found = loosenings(Catalogue({"wiki": narrow}, {}), Catalogue({"wiki": wide}, {}), ())
    >>> [(str(one.kind), one.ways.urls) for one in found]
    [('wider_app', ('*.example.com',))]
    >>> loosenings(Catalogue({"wiki": wide}, {}), Catalogue({"wiki": narrow}, {}), ())
    ()

    Args:
        before: what is in force.
        after: what would take its place.
        known: the apps that are not new, by id: a policy lists them, or an earlier catalogue did.
    """
    apps = (
        one
        for name, app in sorted(after.apps.items())
        for one in _of_app(before.apps.get(name), app, known=name in known)
    )
    exclusions = (
        one
        for name, item in sorted(before.exclusions.items())
        for one in _of_exclusion(item, after.exclusions.get(name))
    )
    return (*apps, *exclusions)


def _of_app(before: App | None, after: App, *, known: bool) -> Iterator[Loosening]:
    if before is None:
        if known and _ways(after) != Matchers():
            yield Loosening(LooseningKind.APP_AGAIN, after.id, after.name, _ways(after))
        return
    for kind, ways in _said_otherwise(before, after):
        if ways != Matchers():
            yield Loosening(kind, after.id, after.name, ways)
    gained = beyond(_ways(after), before.match)
    if gained != Matchers():
        yield Loosening(LooseningKind.WIDER_APP, after.id, after.name, gained)


def _ways(app: App) -> Matchers:
    """How an app is recognised; no page belongs to a browser."""
    return replace(app.match, urls=()) if app.browser else app.match


def _said_otherwise(before: App, after: App) -> Iterator[tuple[LooseningKind, Matchers]]:
    """Rule 2."""
    match = after.match
    alone = Matchers(match.bundle_ids, match.executables, programs=match.programs)
    if before.browser and not after.browser:
        yield LooseningKind.BROWSER_AS_APP, match
    if after.browser and not before.browser:
        yield LooseningKind.BECOMES_BROWSER, alone
    if before.shows_others > after.shows_others:
        yield LooseningKind.OTHERS_WORDS, match
    if before.private_accounts and not after.private_accounts:
        yield LooseningKind.PRIVATE_ACCOUNTS, match


def _of_exclusion(before: Exclusion, after: Exclusion | None) -> Iterator[Loosening]:
    if after is None:
        yield Loosening(LooseningKind.EXCLUSION_GONE, before.id, before.name, before.match)
        return
    lost = beyond(before.match, after.match)
    if lost != Matchers():
        yield Loosening(LooseningKind.NARROWER_EXCLUSION, before.id, before.name, lost)


def beyond(match: Matchers, other: Matchers) -> Matchers:
    """The ways of one that the other does not cover (rule 4).

    >>> beyond(Matchers(executables=("A", "b")), Matchers(executables=("a",))).executables
    ('b',)
    """
    covered, fields = programs(other), {name.casefold() for name in other.fields}
    titles = frozenset(map(read_title, other.titles))
    pages, sites = frozenset(map(read_page, other.pages)), _by_host(other.urls)
    return Matchers(
        bundle_ids=tuple(name for name in match.bundle_ids if name.casefold() not in covered),
        executables=tuple(name for name in match.executables if name.casefold() not in covered),
        urls=tuple(url for url in match.urls if not _site_within(url, sites)),
        fields=tuple(name for name in match.fields if name.casefold() not in fields),
        private=match.private and not other.private,
        programs=tuple(text for text in match.programs if not covers(other, read_signed(text))),
        pages=tuple(
            text
            for text in match.pages
            if read_page(text) not in pages and not _site_within(_site(text), sites)
        ),
        titles=tuple(text for text in match.titles if read_title(text) not in titles),
    )


def _by_host(urls: Iterable[str]) -> Mapping[str, list[str]]:
    """Addresses by their host, so that few have to be compared: a policy may name thousands."""
    found: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        found[read_pattern(url).host].append(url)
    return found


def _site_within(url: str, sites: Mapping[str, list[str]]) -> bool:
    """Whether every address that fits a pattern also fits one of others."""
    return any(lies_within(url, sites.get(host, ())) for host in hosts_of(read_pattern(url).host))


def _site(page: str) -> str:
    """All addresses of the host of a page, as a pattern."""
    read = read_page(page)
    return f"*.{read.host}" if read.below else read.host
