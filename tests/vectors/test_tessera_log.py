"""Another implementation's log: its checkpoints, tiles and entries are the tree we would build."""

from pathlib import Path

import pytest

from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.audit.tree.merkle import (
    CompactRange,
    consistency_path,
    inclusion_path,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.vectors import folder

pytestmark = folder.needed

LOG = folder.FOLDER / "tessera-log"
KEY = parse_vkey("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
SIZES = range(1, 16)


def bundle(file: Path) -> list[bytes]:
    """Entries with their lengths in two bytes (tlog-tiles, "Log entries")."""
    data, entries = file.read_bytes(), []
    while data:
        length = int.from_bytes(data[:2])
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


@pytest.mark.parametrize("size", SIZES)
def test_each_checkpoint_signs_the_tree_of_its_entries(size: int) -> None:
    signed = open_checkpoint((LOG / f"checkpoint.{size}").read_bytes(), KEY)
    hashes = [leaf_hash(entry) for entry in bundle(LOG / f"tile/entries/000.p/{size}")]
    assert (signed.size, signed.root) == (size, CompactRange().extend(hashes).root)
    assert (LOG / f"tile/0/000.p/{size}").read_bytes() == b"".join(hashes)


def test_every_proof_within_it_holds() -> None:
    hashes = [leaf_hash(entry) for entry in bundle(LOG / "tile/entries/000.p/15")]

    def node(level: int, index: int) -> bytes:
        start = index << level
        return CompactRange().extend(hashes[start : start + (1 << level)]).root

    roots = {
        size: open_checkpoint((LOG / f"checkpoint.{size}").read_bytes(), KEY).root for size in SIZES
    }
    for size in SIZES:
        for index in range(size):
            path = inclusion_path(index, size, node)
            verify_inclusion(index, size, hashes[index], path, roots[size])
        for old in range(1, size + 1):
            path = consistency_path(old, size, node)
            verify_consistency(old, size, roots[old], roots[size], path)
