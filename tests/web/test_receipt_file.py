"""The receipt that a person downloads can be checked without us, and a changed one is found."""

import json
from pathlib import Path

import pytest

from app.audit.reading.service import ReadingService
from app.kernel.signing import LocalSigner, jwk, sign_token
from app.kernel.tokens import KEY_USE, RECEIPT_TYPE
from app.sdk.verify import Ask, verify, verify_asked
from app.sdk.verify.tree.receipt import KEYS_LIMIT
from tests.web.house import House


@pytest.fixture
def receipt(house: House, tmp_path: Path) -> Path:
    browser = house.signed_in("E-0041")
    with house.services.database.read() as tx:
        kept = house.services.consent.receipts(tx, "E-0041")
    if kept:
        path = f"/me/receipts/{kept[0].decision.id}"
    else:
        path = browser.press("/me", "Do not capture me").url.path
    house.integrate()
    file = tmp_path / "receipt.json"
    file.write_text(browser.get(f"{path}.json").text, encoding="utf-8")
    return file


def vkey(house: House) -> str:
    return house.services.integrator.vkey


def test_a_receipt_is_signed_and_in_the_log(house: House, receipt: Path) -> None:
    report = verify(receipt, vkey(house))
    assert report.integrity.ok, report.integrity
    assert report.exit_code == 0
    assert "of the log that the checkpoint signs" in report.integrity.sentence


def test_without_the_logs_key_the_signature_alone_is_checked(receipt: Path) -> None:
    report = verify(receipt)
    assert report.integrity.ok
    assert "Give the log's key" in report.completeness.sentence


@pytest.mark.parametrize("part", ["claims", "token", "proof", "other", "early"])
def test_a_changed_receipt_is_found(house: House, receipt: Path, part: str) -> None:
    document = json.loads(receipt.read_text(encoding="utf-8"))
    match part:
        case "claims":
            document["claims"]["event_type"] = "explicit yes"
        case "token":
            document["token"] = document["token"][:-6] + "AAAAAA"
        case "proof":
            lines = document["log"]["proof"].split("\n")
            lines[3] = "A" * 43 + "="
            document["log"]["proof"] = "\n".join(lines)
        case "other":
            with house.services.database.read() as tx:
                document["log"]["proof"] = ReadingService(house.services.log).tlog_proof(tx, 0)
        case "early":
            document["log"] = None
    receipt.write_text(json.dumps(document), encoding="utf-8")
    report = verify(receipt, vkey(house))
    assert report.integrity.ok is False
    assert report.exit_code != 0


def test_a_key_set_that_is_given_counts_and_the_one_in_the_file_does_not(
    house: House, receipt: Path
) -> None:
    """Whoever makes up a receipt adds a key of their own."""
    asked = Ask(vkey=vkey(house), keys=json.dumps(house.services.jwks).encode())
    honest = verify_asked(receipt, asked)
    assert honest.ok
    assert KEYS_LIMIT not in honest.limits
    document = json.loads(receipt.read_text(encoding="utf-8"))
    signer = LocalSigner.generate()
    document["token"] = sign_token(signer, RECEIPT_TYPE, document["claims"])
    document["keys"] = {"keys": [{**jwk(signer.public), KEY_USE: RECEIPT_TYPE}]}
    receipt.write_text(json.dumps(document), encoding="utf-8")
    made_up = verify(receipt, vkey(house))
    assert made_up.ok, "which is why its limits say to compare the key"
    assert KEYS_LIMIT in made_up.limits
    assert verify_asked(receipt, asked).integrity.ok is False
