"""What a platform says of a field becomes a word of the closed list; nothing is guessed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event.fields import android, atspi, html, macos, windows
from app.event.fields.page import PLATFORMS, field_words_page
from app.event.fields.table import RANKS, strictest
from app.kernel.vocabulary import FieldKind

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "vectors" / "fields"
WORDS: dict[str, Callable[..., FieldKind]] = {
    "android": android.android,
    "atspi": atspi.atspi,
    "html": html.html,
    "macos": macos.macos,
    "windows": windows.windows,
}
KINDS = st.sampled_from(RANKS)
SECRETS = RANKS[RANKS.index(FieldKind.UNKNOWN) + 1 :]


def examples() -> Iterator[tuple[str, dict[str, Any], str]]:
    for path in sorted(EXAMPLES.glob("*.json")):
        for example in json.loads(path.read_text(encoding="utf-8")):
            yield path.stem, example["given"], example["field"]


@pytest.mark.parametrize(("platform", "given", "field"), list(examples()))
def test_an_example_becomes_its_word(platform: str, given: dict[str, Any], field: str) -> None:
    assert WORDS[platform](**given) is FieldKind(field)


def test_every_platform_has_examples_of_what_it_knows_and_of_what_it_does_not() -> None:
    fields: dict[str, set[str]] = {platform: set() for platform in WORDS}
    for platform, _, field in examples():
        fields[platform].add(field)
    for platform, seen in fields.items():
        assert {"none", "text", "password", "unknown"} - seen <= {"none"}, platform
    assert len(list(examples())) >= 60


def test_the_autofill_fields_are_all_that_the_standard_has() -> None:
    """54 field names, 10 of them contacts (WHATWG HTML §4.10.18.7.1); and ``webauthn``."""
    names = html.AUTOFILL_FIELDS.keys() - {"webauthn"}
    assert len(names) == 54
    assert len(html.CONTACTS) == 10
    assert set(html.CONTACTS) < names


def test_the_types_are_the_22_of_inputs_and_those_of_other_elements() -> None:
    others = {"textarea", "select-one", "select-multiple", "contenteditable"}
    assert len(html.INPUT_TYPES.keys() - others) == 22


def test_the_control_types_have_no_gap() -> None:
    assert list(windows.CONTROL_TYPES) == list(range(50_000, 50_041))


@pytest.mark.parametrize("name", html.AUTOFILL_FIELDS)
def test_a_page_cannot_hide_a_purpose_behind_letters_sections_or_spaces(name: str) -> None:
    plain = html.html("text", name)
    for attribute in (name.upper(), f"\n{name}\t", f"section-1 {name}", f"SHIPPING  {name}"):
        assert html.html("text", attribute) is plain


@pytest.mark.parametrize("kind", html.INPUT_TYPES)
def test_a_password_stays_one_whatever_a_page_says_besides(kind: str) -> None:
    assert html.html("password", kind) in SECRETS
    assert html.html(kind, "current-password") in SECRETS


def test_a_letter_that_looks_like_one_of_a_value_is_not_one() -> None:
    """KELVIN SIGN and LATIN SMALL LETTER LONG S become k and s where case is folded."""
    assert html.html("chec\N{KELVIN SIGN}box") is FieldKind.UNKNOWN
    assert html.html("text", "\N{LATIN SMALL LETTER LONG S}ex") is FieldKind.UNKNOWN
    assert html.html("text", "current-password\x0b") is FieldKind.UNKNOWN


UNLISTED = st.text(min_size=1, max_size=12).map("x-{}".format)


@given(UNLISTED, st.booleans())
def test_what_no_table_has_is_unknown(value: str, flag: bool) -> None:
    assert html.html(value) is FieldKind.UNKNOWN
    assert html.html("text", value) is FieldKind.UNKNOWN
    assert html.html("text", None, value) is FieldKind.UNKNOWN
    assert macos.macos(value, editable=flag) is FieldKind.UNKNOWN
    assert macos.macos("AXTextField", value) is FieldKind.UNKNOWN
    assert android.android(1, [value]) is FieldKind.UNKNOWN
    assert atspi.atspi(value, multi_line=flag, editable=flag) is FieldKind.UNKNOWN


@given(st.integers() | st.sampled_from(sorted(windows.CONTROL_TYPES)), st.booleans())
def test_an_element_that_does_not_say_whether_it_hides_its_text_is_at_best_no_field(
    control_type: int, editable: bool
) -> None:
    word = windows.windows(control_type, is_password=None, editable=editable)
    assert word in {FieldKind.NONE, FieldKind.UNKNOWN}
    assert windows.windows(control_type, is_password=True) is FieldKind.PASSWORD


@given(st.integers())
def test_any_number_is_an_input_type_or_unknown(number: int) -> None:
    assert android.android(number) is android.android(number & 0xFFF)


@given(st.lists(KINDS), KINDS)
def test_saying_more_about_a_field_never_makes_its_word_milder(
    said: list[FieldKind], more: FieldKind
) -> None:
    if said:
        assert RANKS.index(strictest(*said, more)) >= RANKS.index(strictest(*said))
    assert strictest(*said, None, more) is strictest(more, *reversed(said))


def test_a_field_of_which_nothing_is_said_is_unknown() -> None:
    assert strictest() is strictest(None) is FieldKind.UNKNOWN


def test_every_word_has_a_rank() -> None:
    assert sorted(RANKS) == sorted(FieldKind)


def test_every_platform_is_on_the_page_and_the_page_is_that_of_the_tables() -> None:
    assert {module.__name__.rpartition(".")[2] for _, module in PLATFORMS} == WORDS.keys()
    committed = (ROOT / "docs" / "field-words.md").read_text(encoding="utf-8")
    assert committed == field_words_page(), "docs/field-words.md is out of date: make openapi"
