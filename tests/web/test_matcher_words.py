"""How apps and exclusions are recognised, in words: each way is told, and none that is not used."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.catalogue.model import App, Matchers
from app.web.words.matcher_words import (
    ENGLISH,
    GERMAN,
    MatcherWords,
    app_ways_in_words,
    ways_in_words,
)

NAMES = st.lists(st.text("abc.*/", min_size=1), max_size=3, unique=True).map(tuple)
MATCHERS = st.builds(Matchers, NAMES, NAMES, NAMES, NAMES, st.booleans())
LANGUAGES = (ENGLISH, GERMAN)


@pytest.mark.parametrize("words", LANGUAGES, ids=["en", "de"])
@given(MATCHERS)
def test_each_way_is_told_once_and_whole(words: MatcherWords, match: Matchers) -> None:
    named = (*match.bundle_ids, *match.executables, *match.urls, *match.fields)
    told = ways_in_words(match, words)
    assert len(told) == max(1, len(named) + match.private)
    assert all(way.endswith(name) for way, name in zip(told, named, strict=False))
    assert (words.private in told) == match.private
    assert (told == (words.nothing,)) == (match == Matchers())


@given(MATCHERS)
def test_what_the_guard_does_not_look_at_makes_no_app(match: Matchers) -> None:
    app = App("a", "A", "documents", match)
    used = replace(match, fields=(), private=False)
    assert app_ways_in_words(app) == ways_in_words(used)
    browser = replace(app, group="browser")
    assert app_ways_in_words(browser) == ways_in_words(Matchers(urls=match.urls))
