"""The commands of docs/operate.md, read out of the page and typed as they stand there.

A fenced block whose first line is ``sh`` holds commands for both databases, ``sh sqlite`` and
``sh postgresql`` for one. ``habeas`` runs in this process (tests/typed.py), the rest in a shell.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import Template

from tests import typed

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operate.md"
_BLOCK = re.compile(
    r"^(?P<level>#{2,3}) (?P<section>[^\n]+)$|^```sh ?(?P<only>\w*)\n(?P<lines>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """Commands that are typed together.

    Attributes:
        chapter: the heading of the chapter.
        section: the heading above it, of a part of the chapter or of the chapter.
        only: the kind of database it is for; empty: both.
    """

    chapter: str
    section: str
    only: str
    lines: tuple[str, ...]


def blocks() -> Iterator[Block]:
    """Every block of the page, in order."""
    chapter = section = ""
    for found in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if found["section"]:
            section = found["section"]
            chapter = section if found["level"] == "##" else chapter
        else:
            yield Block(chapter, section, found["only"], tuple(found["lines"].splitlines()))


@dataclass(frozen=True)
class Desk:
    """Where the commands are typed.

    Attributes:
        folder: the working folder.
        kind: of the database.
        environment: all that is set there.
        programs: a folder with PostgreSQL's own programs.
    """

    folder: Path
    kind: str
    environment: Mapping[str, str]
    programs: Path

    def follow(self, section: str, *, ends: int = 0) -> str:
        """Type every block of a section that is for this database; return what was printed.

        Args:
            section: the heading.
            ends: the exit code of the last ``habeas`` that does not end with 0.
        """
        mine = [block for block in blocks() if block.section == section]
        assert mine, f"docs/operate.md has no commands under {section}"
        said, codes = "", set()
        for block in mine:
            for is_ours, lines in groupby(block.lines, lambda line: line.startswith("habeas ")):
                if block.only in {"", self.kind}:
                    code, printed = self._type(tuple(lines), is_ours=is_ours)
                    codes, said = codes | {code}, said + printed
        assert codes <= {0, ends}, said
        assert ends in codes, said
        return said

    def _type(self, lines: tuple[str, ...], *, is_ours: bool) -> tuple[int, str]:
        if not is_ours:
            return 0, self._shell("\n".join(lines))
        done = [self.habeas(*_words(line, self.environment)) for line in lines]
        return max(one.returncode for one in done), "".join(one.stdout + one.stderr for one in done)

    def habeas(self, *words: object) -> typed.Done:
        """Type one command of ours."""
        done = typed.habeas(*words, settings=self.environment, folder=self.folder)
        assert "Traceback" not in done.stderr
        return done

    def _shell(self, script: str) -> str:
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _words(line: str, environment: Mapping[str, str]) -> list[str]:
    return [Template(word).substitute(environment) for word in shlex.split(line)][1:]
