"""The tree rebuilt from the entries and held against the tiles, in memory that does not grow."""

import hashlib
from collections.abc import Sequence

from app.audit.tree.merkle import HASH_BYTES, CompactRange, Node, complete_root
from app.audit.tree.tiles import TILE_WIDTH, Tile, cut, nodes, tile_at
from app.sdk.verify.evidence.evidence import EvidenceParts
from app.sdk.verify.report import Findings
from app.sdk.verify.run import Run

_TILE_BYTES = TILE_WIDTH * HASH_BYTES


def leaf_hashes(lines: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1, of lines with the newline that ends each and is no part of the leaf."""
    sha256 = hashlib.sha256
    return [sha256(b"\x00" + line[:-1]).digest() for line in lines]


class TreeCheck:
    """Takes leaf hashes in order; compares each tile with the archive's as soon as it is full."""

    def __init__(self, evidence: EvidenceParts, size: int | None, integrity: Findings) -> None:
        self._evidence = evidence
        self._size = size
        self._integrity = integrity
        self._rows: list[list[bytes]] = [[]]
        self._done: list[int] = [0]
        self._wrong: list[int] = []
        self._at_hand: bytes | None = None
        self.count = 0
        self.tile_digests: dict[str, str] = {}
        """SHA-256, hex, of each tile that was compared, so that none is read twice."""

    def push(self, leaves: list[bytes], tile: bytes | None = None) -> None:
        """Take the next leaf hashes: those of a whole tile, or of the last, partial one.

        Args:
            leaves: the hashes.
            tile: the archive's tile, where they were cut from it.
        """
        self.count += len(leaves)
        self._rows[0] = leaves
        self._at_hand = tile
        if len(leaves) == TILE_WIDTH:
            self._close(0)

    def finish(self) -> CompactRange:
        """Compare the partial tiles and return the tree."""
        frontier: list[bytes] = []
        for level in range(len(self._rows)):
            if self._rows[level]:
                self._compare(level, self._rows[level])
        for row in reversed(self._rows):
            frontier += CompactRange().extend(row).frontier
        return CompactRange(self.count, tuple(frontier))

    def _close(self, level: int) -> None:
        row = self._rows[level]
        self._compare(level, row)
        self._rows[level] = []
        self._done[level] += 1
        if level + 1 == len(self._rows):
            self._rows.append([])
            self._done.append(0)
        self._rows[level + 1].append(complete_root(row))
        if len(self._rows[level + 1]) == TILE_WIDTH:
            self._close(level + 1)

    def _compare(self, level: int, row: list[bytes]) -> None:
        if self._size is None:
            return
        tile = tile_at(level, self._done[level], self._size)
        if tile is None:
            return  # beyond what is signed; counted elsewhere
        kept = self._at_hand if level == 0 else None
        if kept is None:
            kept = self._evidence.read(tile.path, _TILE_BYTES + 1)
        if kept is None:
            self._integrity.add(f"{tile.path} is missing")
            return
        self.tile_digests[tile.path] = hashlib.sha256(kept).hexdigest()
        if kept == b"".join(row):
            return
        if len(kept) != tile.width * HASH_BYTES:
            self._integrity.add(f"{tile.path} does not have {tile.width} hashes")
        for at, (ours, theirs) in enumerate(zip(row, cut(kept), strict=False)):
            if ours != theirs and self._is_new(tile, at):
                return

    def _is_new(self, tile: Tile, at: int) -> bool:
        """Note a hash that differs, unless a leaf below it is known to differ."""
        first = tile.first_leaf + at * tile.leaves_per_hash
        last = first + tile.leaves_per_hash - 1
        if any(first <= wrong <= last for wrong in self._wrong):
            return False
        where = f"index {first}" if first == last else f"indices {first} to {last}"
        self._integrity.add(f"{tile.path} and the entries differ at {where}", first)
        self._wrong.append(first)
        return True


def nodes_of(evidence: EvidenceParts, size: int) -> Node:
    """The nodes of the tree, from the archive's tiles once they are known to be right."""

    def tile_hashes(level: int, n: int) -> bytes:
        tile = tile_at(level, n, size)
        assert tile is not None, "only nodes of the tree are asked for"
        return evidence.read(tile.path, _TILE_BYTES) or b""

    return nodes(tile_hashes)


def rebuild(run: Run) -> TreeCheck:
    """Rebuild a tree from its lowest tiles and hold it against the other tiles and the root."""
    size = run.signed.size if run.signed else 0
    tree = TreeCheck(run.evidence, size, run.integrity)
    for n in range(-(-size // TILE_WIDTH)):
        tile = tile_at(0, n, size)
        assert tile is not None, "every tile up to the size exists"
        kept = run.evidence.read(tile.path, _TILE_BYTES + 1)
        if kept is None or len(kept) != tile.width * HASH_BYTES:
            run.integrity.add(f"{tile.path} does not have {tile.width} hashes", tile.first_leaf)
            return tree
        tree.push(cut(kept), kept)
    root = tree.finish().root
    if run.signed is not None and root != run.signed.root:
        run.integrity.add("the tiles do not hash to the root that the checkpoint signs")
    return tree
