"""Tiles: where they lie, and that a tree can be read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.merkle import CompactRange, inclusion_path, leaf_hash, root_at, verify_inclusion
from app.audit.tree.tiles import Tile, cut, nodes, parse_tile_path, tile_at, tiles_of
from tests.audit import forge

SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 700]


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_is_read_back(level: int, n: int, width: int) -> None:
    tile = Tile(level, n, width)
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/00/001",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/257",
        "tile/0/001.p/01",
        "tile/entries/001",
        "tile/0/001/",
        "tile/0/001\n",
    ],
)
def test_what_is_not_the_path_of_a_tile_is_none(path: str) -> None:
    assert parse_tile_path(path) is None


@given(st.integers(0, 200_000))
def test_every_hash_of_a_level_is_in_exactly_one_tile(size: int) -> None:
    listed = list(tiles_of(size))
    for level in range(4):
        assert sum(tile.width for tile in listed if tile.level == level) == size // 256**level
    assert all(
        tile_at(tile.level, tile.n, size) == tile for tile in listed[:: len(listed) // 9 + 1]
    )
    assert tile_at(0, -(-size // 256), size) is None


@pytest.mark.parametrize("size", SIZES)
def test_a_tree_is_read_from_its_tiles(size: int) -> None:
    hashes = [leaf_hash(str(number).encode()) for number in range(size)]
    parts = forge.tiles(hashes)

    def tile_hashes(level: int, n: int) -> bytes:
        tile = tile_at(level, n, size)
        assert tile is not None
        return parts[tile.path]

    node = nodes(tile_hashes)
    root = CompactRange().extend(hashes).root
    assert root_at(size, node) == root
    for index in range(0, size, 41):
        verify_inclusion(index, size, hashes[index], inclusion_path(index, size, node), root)


def test_cutting_joined_hashes_gives_them_back() -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(5)]
    assert cut(b"".join(hashes)) == hashes
    assert cut(b"") == []
