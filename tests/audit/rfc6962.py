"""The tree of RFC 6962 §2.1 as the RFC defines it: recursive, slow, plainly right."""

from collections.abc import Sequence
from hashlib import sha256

from hypothesis import strategies as st


def split(count: int) -> int:
    """The largest power of two smaller than count."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """§2.1, the Merkle tree hash."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """§2.1.1, the audit path."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), mth(leaves[k:])]
    return [*path(index - k, leaves[k:]), mth(leaves[:k])]


def proof(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """§2.1.2, the consistency proof."""
    return subproof(old, leaves, whole=True)


def subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """§2.1.2."""
    if old == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(old - k, leaves[k:], whole=False), mth(leaves[:k])]


def node(leaves: Sequence[bytes], level: int, index: int) -> bytes:
    """The root of a complete subtree."""
    start, end = index << level, (index + 1) << level
    assert end <= len(leaves), "the subtree is not complete"
    return mth(leaves[start:end])


leaves = st.lists(st.binary(max_size=8), max_size=40)
