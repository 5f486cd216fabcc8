"""A kind of entry stands in one list; what goes with it is found missing here, by its place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.audit.entries.model import Kind
from app.consent.model import Act
from app.web.words.log_words import KINDS
from tests.vectors.records import RECORDS, SHOWN_ONLY

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


def events() -> Iterator[tuple[str, bool]]:
    """Each ``Event(Kind.NAME, …)``: the name, and whether facts are given."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Event":
                first = node.args[0]
                if isinstance(first, ast.Attribute) and ast.unparse(first.value) == "Kind":
                    named = any(keyword.arg == "facts" for keyword in node.keywords)
                    yield first.attr, named or len(node.args) > 2


@pytest.fixture(scope="module")
def appended() -> frozenset[str]:
    return frozenset(named_in_code())


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_has_words_and_a_service_that_appends_it(
    kind: Kind, appended: frozenset[str]
) -> None:
    assert kind.value in KINDS, f"app/web/words/log_words.py: KINDS has no words for {kind}"
    assert kind in BY_ACT or kind.name in appended, f"no service appends {kind}"


@pytest.fixture(scope="module")
def silent() -> frozenset[str]:
    """Kinds that are appended without facts only."""
    calls = list(events())
    return frozenset(kind for kind, _ in calls) - {kind for kind, has_facts in calls if has_facts}


@pytest.mark.parametrize("kind", Kind)
def test_what_a_kind_says_has_a_class_or_a_reason_to_have_none(
    kind: Kind, silent: frozenset[str]
) -> None:
    places = [kind in RECORDS, kind in SHOWN_ONLY, kind.name in silent]
    assert places.count(True) == 1, f"tests/vectors/records.py: RECORDS has no class for {kind}"


def test_words_describe_no_kind_that_there_is_not() -> None:
    assert set(KINDS) <= {kind.value for kind in Kind}
