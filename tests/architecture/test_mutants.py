"""The list of mutants fits the code, and its runner tells killed, surviving and broken apart."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import run as start

import pytest

import app
from tests.mutants.rows import Mutant, read_mutants, read_survivors, stale

CHECKOUT = Path(app.__file__).parents[1]
GOOD = Mutant(
    name="one",
    file="app/main.py",
    old="def create_app(",
    new="def create(",
    tests=("tests/architecture/test_mutants.py",),
)


def test_every_row_fits_the_code_as_it_is() -> None:
    """A row that does not is mended with the code that it names, or given up with a reason."""
    mutants = read_mutants()
    assert stale(mutants, read_survivors(), CHECKOUT) == ()
    assert len(mutants) >= 150


ROTTEN: dict[str, tuple[Callable[[Mutant], tuple[Mutant, ...]], str]] = {
    "its text is gone": (lambda row: (replace(row, old="no such text"),), "stands 0 times"),
    "its text stands often": (lambda row: (replace(row, old="app"),), "times in"),
    "its file is gone": (lambda row: (replace(row, file="app/gone.py"),), "is not a file"),
    "it changes a test": (lambda row: (replace(row, file="tests/fakes.py"),), "is not a file"),
    "it changes nothing": (lambda row: (replace(row, new=row.old),), "changes nothing"),
    "its tests are gone": (lambda row: (replace(row, tests=("tests/gone.py",)),), "not exist"),
    "it names no test": (lambda row: (replace(row, tests=()),), "names no test"),
    "its name is taken": (lambda row: (row, row), "2 rows"),
}


@pytest.mark.parametrize("case", ROTTEN)
def test_a_row_is_stale_if(case: str) -> None:
    change, problem = ROTTEN[case]
    (found,) = stale(change(GOOD), {}, CHECKOUT)
    assert found.startswith("one: ")
    assert problem in found


def test_a_survivor_has_a_row_and_a_reason() -> None:
    assert stale((GOOD,), {"one": "it makes no difference"}, CHECKOUT) == ()
    assert len(stale((GOOD,), {"one": ""}, CHECKOUT)) == 1
    assert len(stale((GOOD,), {"two": "it makes no difference"}, CHECKOUT)) == 1


def test_what_becomes_of_each_kind_of_mutant(tmp_path: Path) -> None:
    """In a checkout of one module and one test, which notices one thing and not another."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "app" / "sums.py").write_text(
        "def add(a: int, b: int) -> int:\n    return a + b  # here\n", encoding="utf-8"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sums.py").write_text(
        "from app.sums import add\n\n\ndef test_it() -> None:\n    assert add(2, 2) == 4\n",
        encoding="utf-8",
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\n', encoding="utf-8"
    )
    done = start(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split("\n")[:-1] == [
        "as it is: survived",
        "a + b: killed",
        "here: survived",
        "def add: broken",
        "return: too slow",
    ], done.stdout + done.stderr
    assert "return a + b  # here" in (tmp_path / "app" / "sums.py").read_text(encoding="utf-8")


PROGRAM = """
import sys
from pathlib import Path
from tests.mutants import run
from tests.mutants.rows import Mutant

# What happens when the time is up.
ENDED = "import os, signal; os.kill(os.getpid(), signal.SIGPROF); return"
run.LANES, run._LIBRARIES = 1, ()
run._COPIED = ("app", "tests", "pyproject.toml")
changes = {"a + b": "a - b", "here": "there", "def add": "def sub", "return": ENDED}
rows = [
    Mutant(old, "app/sums.py", old, new, ("tests/test_sums.py",)) for old, new in changes.items()
]
for result in run.run(rows, Path(sys.argv[1])):
    print(f"{result.job.mutant.name if result.job.mutant else 'as it is'}: {result.outcome}")
"""
