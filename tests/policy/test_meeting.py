"""Two accounts of the catalogue: an app is what both recognise, an exclusion what either does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.event.model import Program, UiEvent
from app.event.verdict import Allowed, Denied, judge
from app.kernel.refusals import Refusal
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import (
    BROWSER,
    COMMUNICATION,
    App,
    Catalogue,
    Exclusion,
    Matchers,
)
from tests.agent_simulator import event
from tests.event.ready import SIGNERS, app, rules_of_catalogue
from tests.policy.next_form import NextMatchers

HOSTS = ("a.x", "b.a.x", "c.b.a.x", "b.x", "ba.x")
SEGMENTS = ("p", "P", "q", "%70", "r%20s", "s;t", "%C3%BC")
PROGRAMS = ("One", "one", "Two", "three")
GROUPS = (BROWSER, COMMUNICATION, "documents")


@dataclass(frozen=True)
class Place:
    """Where an event happens."""

    app: str
    url: str | None = None
    field: str = "none"
    private: bool = False
    signer: str = "T"
    title: str = ""

    @property
    def event(self) -> UiEvent:
        """A click there; a page is shown by a browser that bears the name, too."""
        return event(
            program=Program("Chrome" if self.url else None, self.signer, self.app),
            address=self.url,
            field=self.field,
            window="private" if self.private else "ordinary",
            title=self.title,
        )


ANY_BROWSER = app("", BROWSER, programs=[f"Chrome@{signer}" for signer in SIGNERS])
SIGNED = tuple(f"{name}@{signer}" for name in ("One", "one", "Two") for signer in SIGNERS)
PAGES = ("a.x/p", "*.a.x/*/q", "b.x/s*", "b.x/r%20s#x")
TITLES = ("one: *pay*", "*: private*", "two: exact")
PATHS = st.lists(st.sampled_from(SEGMENTS), max_size=3).map(
    lambda names: "".join(f"/{n}" for n in names)
)
PATTERNS = st.builds("{}{}{}".format, st.sampled_from(["", "*."]), st.sampled_from(HOSTS), PATHS)
ADDRESSES = st.builds(
    "https://{}{}{}".format, st.sampled_from(["", "d."]), st.sampled_from(HOSTS), PATHS
)
PLACES = st.builds(
    Place,
    app=st.sampled_from(PROGRAMS),
    url=st.none() | ADDRESSES,
    field=st.sampled_from(["none", "password", "search"]),
    private=st.booleans(),
    signer=st.sampled_from(SIGNERS),
    title=st.sampled_from(["", "Repayments", "private notes", "exact"]),
)


def some(values: Iterable[str] | st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    each = values if isinstance(values, st.SearchStrategy) else st.sampled_from(list(values))
    return st.lists(each, max_size=3).map(tuple)


APP_MATCHERS = st.builds(
    Matchers,
    bundle_ids=some(PROGRAMS),
    executables=some(PROGRAMS),
    urls=some(PATTERNS),
    programs=some(SIGNED),
)
APPS = st.builds(
    App,
    id=st.just("one"),
    name=st.sampled_from("nm"),
    group=st.sampled_from(GROUPS),
    match=APP_MATCHERS,
    others=st.sampled_from(["", "chat", "shared_documents"]),
    private_accounts=st.booleans(),
)
EXCLUSIONS = st.builds(
    Exclusion,
    id=st.just("one"),
    name=st.just("e"),
    why=st.just("w"),
    match=st.builds(
        Matchers,
        bundle_ids=some(PROGRAMS),
        executables=some(PROGRAMS),
        urls=some(PATTERNS),
        fields=some(["password", "search"]),
        private=st.booleans(),
        pages=some(PAGES),
        titles=some(TITLES),
    ),
)


def named(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these by id, each under its own."""
    return st.dictionaries(st.sampled_from(["one", "two"]), items).map(
        lambda found: {name: replace(item, id=name) for name, item in found.items()}
    )


CATALOGUES = st.builds(Catalogue, named(APPS), named(EXCLUSIONS))


def app_at(place: Place, catalogue: Catalogue, name: str) -> App | None:
    """The app of this id, if the guard takes the place for it."""
    listed = {name: catalogue.apps[name]} if name in catalogue.apps else {}
    verdict = judge(place.event, rules_of_catalogue(Catalogue(listed, {}), ANY_BROWSER))
    return listed[name] if isinstance(verdict, Allowed) else None


def excluded(place: Place, catalogue: Catalogue) -> set[str]:
    """The exclusions that the place falls under, as a window of the app ``one``."""
    return {name for name in catalogue.exclusions if _excluded(place, catalogue.exclusions[name])}


def _excluded(place: Place, item: Exclusion) -> bool:
    shows = app("one", programs=[f"{place.app}@{place.signer}"], urls=[*HOSTS, "d.a.x", "*.a.x"])
    rules = rules_of_catalogue(Catalogue({}, {item.id: item}), shows, ANY_BROWSER)
    verdict = judge(place.event, rules)
    return isinstance(verdict, Denied) and verdict.reason is Refusal.EXCLUDED


def recognised(place: Place, catalogue: Catalogue) -> tuple[dict[str, bool], set[str]]:
    """Which apps the place belongs to, and whether others' words are there; its exclusions."""
    found = {name: app_at(place, catalogue, name) for name in catalogue.apps}
    apps = {name: bool(one.shows_others) for name, one in found.items() if one is not None}
    return apps, excluded(place, catalogue)


def of_apps(*apps: App) -> Catalogue:
    return Catalogue({app.id: app for app in apps}, {})


# The meaning


@given(APPS, APPS, PLACES)
def test_a_place_belongs_to_an_app_where_it_does_in_both_accounts(
    a: App, b: App, place: Place
) -> None:
    both = app_at(place, meeting(of_apps(a), of_apps(b)), "one")
    either = [app_at(place, of_apps(one), "one") for one in (a, b)]
    assert (both is not None) == all(either)


OVERLAPS = {
    ("a.x", "a.x/p"): ("a.x/p",),
    ("*.a.x", "a.x"): ("a.x",),
    ("*.a.x", "b.a.x/p"): ("b.a.x/p",),
    ("*.a.x/p", "b.a.x"): ("b.a.x/p",),
    ("*.a.x", "ba.x"): (),
    ("a.x", "b.a.x"): (),
    ("a.x/p", "a.x/q"): (),
    ("a.x/p/q", "a.x/p"): ("a.x/p/q",),
}


@pytest.mark.parametrize("pair", OVERLAPS)
def test_of_two_addresses_remains_what_lies_in_both(pair: tuple[str, str]) -> None:
    for a, b in permutations(pair):
        one, other = (
            of_apps(replace(WIKI, match=Matchers(urls=(url,), executables=("Wiki",))))
            for url in (a, b)
        )
        assert meeting(one, other).apps["wiki"].match.urls == OVERLAPS[pair]


SIGNED_IN_BOTH: Mapping[str, tuple[Matchers, Matchers, Matchers]] = {
    "the same": (
        Matchers(programs=("One@T", "Two@T")),
        Matchers(programs=("one@T", "Two@U")),
        Matchers(programs=("One@T",)),
    ),
    "a name, which stands for whoever signed it": (
        Matchers(programs=("One@T", "Two@T")),
        Matchers(executables=("one",)),
        Matchers(programs=("One@T",)),
    ),
    "a name and who signed it, next to another's": (
        Matchers(programs=("One@T",), bundle_ids=("two",)),
        Matchers(programs=("Two@U", "One@U")),
        Matchers(programs=("Two@U",)),
    ),
    "nothing": (Matchers(programs=("One@T",)), Matchers(programs=("One@t",)), Matchers()),
}


@pytest.mark.parametrize("case", SIGNED_IN_BOTH)
def test_of_two_programs_remains_the_one_whose_signer_is_known(case: str) -> None:
    ours, theirs, remains = SIGNED_IN_BOTH[case]
    site = ("a.x",)
    for a, b in permutations((ours, theirs)):
        one, other = (of_apps(replace(WIKI, match=replace(it, urls=site))) for it in (a, b))
        match = meeting(one, other).apps["wiki"].match
        assert {name.casefold() for name in match.programs} == {
            name.casefold() for name in remains.programs
        }
        assert match == replace(match, bundle_ids=(), executables=(), urls=site)


@given(APPS, APPS)
def test_what_either_account_says_of_others_and_of_private_accounts_remains(a: App, b: App) -> None:
    b = replace(b, match=a.match)
    both = meeting(of_apps(a), of_apps(b)).apps.get("one")
    if both is not None:
        assert both.shows_others == max(a.shows_others, b.shows_others)
        assert both.private_accounts == (a.private_accounts or b.private_accounts)


@given(CATALOGUES, CATALOGUES, PLACES)
def test_a_place_is_excluded_where_it_is_in_either_account(
    a: Catalogue, b: Catalogue, place: Place
) -> None:
    assert excluded(place, meeting(a, b)) == excluded(place, a) | excluded(place, b)


@given(CATALOGUES, CATALOGUES, PLACES)
def test_an_app_that_one_account_does_not_have_is_none(
    a: Catalogue, b: Catalogue, place: Place
) -> None:
    apps, _ = recognised(place, meeting(a, b))
    assert apps.keys() == recognised(place, a)[0].keys() & recognised(place, b)[0].keys()


# The laws


@given(st.lists(CATALOGUES, min_size=3, max_size=3), PLACES)
def test_in_any_order_the_same_is_recognised(accounts: list[Catalogue], place: Place) -> None:
    found = [
        recognised(place, account)
        for a, b, c in permutations(accounts)
        for account in (meeting(meeting(a, b), c), meeting(a, meeting(b, c)))
    ]
    assert all(one == found[0] for one in found)


@given(CATALOGUES, CATALOGUES)
@example(
    of_apps(App("one", "n", "documents", Matchers(urls=("a.x/%70", "a.x/p/q", "b.x")))),
    of_apps(App("one", "n", "documents", Matchers(urls=("*.a.x", "b.x")))),
)
def test_what_has_met_an_account_stays_as_it_is_written(a: Catalogue, b: Catalogue) -> None:
    met = meeting(a, b)
    assert meeting(a, a) == a
    assert meeting(met, met) == met
    assert meeting(met, b).body == met.body
    assert meeting(met, a).body == met.body


@given(APPS, some(PATTERNS), some(PROGRAMS))
def test_an_account_that_is_no_wider_stays_as_it_is_written(
    narrow: App, urls: tuple[str, ...], programs: tuple[str, ...]
) -> None:
    assume(narrow.match != Matchers())
    match = narrow.match
    wide = replace(match, urls=match.urls + urls, executables=match.executables + programs)
    met = meeting(of_apps(narrow), of_apps(replace(narrow, match=wide)))
    assert met.body == of_apps(narrow).body


# What a file can do to people who agreed before


WIKI = App("wiki", "Wiki", "documents", Matchers(urls=("docs.a.x/wiki",), bundle_ids=("Wiki",)))
CHAT = App("chat", "Chat", COMMUNICATION, Matchers(urls=("chat.a.x",), executables=("Chat",)))
CHROME = App("chrome", "Chrome", BROWSER, Matchers(bundle_ids=("Chrome",)))
BANK = Exclusion("bank", "Bank", "", Matchers(urls=("bank.a.x",)))
AGREED = Catalogue({app.id: app for app in (WIKI, CHAT, CHROME)}, {"bank": BANK})

EDITS = {
    "a wider address": replace(WIKI, match=Matchers(urls=("*.a.x",), bundle_ids=("Wiki",))),
    "one more address": replace(WIKI, match=Matchers(urls=("docs.a.x/wiki", "b.x"))),
    "one more program": replace(WIKI, match=replace(WIKI.match, executables=("Editor",))),
    "the id of another app": replace(WIKI, name="Else", match=Matchers(urls=("else.x",))),
    "no browser any more": replace(CHROME, group="documents"),
    "others no longer write there": replace(CHAT, group="documents"),
    "an app that is new": App("new", "New", "documents", Matchers(urls=("new.x",))),
}
VISITED = [
    Place("Chrome", "https://docs.a.x/wiki/page"), Place("Chrome", "https://d.a.x"),
    Place("Chrome", "https://b.x"), Place("Chrome", "https://else.x"), Place("Wiki"),
    Place("Editor"), Place("Chrome"), Place("Chat"), Place("Chrome", "https://chat.a.x"),
    Place("Chrome", "https://new.x"), Place("Chrome", "https://bank.a.x"),
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_app_that_was_edited_reaches_no_further_than_it_did(edit: str) -> None:
    edited = EDITS[edit]
    present = Catalogue({**AGREED.apps, edited.id: edited}, AGREED.exclusions)
    met = meeting(present, AGREED)
    assert any(recognised(place, present) != recognised(place, AGREED) for place in VISITED)
    for place in VISITED:
        apps, exclusions = recognised(place, met)
        agreed, agreed_exclusions = recognised(place, AGREED)
        assert apps.keys() <= agreed.keys()
        assert all(apps[name] or not others for name, others in agreed.items() if name in apps)
        assert exclusions >= agreed_exclusions


@pytest.mark.parametrize(
    "exclusions",
    [{}, {"bank": replace(BANK, match=Matchers(urls=("else.x",)))}],
    ids=["gone", "of something else"],
)
def test_an_exclusion_that_was_edited_goes_on_excluding(exclusions: dict[str, Exclusion]) -> None:
    met = meeting(Catalogue(AGREED.apps, exclusions), AGREED)
    assert excluded(Place("Chrome", "https://bank.a.x/account"), met) == {"bank"}


# What comes later


FULL = {
    "bundle_ids": ("a",), "executables": ("b",), "urls": ("a.x",), "fields": ("password",),
    "private": True, "programs": ("a@T",), "pages": ("a.x/p",), "titles": ("one: secret",),
    "colours": ("red",),
}  # fmt: skip


@pytest.mark.parametrize("matcher", [field.name for field in fields(NextMatchers)])
def test_an_exclusion_keeps_every_matcher_of_either_account_also_later_ones(matcher: str) -> None:
    item = Exclusion("one", "e", "", NextMatchers())
    other = replace(item, match=NextMatchers(**{matcher: FULL[matcher]}))  # type: ignore[arg-type]
    for a, b in permutations((item, other)):
        met = meeting(Catalogue({}, {"one": a}), Catalogue({}, {"one": b}))
        assert getattr(met.exclusions["one"].match, matcher) == FULL[matcher]


@pytest.mark.parametrize("matcher", [field.name for field in fields(NextMatchers)])
def test_an_app_has_no_matcher_that_one_account_lacks_and_keeps_what_both_have(
    matcher: str,
) -> None:
    known = App("one", "n", "documents", NextMatchers(executables=("z",)))
    more = replace(known, match=replace(known.match, **{matcher: FULL[matcher]}))  # type: ignore[arg-type]
    other = replace(known, match=replace(more.match, bundle_ids=("y", "a")))
    for a, b in permutations((known, more)):
        met = meeting(of_apps(a), of_apps(b)).apps.get("one")
        assert met is None or getattr(met.match, matcher) == getattr(NextMatchers(), matcher)
    assert getattr(meeting(of_apps(more), of_apps(other)).apps["one"].match, matcher)
