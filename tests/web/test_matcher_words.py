"""How apps and exclusions are recognised, in words: each way is told, and none that is not used."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.catalogue.model import BROWSER, App, Matchers
from app.web.words.matcher_words import (
    ENGLISH,
    GERMAN,
    MatcherWords,
    app_ways_in_words,
    ways_in_words,
)

NAMES = st.lists(st.text("abc.*/", min_size=1), max_size=3, unique=True).map(tuple)
PROGRAMS = st.lists(st.from_regex(r"[abc.]{1,3}@[A-Z ]{1,3}", fullmatch=True), max_size=2).map(
    tuple
)
TITLES = st.lists(st.from_regex(r"(\*|slack): [abc*]{1,3}", fullmatch=True), max_size=2).map(tuple)
MATCHERS = st.builds(
    Matchers, NAMES, NAMES, NAMES, NAMES, st.booleans(), PROGRAMS, pages=NAMES, titles=TITLES
)
LANGUAGES = (ENGLISH, GERMAN)


@pytest.mark.parametrize("words", LANGUAGES, ids=["en", "de"])
@given(MATCHERS)
def test_each_way_is_told_once_and_whole(words: MatcherWords, match: Matchers) -> None:
    signers = [program.split("@")[1] for program in match.programs]
    globs = [title.split(": ")[1] for title in match.titles]
    named = (
        *(*match.bundle_ids, *match.executables, *signers, *match.urls, *match.pages),
        *(*globs, *match.fields),
    )
    told = ways_in_words(match, words)
    assert len(told) == max(1, len(named) + match.private)
    assert all(way.endswith(name) for way, name in zip(told, named, strict=False))
    assert (words.private in told) == match.private
    assert (told == (words.nothing,)) == (match == Matchers())


@pytest.mark.parametrize("words", LANGUAGES, ids=["en", "de"])
@given(MATCHERS)
def test_what_the_guard_does_not_look_at_makes_no_app(words: MatcherWords, match: Matchers) -> None:
    app = App("a", "A", "documents", match)
    used = replace(match, fields=(), private=False, pages=(), titles=())
    assert app_ways_in_words(app, words) == ways_in_words(used, words)


@pytest.mark.parametrize("words", LANGUAGES, ids=["en", "de"])
def test_of_a_browser_it_is_told_that_pages_of_apps_count_in_it_and_nothing_else(
    words: MatcherWords,
) -> None:
    chrome = App("chrome", "Chrome", BROWSER, Matchers(programs=("chrome.exe@Google LLC",)))
    (way,) = app_ways_in_words(chrome, words)
    assert way == words.browser.format("chrome.exe", "Google LLC")
    assert way != app_ways_in_words(replace(chrome, group="documents"), words)[0]
