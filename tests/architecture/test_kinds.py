"""A kind of entry stands in one list; what goes with it is found missing here, by its place."""

import ast
import re
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


def appended_in(source: str) -> set[str]:
    """The kinds that a module makes events of.

    Each is in the call of ``Event``, ``_append`` or ``adopt`` that makes the event; or in a table
    ``KINDS``, or a variable ``kind``, from which such a call takes it.
    """
    return set(_appended(ast.parse(source)))


def _appended(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Event"), args=[first, *_]):
                yield from _kinds(first)
            case ast.Call(func=ast.Attribute(attr="adopt" | "_append"), args=[_, second, *_]):
                yield from _kinds(second)
            case ast.AnnAssign(target=ast.Name(id="KINDS"), value=ast.Dict(values=values)):
                for value in values:
                    yield from _kinds(value)
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="kind"), *_])]):
                yield from _kinds(node.value)


def _kinds(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Kind":
            yield node.attr


def _sources() -> Iterator[tuple[str, str]]:
    for path in ROOT.rglob("*.py"):
        # The verifier and the pages read entries and append none.
        if not {"sdk", "web"} & set(path.parts):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


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
    return frozenset(kind for _, source in _sources() for kind in appended_in(source))


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


def test_every_table_of_kinds_is_one_from_which_events_are_made() -> None:
    tables = {path for path, source in _sources() if "\nKINDS: Mapping" in source}
    steps = {"policy/changes/stops.py", "policy/changes/catalogues.py"}
    assert tables == steps | {"policy/changes/transitions.py"}
    for maker in (*steps, "policy/changes/workflow.py"):
        assert re.search(r"Event\(\s*KINDS\[", (ROOT / maker).read_text(encoding="utf-8")), maker


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("log.append(tx, Event(Kind.LOG_READ, SYSTEM), now)", {"LOG_READ"}),
        ("log.adopt(tx, Kind.LOG_WITNESSES_ADOPTED, what, text, now)", {"LOG_WITNESSES_ADOPTED"}),
        ("KINDS: Mapping[str, Kind] = {STOPPED: Kind.POLICY_STOPPED}", {"POLICY_STOPPED"}),
        ("search(tx, EntryFilter(kind=Kind.LOG_RESTORED.value))", set()),
        ("CLASSES = {Kind.LOG_READ: Class(API_ACTIVITY, READ)}", set()),
        ("if leaf['kind'] == Kind.AGENT_REPORTED: pass", set()),
    ],
)
def test_a_kind_that_is_only_mentioned_is_not_appended(source: str, kinds: set[str]) -> None:
    assert appended_in(source) == kinds


def test_words_describe_no_kind_that_there_is_not() -> None:
    assert set(KINDS) <= {kind.value for kind in Kind}
