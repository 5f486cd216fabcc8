"""Errors on pages are sentences without the names that machines use; the API keeps those."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.problems import problem
from app.kernel.errors import Fault, InvalidInput, wrong_field
from app.web.words.error_words import FIELDS, fault_in_words, problem_in_words
from tests.web.house import House, words
from tests.web.test_decision_forms import newcomer, send

UNTYPED = st.sampled_from(("act", "seq", "shown", "minutes", "only", "before", "csrf"))
PROBLEMS = st.sampled_from(("the number is missing", "is given twice", "nobody knows it."))


@given(UNTYPED, PROBLEMS)
def test_a_field_that_nobody_types_is_never_named(field: str, wrong: str) -> None:
    error = wrong_field(field, wrong, "Use the buttons.")
    said = problem_in_words(error)
    assert field not in said.casefold()
    assert said[0].isupper()
    assert said.endswith(".")
    assert not said.endswith("..")
    assert problem(error)["detail"] == f"{field}: {wrong}", "machines read the field"


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_people_type_has_the_name_of_the_form(field: str) -> None:
    assert fault_in_words(Fault(field, "has 9 characters")) == f"{FIELDS[field]} has 9 characters."
    said = problem_in_words(wrong_field(field, "nobody has it", ""))
    assert said == f"{FIELDS[field]}: nobody has it."


def test_what_does_not_begin_with_its_field_is_told_as_it_is() -> None:
    fault = Fault("note", "has 9 characters")
    assert (
        problem_in_words(InvalidInput("the note is long", faults=(fault,))) == "The note is long."
    )
    assert problem_in_words(InvalidInput("is it?")) == "Is it?"
    assert problem_in_words(InvalidInput("")) == ""


SENT: dict[str, tuple[dict[str, Any], str]] = {
    "no number": (
        {"act": "resumed"},
        "The number of your last decision is missing.",
    ),
    "nothing shown": ({"act": "given", "seq": "0"}, "No notice was read before deciding."),
    "too long a pause": (
        {"act": "paused", "minutes": "99999"},
        "A pause needs an end between 5 minutes and 7 days from now.",
    ),
    "a revocation": ({"act": "revoked"}, "Nobody revokes their own consent."),
    "no text": (
        {"act": "given", "shown": "\0"},
        "What was sent holds a character that no text has.",
    ),
}


@pytest.mark.parametrize("case", SENT)
def test_a_refused_choice_is_told_in_words(house: House, case: str) -> None:
    fields, sentence = SENT[case]
    browser = newcomer(house)
    answer = send(browser, fields)
    page = words(answer.text)
    assert answer.status_code == 422
    assert sentence in page
    assert not [name for name in fields if f"{name}:" in page.casefold()]
    assert browser.history == ()


@pytest.mark.parametrize("query", ["only=x", "before=x"])
def test_a_wrong_link_is_told_in_words(house: House, query: str) -> None:
    page = words(newcomer(house).get(f"/me/uses?{query}").text)
    assert "Use the links of the page." in page
    assert f"{query.partition('=')[0]}:" not in page.casefold()
