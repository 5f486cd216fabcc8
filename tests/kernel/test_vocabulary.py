"""A signal is said once, in its row; what a row cannot hold is found missing here, by its place."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from app.kernel.vocabulary import CONTENT_SIGNALS, SIGNALS, Signal, SignalRow
from app.web.employee.decide_words import decide_words
from app.web.words.text import LANGUAGES, SENTENCE_WORDS, SIGNAL_WORDS

ROOT = Path(__file__).parents[2]
SYMBOLS = (ROOT / "app/web/templates/symbols.svg").read_text(encoding="utf-8")
DOCS = (ROOT / "docs/integrate-an-agent.md").read_text(encoding="utf-8")


def forgotten(rows: Iterable[SignalRow]) -> list[str]:
    """Where a signal still has to be described, for each row that lacks something."""
    return [
        f"{row.code}: {place}"
        for row in rows
        for place, is_there in {
            "app/web/words/text.py, SIGNAL_WORDS": row.code in SIGNAL_WORDS,
            "app/web/words/text.py, SENTENCE_WORDS": row.code in SENTENCE_WORDS,
            "app/web/templates/symbols.svg": f'<symbol id="{row.pictogram}"' in SYMBOLS,
            "docs/integrate-an-agent.md": f"| `{row.code}` | {row.meaning} |" in DOCS,
            **{
                f"app/web/employee/decide_words.py, {language}": row.code
                in decide_words(language).signals.keys() & decide_words(language).meanings.keys()
                for language in LANGUAGES
            },
        }.items()
        if not is_there
    ]


def test_every_signal_has_words_a_pictogram_and_a_line_for_whoever_builds_an_agent() -> None:
    assert forgotten(SIGNALS) == []


def test_a_new_signal_is_found_missing_in_every_place_by_name() -> None:
    assert forgotten([SignalRow("gaze", "where the eyes rest")]) == [
        "gaze: app/web/words/text.py, SIGNAL_WORDS",
        "gaze: app/web/words/text.py, SENTENCE_WORDS",
        "gaze: app/web/templates/symbols.svg",
        "gaze: docs/integrate-an-agent.md",
        "gaze: app/web/employee/decide_words.py, en",
        "gaze: app/web/employee/decide_words.py, de",
    ]


def test_a_signal_is_its_code_wherever_it_is_written() -> None:
    assert {signal: signal.value for signal in Signal} == {
        Signal(row.code): row.code for row in SIGNALS
    }
    assert f"{Signal.KEY_TIMING}" == "key_timing" == Signal("key_timing")


def test_a_signal_that_is_on_no_list_is_none() -> None:
    with pytest.raises(ValueError, match="gaze"):
        Signal("gaze")


def test_typed_text_pictures_and_addresses_are_content() -> None:
    """A purpose without content reads none of them (docs/law.md, Purposes)."""
    assert {"key_content", "screenshot", "app_url"} == CONTENT_SIGNALS
