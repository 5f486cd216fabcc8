"""The tree rebuilt from the entries and held against the tiles, in memory that does not grow."""

from app.audit.merkle import HASH_BYTES, CompactRange, Node, complete_root
from app.audit.tiles import TILE_WIDTH, Tile, cut, nodes, tile_at
from app.sdk.verify.evidence import Evidence
from app.sdk.verify.report import Findings

_TILE_BYTES = TILE_WIDTH * HASH_BYTES


class TreeCheck:
    """Takes leaf hashes in order; compares each tile with the archive's as soon as it is full."""

    def __init__(self, evidence: Evidence, size: int | None, integrity: Findings) -> None:
        self._evidence = evidence
        self._size = size
        self._integrity = integrity
        self._rows: list[list[bytes]] = [[]]
        self._done: list[int] = [0]
        self._wrong: list[int] = []
        self.count = 0

    def push(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        self.count += 1
        row = self._rows[0]
        row.append(leaf)
        if len(row) == TILE_WIDTH:
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
        kept = self._evidence.read(tile.path, _TILE_BYTES + 1)
        if kept is None:
            self._integrity.add(f"{tile.path} is missing")
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


def nodes_of(evidence: Evidence, size: int) -> Node:
    """The nodes of the tree, from the archive's tiles once they are known to be right."""

    def tile_hashes(level: int, n: int) -> bytes:
        tile = tile_at(level, n, size)
        assert tile is not None, "only nodes of the tree are asked for"
        return evidence.read(tile.path, _TILE_BYTES) or b""

    return nodes(tile_hashes)
