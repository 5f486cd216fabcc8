"""What release 0.1 signed is in people's hands: it verifies for ever, replay included.

Later rules may not replay it any more; then the report names the release that can, and the verdict
stays good. Today's verifier carries the rules of release 0.1 and replays every entry.
"""

import lzma
from pathlib import Path

import pytest

from app.sdk.verify import Ask, verify_asked
from app.sdk.verify.report import Report
from tests.vectors import folder

pytestmark = folder.needed

RELEASE = folder.FOLDER / "release-0.1"


def text(name: str) -> str:
    return (RELEASE / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two exports, unpacked from what they are kept in."""
    made = tmp_path_factory.mktemp("release")
    for name in ("export.tar", "restored.tar"):
        (made / name).write_bytes(lzma.decompress((RELEASE / f"{name}.xz").read_bytes()))
    return made


@pytest.fixture(scope="module")
def whole(unpacked: Path) -> Report:
    """The whole log, held against its key, its witness and a checkpoint kept from before."""
    kept = ("kept-checkpoint.txt", (RELEASE / "kept-checkpoint.txt").read_bytes())
    ask = Ask(vkey=text("key.txt"), policy=text("witness-policy.txt").encode(), since=(kept,))
    return verify_asked(unpacked / "export.tar", ask)


def test_the_whole_log_of_4763_entries_verifies(whole: Report) -> None:
    assert whole.verdicts.keys() == {"integrity", "completeness", "policy"}
    for name, verdict in whole.verdicts.items():
        assert verdict.ok is True, (name, verdict)
    assert whole.size == 4763
    assert whole.exit_code == 0


def test_every_decision_and_every_lease_is_made_again(whole: Report) -> None:
    sentence = whole.policy.sentence
    assert "0 of 1709 decisions allowed a prohibited purpose" in sentence
    assert "125 leases" in sentence


def test_a_receipt_of_it_verifies() -> None:
    assert verify_asked(RELEASE / "receipt.json", Ask(vkey=text("key.txt"))).ok


@pytest.mark.parametrize("key", ["restored-key.txt", "restored-key-e2.txt"])
def test_a_log_that_two_custodians_restored_verifies_with_the_key_of_either_epoch(
    unpacked: Path, key: str
) -> None:
    assert verify_asked(unpacked / "restored.tar", Ask(vkey=text(key))).ok


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("restored-receipt-before.json", "restored-key.txt"),
        ("restored-after.tlog-proof", "restored-key-e2.txt"),
    ],
)
def test_receipts_and_proofs_verify_with_the_key_of_their_own_epoch(file: str, key: str) -> None:
    assert verify_asked(RELEASE / file, Ask(vkey=text(key))).ok


def test_one_flipped_byte_of_it_is_found(unpacked: Path) -> None:
    """So that the verdicts above say something."""
    data = bytearray((unpacked / "restored.tar").read_bytes())
    at = data.index(b'"kind":"consent.given"') + 10
    data[at] ^= 1
    changed = unpacked / "changed.tar"
    changed.write_bytes(data)
    assert not verify_asked(changed, Ask(vkey=text("restored-key.txt"))).ok
