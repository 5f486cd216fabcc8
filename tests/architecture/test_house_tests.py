"""House rules for the tests themselves: what they may not do, and what every one of them has."""

import ast
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
KINDS = {"sqlite", "postgresql"}
AWAITED = "waits for another thread or process, looks again and again, and gives up"
SLEEPS = {
    "access/test_http.py": "a client that sends slowly",
    "audit/soak.py": "a transaction that is slow, a reader that comes back",
    "audit/test_export_jobs.py": AWAITED,
    "audit/test_log_export.py": AWAITED,
    "audit/test_tail.py": AWAITED,
    "audit/test_witnesses.py": f"a witness that answers slowly; {AWAITED}",
    "cli/test_database_verbs.py": AWAITED,
    "demo/test_sample_witness.py": AWAITED,
    "directory/test_import_races.py": "an import that comes as far as it can",
    "journeys/test_kill.py": f"the moment to strike; {AWAITED}",
    "web/test_auditor_export_pages.py": AWAITED,
}
"""Modules that sleep, each with its reason; elsewhere a clock is moved or an event awaited."""


def functions(source: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def left_for_one_database(source: str) -> list[str]:
    """Tests that end early where a condition names one kind of database."""
    return [
        test.name
        for test in functions(source)
        for node in ast.walk(test)
        if isinstance(node, ast.If) and asks_for_the_kind(node.test)
        if any(isinstance(step, ast.Return) for step in (*node.body, *node.orelse))
    ]


def asks_for_the_kind(condition: ast.expr) -> bool:
    return any(
        (isinstance(node, ast.Constant) and node.value in KINDS)
        or (isinstance(node, ast.Attribute) and node.attr == "dialect")
        for node in ast.walk(condition)
    )


def sleeps(source: str) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
        for node in ast.walk(ast.parse(source))
    )


def modules() -> list[Path]:
    found = sorted(TESTS.rglob("*.py"))
    assert len(found) > 100
    return found


def test_no_test_leaves_early_for_one_database() -> None:
    """It would be counted as passed on a database on which it looked at nothing."""
    left = {
        path.relative_to(TESTS).as_posix(): left_for_one_database(path.read_text("utf-8"))
        for path in modules()
    }
    assert {name: tests for name, tests in left.items() if tests} == {}


@pytest.mark.parametrize(
    "condition", ["database.dialect == 'sqlite'", "kind != 'postgresql'", "'sqlite' in url"]
)
def test_a_test_that_leaves_early_for_one_database_is_noticed(condition: str) -> None:
    source = f"def test_it():\n    if {condition}:\n        return\n    assert thing\n"
    assert left_for_one_database(source) == ["test_it"]


@pytest.mark.parametrize(
    "source",
    [
        "def test_it():\n    if kind == 'sqlite':\n        attack = 'DELETE'\n    assert attack\n",
        "def test_it():\n    if not drawn:\n        return\n    assert drawn\n",
        "def url(kind):\n    if kind == 'sqlite':\n        return\n",
    ],
)
def test_a_test_that_looks_on_both_may_differ_between_them(source: str) -> None:
    assert left_for_one_database(source) == []


def test_only_the_named_modules_sleep() -> None:
    sleeping = {
        path.relative_to(TESTS).as_posix() for path in modules() if sleeps(path.read_text("utf-8"))
    }
    assert sleeping == SLEEPS.keys()


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("import time\ntime.sleep(1)", True),
        ("from time import sleep\nsleep(1)", True),
        ("run(sleep=clock.advance)", False),
    ],
)
def test_a_sleep_is_noticed(source: str, *, answer: bool) -> None:
    assert sleeps(source) is answer


def test_every_test_has_a_bound_of_time(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("timeout")) <= 300


@pytest.mark.parametrize("inherited", [signal.SIG_IGN, signal.SIG_DFL])
def test_children_of_the_tests_hear_an_interrupt_whatever_the_shell_ignores(
    inherited: signal.Handlers,
) -> None:
    """A shell lets what it runs in the background ignore SIGINT."""
    child = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    tests = (
        "import subprocess, sys; from tests.conftest import pytest_configure; pytest_configure();"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    )
    before = signal.signal(signal.SIGINT, inherited)
    try:
        asked = subprocess.run(
            [sys.executable, "-c", tests, child],
            cwd=TESTS.parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    assert asked.stdout == "False\n"
