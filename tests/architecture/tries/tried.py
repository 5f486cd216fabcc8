"""A try as data, and how it is applied to a copy of the checkout."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COPIED = (
    "app",
    "policies",
    "migrations",
    "docs",
    "tests",
    "openapi",
    "pyproject.toml",
    "README.md",
)


@dataclass(frozen=True)
class Edit:
    """Text put into a file, in front of an anchor that stands there exactly once.

    Attributes:
        file: path in the checkout; made anew where there is no anchor.
        anchor: the text in front of which it is put; empty for a new file.
        text: what is put there.
        named: how a failure names the place, where it is not by its path.
        catalogue: a translation or an example; it is not counted among the files touched.
    """

    file: str
    anchor: str
    text: str
    named: str = ""
    catalogue: bool = False

    @property
    def place(self) -> str:
        """What a failure has to say when this edit is forgotten."""
        return self.named or self.file

    def problem(self, root: Path) -> str | None:
        """Why it cannot be applied; None if it can."""
        path = root / self.file
        if not self.anchor:
            return f"{self.file} is there already" if path.exists() else None
        times = path.read_text(encoding="utf-8").count(self.anchor)
        return None if times == 1 else f"{self.file}: the anchor stands there {times} times"

    def apply(self, root: Path) -> None:
        """Write it."""
        path = root / self.file
        if not self.anchor:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
            return
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(self.anchor, self.text + self.anchor), encoding="utf-8")


@dataclass(frozen=True)
class Try:
    """One thing to add.

    Attributes:
        name: what is added.
        most: how many files it may touch; language catalogues and examples do not count.
        edits: the first is the term itself, the others what goes with it.
        guards: the tests that must pass with all edits, and fail with one left out.
        whole: tests that must pass with all edits, but need not notice one left out.
    """

    name: str
    most: int
    edits: tuple[Edit, ...]
    guards: tuple[str, ...]
    whole: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files it touches, catalogues and examples left out."""
        return tuple(sorted({edit.file for edit in self.edits if not edit.catalogue}))

    def in_copy(self, root: Path, leave_out: Edit | None = None) -> None:
        """Apply its edits, all but one that is to be forgotten."""
        for edit in self.edits:
            if edit is not leave_out:
                edit.apply(root)


def copy_checkout(to: Path) -> None:
    """Copy what the tests need; nothing that is made by running."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=ignore)
        else:
            shutil.copyfile(source, to / name)


def run_tests(root: Path, tests: Iterable[str]) -> tuple[bool, str]:
    """Run tests in a copy; whether they pass, and what they say."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode == 0, done.stdout + done.stderr


def names(output: str, place: str) -> bool:
    """Whether a failure names a place, however its line was broken."""
    flat = re.sub(r"\s+", " ", output)
    return place in flat
