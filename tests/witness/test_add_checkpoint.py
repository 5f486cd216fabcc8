"""What a witness cosigns, and everything that it refuses (c2sp.org/tlog-witness v1.0.0)."""

import base64
import hashlib
from datetime import timedelta

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.audit.tree.checkpoint import (
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_note,
    sign_note,
)
from app.audit.tree.cosignature import parse_answer, parse_witness_vkey
from app.audit.tree.merkle import EMPTY_ROOT
from app.kernel.signing import LocalSigner
from app.witness.service import Witness
from tests.fakes import FakeClock
from tests.vectors import folder
from tests.witness.small_log import SmallLog


def add(http: TestClient, body: bytes) -> Response:
    return http.post("/add-checkpoint", content=body)


def test_a_checkpoint_that_continues_the_last_one_is_cosigned(
    http: TestClient, witness: Witness, log: SmallLog, clock: FakeClock
) -> None:
    key = parse_witness_vkey(witness.vkey)
    for old, new in ((0, 1), (1, 5), (5, 8), (8, 64), (64, 70)):
        answer = add(http, log.request(old, new))
        assert answer.status_code == 200, answer.text
        found = parse_answer(log.text(new), answer.content, key)
        assert found.time == int(clock.now().timestamp())
        clock.advance(1)


def test_the_same_checkpoint_is_cosigned_again_for_a_later_time(
    http: TestClient, witness: Witness, log: SmallLog, clock: FakeClock
) -> None:
    key = parse_witness_vkey(witness.vkey)
    first = parse_answer(log.text(8), add(http, log.request(0, 8)).content, key)
    clock.advance(600)
    second = parse_answer(log.text(8), add(http, log.request(8, 8)).content, key)
    assert second.time - first.time == 600


def test_the_last_checkpoint_can_be_read_with_its_cosignature(
    http: TestClient, witness: Witness, log: SmallLog
) -> None:
    add(http, log.request(0, 5))
    add(http, log.request(5, 8))
    address = f"/{hashlib.sha256(log.origin.encode()).hexdigest()}/checkpoint"
    note = http.get(address)
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    parsed = parse_note(note.content)
    assert parsed.text == log.text(8)
    assert [line.name for line in parsed.signatures] == [log.origin, witness.name]
    assert http.get("/" + "0" * 64 + "/checkpoint").status_code == 404


def test_old_size_that_is_not_the_last_is_answered_with_the_last(
    http: TestClient, log: SmallLog
) -> None:
    add(http, log.request(0, 8))
    for old, new in ((0, 8), (5, 8), (5, 9), (9, 12)):
        answer = add(http, log.request(old, new))
        assert (answer.status_code, answer.text) == (409, "8\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"


def test_a_shrunken_log_is_not_cosigned(http: TestClient, log: SmallLog) -> None:
    add(http, log.request(0, 8))
    smaller = f"old 8\n\n{log.note(5)}".encode()
    assert add(http, smaller).status_code == 400
    assert add(http, log.request(0, 5)).status_code == 409
    assert add(http, log.request(5, 5)).status_code == 409
    assert add(http, log.request(8, 8)).status_code == 200


def test_an_unknown_log_and_an_untrusted_key_are_refused(http: TestClient, log: SmallLog) -> None:
    assert add(http, SmallLog(origin="another").request(0, 5)).status_code == 404
    assert add(http, SmallLog(seed=b"x" * 32).request(0, 5)).status_code == 403
    flipped = log.request(0, 5).replace(b"\n5\n", b"\n6\n")
    assert add(http, flipped).status_code == 403


def test_a_checkpoint_signed_under_another_name_by_the_same_key_is_refused(
    http: TestClient, log: SmallLog
) -> None:
    note = sign_note(log.text(5), "another", log.signer)
    assert add(http, f"old 0\n\n{note}".encode()).status_code == 403


@pytest.mark.parametrize("past", ["another"])
def test_another_past_is_refused_whatever_proof_comes_with_it(
    http: TestClient, log: SmallLog, past: str
) -> None:
    add(http, log.request(0, 8))
    forged = SmallLog(past)
    assert add(http, forged.request(8, 12)).status_code == 422
    honest_proof = "".join(base64.b64encode(one).decode() + "\n" for one in log.path(8, 12))
    assert add(http, f"old 8\n{honest_proof}\n{forged.note(12)}".encode()).status_code == 422
    assert add(http, f"old 8\n\n{log.note(12)}".encode()).status_code == 422
    assert add(http, log.request(8, 12)).status_code == 200


@pytest.mark.parametrize("at", range(4))
def test_a_proof_with_a_flipped_bit_is_refused(http: TestClient, log: SmallLog, at: int) -> None:
    add(http, log.request(0, 5))
    path = list(log.path(5, 8))
    assert len(path) == 4
    path[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in path)
    assert add(http, f"old 5\n{lines}\n{log.note(8)}".encode()).status_code == 422


def test_a_proof_where_none_belongs_is_refused(http: TestClient, log: SmallLog) -> None:
    hash_line = base64.b64encode(b"h" * 32).decode()
    assert add(http, f"old 0\n{hash_line}\n\n{log.note(5)}".encode()).status_code == 422
    add(http, log.request(0, 5))
    assert add(http, f"old 5\n{hash_line}\n\n{log.note(5)}".encode()).status_code == 422


def test_the_empty_log_has_one_root(http: TestClient, log: SmallLog) -> None:
    odd = Checkpoint(log.origin, 0, b"r" * 32)
    note = sign_note(odd.text, log.origin, log.signer)
    assert add(http, f"old 0\n\n{note}".encode()).status_code == 422
    assert log.root(0) == EMPTY_ROOT
    assert add(http, log.request(0, 0)).status_code == 200
    assert add(http, log.request(0, 5)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda _body: b"",
        lambda body: b"\n" + body,
        lambda body: body.replace(b"old ", b"old  "),
        lambda body: body.replace(b"old ", b"old 0"),
        lambda body: body.replace(b"old ", b"OLD "),
        lambda body: body.replace(b"old ", b"old -"),
        lambda body: body.replace(b"old 5", b"old 99999999999999999999"),
        lambda body: body.replace(b"old 5", b"old \xd9\xa5"),
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"=\n", b"\n", 1),
        lambda body: body[:-1],
        lambda body: body.split(b"\n\n", 1)[0],
        lambda body: body.replace(b"old 5\n", b"old 5\nAAAA\n"),
        lambda body: body.replace(b"old 5\n", b"old 5\n" + (b"A" * 43 + b"=\n") * 64),
        lambda body: body + b"\xff",
    ],
)
def test_a_request_that_is_not_of_its_form_is_refused(
    http: TestClient, log: SmallLog, change: object
) -> None:
    assert callable(change)
    add(http, log.request(0, 5))
    assert add(http, change(log.request(5, 8))).status_code == 400
    assert add(http, log.request(5, 8)).status_code == 200


def test_a_request_of_a_megabyte_is_not_read(http: TestClient, log: SmallLog) -> None:
    assert add(http, log.request(0, 5) + b"x" * 1_000_000).status_code == 413


def test_a_log_may_have_two_trusted_keys(http: TestClient, witness: Witness, log: SmallLog) -> None:
    second = SmallLog(seed=b"2" * 32)
    add(http, log.request(0, 5))
    assert add(http, second.request(5, 8)).status_code == 403
    witness.trust(second.vkey)
    assert add(http, second.request(5, 8)).status_code == 200
    assert add(http, log.request(8, 9)).status_code == 200


def test_extension_lines_are_cosigned_with_the_rest(
    http: TestClient, witness: Witness, log: SmallLog
) -> None:
    text = log.text(5) + "an extension\n"
    answer = add(http, f"old 0\n\n{sign_note(text, log.origin, log.signer)}".encode())
    assert parse_answer(text, answer.content, parse_witness_vkey(witness.vkey))


def test_a_clock_that_went_backwards_stops_the_signing(
    http: TestClient, log: SmallLog, clock: FakeClock
) -> None:
    add(http, log.request(0, 5))
    clock.advance(timedelta(seconds=-30))
    assert add(http, log.request(5, 8)).status_code == 503
    clock.advance(31)
    assert add(http, log.request(5, 8)).status_code == 200


def test_what_others_signed_next_to_the_log_changes_nothing(
    http: TestClient, log: SmallLog
) -> None:
    other = LocalSigner.from_seed(b"o" * 32)
    line = sign_note(log.text(5), "other", other).rpartition("\n\n")[2]
    assert add(http, log.request(0, 5) + line.encode()).status_code == 200


@folder.needed
def test_the_published_vectors_of_another_witness(http: TestClient, witness: Witness) -> None:
    vectors = folder.load("witness.json")
    witness.trust(vectors["log_vkey"])
    proof = "".join(
        base64.b64encode(bytes.fromhex(vector)).decode() + "\n"
        for vector in vectors["consistency_hex"]
    )
    old, new = vectors["old_note"], vectors["new_note"]
    status = vectors["status_codes"]
    assert (
        add(http, f"old 5\n\n{old}".encode()).status_code == status["old size != latest cosigned"]
    )
    assert add(http, f"old 0\n\n{old}".encode()).status_code == 200
    assert (
        add(http, f"old 5\n\n{new}".encode()).status_code
        == status["bad consistency proof / same size different root (C2SP)"]
    )
    assert add(http, f"old 9\n\n{new}".encode()).status_code == status["old size > checkpoint size"]
    bad = new.replace("\n8\n", "\n9\n")
    assert (
        add(http, f"old 5\n{proof}\n{bad}".encode()).status_code
        == status["no/invalid signature from trusted key"]
    )
    unknown = new.replace("monkeys", "donkeys")
    assert add(http, f"old 5\n{proof}\n{unknown}".encode()).status_code == status["unknown origin"]
    assert add(http, f"old 5\n{proof}\n{new}".encode()).status_code == 200
    name, key = vectors["log_vkey"].split("+", 1)[0], vectors["log_vkey"]
    kept = http.get(f"/{hashlib.sha256(name.encode()).hexdigest()}/checkpoint")
    public = base64.b64decode(key.split("+", 2)[2])[1:]
    assert open_checkpoint(kept.content, VerifierKey(name, public)).size == 8
