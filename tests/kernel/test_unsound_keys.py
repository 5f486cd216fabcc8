"""Public keys that nobody makes by accident, at every door by which one comes in.

Of small order: one signature fits many messages. Written in a second way: one key has two names.
"""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.audit.restore.custody import parse_custodians
from app.audit.tree.checkpoint import ED25519, VerifierKey, write_vkey
from app.audit.tree.cosignature import WitnessKey
from app.audit.witnesses.asking import read_policy
from app.kernel.errors import Unreadable
from app.kernel.signing import LocalSigner, b64u
from app.keys.model import BadKeySet, Doubt, read_text
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.keys.test_model import HELD
from tests.vectors.folder import load, needed

_P = 2**255 - 19
_SIGN = 1 << 255
SMALL = (0, 1, _P - 1, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7)
SECOND = range(_P, 2**255)
GOOD = [VerifierKey(name, LocalSigner.generate().public).vkey for name in ("a", "b")]
OWN = VerifierKey("log.example", LocalSigner.generate().public)


def unsound() -> list[bytes]:
    """Points of small order, and of each y that has a second form, that form; with either sign."""
    ys = (*SMALL, *SECOND)
    return [(y | sign).to_bytes(32, "little") for y in ys for sign in (0, _SIGN)]


@needed
def test_the_list_of_this_file_holds_every_published_key_of_small_order() -> None:
    """C2SP/CCTV, ed25519."""
    cases = load("ed25519-cctv.json")
    published = {case["key"] for case in cases if "low_order_A" in (case["flags"] or ())}
    assert len(published) >= 8
    assert published <= {public.hex() for public in every()}


def every() -> list[bytes]:
    order_8 = _P - SMALL[-1]
    return [*unsound(), *((order_8 | sign).to_bytes(32, "little") for sign in (0, _SIGN))]


def test_at_pairing_it_is_refused_and_the_field_is_named(
    services: Services, client: TestClient
) -> None:
    for public in every():
        body = {"name": "laptop", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64u(public)}}
        answer = client.post("/v1/agent/pairings", json=body)
        assert answer.status_code == 422, public.hex()
        (fault,) = answer.json()["errors"]
        assert fault["field"].endswith("jwk"), fault
        assert "public key" in fault["problem"]
        assert fault["cure"]


def test_in_the_list_of_custodians_it_is_refused_and_the_line_is_named() -> None:
    for public in every():
        listed = "\n".join(("# who may sign", *GOOD, write_vkey("c", ED25519, public)))
        with pytest.raises(Unreadable, match=r"list of custodians, line 4: the public key") as told:
            parse_custodians(listed.encode())
        assert told.value.cure


def test_in_the_witness_policy_it_is_refused_and_the_line_is_named(
    tmp_path: Path,
) -> None:
    file = tmp_path / "policy.txt"
    for public in every():
        for line in (
            f"log {write_vkey('log.example', ED25519, public)}",
            f"witness w {write_vkey('w.example', WitnessKey.kind, public)}",
        ):
            file.write_text(f"log {OWN.vkey}\n{line}\nquorum none\n")
            with pytest.raises(Unreadable, match="HABEAS_WITNESSES: line 2: the public key"):
                read_policy(file, OWN)


def test_a_start_with_such_a_custodian_is_refused(
    services: Services, clock: FakeClock, shipped: Shipped, settings: Settings
) -> None:
    listed = settings.var / "custodians.txt"
    listed.write_text("\n".join((*GOOD, write_vkey("c", ED25519, bytes(32)))))
    changed = settings.model_copy(update={"custodians": listed})
    with pytest.raises(Unreadable, match="line 3: the public key is a point of small order"):
        build(changed, clock=clock, database=services.database, shipped=shipped)


def test_in_a_key_set_it_is_refused_as_a_key_and_as_a_root() -> None:
    """Even where the root itself signed: it is not read so far."""
    own = b64u(HELD.keys[0].public)
    (root,) = HELD.root.keys
    for public in every():
        for before, after in (
            (own, b64u(public)),
            (root.vkey, write_vkey(root.name, ED25519, public)),
        ):
            with pytest.raises(BadKeySet, match="public key") as told:
                read_text(HELD.text.replace(before, after))
            assert told.value.doubt is Doubt.UNREADABLE
    assert read_text(HELD.text) == HELD
