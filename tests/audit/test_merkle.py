"""The fast tree against the RFC's own definition, and against proofs that lie."""

from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.merkle import (
    EMPTY_ROOT,
    BadProof,
    CompactRange,
    complete_root,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from tests.audit import rfc6962

LARGEST = 70
LEAVES = [f"entry {number}".encode() for number in range(LARGEST)]


@cache
def node(level: int, index: int) -> bytes:
    return rfc6962.node(LEAVES, level, index)


@cache
def root(size: int) -> bytes:
    return rfc6962.mth(LEAVES[:size])


def flips(path: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """The path with one bit of one hash flipped, for each hash."""
    for at, one in enumerate(path):
        bit = (at * 37) % 256
        bad = (int.from_bytes(one) ^ (1 << bit)).to_bytes(32)
        yield (*path[:at], bad, *path[at + 1 :])


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert CompactRange().root == EMPTY_ROOT == rfc6962.mth([])


@given(rfc6962.leaves, st.integers(0, 40))
def test_a_tree_grown_in_any_two_steps_has_the_root_of_the_definition(
    leaves: list[bytes], cut: int
) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    tree = CompactRange().extend(hashes[:cut]).extend(hashes[cut:])
    assert (tree.size, tree.root) == (len(leaves), rfc6962.mth(leaves))


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_the_root_of_every_size_can_be_read_from_nodes(size: int) -> None:
    assert root_at(size, node) == root(size)


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_is_that_of_the_definition_and_no_flipped_proof_passes(
    size: int,
) -> None:
    for index in range(size):
        path = inclusion_path(index, size, node)
        assert list(path) == rfc6962.path(index, LEAVES[:size])
        leaf = leaf_hash(LEAVES[index])
        verify_inclusion(index, size, leaf, path, root(size))
        for bad in flips(path):
            with pytest.raises(BadProof):
                verify_inclusion(index, size, leaf, bad, root(size))


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_an_inclusion_proof_fits_one_index_one_leaf_one_size_one_length(size: int) -> None:
    for index in range(size):
        leaf, path = leaf_hash(LEAVES[index]), inclusion_path(index, size, node)
        for other in {index - 1, index + 1, size - 1 - index, size, -1} - {index}:
            with pytest.raises(BadProof):
                verify_inclusion(other, size, leaf, path, root(size))
        with pytest.raises(BadProof):
            verify_inclusion(index, size, leaf_hash(b"another"), path, root(size))
        with pytest.raises(BadProof):
            verify_inclusion(index, size, leaf, (*path, leaf), root(size))
        with pytest.raises(BadProof):
            verify_inclusion(index, size, leaf, path[:-1] or (leaf,), root(size))
        if size > 1:
            with pytest.raises(BadProof):
                verify_inclusion(index, size, leaf, path, root(size - 1))


@pytest.mark.parametrize("new", range(1, LARGEST + 1))
def test_every_consistency_proof_is_that_of_the_definition_and_no_flipped_proof_passes(
    new: int,
) -> None:
    for old in range(1, new + 1):
        path = consistency_path(old, new, node)
        assert list(path) == rfc6962.proof(old, LEAVES[:new])
        verify_consistency(old, new, root(old), root(new), path)
        for bad in flips(path):
            with pytest.raises(BadProof):
                verify_consistency(old, new, root(old), root(new), bad)
        for wrong in ((root(new), root(old)), (leaf_hash(b"x"), root(new))):
            if wrong != (root(old), root(new)):
                with pytest.raises(BadProof):
                    verify_consistency(old, new, *wrong, path)
        with pytest.raises(BadProof):
            verify_consistency(old, new, root(old), root(new), (*path, root(1)))
        if path:
            with pytest.raises(BadProof):
                verify_consistency(old, new, root(old), root(new), path[:-1])


def test_a_tree_rewritten_in_the_middle_is_not_consistent_with_what_it_was() -> None:
    forged = [*LEAVES[:20], b"another past", *LEAVES[21:]]
    path = rfc6962.proof(40, forged)
    with pytest.raises(BadProof):
        verify_consistency(40, LARGEST, root(40), rfc6962.mth(forged), path)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_hash_of_another_length_is_never_believed(length: int) -> None:
    odd = b"x" * length
    with pytest.raises(BadProof):
        verify_inclusion(0, 1, odd, (), odd)
    with pytest.raises(BadProof):
        verify_inclusion(0, 2, leaf_hash(b""), (odd,), node_hash(leaf_hash(b""), odd))
    with pytest.raises(BadProof):
        verify_consistency(1, 2, root(1), root(2), (odd,))
    with pytest.raises(BadProof):
        CompactRange(1, (odd,))


def test_proofs_about_what_was_never_there_are_not_made() -> None:
    for ask in (
        lambda: inclusion_path(5, 5, node),
        lambda: inclusion_path(-1, 5, node),
        lambda: consistency_path(6, 5, node),
        lambda: consistency_path(0, 5, node),
        lambda: complete_root([root(1)] * 3),
        lambda: complete_root([]),
        lambda: CompactRange(3, (root(1),)),
    ):
        with pytest.raises(ValueError, match=r"no leaf|one of|complete"):
            ask()
    for old, new in ((6, 5), (0, 5), (0, 0), (-1, 5)):
        with pytest.raises(BadProof):
            verify_consistency(old, new, root(5), root(5), ())
