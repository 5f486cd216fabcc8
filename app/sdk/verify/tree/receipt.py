"""Verify a receipt that a person keeps: the signed record, and its place in the log.

The file is what the receipt's page offers for download: ``token`` (compact JWS), ``claims`` (what
it says), ``keys`` (the service's JWKS at that time) and ``log`` (the proof, once there is one).
"""

import json
from pathlib import Path
from typing import Any

from app.audit.entries.model import read_leaf
from app.audit.tree.checkpoint import BadNote, Checkpoint
from app.audit.tree.merkle import BadProof
from app.kernel.signing import read_token
from app.kernel.tokens import RECEIPT_TYPE, keys_for
from app.sdk.verify.report import LIMITS, Findings, Report, Verdict
from app.sdk.verify.tree.proof import check_proof, report_on_one

KEYS_LIMIT = (
    "The receipt's signing key was taken from the file itself. Compare it with the one that the "
    "service publishes at /.well-known/jwks.json, or with another receipt."
)
_MAX_BYTES = 1 << 21


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
    try:
        document = json.loads(path.read_bytes()[:_MAX_BYTES])
        jwks = document["keys"] if keys is None else json.loads(keys)
        claims = read_token(document["token"], RECEIPT_TYPE, keys_for(jwks, RECEIPT_TYPE))
        if claims != document["claims"]:
            integrity.add("the claims shown are not the claims that are signed")
        if vkey is not None:
            index, signed = _placed(document["log"], claims, vkey)
    except (BadNote, BadProof, ValueError, KeyError, TypeError) as error:
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
    return report_on_one("receipt", path.name, vkey, signed, verdicts, limits)


def _placed(log: Any, claims: dict[str, Any], vkey: str) -> tuple[int, Checkpoint]:
    """Find the receipt's entry in the log.

    Raises:
        BadNote, BadProof, ValueError: it is not there, or it is another decision's.
    """
    if log is None:
        raise ValueError("the receipt was downloaded before its entry was in the log")
    index, signed, entry = check_proof(log["proof"], vkey)
    leaf = read_leaf(entry)
    if leaf["event"] != claims["log"]["event"] or leaf["facts"]["decision"] != claims["record_id"]:
        raise BadProof("the entry in the log is that of another decision")
    return index, signed
