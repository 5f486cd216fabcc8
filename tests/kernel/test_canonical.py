"""Canonical bytes: one value, one sequence of bytes, for ever."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest, parse_canonical

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_bytes_say_the_same_value(value: object) -> None:
    assert json.loads(canonical(value)) == value  # type: ignore[arg-type]
    assert parse_canonical(canonical(value)) == value  # type: ignore[arg-type]


@given(st.dictionaries(KEYS, st.integers(0, 9), min_size=2, max_size=6))
def test_the_order_in_which_keys_were_written_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))


def test_the_form_is_that_of_rfc_8785() -> None:
    value = {"b": [True, None, '€\u000a"'], "a": 9007199254740991}
    assert canonical(value) == '{"a":9007199254740991,"b":[true,null,"€\\n\\""]}'.encode()


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, {"ü": 1}, {1: 2}, b"bytes", "\ud800", {"a": {1, 2}}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each value has its own sentence
        canonical(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"[1.0]"])
def test_bytes_that_are_not_canonical_are_not_read(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_canonical(data)


def test_a_digest_names_its_function() -> None:
    assert digest(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
