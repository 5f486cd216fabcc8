"""The key set that docs/integrate-an-agent.md shows, checked as the page says, and as we do."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.keys.model import MOST_ROOTS, MOST_STEPS, SKEW, first_key_set
from app.sdk.keys import AGAIN_S, DEADLINE_S, EVERY_S, KEY_SET
from tests.guide import PAGE

GUIDE = PAGE.with_name("integrate-an-agent.md").read_text(encoding="utf-8")
NOTE = re.findall(r"^```keys\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)[0]
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_we_believe_it() -> None:
    shown = first_key_set(NOTE.encode(), AT)
    assert (shown.issuer, shown.version) == ("https://habeas.example.com", 3)
    old, new = shown.of("habeas-lease+jwt")
    assert new.begins is not None
    assert shown.in_use("habeas-lease+jwt", AT) == old
    assert shown.in_use("habeas-lease+jwt", new.begins) == new


def test_who_has_only_the_page_believes_it_too() -> None:
    text, _, signatures = NOTE.rpartition("\n\n")
    text += "\n"
    facts = dict(line.split(" ", 1) for line in text.splitlines()[2:])
    name, key_id, key = facts["root"].split("+", 2)
    public = base64.b64decode(key)
    assert hashlib.sha256(f"{name}\n".encode() + public).hexdigest()[:8] == key_id
    dash, signer, encoded = signatures.removesuffix("\n").split(" ")
    signed = base64.b64decode(encoded)
    assert (dash, signer, signed[:4].hex()) == ("—", name, key_id)
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], text.encode())
    keys = json.loads(facts["keys"])
    assert facts["keys"] == json.dumps(keys, separators=(",", ":"), sort_keys=True)
    assert list(facts) == sorted(facts)


def test_its_numbers_are_those_of_the_program() -> None:
    section = GUIDE.partition("### The service's keys")[2].partition("\n### ")[0]
    for said in (
        f"`GET {KEY_SET}`", "once an hour", f"wait {AGAIN_S} s", f"{DEADLINE_S:.0f} s in all",
        f"at most {MOST_ROOTS}", f"{MOST_STEPS:,}", f"{SKEW.seconds} s more", "64 KiB",
    ):  # fmt: skip
        assert said in section
    assert EVERY_S == 3_600
