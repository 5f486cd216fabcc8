"""What a receipt's file holds next to the signed token, held against what is signed.

Rules:
1. A file has exactly the members of ``MEMBERS``. Nothing stands in it that nobody compares.
2. The claims in the clear are the signed ones, to the byte in canonical form.
3. The key set holds keys in the form in which the service publishes them, and the token's among
   them.
4. The entry, its index and its proof say the same, and the entry tells this very decision.
5. The promise to log the event is signed, and about this event.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.audit.entries.model import read_leaf
from app.audit.tree.epoch import base_of
from app.audit.tree.proof_file import parse_tlog_proof
from app.kernel.canonical import canonical
from app.kernel.signing import jwk, public_from_jwk, read_token
from app.kernel.tokens import KEY_USE, SUBMISSION_TYPE, keys_for

MEMBERS = ("type", "token", "claims", "keys", "log", "submission")
"""The members of the file; ``log`` and ``submission`` may be null."""

_PLACE = frozenset({"index", "entry", "proof"})
_SAME = {
    "decision": "record_id",
    "seq": "sequence",
    "region": "jurisdiction",
    "notice": "privacy_notice",
    "offer": "offer",
    "purposes": "purposes",
    "apps": "services",
    "recorded_at": "recorded_time",
}
"""Facts of a decision's entry, and the claims of its receipt that say the same."""


def read_once(data: bytes) -> Any:
    """Read JSON in which no name stands twice: one of the two would be shown, the other compared.

    >>> read_once(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the field 'a' stands twice

    Raises:
        ValueError: it does, or this is no JSON.
    """
    try:
        return json.loads(data, object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def strangers(document: Mapping[str, Any]) -> Iterator[str]:
    """What stands in a file that should not (rule 1), as sentences.

    Raises:
        ValueError: something is missing from it.
    """
    missing = [name for name in MEMBERS if name not in document]
    if missing:
        raise ValueError(f"the file lacks {', '.join(map(repr, missing))}")
    for name in sorted(document.keys() - set(MEMBERS)):
        yield f"the file carries {name!r}, which no signature covers"


def differing(document: Mapping[str, Any], claims: Mapping[str, Any], kid: str) -> Iterator[str]:
    """What the file says otherwise than the signed claims do (rules 2, 3 and 4), as sentences.

    Args:
        document: the file; every member is there.
        claims: of the token; its signature holds.
        kid: the thumbprint of the key that signed it.

    Raises:
        BadNote, ValueError, KeyError, TypeError: a part cannot be read.
    """
    if canonical(document["claims"]) != canonical(claims):
        yield "the claims shown are not the claims that are signed"
    for key in document["keys"]["keys"]:
        if key != {**jwk(public_from_jwk(key)), KEY_USE: key.get(KEY_USE)}:
            yield "a key in the file is not written as the service publishes keys"
    if kid not in {key["kid"] for key in document["keys"]["keys"]}:
        yield "the key set in the file lacks the key that signed the receipt"
    if document["log"] is not None:
        yield from _misplaced(document["log"], claims)


def broken_promise(
    document: Mapping[str, Any], claims: Mapping[str, Any], jwks: Mapping[str, Any]
) -> Iterator[str]:
    """What is wrong with the promise that the event will be logged (rule 5), as sentences.

    Args:
        document: the file; every member is there.
        claims: of the receipt's token; its signature holds.
        jwks: the key set that is believed.

    Raises:
        ValueError: its signature is wrong, or it cannot be read.
    """
    if document["submission"] is None:
        return
    keys = keys_for(jwks, SUBMISSION_TYPE)
    promise = read_token(document["submission"], SUBMISSION_TYPE, keys)
    told = (promise["iss"], promise["log"], promise["event"], promise["iat"])
    log = claims["log"]
    if told != (claims["iss"], base_of(log["origin"]), log["event"], claims["iat"]):
        yield "the promise to log the event is about another event"
    if document["log"] is not None:
        leaf = read_leaf(document["log"]["entry"].encode())
        if leaf["submission"] != promise["submission"]:
            yield "the entry is not the one that was promised"


def _misplaced(place: Mapping[str, Any], claims: Mapping[str, Any]) -> Iterator[str]:
    """Rule 4, without the log's key: whether the log signs the proof is another question."""
    if place.keys() != _PLACE:
        yield "the place in the log has other fields than index, entry and proof"
        return
    proof = parse_tlog_proof(place["proof"])
    if proof.extra != place["entry"].encode():
        yield "the entry shown is not the entry in the proof"
    leaf = read_leaf(place["entry"].encode())
    if not place["index"] == proof.index == leaf["idx"]:
        yield "the index shown is not the entry's"
    for name in _otherwise(leaf, claims):
        yield f"the entry in the log says another {name} than the receipt"


def _otherwise(leaf: Mapping[str, Any], claims: Mapping[str, Any]) -> Iterator[str]:
    facts = leaf["facts"]
    told = {
        "event": (leaf["event"], claims["log"]["event"]),
        "act": (leaf["kind"], f"consent.{claims['act']}"),
        "person": (leaf["subjects"], [claims["sub"]]),
        "time": (leaf["occurred_at"], claims["event_time"]),
        "end": (facts.get("valid_until") or facts.get("until"), claims["valid_until"]),
    }
    told |= {fact: (facts.get(fact), claims[claim]) for fact, claim in _SAME.items()}
    # Both leave it out where nothing is said besides.
    told["acknowledgement"] = (facts.get("decision_content"), claims.get("decision_content"))
    signals = sorted(row["pii_type"] for row in claims["pii_information"])
    told["signals"] = (sorted(facts["signals"]), signals)
    return (name for name, (logged, signed) in told.items() if logged != signed)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the field {name!r} stands twice")
        members[name] = value
    return members
