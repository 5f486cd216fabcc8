"""Numbered forms: which are understood, and what older ones are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.forms import (
    FIRST_FORM,
    MAX_FORMS,
    MAX_LENGTH,
    REASONS,
    ReasonRow,
    newest_common,
    read_forms,
    reasons_in,
)
from app.kernel.vocabulary import Reason

FORMS = st.frozensets(st.integers(1, 999_999), min_size=1, max_size=MAX_FORMS)
LATER = (
    *REASONS,
    ReasonRow("council_asked", since=2, older="policy_missing"),
    ReasonRow("council_silent", since=3, older="council_asked"),
)


@given(FORMS)
def test_what_an_agent_names_is_read_back(forms: frozenset[int]) -> None:
    assert read_forms(",".join(map(str, forms))) == forms


@pytest.mark.parametrize(
    "text", ["", "0", "01", "1,", ",1", "1, 2", "one", "-1", "1.0", "1;2", "\uff11"]
)
def test_anything_else_is_no_list_of_forms(text: str) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        read_forms(text)


def test_a_number_of_any_length_is_read_and_a_list_has_a_bounded_length() -> None:
    long = "9" * (MAX_LENGTH - 2)
    assert read_forms(f"{long},1") == {1, int(long)}
    with pytest.raises(ValueError, match="whole numbers"):
        read_forms(f"9{long},1")


def test_a_list_is_not_longer_than_any_agent_needs() -> None:
    assert len(read_forms(",".join(map(str, range(1, MAX_FORMS + 1))))) == MAX_FORMS
    with pytest.raises(ValueError, match="whole numbers"):
        read_forms(",".join(map(str, range(1, MAX_FORMS + 2))))


@given(FORMS, st.integers(1, 9))
def test_the_newest_form_that_both_understand_is_spoken(forms: frozenset[int], newest: int) -> None:
    common = newest_common(forms, newest)
    shared = forms & set(range(1, newest + 1))
    assert common == (max(shared) if shared else None)


def test_every_reason_is_of_the_first_form_or_says_what_older_agents_are_told() -> None:
    assert [row.reason for row in REASONS] == list(Reason)
    known = {row.reason: row for row in REASONS}
    for row in REASONS:
        assert row.since == FIRST_FORM or known[row.older].since < row.since


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (1, ("paused", "policy_missing")),
        (2, ("paused", "council_asked", "policy_missing")),
        (3, ("paused", "council_silent", "council_asked", "policy_missing")),
    ],
)
def test_a_newer_reason_is_told_as_an_older_reason_and_none_twice(
    form: int, told: tuple[str, ...]
) -> None:
    reasons = ("paused", "council_silent", "council_asked", "policy_missing")
    assert reasons_in(form, reasons, LATER) == told


@given(st.lists(st.sampled_from([row.reason for row in LATER]), min_size=1), st.integers(1, 3))
def test_a_form_holds_its_own_reasons_only_and_never_none_for_some(
    reasons: list[str], form: int
) -> None:
    """A lease that says off must name a reason, else it is no lease."""
    since = {row.reason: row.since for row in LATER}
    told = reasons_in(form, reasons, LATER)
    assert told
    assert all(since[reason] <= form for reason in told)
    assert reasons_in(form, told, LATER) == told
