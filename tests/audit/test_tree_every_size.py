"""Roots, tiles and proofs of every size from 0 to 1,000 and of 70,000, against RFC 6962 §2.1.

The definition is the RFC's own, recursive; it only remembers subtrees that it has met before, or
this would take hours.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from app.audit.tree.merkle import (
    CompactRange,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from app.audit.tree.tiles import TILE_WIDTH, nodes, tiles_of
from tests.audit import rfc6962

pytestmark = pytest.mark.slow

LARGEST = 1_000
HUGE = 70_000
LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(HUGE)]


@cache
def mth(low: int, high: int) -> bytes:
    """§2.1 MTH(D[low:high])."""
    if low == high:
        return rfc6962.mth([])
    if high - low == 1:
        return LEAVES[low]
    middle = low + rfc6962.split(high - low)
    return node_hash(mth(low, middle), mth(middle, high))


def paths(low: int, high: int) -> Iterator[list[bytes]]:
    """§2.1.1 PATH(m, D[low:high]) for every m, in order."""
    if high - low == 1:
        yield []
        return
    middle = low + rfc6962.split(high - low)
    left, right = mth(low, middle), mth(middle, high)
    for path in paths(low, middle):
        path.append(right)
        yield path
    for path in paths(middle, high):
        path.append(left)
        yield path


def proof(old: int, low: int, high: int, *, whole: bool = True) -> list[bytes]:
    """§2.1.2 SUBPROOF(m, D[low:high], b), m counted from low."""
    if old == high - low:
        return [] if whole else [mth(low, high)]
    middle = low + rfc6962.split(high - low)
    if low + old <= middle:
        return [*proof(old, low, middle, whole=whole), mth(middle, high)]
    return [*proof(old - (middle - low), middle, high, whole=False), mth(low, middle)]


def tile_hashes(size: int) -> dict[tuple[int, int], bytes]:
    """The tiles of a tree as tlog-tiles defines them: MTH(D[(n*256+i)*256**l : …]) for each i."""
    found = {}
    for tile in tiles_of(size):
        first, span = tile.n * TILE_WIDTH, tile.leaves_per_hash
        places = range(first, first + tile.width)
        row = [mth(place * span, (place + 1) * span) for place in places]
        found[tile.level, tile.n] = b"".join(row)
    return found


def some(size: int, step: int) -> Sequence[int]:
    """Where proofs change their form, and every so many in between, others for each size."""
    edges = {0, 1, size - 2, size - 1, *((1 << bit) + off for bit in range(17) for off in (-1, 0))}
    return sorted((edges & set(range(size))) | set(range(size % step, size, step)))


def compare(size: int, step: int) -> None:
    parts = tile_hashes(size)
    node = cache(nodes(lambda level, n: parts[level, n]))
    root = mth(0, size)
    assert root_at(size, node) == root
    defined = list(paths(0, size)) if size else []
    for index in some(size, step):
        path = inclusion_path(index, size, node)
        assert list(path) == defined[index], (index, size)
        verify_inclusion(index, size, LEAVES[index], path, root)
    for old in some(size, step):
        if old:
            path = consistency_path(old, size, node)
            assert list(path) == proof(old, 0, size), (old, size)
            verify_consistency(old, size, mth(0, old), root, path)


def test_the_definition_here_equals_the_definition_written_out_in_full() -> None:
    raw = [f"entry {number}".encode() for number in range(40)]
    for size in range(41):
        assert mth(0, size) == rfc6962.mth(raw[:size])
        for old in range(1, size + 1):
            assert proof(old, 0, size) == rfc6962.proof(old, raw[:size])
        if size:
            assert list(paths(0, size)) == [rfc6962.path(m, raw[:size]) for m in range(size)]


def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_every_size() -> None:
    tree = CompactRange()
    for size in range(LARGEST + 1):
        assert (tree.size, tree.root) == (size, mth(0, size))
        tree = tree.extend(LEAVES[size : size + 1])


@pytest.mark.parametrize("start", range(0, LARGEST + 1, 100))
def test_tiles_root_and_proofs_of_every_size_are_those_of_the_definition(start: int) -> None:
    for size in range(start, min(start + 100, LARGEST + 1)):
        compare(size, 1 if size <= 128 else 31)


def test_tiles_root_and_proofs_of_seventy_thousand_are_those_of_the_definition() -> None:
    assert CompactRange().extend(LEAVES).root == mth(0, HUGE)
    compare(HUGE, 997)
