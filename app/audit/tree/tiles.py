"""Tiles: the tree cut into pieces of 256 hashes, and their paths (C2SP tlog-tiles).

Tile (level, n) holds the nodes of tree level 8 * level from n * 256 on. A full tile has 256 hashes;
the last of a level may be partial. A tile never holds a node whose subtree is incomplete.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from app.audit.tree.merkle import HASH_BYTES, Node, complete_root

TILE_WIDTH = 256
TILE_LEVELS = 8
"""Levels of the tree in one tile: 2**8 = 256."""

_PATH = re.compile(
    r"tile/(?P<level>[0-9]{1,2})/(?P<n>(x[0-9]{3}/)*[0-9]{3})(\.p/(?P<width>[0-9]{1,3}))?"
)


class Tile(NamedTuple):
    """A tile's place; ``width`` is its number of hashes, 1 to 256."""

    level: int
    n: int
    width: int

    @property
    def path(self) -> str:
        """``tile/0/x001/x234/067``, ``tile/1/001.p/17``."""
        return tile_path(self.level, self.n, self.width)

    @property
    def first_leaf(self) -> int:
        """The index of the first entry below it."""
        return self.n * self.leaves_per_hash * TILE_WIDTH

    @property
    def leaves_per_hash(self) -> int:
        """How many entries are below each of its hashes."""
        return int(TILE_WIDTH**self.level)


def tile_path(level: int | str, n: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile; level ``entries`` names a bundle of entries.

    >>> tile_path(0, 1234067), tile_path(1, 1, width=17)
    ('tile/0/x001/x234/067', 'tile/1/001.p/17')
    """
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse_tile_path(path: str) -> Tile | None:
    """Read the path of a tile of hashes; None for any other text.

    >>> parse_tile_path("tile/1/001.p/17")
    Tile(level=1, n=1, width=17)
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    n = int(match["n"].replace("x", "").replace("/", ""))
    tile = Tile(int(match["level"]), n, int(match["width"] or TILE_WIDTH))
    return tile if tile.path == path and 0 < tile.width <= TILE_WIDTH else None


def tile_at(level: int, n: int, size: int) -> Tile | None:
    """The tile of a tree of this size at this place; None where it does not exist.

    >>> tile_at(0, 1, size=300)
    Tile(level=0, n=1, width=44)
    """
    width = min(TILE_WIDTH, size // TILE_WIDTH**level - n * TILE_WIDTH)
    return Tile(level, n, width) if width > 0 else None


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree, by level, then from the left; empty tiles do not exist.

    >>> [tile.path for tile in tiles_of(300)]
    ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']
    """
    level, hashes = 0, size
    while hashes:
        for n in range(-(-hashes // TILE_WIDTH)):
            yield Tile(level, n, min(TILE_WIDTH, hashes - n * TILE_WIDTH))
        level, hashes = level + 1, hashes // TILE_WIDTH


def cut(hashes: bytes) -> list[bytes]:
    """The hashes of a tile, one by one.

    >>> [len(hashed) for hashed in cut(bytes(64))]
    [32, 32]
    """
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def nodes(tile_hashes: Callable[[int, int], bytes]) -> Node:
    """The nodes of a tree of which the tiles can be read; each tile is asked for once.

    Node (8l + r, i) is the root over 2**r hashes of tile level l, from i * 2**r on.

    >>> from app.audit.tree.merkle import leaf_hash, node_hash
    >>> a, b = leaf_hash(b"a"), leaf_hash(b"b")
    >>> node = nodes(lambda level, n: a + b)
    >>> node(1, 0) == node_hash(a, b)
    True

    Args:
        tile_hashes: gives the joined hashes of tile (level, n), at least those wanted.
    """
    known: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, above = divmod(level, TILE_LEVELS)
        n, first = divmod(index << above, TILE_WIDTH)
        if (tile_level, n) not in known:
            known[tile_level, n] = tile_hashes(tile_level, n)
        start, end = first * HASH_BYTES, (first + (1 << above)) * HASH_BYTES
        return complete_root(cut(known[tile_level, n][start:end]))

    return node
