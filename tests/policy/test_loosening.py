"""What a catalogue loosens: each kind by example, and the laws by which it keeps with the meet."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.event.model import Program, UiEvent
from app.event.verdict import Allowed, judge
from app.kernel.facts import encode
from app.policy.catalogue.loosening import LooseningKind, loosenings
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from tests.agent_simulator import event
from tests.event.ready import SIGNERS, app, rules_of_catalogue

WIKI = App(
    "wiki",
    "Wiki",
    "documents",
    Matchers(("com.wiki",), ("wiki.exe",), ("wiki.example.com",), programs=("desk@T",)),
    private_accounts=True,
)
FOX = App("fox", "Fox", "browser", Matchers(executables=("fox",)))
EVERY_WAY = Matchers(
    ("com.bank",), ("bank.exe",), ("bank.example.com/pay",), ("password",), private=True,
    programs=("bank@T",), pages=("shop.example.com/*/pay",), titles=("wiki: *pay*",),
)  # fmt: skip
BANK = Exclusion("bank", "Bank", "Money.", EVERY_WAY)
MAIL = App("mail", "Mail", "communication", Matchers(urls=("mail.example.com",)), others="mail")
HERE = Catalogue({"wiki": WIKI, "fox": FOX, "mail": MAIL}, {"bank": BANK})


def with_app(**changes: Any) -> Catalogue:
    return replace(HERE, apps={**HERE.apps, "wiki": replace(WIKI, **changes)})


def wiki(**ways: Any) -> Catalogue:
    return with_app(match=replace(WIKI.match, **ways))


def bank(**ways: Any) -> Catalogue:
    return replace(HERE, exclusions={"bank": replace(BANK, match=replace(EVERY_WAY, **ways))})


NEW = App("chat", "Chat", "communication", Matchers(executables=("chat",)))
WITH_NEW = replace(HERE, apps={**HERE.apps, "chat": NEW})
MAIL_AS_DOCUMENTS = replace(
    HERE, apps={**HERE.apps, "mail": replace(MAIL, group="documents", others="")}
)
MAIL_AS_SHARED = replace(
    HERE, apps={**HERE.apps, "mail": replace(MAIL, group="documents", others="shared_documents")}
)
PAGES_OF_FOX = replace(
    HERE, apps={**HERE.apps, "fox": replace(FOX, match=replace(FOX.match, urls=("fox.example",)))}
)
ALONE = replace(HERE, apps={**HERE.apps, "fox": replace(FOX, group="data")})

LOOSENED: Mapping[str, tuple[Catalogue, str, str]] = {
    "a bundle id more": (wiki(bundle_ids=("com.wiki", "com.all")), "wider_app", "com.all"),
    "a program more": (wiki(executables=("wiki.exe", "all.exe")), "wider_app", "all.exe"),
    "an address more": (wiki(urls=("wiki.example.com", "a.example.com")), "wider_app", "a.example"),
    "a wider address": (wiki(urls=("*.wiki.example.com",)), "wider_app", "*.wiki.example.com"),
    "a browser that becomes an app": (ALONE, "browser_as_app", "fox"),
    "mail that is called documents": (MAIL_AS_DOCUMENTS, "others_words", "mail.example.com"),
    "mail that is said to be documents": (MAIL_AS_SHARED, "others_words", "mail.example.com"),
    "a signed program more": (wiki(programs=("desk@T", "desk@U")), "wider_app", "desk@U"),
    "an app that becomes a browser": (with_app(group="browser"), "becomes_browser", "desk@T"),
    "an app that is captured in any account": (
        with_app(private_accounts=False),
        "private_accounts",
        "wiki.example.com",
    ),
    "a page no more": (bank(pages=()), "narrower_exclusion", "/*/pay"),
    "a narrower page": (bank(pages=("shop.example.com/a/pay",)), "narrower_exclusion", "/*/pay"),
    "a title no more": (bank(titles=("wiki: pay",)), "narrower_exclusion", "*pay*"),
    "an app that comes back": (WITH_NEW, "app_again", "chat"),
    "an exclusion that is gone": (replace(HERE, exclusions={}), "exclusion_gone", "password"),
    "a program that is excluded no more": (bank(executables=()), "narrower_exclusion", "bank.exe"),
    "a bundle id no more": (bank(bundle_ids=()), "narrower_exclusion", "com.bank"),
    "an address no more": (bank(urls=()), "narrower_exclusion", "bank.example.com/pay"),
    "a narrower address": (bank(urls=("bank.example.com/pay/x",)), "narrower_exclusion", "/pay"),
    "a field no more": (bank(fields=()), "narrower_exclusion", "password"),
    "private windows no more": (bank(private=False), "narrower_exclusion", "True"),
}


@pytest.mark.parametrize("case", LOOSENED)
def test_each_way_to_let_more_be_recorded_is_named(case: str) -> None:
    after, kind, way = LOOSENED[case]
    (found,) = loosenings(HERE, after, {"chat"})
    assert found.kind == kind
    assert way in str(encode(found.ways))


NARROWED: Mapping[str, Catalogue] = {
    "the same": HERE,
    "an app that is gone": replace(HERE, apps={"fox": FOX}),
    "a way less": wiki(urls=()),
    "a narrower address": wiki(urls=("wiki.example.com/team",)),
    "pages of a browser, which has none": PAGES_OF_FOX,
    "an address within another": wiki(urls=("wiki.example.com", "wiki.example.com/team")),
    "a program in capitals": wiki(executables=("WIKI.EXE",)),
    "a program written as a bundle id": wiki(bundle_ids=("com.wiki", "wiki.exe"), executables=()),
    "another name": with_app(name="The wiki"),
    "a program that is signed now": wiki(bundle_ids=(), programs=("desk@T", "COM.wiki@U")),
    "a page within an excluded site": bank(urls=("*.example.com",), pages=()),
    "a title in capitals": bank(titles=("wiki: *PAY*",)),
    "a wider exclusion": bank(urls=("*.bank.example.com",)),
    "one more exclusion": replace(
        HERE, exclusions={"bank": BANK, "tax": replace(BANK, id="tax")}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NARROWED)
def test_what_lets_nothing_more_be_recorded_is_no_loosening(case: str) -> None:
    assert loosenings(HERE, NARROWED[case], HERE.apps) == ()


def test_a_new_app_reaches_nobody_before_a_policy_lists_it() -> None:
    assert loosenings(HERE, WITH_NEW, {"wiki"}) == ()


@pytest.mark.parametrize(
    ("page", "url", "within"),
    [
        ("shop.test/pay", "shop.test", True),
        ("shop.test/pay", "*.shop.test", True),
        ("*.shop.test/pay", "*.shop.test", True),
        ("*.shop.test/pay", "shop.test", False),
        ("shop.test/pay", "shop.test/pay", False),
    ],
)
def test_a_page_that_becomes_a_site_loosens_unless_the_site_holds_every_host_of_it(
    page: str, url: str, within: bool
) -> None:
    """Only whole sites are compared: where a path would hold the page, two people agree."""
    before, after = (
        Catalogue({}, {"bank": replace(BANK, match=match)})
        for match in (Matchers(pages=(page,)), Matchers(urls=(url,)))
    )
    assert (loosenings(before, after, ()) == ()) is within


def test_no_matcher_is_forgotten() -> None:
    """A matcher that is added later has to be compared, in apps and in exclusions."""
    for field in fields(Matchers):
        without = replace(EVERY_WAY, **{field.name: field.default})
        gone = replace(HERE, exclusions={"bank": replace(BANK, match=without)})
        (found,) = loosenings(HERE, gone, ())
        assert getattr(found.ways, field.name) == getattr(EVERY_WAY, field.name)


# The laws


def few(*texts: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(texts), max_size=2, unique=True).map(tuple)


PROGRAMS = few("a", "A", "b", "c.exe")
URLS = few("x.test", "*.x.test", "a.x.test", "x.test/p", "x.test/p/q", "*.x.test/p", "y.test")
OF_APPS = st.builds(
    Matchers, PROGRAMS, PROGRAMS, URLS, programs=few("a@T", "A@T", "a@U", "b@T", "c.exe@T")
)
OF_EXCLUSIONS = st.builds(
    Matchers,
    PROGRAMS,
    PROGRAMS,
    URLS,
    few("password", "search"),
    st.booleans(),
    pages=few("x.test/p", "*.x.test/*", "x.test/p/q*", "y.test/P"),
    titles=few("one: *pay*", "*: *pay*", "two: PAY"),
)
IDS = st.sampled_from(["one", "two"])
SOME_APP = st.builds(
    App, st.just(""), st.just("App"), st.sampled_from(["browser", "communication", "data"]),
    OF_APPS.filter(lambda match: match != Matchers()),
    others=st.sampled_from(["", "mail", "shared_documents"]),
    private_accounts=st.booleans(),
)  # fmt: skip
SOME_EXCLUSION = st.builds(Exclusion, st.just(""), st.just("Place"), st.just("Why."), OF_EXCLUSIONS)
CATALOGUES = st.builds(
    Catalogue,
    st.dictionaries(IDS, SOME_APP, max_size=2).map(
        lambda apps: {name: replace(app, id=name) for name, app in apps.items()}
    ),
    st.dictionaries(IDS, SOME_EXCLUSION, max_size=2).map(
        lambda items: {name: replace(item, id=name) for name, item in items.items()}
    ),
)
EVERY_ID = frozenset({"one", "two"})


def _event(
    name: str, signer: str | None, address: str | None, others: tuple[str, ...], **said: str
) -> UiEvent:
    return event(
        program=Program(None, signer, name), address=address, counterparties=others, **said
    )


EVENTS = st.builds(
    _event,
    st.sampled_from(["a", "b", "C.EXE", "z", "chrome"]),
    st.sampled_from([*SIGNERS, None]),
    st.sampled_from(
        [None, "https://x.test/", "https://a.x.test/p", "https://x.test/p/q", "https://y.test/P"]
    ),
    st.sampled_from([(), ("DE",)]),
    field=st.sampled_from(["none", "password", "search"]),
    window=st.sampled_from(["ordinary", "private"]),
    title=st.sampled_from(["", "Payday", "pay"]),
)
CHROME = app("", "browser", programs=[f"chrome@{signer}" for signer in SIGNERS])


def recorded(catalogue: Catalogue, seen: UiEvent) -> str | None:
    """The app under which an event would be recorded; None: not at all."""
    verdict = judge(seen, rules_of_catalogue(catalogue, CHROME))
    return verdict.app if isinstance(verdict, Allowed) else None


@given(CATALOGUES, CATALOGUES)
def test_the_meet_of_both_loosens_neither(before: Catalogue, files: Catalogue) -> None:
    both = meeting(files, before)
    assert loosenings(before, both, EVERY_ID) == ()
    assert loosenings(files, both, EVERY_ID) == ()


@given(CATALOGUES, CATALOGUES)
@example(
    Catalogue({"one": App("one", "App", "data", Matchers(executables=("a",)))}, {}),
    Catalogue({"one": App("one", "App", "browser", Matchers(executables=("a",)))}, {}),
)
@example(
    Catalogue(
        {"one": App("one", "App", "browser", Matchers(executables=("a",), urls=("a.b",)))}, {}
    ),
    Catalogue({"one": App("one", "App", "browser", Matchers(executables=("a", "b")))}, {}),
)
def test_what_loosens_goes_on_to_loosen_what_stays_in_force(
    before: Catalogue, files: Catalogue
) -> None:
    """So a restart with the same files changes nothing, and never counts as agreement."""
    holds = meeting(files, before)
    assert bool(loosenings(before, files, EVERY_ID)) == bool(loosenings(holds, files, EVERY_ID))
    assert meeting(files, holds).digest == holds.digest


@given(CATALOGUES, CATALOGUES, EVENTS)
def test_where_nothing_loosens_nothing_more_is_recorded(
    before: Catalogue, files: Catalogue, seen: UiEvent
) -> None:
    for after in (files, meeting(files, before)):
        if not loosenings(before, after, EVERY_ID):
            assert recorded(before, seen) is not None or recorded(after, seen) is None


@given(CATALOGUES, CATALOGUES, CATALOGUES)
def test_loosening_nothing_twice_is_loosening_nothing(
    first: Catalogue, second: Catalogue, third: Catalogue
) -> None:
    """Small steps do not add up to a loosening: the order is transitive."""
    second, third = meeting(second, first), meeting(third, meeting(second, first))
    assert loosenings(first, third, EVERY_ID) == ()


def test_kinds_are_told_apart() -> None:
    assert {str(kind) for kind in LooseningKind} == {kind for _, kind, _ in LOOSENED.values()}
