"""The tree against the vectors of Certificate Transparency."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from app.audit.tree.merkle import (
    BadProof,
    CompactRange,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.vectors import folder

pytestmark = folder.needed


# This probe calls two equal words of 12 bytes the roots of a tree. We insist on 32 bytes.
DUMMY_ROOTS = {"sizes-are-equal-one-and-proof-is-empty.json"}


def hash_of(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def hashes_of(probe: dict[str, Any]) -> list[bytes]:
    return [hash_of(one) for one in probe["proof"] or []]


def probes(kind: str) -> list[Any]:
    root = folder.FOLDER / "merkle-testdata" / kind
    found = [file for file in sorted(root.rglob("*.json")) if file.name not in DUMMY_ROOTS]
    return [pytest.param(file, id=str(file.relative_to(root))) for file in found]


def test_no_probe_is_missing() -> None:
    assert (len(probes("inclusion")), len(probes("consistency"))) == (98, 97)


def test_the_reference_leaves_have_the_reference_roots() -> None:
    vectors = folder.load("rfc6962-roots.json")
    assert CompactRange().root.hex() == vectors["empty_root"]
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["leaves_hex"]]
    roots = [CompactRange().extend(hashes[:size]).root.hex() for size in range(1, 9)]
    assert roots == vectors["roots_by_size"]


@pytest.mark.parametrize("file", probes("inclusion"))
def test_inclusion_probe(file: Path) -> None:
    probe = json.loads(file.read_text())
    case = (
        probe["leafIdx"],
        probe["treeSize"],
        hash_of(probe["leafHash"]),
        hashes_of(probe),
        hash_of(probe["root"]),
    )
    if probe["wantErr"]:
        with pytest.raises(BadProof):
            verify_inclusion(*case)
    else:
        verify_inclusion(*case)


@pytest.mark.parametrize("file", probes("consistency"))
def test_consistency_probe(file: Path) -> None:
    probe = json.loads(file.read_text())
    case = (
        probe["size1"],
        probe["size2"],
        hash_of(probe["root1"]),
        hash_of(probe["root2"]),
        hashes_of(probe),
    )
    if probe["wantErr"]:
        with pytest.raises(BadProof):
            verify_consistency(*case)
    else:
        verify_consistency(*case)
