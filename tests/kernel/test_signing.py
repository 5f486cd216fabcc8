"""Tokens: what is signed is what is read, and nothing else is."""

import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from app.audit.tree.checkpoint import BadNote, VerifierKey
from app.audit.tree.cosignature import WitnessKey
from app.kernel.signing import (
    BadToken,
    LocalSigner,
    b64u,
    jwk,
    public_from_jwk,
    read_token,
    sign_token,
    thumbprint,
    unb64u,
)
from app.kernel.tokens import KEY_USE, keys_for
from tests.vectors.folder import load, needed

SIGNER = LocalSigner.from_seed(bytes(range(32)))
KEYS = {thumbprint(SIGNER.public): SIGNER.public}
CLAIMS = {"iss": "https://habeas.example", "seq": {"policy": 3, "consent": 1}}


def forge(header: dict[str, object], claims: object = CLAIMS, signer: LocalSigner = SIGNER) -> str:
    head, body = (b64u(json.dumps(part).encode()) for part in (header, claims))
    return f"{head}.{body}.{b64u(signer.sign(f'{head}.{body}'.encode()))}"


def test_a_signed_token_reads_back() -> None:
    token = sign_token(SIGNER, "habeas-lease+jwt", CLAIMS)
    assert read_token(token, "habeas-lease+jwt", KEYS) == CLAIMS


def test_an_independent_library_reads_our_tokens_and_we_read_its() -> None:
    token = sign_token(SIGNER, "habeas-lease+jwt", CLAIMS)
    key = OKPKey.import_key(jwk(SIGNER.public))
    found = jws.deserialize_compact(token, key, algorithms=["Ed25519"])
    assert json.loads(found.payload) == CLAIMS

    private = OKPKey.import_key({**jwk(SIGNER.public), "d": b64u(bytes(range(32)))})
    header = {"alg": "Ed25519", "typ": "habeas-lease+jwt", "kid": thumbprint(SIGNER.public)}
    theirs = jws.serialize_compact(header, json.dumps(CLAIMS), private, algorithms=["Ed25519"])
    assert read_token(theirs, "habeas-lease+jwt", KEYS) == CLAIMS


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    public = unb64u("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


GOOD = {"alg": "Ed25519", "typ": "t", "kid": thumbprint(SIGNER.public)}
STRANGER = LocalSigner.generate()
FORGERIES = {
    "no algorithm": forge({**GOOD, "alg": "none"}),
    "an older name of the algorithm": forge({**GOOD, "alg": "EdDSA"}),
    "a shared-secret algorithm": forge({**GOOD, "alg": "HS256"}),
    "another type": forge({**GOOD, "typ": "habeas-grant+jwt"}),
    "no type": forge({key: GOOD[key] for key in ("alg", "kid")}),
    "an unknown key": forge({**GOOD, "kid": thumbprint(STRANGER.public)}, signer=STRANGER),
    "a known key's name on a stranger's signature": forge(GOOD, signer=STRANGER),
    "a key id that is a path": forge({**GOOD, "kid": "../../dev/null"}),
    "a key id that is a list": forge({**GOOD, "kid": ["a"]}),
    "a key of its own in the header": forge({**GOOD, "jwk": jwk(STRANGER.public)}),
    "a critical extension": forge({**GOOD, "crit": ["b64"], "b64": False}),
    "claims that are a list": forge(GOOD, [1]),
    "a stripped signature": forge(GOOD).rsplit(".", 1)[0] + ".",
    "a fourth part": forge(GOOD) + ".eA",
    "two parts": forge(GOOD).rsplit(".", 1)[0],
    "an endless token": forge(GOOD, {"a": "b" * 20_000}),
    "padding": forge(GOOD) + "=",
    "no token": "",
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_token_is_refused_with(token: str) -> None:
    with pytest.raises(BadToken):
        read_token(token, "t", KEYS)


def test_every_changed_character_is_found() -> None:
    token = sign_token(SIGNER, "t", {"a": 1})
    for at, char in enumerate(token):
        other = "A" if char != "A" else "B"
        with pytest.raises(BadToken):
            read_token(token[:at] + other + token[at + 1 :], "t", KEYS)


@pytest.mark.parametrize("text", ["a", "QUI=", "Q U", "QUJ", "QU/", "é"])
def test_base64url_has_one_form(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unb64u(text)


def low_order() -> list[str]:
    """The keys of small order among the published vectors (C2SP/CCTV, ed25519)."""
    cases = load("ed25519-cctv.json")
    return sorted({case["key"] for case in cases if "low_order_A" in (case["flags"] or ())})


@needed
def test_every_key_of_small_order_is_refused_in_whatever_form_it_comes() -> None:
    """With one of them, one signature fits many messages."""
    keys = low_order()
    assert len(keys) >= 8
    for text in keys:
        public = bytes.fromhex(text)
        with pytest.raises(ValueError, match="public key"):
            public_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64u(public)})
        with pytest.raises(BadNote, match="public key"):
            VerifierKey("custodian", public)
        with pytest.raises(BadNote, match="public key"):
            WitnessKey("witness.example", public)
        with pytest.raises(ValueError, match="public key"):
            keys_for({"keys": [{**jwk(public), KEY_USE: "t"}]}, "t")


def test_a_key_that_is_written_in_a_second_way_is_refused() -> None:
    second = (2**255 - 19 + 3).to_bytes(32, "little")
    with pytest.raises(ValueError, match="one form"):
        public_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64u(second)})


def test_a_public_key_is_read_only_without_its_private_part() -> None:
    good = jwk(SIGNER.public)
    assert public_from_jwk(good) == SIGNER.public
    for bad in (
        {**good, "d": b64u(bytes(32))},
        {**good, "kty": "EC"},
        {**good, "crv": "X25519"},
        {**good, "x": base64.b64encode(SIGNER.public).decode()},
        {**good, "x": b64u(bytes(31))},
        {"kty": "OKP", "crv": "Ed25519"},
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            public_from_jwk(bad)
