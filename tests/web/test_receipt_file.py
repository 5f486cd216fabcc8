"""The receipt that a person downloads can be checked without us, and a changed one is found."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.audit.tree.checkpoint import VerifierKey
from app.kernel.canonical import canonical
from app.kernel.signing import LocalSigner, b64u, jwk, sign_token, thumbprint
from app.kernel.tokens import KEY_USE, RECEIPT_TYPE, SUBMISSION_TYPE
from app.sdk.verify import Ask, Report, verify, verify_asked
from app.sdk.verify.tree.receipt import KEYS_LIMIT
from tests.web.house import House


def downloaded(house: House, person: str, file: Path) -> Path:
    """The receipt of a person's first decision, as the page offers it, in the log."""
    browser = house.signed_in(person)
    with house.services.database.read() as tx:
        kept = house.services.consent.receipts(tx, person)
    if kept:
        path = f"/me/receipts/{kept[0].decision.id}"
    else:
        path = browser.press("/me", "Do not capture me").url.path
    house.integrate()
    file.write_text(browser.get(f"{path}.json").text, encoding="utf-8")
    return file


@pytest.fixture
def receipt(house: House, tmp_path: Path) -> Path:
    return downloaded(house, "E-0041", tmp_path / "receipt.json")


@pytest.fixture
def document(receipt: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(receipt.read_text(encoding="utf-8"))
    return read


@pytest.fixture
def others(house: House, tmp_path: Path) -> dict[str, Any]:
    """The receipt of somebody else, as a document."""
    file = downloaded(house, "E-0042", tmp_path / "other.json")
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return read


def judged(house: House, receipt: Path, document: object, key: str | None = "") -> Report:
    """The report on a changed document; the log's key is given unless it is None."""
    receipt.write_text(json.dumps(document), encoding="utf-8")
    return verify_asked(receipt, Ask(vkey=vkey(house) if key == "" else key))


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


def flipped(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-6]}AAAAAA"


def test_a_token_whose_signature_was_changed_is_found(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    assert judged(house, receipt, document).exit_code == 0
    document["token"] = flipped(document["token"])
    report = judged(house, receipt, document)
    assert report.integrity.ok is False
    assert report.exit_code == 1


CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "another type of event in the clear": lambda mine, _: mine["claims"].update(event_type="other"),
    "a number that is only equal in the clear": lambda mine, _: mine["claims"].update(sequence=1.0),
    "a claim more in the clear": lambda mine, _: mine["claims"].update(note="and more"),
    "a claim less in the clear": lambda mine, _: mine["claims"].pop("name"),
    "the claims of somebody else": lambda mine, other: mine.update(claims=other["claims"]),
    "the token of somebody else": lambda mine, other: mine.update(token=other["token"]),
    "token and claims of somebody else": lambda mine, other: mine.update(
        token=other["token"], claims=other["claims"]
    ),
    "the place of somebody else": lambda mine, other: mine.update(log=other["log"]),
    "the entry of somebody else": lambda mine, other: mine["log"].update(
        entry=other["log"]["entry"]
    ),
    "the entry with another time of integration": lambda mine, _: mine["log"].update(
        entry=re.sub(r'"integrated_at":"....', '"integrated_at":"2031', mine["log"]["entry"])
    ),
    "the proof of somebody else": lambda mine, other: mine["log"].update(
        proof=other["log"]["proof"]
    ),
    "another index": lambda mine, _: mine["log"].update(index=mine["log"]["index"] + 1),
    "a place with a field more": lambda mine, _: mine["log"].update(checked=True),
    "a place with a field less": lambda mine, _: mine["log"].pop("index"),
    "the promise of somebody else": lambda mine, other: mine.update(submission=other["submission"]),
    "the promise of somebody else, before there is an entry": lambda mine, other: mine.update(
        log=None, submission=other["submission"]
    ),
    "a changed promise": lambda mine, _: mine.update(submission=flipped(mine["submission"])),
    "the receipt as the promise": lambda mine, _: mine.update(submission=mine["token"]),
    "the promise as the receipt": lambda mine, _: mine.update(token=mine["submission"]),
    "a field that nobody signed": lambda mine, _: mine.update(verified="by the works council"),
    "a field missing": lambda mine, _: mine.pop("submission"),
    "no keys": lambda mine, _: mine.update(keys={"keys": []}),
    "a key with a name of its own": lambda mine, _: mine["keys"]["keys"][0].update(owner="us"),
    "a key under another's id": lambda mine, _: mine["keys"]["keys"][0].update(
        kid=mine["keys"]["keys"][1]["kid"]
    ),
    "keys that are no keys": lambda mine, _: mine.update(keys=[1, 2]),
    "a place that is no place": lambda mine, _: mine.update(log="entry 5"),
    "claims that are no claims": lambda mine, _: mine.update(claims=[]),
}
"""What can be changed next to the token, in a sentence: the file that results must be refused."""


@pytest.mark.every_pair("change", "with_key", "house")
@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_next_to_the_token_is_found(
    house: House,
    receipt: Path,
    document: dict[str, Any],
    others: dict[str, Any],
    change: str,
    with_key: bool,
) -> None:
    """With the log's key and without: nothing that a reader sees is left to be believed."""
    CHANGES[change](document, others)
    report = judged(house, receipt, document, "" if with_key else None)
    assert report.integrity.ok is False, change
    assert report.integrity.findings
    assert report.exit_code == 1


def test_a_name_that_stands_twice_is_refused(house: House, receipt: Path) -> None:
    """A reader that takes the first would show what a reader that takes the last did not check."""
    whole = receipt.read_text(encoding="utf-8")
    receipt.write_text(whole.replace("{", '{"claims": {"act": "given"},', 1), encoding="utf-8")
    report = verify(receipt, vkey(house))
    assert report.integrity.findings == ("the field 'claims' stands twice",)


def test_a_proof_that_the_log_did_not_sign_is_found(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    lines = document["log"]["proof"].split("\n")
    lines[3] = "A" * 43 + "="
    document["log"]["proof"] = "\n".join(lines)
    assert judged(house, receipt, document).integrity.ok is False
    other = VerifierKey("audit.example/other", LocalSigner.generate().public).vkey
    assert judged(house, receipt, document, other).integrity.ok is False


def test_a_receipt_from_before_its_entry_is_no_proof_of_its_place(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    document["log"] = None
    assert judged(house, receipt, document).integrity.ok is False
    assert judged(house, receipt, document, None).integrity.ok


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "EdDSA"},
        {"alg": "HS256"},
        {"typ": "habeas-lease+jwt"},
        {"typ": "JWT"},
        {"crit": ["exp"]},
        {"jwk": {"kty": "OKP"}},
        {"kid": "another"},
    ],
)
def test_a_token_with_another_header_is_refused_although_the_right_key_signed_it(
    house: House, receipt: Path, document: dict[str, Any], header: dict[str, object]
) -> None:
    signer = house.services.keys.signer("receipt")
    honest = {"alg": "Ed25519", "kid": thumbprint(signer.public), "typ": RECEIPT_TYPE}
    signed = f"{b64u(canonical({**honest, **header}))}.{document['token'].split('.')[1]}"
    document["token"] = f"{signed}.{b64u(signer.sign(signed.encode()))}"
    assert judged(house, receipt, document).integrity.ok is False


def test_a_receipt_that_says_otherwise_than_its_entry_is_found(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    """The service itself signs one thing for the person and logs another."""
    signer = house.services.keys.signer("receipt")
    for claim, lie in {
        "act": "given",
        "sequence": 7,
        "jurisdiction": "NO",
        "purposes": ["ai_training.computer_use"],
        "decision_content": ["acknowledgement"],
        "services": ["editor"],
        "offer": "sha256:" + "0" * 64,
        "event_time": "2026-01-01T00:00:00.000000Z",
        "valid_until": "2030-01-01T00:00:00.000000Z",
        "sub": "p_" + "0" * 32,
    }.items():
        claims = {**document["claims"], claim: lie}
        lying = {**document, "claims": claims, "token": sign_token(signer, RECEIPT_TYPE, claims)}
        report = judged(house, receipt, lying)
        assert report.integrity.ok is False, claim
        assert "the entry in the log says another" in report.integrity.findings[0]


def test_a_form_of_receipts_that_is_not_known_is_not_judged_good(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    claims = {**document["claims"], "schema_version": "habeas-receipt/9"}
    token = sign_token(house.services.keys.signer("receipt"), RECEIPT_TYPE, claims)
    report = judged(house, receipt, {**document, "claims": claims, "token": token})
    assert "habeas-receipt/9" in report.integrity.findings[0]


def test_the_report_says_whose_receipt_it_is_and_which_key_signed(
    house: House, receipt: Path
) -> None:
    notes = " ".join(verify(receipt, vkey(house)).notes)
    person = house.person("E-0041")
    assert person.name in notes
    assert person.entity_name in notes
    assert thumbprint(house.services.keys.signer("receipt").public) in notes


def test_a_key_set_that_is_given_counts_and_the_one_in_the_file_does_not(
    house: House, receipt: Path, document: dict[str, Any]
) -> None:
    """Whoever makes up a receipt adds a key of their own."""
    asked = Ask(vkey=vkey(house), keys=json.dumps(house.services.jwks).encode())
    honest = verify_asked(receipt, asked)
    assert honest.ok
    assert KEYS_LIMIT not in honest.limits
    signer = LocalSigner.generate()
    document["token"] = sign_token(signer, RECEIPT_TYPE, document["claims"])
    own = {**jwk(signer.public), KEY_USE: RECEIPT_TYPE}
    promises = [key for key in document["keys"]["keys"] if key[KEY_USE] == SUBMISSION_TYPE]
    document["keys"] = {"keys": [own, *promises]}
    made_up = judged(house, receipt, document)
    assert made_up.ok, "which is why its limits say to compare the key"
    assert KEYS_LIMIT in made_up.limits
    assert verify_asked(receipt, asked).integrity.ok is False
