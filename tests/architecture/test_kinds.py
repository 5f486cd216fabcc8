"""A kind of entry stands in one list; what goes with it is found missing here, by its place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.audit.entries.model import Kind
from app.consent.model import Act
from app.web.words.log_words import KINDS

ROOT = Path(app.__file__).parent
BY_ACT = {Kind(f"consent.{act.value}") for act in Act}
"""Appended by the value of an act, not by name (app/consent)."""


def named_in_code() -> Iterator[str]:
    """Every ``Kind.NAME`` outside the list itself."""
    for path in ROOT.rglob("*.py"):
        if "sdk" in path.parts or "web" in path.parts:
            continue  # the verifier and the pages read entries and append none
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Kind":
                yield node.attr


@pytest.fixture(scope="module")
def appended() -> frozenset[str]:
    return frozenset(named_in_code())


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_has_words_and_a_service_that_appends_it(
    kind: Kind, appended: frozenset[str]
) -> None:
    assert kind.value in KINDS, f"app/web/words/log_words.py: KINDS has no words for {kind}"
    assert kind in BY_ACT or kind.name in appended, f"no service appends {kind}"


def test_words_describe_no_kind_that_there_is_not() -> None:
    assert set(KINDS) <= {kind.value for kind in Kind}
