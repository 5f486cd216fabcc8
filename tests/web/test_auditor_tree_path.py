"""The way from a leaf to the root, drawn: it must be the way that the proof proves."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.merkle import (
    CompactRange,
    inclusion_path,
    leaf_hash,
    node_hash,
    verify_inclusion,
)
from app.web.auditor.rows.tree_path import draw, ranges, steps


def _tree(size: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(size)]


def _path(leaves: list[bytes], index: int) -> tuple[bytes, ...]:
    def node(level: int, place: int) -> bytes:
        if level == 0:
            return leaves[place]
        return node_hash(node(level - 1, 2 * place), node(level - 1, 2 * place + 1))

    return inclusion_path(index, len(leaves), node)


@pytest.mark.parametrize("size", range(1, 34))
def test_the_last_step_of_every_walk_is_the_root(size: int) -> None:
    leaves = _tree(size)
    root = CompactRange().extend(leaves).root
    for index, leaf in enumerate(leaves):
        path = _path(leaves, index)
        walk = steps(index, size, leaf, path)
        verify_inclusion(index, size, leaf, path, root)
        assert (walk[-1].result if walk else leaf) == root


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_leaf_and_siblings_together_cover_every_entry_once(case: tuple[int, int]) -> None:
    size, index = case
    covered = sorted([(index, index + 1), *((low, high) for _, low, high in ranges(index, size))])
    assert covered[0][0] == 0
    assert covered[-1][1] == size
    assert all(left[1] == right[0] for left, right in itertools.pairwise(covered))


def test_a_proof_of_the_wrong_length_is_not_drawn() -> None:
    leaves = _tree(7)
    with pytest.raises(ValueError, match="argument"):
        steps(3, 7, leaves[3], _path(leaves, 3)[:-1])


def test_a_left_child_stands_left_and_its_sibling_right() -> None:
    leaves = _tree(4)
    drawing = draw(0, leaves[0], steps(0, 4, leaves[0], _path(leaves, 0)))
    leaf, sibling = drawing.boxes[0], drawing.boxes[1]
    assert (leaf.role, sibling.role) == ("leaf", "given")
    assert leaf.x < sibling.x
    assert drawing.boxes[-1].role == "root"
    assert all(0 <= box.y <= drawing.height - drawing.box_height for box in drawing.boxes)


def test_every_line_ends_at_a_box_above_the_one_it_starts_from() -> None:
    leaves = _tree(13)
    for index, leaf in enumerate(leaves):
        drawing = draw(index, leaf, steps(index, 13, leaf, _path(leaves, index)))
        tops = {(box.x, box.y) for box in drawing.boxes}
        bottoms = {(box.x, box.y + drawing.box_height) for box in drawing.boxes}
        assert {(edge.x1, edge.y1) for edge in drawing.edges} <= tops
        assert {(edge.x2, edge.y2) for edge in drawing.edges} <= bottoms
        assert all(edge.y2 < edge.y1 for edge in drawing.edges)


def test_a_log_of_one_entry_is_its_own_root() -> None:
    leaf = leaf_hash(b"only")
    drawing = draw(0, leaf, steps(0, 1, leaf, ()))
    assert [box.role for box in drawing.boxes] == ["root"]
    assert drawing.edges == ()
