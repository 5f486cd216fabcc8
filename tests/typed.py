"""The command ``habeas`` as somebody types it, run in this process.

To start the program anew takes it a second, most of it imports. That it starts from a shell is
shown by the tests of ``serve``, ``demo``, ``tour``, ``audit tail`` and ``verify``.
"""

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from app.cli import main

PLAIN = {"PATH": os.environ["PATH"], "COLUMNS": "200"}
"""An environment in which nothing of Habeas is set."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def habeas(*words: object, settings: Mapping[str, str], folder: Path | None = None) -> Done:
    """Run a command.

    Args:
        words: what is typed after ``habeas``.
        settings: all that the environment holds in addition to ``PLAIN``.
        folder: where it is typed; here where none is given.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.dict(os.environ, {**PLAIN, **settings}, clear=True),
        mock.patch.object(sys, "argv", ["habeas", *map(str, words)]),
        contextlib.chdir(folder or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = _code()
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def _code() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
