"""Whoever imports sees how far it came, on a terminal and where there is none."""

import io

import pytest

from app.cli.progress import LINE_EVERY_S, ImportShown
from app.directory.imports import ImportProgress


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [Screen, io.StringIO])
def test_a_terminal_shows_one_line_and_a_file_gets_a_line_now_and_then(
    screen: type[io.StringIO],
) -> None:
    now, out = 0.0, screen()
    shown = ImportShown(out, lambda: now)
    for pieces in range(1, 9):
        now += LINE_EVERY_S / 4
        shown.say(ImportProgress(pieces, pieces * 100, 8, 800))
    shown.close()
    said = out.getvalue()
    if screen is Screen:
        assert said.count("\r") == 8
        assert said.count("\n") == 1, "the line ends when the import does"
    else:
        assert said.splitlines() == [
            "Piece 4 of 8, 400 of 800 people, about 10 seconds left.",
            "Piece 8 of 8, 800 of 800 people, about 0 seconds left.",
        ]
