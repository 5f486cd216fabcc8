"""The way from a leaf to the root, as steps and as a drawing.

The proof (RFC 6962 §2.1.1) lists only hashes, from the leaf upward. Which side each one stands on
and which entries are below it follow from the index and the size alone; so the drawing can say it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.audit.tree.merkle import node_hash

Side = Literal["left", "right"]

_BOX_WIDTH = 166
_BOX_HEIGHT = 58
_ROW = 88
_LEFT, _MIDDLE, _RIGHT = 86, 178, 270
_MARGIN = 6


@dataclass(frozen=True)
class PathStep:
    """One level upward: the sibling the proof gives, and what both make together."""

    level: int
    side: Side
    """Where the sibling stands."""
    sibling: bytes
    first: int
    last: int
    """Indices of the first and the last entry below the sibling."""
    result: bytes
    result_first: int
    result_last: int


@dataclass(frozen=True)
class Box:
    """A node of the drawing: centre ``x``, top ``y``; the indices of the entries below it."""

    x: int
    y: int
    hash: bytes
    first: int
    last: int
    role: Literal["leaf", "path", "given", "root"]


@dataclass(frozen=True)
class Edge:
    """A line from a child's top to its parent's bottom."""

    x1: int
    y1: int
    x2: int
    y2: int
    computed: bool


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines in a coordinate system of ``width`` by ``height`` units."""

    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def ranges(index: int, size: int) -> tuple[tuple[Side, int, int], ...]:
    """Side, first and end index of each sibling, from the leaf upward (RFC 6962 §2.1.1, PATH)."""
    low, high = 0, size
    spans: list[tuple[Side, int, int]] = []
    while high - low > 1:
        split = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < split:
            spans.append(("right", split, high))
            high = split
        else:
            spans.append(("left", low, split))
            low = split
    return tuple(reversed(spans))


def steps(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes]) -> tuple[PathStep, ...]:
    """Walk the proof upward; the last step's result is the root.

    Raises:
        ValueError: the proof has not as many hashes as the tree has levels above this leaf.
    """
    current, first, end = leaf_hash, index, index + 1
    drawn = []
    places = ranges(index, size)
    for level, ((side, low, high), sibling) in enumerate(zip(places, path, strict=True), start=1):
        if side == "left":
            current, first = node_hash(sibling, current), low
        else:
            current, end = node_hash(current, sibling), high
        drawn.append(PathStep(level, side, sibling, low, high - 1, current, first, end - 1))
    return tuple(drawn)


def draw(index: int, leaf_hash: bytes, walk: Sequence[PathStep]) -> Drawing:
    """Lay the walk out in two columns, the root on top, each child on its side."""
    levels = len(walk)
    boxes: list[Box] = []
    edges: list[Edge] = []
    current = (leaf_hash, index, index)
    for height, step in enumerate(walk):
        y = _MARGIN + (levels - height) * _ROW
        own_x, other_x = (_RIGHT, _LEFT) if step.side == "left" else (_LEFT, _RIGHT)
        boxes.append(Box(own_x, y, *current, "leaf" if height == 0 else "path"))
        boxes.append(Box(other_x, y, step.sibling, step.first, step.last, "given"))
        parent_x = _parent_x(walk, height)
        bottom = y - _ROW + _BOX_HEIGHT
        edges.append(Edge(other_x, y, parent_x, bottom, computed=False))
        edges.append(Edge(own_x, y, parent_x, bottom, computed=True))
        current = (step.result, step.result_first, step.result_last)
    boxes.append(Box(_MIDDLE, _MARGIN, *current, "root"))
    return Drawing(
        width=2 * _MIDDLE + _MARGIN,
        height=2 * _MARGIN + levels * _ROW + _BOX_HEIGHT,
        box_width=_BOX_WIDTH,
        box_height=_BOX_HEIGHT,
        boxes=tuple(boxes),
        edges=tuple(edges),
    )


def _parent_x(walk: Sequence[PathStep], height: int) -> int:
    if height + 1 == len(walk):
        return _MIDDLE
    return _RIGHT if walk[height + 1].side == "left" else _LEFT
