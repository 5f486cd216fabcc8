"""The vectors that we publish: they are what the script makes, and our code passes them."""

import base64
import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.audit.entries.model import read_leaf
from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.audit.tree.merkle import leaf_hash, verify_consistency, verify_inclusion
from app.audit.tree.proof_file import parse_tlog_proof
from app.audit.tree.quorum import evaluate, parse_policy
from app.sdk.verify import verify
from tests.audit.rfc6962 import mth

FOLDER = Path(__file__).parent / "log"
NAMES = ("checkpoints.json", "export-person.tar", "export.tar", "leaves.json", "trees.json")


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("log_vectors", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_script_makes(script: ModuleType) -> None:
    made = script.files()
    assert sorted(made) == sorted(NAMES)
    for name, data in made.items():
        assert (FOLDER / name).read_bytes() == data, name


def test_every_root_is_that_of_the_definition_and_every_proof_holds() -> None:
    """And none holds with a bit flipped."""
    for tree in load("trees.json")["trees"]:
        size, root = tree["size"], raw(tree["root"])
        if size <= 1_000:
            assert root == mth([f"entry {n}".encode() for n in range(size)])
        for one in tree["inclusion"]:
            path = [raw(text) for text in one["proof"]]
            leaf = leaf_hash(f"entry {one['index']}".encode())
            assert leaf == raw(one["leaf_hash"])
            verify_inclusion(one["index"], size, leaf, path, root)
            for at in range(len(path)):
                bad = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
                with pytest.raises(ValueError, match="root"):
                    verify_inclusion(one["index"], size, leaf, bad, root)
        for one in tree["consistency"]:
            path = [raw(text) for text in one["proof"]]
            verify_consistency(one["old"], size, raw(one["old_root"]), root, path)


def test_every_tile_has_the_digest_given(script: ModuleType) -> None:
    for tree in load("trees.json")["trees"]:
        tiles = script.tiles(script.plain_leaves(tree["size"]))
        for path, digest in tree["tiles"].items():
            assert hashlib.sha256(tiles[path]).hexdigest() == digest


def test_good_leaves_are_read_and_bad_ones_refused() -> None:
    leaves = load("leaves.json")
    for one in leaves["good"]:
        leaf = read_leaf(raw(one["leaf"]))
        assert leaf["submission"] == one["submission"]
        assert leaf_hash(raw(one["leaf"])).hex() == one["leaf_hash"]
    assert len(leaves["bad"]) == 14
    for one in leaves["bad"]:
        with pytest.raises(ValueError, match=r"."):
            read_leaf(raw(one["leaf"]))


def test_checkpoint_cosignature_and_proof_hold() -> None:
    found = load("checkpoints.json")
    key = parse_vkey(found["vkey"])
    signed = open_checkpoint(found["checkpoint"].encode(), key)
    policy = parse_policy(found["policy"].encode())
    judged = evaluate(policy, found["cosigned"].encode(), key)
    assert judged.met
    assert judged.fresh_at == found["cosigned_at"]
    assert not evaluate(policy, found["checkpoint"].encode(), key).met
    proof = parse_tlog_proof(found["tlog_proof"])
    assert proof.extra is not None
    verify_inclusion(proof.index, signed.size, leaf_hash(proof.extra), proof.path, signed.root)


def test_both_exports_verify() -> None:
    vkey = load("checkpoints.json")["vkey"]
    whole = verify(FOLDER / "export.tar", vkey)
    assert [verdict.ok for verdict in whole.verdicts.values()] == [True, True, True], whole
    person = verify(FOLDER / "export-person.tar", vkey)
    assert person.subject == "selection"
    assert [verdict.ok for verdict in person.verdicts.values()] == [True, True, None], person
