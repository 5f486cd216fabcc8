"""Runs the tests of each mutant in a copy of the checkout that holds the fault.

Rules:
1. A process of its own for each mutant, forked from one that has the libraries loaded already, but
   nothing of the program: what is imported is the copy with the fault.
2. A mutant is killed if a test fails, or if the tests compute without end. An error while tests are
   collected is neither: such a row says nothing about the tests, and is broken.
3. Before that, the tests of every row pass on the code as it is. Else everything would be killed.
4. The same in every run: Hypothesis draws from one seed and remembers nothing.
"""

import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from tests.mutants.rows import Mutant

LANES = 2
LIMIT_S = 60
"""How long the tests of one mutant may compute. Waiting is bounded for each test by pytest."""

_COPIED = ("app", "migrations", "policies", "openapi", "docs", "tests", "pyproject.toml")
_LIBRARIES = (
    "alembic.command",
    "authlib.integrations.starlette_client",
    "casbin",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "fastapi",
    "hypothesis.strategies",
    "jinja2",
    "joserfc.jwt",
    "markdown_it",
    "playwright.sync_api",
    "psycopg",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql",
    "starlette.testclient",
    "typer",
    "yaml",
)


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TOO_SLOW = "too slow"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True)
class Job:
    """Tests to run: of a mutant, or (None) of the code as it is."""

    mutant: Mutant | None
    tests: tuple[str, ...]
    postgresql: bool


@dataclass(frozen=True)
class Result:
    """How a job ended, how many seconds it computed, and what pytest wrote."""

    job: Job
    outcome: Outcome
    seconds: float
    output: str


def run(mutants: Iterable[Mutant], checkout: Path) -> Iterator[Result]:
    """Run the tests on the code as it is, then on each mutant; results as they come."""
    rows = tuple(mutants)
    plain = dict.fromkeys(Job(None, row.tests, row.postgresql) for row in rows)
    for library in _LIBRARIES:
        importlib.import_module(library)
    with _folder() as folder:
        lanes = [_Lane(_copy(checkout, folder / str(number))) for number in range(LANES)]
        yield from _work(lanes, [*plain, *(Job(row, row.tests, row.postgresql) for row in rows)])


def _work(lanes: list["_Lane"], jobs: list[Job]) -> Iterator[Result]:
    waiting, idle, busy = iter(jobs), list(lanes), dict[int, _Lane]()
    while True:
        for job in waiting:
            lane = idle.pop()
            busy[lane.start(job)] = lane
            if not idle:
                break
        if not busy:
            return
        process, status, used = os.wait4(-1, 0)
        lane = busy.pop(process)
        yield lane.finish(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
        idle.append(lane)


class _Lane:
    """One copy of the checkout, in which one job runs at a time."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._output = checkout / "output.txt"
        self._job: Job | None = None
        self._restore: Callable[[], None] = lambda: None

    def start(self, job: Job) -> int:
        """Put the fault in and begin; return the process."""
        self._job = job
        if job.mutant is not None:
            self._restore = _changed(self._checkout / job.mutant.file, job.mutant.applied)
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            _child(self._checkout, self._output, job)
        return process

    def finish(self, code: int, seconds: float) -> Result:
        """Take the fault out; say what came of it."""
        assert self._job is not None
        self._restore()
        self._restore = lambda: None
        shutil.rmtree(self._checkout / ".hypothesis", ignore_errors=True)
        outcome = {
            -signal.SIGPROF: Outcome.TOO_SLOW,
            pytest.ExitCode.OK: Outcome.SURVIVED,
            pytest.ExitCode.TESTS_FAILED: Outcome.KILLED,
        }.get(code, Outcome.BROKEN)
        return Result(self._job, outcome, seconds, self._output.read_text(errors="replace"))


def _child(checkout: Path, output: Path, job: Job) -> None:
    """Run the job's tests in this process, and end it."""
    code = 3
    try:
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.chdir(checkout)
        os.environ["PYTHONPATH"] = str(checkout)
        sys.path[:] = [str(checkout), *(path for path in sys.path if not _is_checkout(path))]
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]
        code = int(pytest.main(_arguments(checkout, job)))
    finally:
        sys.stdout.flush()
        os._exit(code)


def _arguments(checkout: Path, job: Job) -> list[str]:
    return [
        *job.tests,
        *("-x", "-q", "--no-header", "--tb=short"),
        *("-p", "no:cacheprovider", "-p", "no:xdist"),
        *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
        *(() if job.postgresql else ("-k", "not postgresql")),
        "--hypothesis-seed=0",
        f"--basetemp={checkout / 'tmp'}",
    ]


def _is_checkout(path: str) -> bool:
    return (Path(path) / "app" / "__init__.py").exists()


def _changed(file: Path, change: Callable[[str], str]) -> Callable[[], None]:
    """Change a file; return what undoes it.

    Python knows compiled files by time and size of their source, which two mutants of one second
    may share: so they are removed.
    """
    text, times = file.read_text(encoding="utf-8"), file.stat()

    def write(content: str) -> None:
        file.write_text(content, encoding="utf-8")
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()

    def restore() -> None:
        write(text)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    write(change(text))
    return restore


def _copy(checkout: Path, folder: Path) -> Path:
    folder.mkdir()
    for name in _COPIED:
        source = checkout / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is one: databases there need no disk."""
    memory = Path("/dev/shm")  # noqa: S108 - only where it exists; the folder below is private
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="habeas-mutants-", dir=where) as folder:
        yield Path(folder)
