"""Verify a receipt that a person keeps: the signed record, and its place in the log.

The file is what the receipt's page offers for download: ``type``, ``token`` (compact JWS),
``claims`` (what it says), ``keys`` (the keys that sign it and the promise), ``log`` (the proof,
once there is one) and ``submission`` (the promise to log it). All of it is checked
(receipt_file.py).
"""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from app.audit.tree.checkpoint import BadNote, Checkpoint
from app.audit.tree.epoch import base_of
from app.audit.tree.merkle import BadProof
from app.consent.receipts import receipt_terms
from app.kernel.signing import read_token, signing_key_of
from app.kernel.tokens import RECEIPT_TYPE, keys_for
from app.sdk.verify.report import LIMITS, Findings, Report, Verdict
from app.sdk.verify.tree.proof import check_proof, report_on_one
from app.sdk.verify.tree.receipt_file import broken_promise, differing, read_once, strangers

KEYS_LIMIT = (
    "The receipt's signing key was taken from the file itself. Compare it with the one that the "
    "service publishes at /.well-known/jwks.json, or with another receipt."
)
_MAX_BYTES = 1 << 21
_UNREADABLE = (BadNote, BadProof, ValueError, KeyError, TypeError, AttributeError)
"""What reading somebody else's JSON raises where it has another shape."""


def is_receipt(path: Path) -> bool:
    """Say whether a file calls itself a receipt; nothing of it is believed."""
    with path.open("rb") as file:
        head = file.read(_MAX_BYTES)
    try:
        document = json.loads(head)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("type") == RECEIPT_TYPE


def verify_receipt(path: Path, vkey: str | None, keys: bytes | None = None) -> Report:
    """Verify a receipt; see ``app.sdk.verify.verify``.

    Args:
        path: the file.
        vkey: the log's key; without it only the signature is verified.
        keys: the key set that signs receipts; without it, the key in the file is used.
    """
    integrity = Findings()
    index, signed = None, None
    notes: tuple[str, ...] = ()
    try:
        with path.open("rb") as file:
            document = read_once(file.read(_MAX_BYTES))
        claims, notes = _checked(document, keys, integrity)
        if vkey is not None:
            index, signed = _placed(document["log"], claims, vkey)
    except _UNREADABLE as error:
        integrity.add(str(error) or type(error).__name__)
    place = "" if index is None else f" It is entry {index} of the log that the checkpoint signs."
    verdicts = (
        integrity.verdict(
            f"The receipt says what was signed.{place}", "The receipt cannot be relied on."
        ),
        Verdict(
            None,
            "A receipt shows one decision, not which others there are."
            if vkey
            else "Give the log's key to check the receipt's place in the log.",
        ),
        Verdict(None, "Verify an export to judge decisions about data."),
    )
    limits = (KEYS_LIMIT, *LIMITS) if keys is None else LIMITS
    return report_on_one("receipt", path.name, vkey, signed, verdicts, limits, notes)


def _checked(
    document: Any, keys: bytes | None, integrity: Findings
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Check the signature and everything next to it; return the claims, and whose they are."""
    for problem in strangers(document):
        integrity.add(problem)
    jwks = document["keys"] if keys is None else read_once(keys)
    token = document["token"]
    claims = read_token(token, RECEIPT_TYPE, keys_for(jwks, RECEIPT_TYPE))
    receipt_terms(claims)
    kid = signing_key_of(token)
    for problem in chain(differing(document, claims, kid), broken_promise(document, claims, jwks)):
        integrity.add(problem)
    return claims, _told(claims, kid)


def _told(claims: Mapping[str, Any], kid: str) -> tuple[str, ...]:
    """Whose receipt it is and who signed: a reader compares both with what they know."""
    whose = f"The receipt is about {claims['sub']}"
    if "name" in claims:
        whose = f"The receipt names {claims['name']!r}, {claims['sub']} in the log"
    employer = claims["pii_controllers"][0]["party_name"]
    return (
        f"{whose}, employed by {employer!r}, and says {claims['act']!r} at {claims['event_time']}.",
        f"It is signed with the key whose fingerprint (RFC 7638) is {kid}.",
    )


def _placed(log: Any, claims: dict[str, Any], vkey: str) -> tuple[int, Checkpoint]:
    """Find the receipt's entry in the log; that it tells this decision was looked at before.

    Raises:
        BadNote, BadProof, ValueError: it is not there, or it is another log's.
    """
    if log is None:
        raise ValueError("the receipt was downloaded before its entry was in the log")
    index, signed, _ = check_proof(log["proof"], vkey)
    if base_of(signed.origin) != base_of(claims["log"]["origin"]):
        raise BadProof("the checkpoint is that of another log than the receipt names")
    return index, signed
