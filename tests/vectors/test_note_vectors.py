"""Notes, keys, checkpoints, proof files and tile paths against published examples."""

import base64
from typing import Any

import pytest

from app.audit.tree.checkpoint import (
    BadNote,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_vkey,
    sign_note,
)
from app.audit.tree.proof_file import parse_tlog_proof
from app.audit.tree.tiles import tile_path, tiles_of
from app.kernel.signing import LocalSigner
from tests.vectors import folder

pytestmark = folder.needed

NOTES = folder.load("signed-note.json")


def cases(vectors: dict[str, Any], key: str, name: str = "desc") -> list[Any]:
    return [pytest.param(case, id=str(case.get(name))) for case in vectors.get(key, [])]


def keys_of(case: dict[str, Any]) -> list[VerifierKey]:
    return [parse_vkey(vkey) for vkey in case["vkeys"]]


@pytest.mark.parametrize("case", cases(NOTES, "good"))
def test_a_good_note_opens_for_each_of_its_known_keys(case: dict[str, Any]) -> None:
    keys = keys_of(case)
    note = open_note(base64.b64decode(case["note_b64"]), keys)
    assert {(line.name, line.key_id) for line in note.signatures} == {
        (key.name, key.key_id) for key in keys
    }


@pytest.mark.parametrize("case", cases(NOTES, "bad"))
def test_a_bad_note_does_not_open(case: dict[str, Any]) -> None:
    with pytest.raises(BadNote):
        open_note(base64.b64decode(case["note_b64"]), keys_of(case))


def test_signing_gives_the_known_answer() -> None:
    for case in NOTES["sign"]:
        _, _, rest = case["skey"].partition("PRIVATE+KEY+")
        name, _, seed = rest.split("+", 2)
        signer = LocalSigner.from_seed(base64.b64decode(seed)[1:])
        assert sign_note(case["text"], name, signer) == case["note"]


@pytest.mark.parametrize("vkey", NOTES.get("bad_vkeys", []))
def test_a_bad_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadNote):
        parse_vkey(vkey)


def test_a_key_with_any_byte_missing_or_added_is_refused() -> None:
    for case in NOTES["good"]:
        for vkey in case["vkeys"]:
            assert parse_vkey(vkey).vkey == vkey
            cuts = [vkey[:end] for end in range(len(vkey))]
            cuts += [vkey[start:] for start in range(1, len(vkey))]
            grown = [
                vkey[:at] + byte + vkey[at:] for at in range(len(vkey) + 1) for byte in ("A", "+")
            ]
            for bad in cuts + grown:
                with pytest.raises(BadNote):
                    parse_vkey(bad)


@pytest.mark.parametrize("case", cases(folder.load("checkpoint-parse.json"), "bad"))
def test_a_bad_checkpoint_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadNote):
        parse_checkpoint(case["body"])


@pytest.mark.parametrize("case", cases(folder.load("tlog-proof-parse.json"), "bad"))
def test_a_bad_proof_file_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadNote):
        parse_tlog_proof(case["proof"])


@pytest.mark.parametrize("case", cases(folder.load("tlog-proof-parse.json"), "good", "index"))
def test_a_good_proof_file_is_read_and_written_back(case: dict[str, Any]) -> None:
    proof = parse_tlog_proof(case["proof"])
    assert proof.index == case["index"]
    assert [base64.b64encode(one).decode() for one in proof.path] == case["hashes"]
    assert proof.text == case["proof"]


def test_tiles_lie_where_the_specification_puts_them() -> None:
    vectors = folder.load("tile-paths.json")
    for case in vectors["paths"]:
        assert tile_path(case["level"], case["index"], case["width"]) == case["path"]
    by_level = [[tile for tile in tiles_of(70_000) if tile.level == level] for level in range(3)]
    sizes = vectors["size_70000"]
    assert [len(row) - 1 for row in by_level[:2]] == [sizes["full_l0"], sizes["full_l1"]]
    assert [row[-1].width for row in by_level] == [
        sizes["partial_l0"],
        sizes["partial_l1"],
        sizes["partial_l2"],
    ]
    assert [tile.path for tile in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]


@pytest.mark.parametrize("flag", ["low_order_A", "non_canonical_A"])
def test_no_edge_case_key_is_accepted(flag: str) -> None:
    vectors = folder.load("ed25519-cctv.json")
    unsound = {
        bytes.fromhex(vector["key"]) for vector in vectors if flag in (vector["flags"] or [])
    }
    assert unsound
    for public in unsound:
        with pytest.raises(BadNote):
            VerifierKey("example.com/log", public)
