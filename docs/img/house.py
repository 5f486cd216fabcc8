"""Draw the house: the rooms of ``app/`` in the order of the import contract.

    python docs/img/house.py > docs/img/house.svg

Source: the layers of the first contract in ``pyproject.toml``, the sub-packages on disk, and the
first sentence of each package's docstring. A test draws it again and compares.
"""

import ast
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]

WIDTH, MARGIN, GAP, LINE, PAD = 960, 16, 8, 17, 10
ASIDE = 200
"""Width of the column for what leaves the building."""
LETTER = 7.2
"""Mean width of a letter at this size of type, pixels."""

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1d2433 }
  .name { font-weight: 700 }
  .rooms { font-style: italic; fill: #3d4a66 }
  rect { fill: #f6f7fa; stroke: #75809c }
  .page { fill: #ffffff; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e7eaf2 } .rooms { fill: #b4bfd8 }
    rect { fill: #1d2433; stroke: #75809c } .page { fill: #10141d }
  }
"""


@dataclass(frozen=True)
class Room:
    """A package: its name, what it is for, and the rooms inside it."""

    name: str
    purpose: str
    inner: tuple[str, ...]

    def lines(self, width: int) -> list[tuple[str, str]]:
        """Its text as (class, line), broken to a width in pixels."""
        letters = int((width - 2 * PAD) / LETTER)
        rooms = " · ".join(self.inner)
        return [
            ("name", self.name),
            *(("", line) for line in textwrap.wrap(self.purpose, letters)),
            *(("rooms", line) for line in textwrap.wrap(rooms, letters)),
        ]


def room(name: str) -> Room:
    """Read a package or module of ``app/``."""
    path = ROOT / "app" / name
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    inner = sorted(each.parent.name for each in path.glob("*/__init__.py"))
    purpose = docstring.split("\n", maxsplit=1)[0].replace("`", "")
    return Room(name, purpose, tuple(inner))


def layers() -> list[list[str]]:
    """The rows of the house from top to bottom, as the import contract orders them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    first = project["tool"]["importlinter"]["contracts"][0]
    return [[name.strip() for name in row.split("|")] for row in first["layers"]]


def box(each: Room, x: int, y: int, width: int, height: int) -> Iterator[str]:
    """One room as SVG."""
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
    for place, (kind, line) in enumerate(each.lines(width)):
        mark = f' class="{kind}"' if kind else ""
        yield f'<text x="{x + PAD}" y="{y + PAD + 12 + place * LINE}"{mark}>{escape(line)}</text>'


def height_of(each: Room, width: int) -> int:
    """The height that a room needs at a width."""
    return 2 * PAD + LINE * len(each.lines(width)) - 2


def draw() -> str:
    """The whole picture."""
    house = WIDTH - 2 * MARGIN - ASIDE - GAP
    parts: list[str] = []
    y = MARGIN
    for names in layers():
        width = (house - GAP * (len(names) - 1)) // len(names)
        rooms = [room(name) for name in names]
        height = max(height_of(each, width) for each in rooms)
        for place, each in enumerate(rooms):
            parts += box(each, MARGIN + place * (width + GAP), y, width, height)
        y += height + GAP
    parts += box(room("sdk"), WIDTH - MARGIN - ASIDE, MARGIN, ASIDE, y - GAP - MARGIN)
    total = y - GAP + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img">',
            "<title>The rooms of Habeas</title>",
            (
                "<desc>Rows from top to bottom; a room imports only rooms in rows below its own. "
                "sdk stands aside: only the command line and the demo import it.</desc>"
            ),
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{total}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(draw())
