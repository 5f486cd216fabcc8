"""The Merkle tree of RFC 6962: hashes, roots, inclusion and consistency proofs.

Pure. The same tree as that of RFC 9162 with SHA-256, of C2SP tlog-tiles and of Go's sumdb. Sections
cited are those of RFC 6962 unless another is named. Tests hold this file against the recursive
definition of §2.1.

A node of the tree is named (level, index): the root of the complete subtree over the 2**level
leaves from index * 2**level on. Level 0 are the leaf hashes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""§2.1: the root of the tree without leaves."""

Node = Callable[[int, int], bytes]
"""Gives the hash of the node (level, index)."""


class BadProof(ValueError):
    """A proof that proves nothing; the message says why."""


def leaf_hash(entry: bytes) -> bytes:
    """§2.1: ``SHA-256(0x00 || entry)``.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """§2.1: ``SHA-256(0x01 || left || right)``.

    >>> node_hash(leaf_hash(b"a"), leaf_hash(b"b")) == node_hash(leaf_hash(b"b"), leaf_hash(b"a"))
    False
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """§2.1: the root over 2**k adjacent nodes of one level.

    >>> a, b, c, d = map(leaf_hash, (b"a", b"b", b"c", b"d"))
    >>> complete_root([a, b, c, d]) == node_hash(node_hash(a, b), node_hash(c, d))
    True
    """
    if not hashes or len(hashes) & (len(hashes) - 1):
        msg = f"{len(hashes)} nodes do not make a complete subtree"
        raise ValueError(msg)
    row, sha256 = list(hashes), hashlib.sha256
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=True)
        # node_hash written out: this is where growing and verifying a log spend their time.
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return row[0]


@dataclass(frozen=True)
class CompactRange:
    """A tree reduced to what its growth needs: the roots of its maximal complete subtrees.

    Attributes:
        size: number of leaves.
        frontier: one hash for each one-bit of ``size``, the largest subtree first.
    """

    size: int = 0
    frontier: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.frontier) != self.size.bit_count():
            msg = f"a tree of {self.size} leaves has not {len(self.frontier)} complete subtrees"
            raise ValueError(msg)
        _require_hashes(self.frontier)

    def extend(self, hashes: Iterable[bytes]) -> "CompactRange":
        """Append leaf hashes (§2.1: equal subtrees pair up from the right)."""
        size, frontier = self.size, list(self.frontier)
        for current in hashes:
            node, rest = current, size
            while rest & 1:
                node = node_hash(frontier.pop(), node)
                rest >>= 1
            frontier.append(node)
            size += 1
        return CompactRange(size, tuple(frontier))

    @property
    def root(self) -> bytes:
        """The root (§2.1)."""
        return _join(self.frontier) if self.frontier else EMPTY_ROOT


def root_at(size: int, node: Node) -> bytes:
    """The root of the first ``size`` leaves, read from nodes (§2.1).

    >>> leaves = [leaf_hash(b"a"), leaf_hash(b"b")]
    >>> root_at(1, lambda level, index: leaves[index]) == leaves[0]
    True
    """
    return _range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """§2.1.1 PATH(m, D[n]): the siblings from the leaf up to the root's child.

    >>> leaves = [leaf_hash(entry) for entry in (b"a", b"b", b"c")]
    >>> node = lambda level, index: complete_root(leaves[index << level : index + 1 << level])
    >>> inclusion_path(2, 3, node) == (node_hash(leaves[0], leaves[1]),)
    True

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        msg = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(msg)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_root(middle, high, node))
            high = middle
        else:
            path.append(_range_root(low, middle, node))
            low = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """§2.1.2 PROOF(m, D[n]): what shows that the first ``old`` of ``new`` leaves are unchanged.

    >>> leaves = [leaf_hash(entry) for entry in (b"a", b"b", b"c")]
    >>> node = lambda level, index: complete_root(leaves[index << level : index + 1 << level])
    >>> consistency_path(2, 3, node) == (leaves[2],)
    True

    Raises:
        ValueError: ``old`` is larger than ``new``, or not positive.
    """
    if not 0 < old <= new:
        msg = f"a tree of {new} leaves cannot be shown to continue one of {old}"
        raise ValueError(msg)
    if old == new:
        return ()
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_root(middle, high, node))
            high = middle
        else:
            path.append(_range_root(low, middle, node))
            low, whole = middle, False
    if not whole:
        path.append(_range_root(low, high, node))
    return tuple(reversed(path))


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check an inclusion proof (RFC 9162 §2.1.3.2).

    >>> a, b = leaf_hash(b"a"), leaf_hash(b"b")
    >>> verify_inclusion(0, 2, a, [b], root=node_hash(a, b))
    >>> verify_inclusion(1, 2, a, [b], root=node_hash(a, b))
    Traceback (most recent call last):
    app.audit.tree.merkle.BadProof: the proof leads to another root

    Args:
        index: of the leaf, from 0.
        size: of the tree.
        leaf: the leaf's hash.
        path: the proof, from the leaf's sibling upward.
        root: the root at ``size``.

    Raises:
        BadProof: the leaf is not shown to be in that tree at that index.
    """
    if not 0 <= index < size:
        raise BadProof(f"a tree of {size} leaves has no leaf {index}")
    _require_hashes((leaf, root, *path))
    current = leaf
    for sibling, is_left in _climb(index, size - 1, path):
        current = node_hash(sibling, current) if is_left else node_hash(current, sibling)
    if current != root:
        raise BadProof("the proof leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check a consistency proof (RFC 9162 §2.1.4.2).

    A tree without leaves begins every tree, so nothing can be proved about it: it is refused.

    >>> a, b = leaf_hash(b"a"), leaf_hash(b"b")
    >>> verify_consistency(1, 2, a, node_hash(a, b), [b])
    >>> verify_consistency(1, 2, b, node_hash(a, b), [b])
    Traceback (most recent call last):
    app.audit.tree.merkle.BadProof: the proof leads to other roots

    Raises:
        BadProof: the old tree is not shown to be the beginning of the new tree.
    """
    if not 0 < old <= new:
        raise BadProof(f"a tree of {new} leaves cannot be shown to continue one of {old}")
    _require_hashes((old_root, new_root, *path))
    if (old == new) != (len(path) == 0):
        raise BadProof("a proof is empty exactly if the sizes are equal")
    if old == new:
        if old_root != new_root:
            raise BadProof("two roots for one size")
        return
    # A complete old tree is itself the first node of the walk, so the proof leaves it out.
    first, *rest = path if old & (old - 1) else (old_root, *path)
    complete = _trailing_ones(old - 1)
    from_old = from_new = first
    for sibling, is_left in _climb(old - 1 >> complete, new - 1 >> complete, rest):
        if is_left:
            from_old, from_new = node_hash(sibling, from_old), node_hash(sibling, from_new)
        else:
            from_new = node_hash(from_new, sibling)
    if from_old != old_root or from_new != new_root:
        raise BadProof("the proof leads to other roots")


def _climb(position: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Give each sibling on the way to the root, and whether it is on the left.

    Args:
        position: of the node among those of its level.
        last: position of the last node of that level.
        path: the siblings.

    Raises:
        BadProof: there are more or fewer siblings than levels.
    """
    for sibling in path:
        if last == 0:
            raise BadProof("the proof is longer than the tree is high")
        is_left = bool(position & 1) or position == last
        yield sibling, is_left
        if is_left:
            # The last node of a level without a right sibling moves up unpaired.
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    if last:
        raise BadProof("the proof is shorter than the tree is high")


def _trailing_ones(number: int) -> int:
    return (~number & number + 1).bit_length() - 1


def _split(width: int) -> int:
    """§2.1: k, the largest power of two smaller than n."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(low: int, high: int, node: Node) -> bytes:
    """The root over leaves [low, high) of a subtree that starts where §2.1 would split."""
    parts = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(node(level, low >> level))
        low += 1 << level
    return _join(parts)


def _join(subtrees: Sequence[bytes]) -> bytes:
    """Fold maximal complete subtrees, the smallest pair first (§2.1)."""
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def _require_hashes(hashes: Iterable[bytes]) -> None:
    """A hash of another length would let an empty root match an empty leaf."""
    for hashed in hashes:
        if len(hashed) != HASH_BYTES:
            raise BadProof(f"a hash has {len(hashed)} bytes, not {HASH_BYTES}")
