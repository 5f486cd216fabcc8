"""Cosignatures: what a witness signed can be believed, and nothing else can."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.checkpoint import (
    BadNote,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_note,
    parse_signature,
    parse_vkey,
    sign_note,
)
from app.audit.tree.cosignature import (
    WitnessKey,
    cosign,
    parse_answer,
    parse_witness_vkey,
    read_cosignature,
    read_cosignatures,
    signed_message,
)
from app.kernel.signing import LocalSigner
from tests.audit.conftest import ORIGIN

LOG = LocalSigner.from_seed(b"s" * 32)
SIGNER = LocalSigner.from_seed(b"w" * 32)
NAME = "works-council.example/w1"
KEY = WitnessKey(NAME, SIGNER.public)
TEXT = Checkpoint(ORIGIN, 7, b"r" * 32).text
AT = 1_679_315_147
LINE = cosign(TEXT, NAME, SIGNER, AT)


def test_the_message_is_that_of_the_specification() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert signed_message(text, AT) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


@given(st.integers(0, 2**63 - 1))
def test_a_cosignature_is_read_back_with_its_time(time: int) -> None:
    line = cosign(TEXT, NAME, SIGNER, time)
    found = read_cosignature(TEXT, parse_signature(line), KEY)
    assert (found.key, found.time, found.line) == (KEY, time, line)


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_that_is_no_timestamp_is_not_signed(time: int) -> None:
    with pytest.raises(BadNote):
        cosign(TEXT, NAME, SIGNER, time)


def test_a_time_beyond_the_largest_is_not_believed_even_if_signed() -> None:
    time = 2**63
    blob = KEY.key_id + time.to_bytes(8) + SIGNER.sign(signed_message(TEXT, time))
    line = parse_signature(f"\N{EM DASH} {NAME} {base64.b64encode(blob).decode()}")
    with pytest.raises(BadNote, match="timestamp"):
        read_cosignature(TEXT, line, KEY)


def test_a_key_is_read_back_and_its_type_is_its_own() -> None:
    assert parse_witness_vkey(KEY.vkey) == KEY
    log_key = VerifierKey(NAME, SIGNER.public)
    assert log_key.key_id != KEY.key_id
    with pytest.raises(BadNote, match="0x04"):
        parse_witness_vkey(log_key.vkey)
    with pytest.raises(BadNote, match="0x01"):
        parse_vkey(KEY.vkey)


@pytest.mark.parametrize("at", range(len(KEY.vkey)))
def test_a_key_with_one_letter_changed_is_refused(at: int) -> None:
    other = "B" if KEY.vkey[at] != "B" else "C"
    with pytest.raises(BadNote):
        parse_witness_vkey(KEY.vkey[:at] + other + KEY.vkey[at + 1 :])


@pytest.mark.parametrize(
    "public",
    {
        "of order 1": b"\x01" + bytes(31),
        "of order 4": bytes(32),
        "of order 8": bytes.fromhex(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        ),
        "not reduced": b"\xff" * 32,
        "too short": b"k" * 31,
    }.values(),
)
def test_a_witness_key_that_fits_many_messages_is_refused(public: bytes) -> None:
    with pytest.raises(BadNote):
        WitnessKey(NAME, public)


@given(st.integers(0, 71), st.integers(0, 7))
def test_no_bit_of_a_cosignature_changes_unseen(at: int, bit: int) -> None:
    line = parse_signature(LINE)
    blob = bytearray(line.signature)
    blob[at] ^= 1 << bit
    changed = base64.b64encode(line.key_id + blob).decode()
    with pytest.raises(BadNote):
        read_cosignature(TEXT, parse_signature(f"\N{EM DASH} {NAME} {changed}"), KEY)


def test_a_cosignature_fits_one_checkpoint_one_key_and_its_whole_text() -> None:
    line = parse_signature(LINE)
    for text in (
        Checkpoint(ORIGIN, 8, b"r" * 32).text,
        Checkpoint(ORIGIN, 7, b"q" * 32).text,
        Checkpoint("another", 7, b"r" * 32).text,
        TEXT + "an extension\n",
    ):
        with pytest.raises(BadNote):
            read_cosignature(text, line, KEY)
    for key in (
        WitnessKey(NAME, LOG.public),
        WitnessKey("another", SIGNER.public),
    ):
        with pytest.raises(BadNote, match="not of the key"):
            read_cosignature(TEXT, line, key)


def test_a_plain_signature_of_the_witness_is_no_cosignature() -> None:
    """Nor is a cosignature without its time; both have another length or another message."""
    for blob in (SIGNER.sign(TEXT.encode()), bytes(8) + SIGNER.sign(TEXT.encode())):
        line = f"\N{EM DASH} {NAME} {base64.b64encode(KEY.key_id + blob).decode()}"
        with pytest.raises(BadNote):
            read_cosignature(TEXT, parse_signature(line), KEY)


def test_of_several_lines_of_one_witness_the_latest_counts() -> None:
    lines = [parse_signature(cosign(TEXT, NAME, SIGNER, AT + extra)) for extra in (5, 9, 2)]
    found = read_cosignatures(TEXT, lines, (KEY,))
    assert [one.time for one in found] == [AT + 9]


def test_unknown_witnesses_are_ignored_and_a_wrong_line_of_a_known_one_is_refused() -> None:
    stranger = LocalSigner.from_seed(b"x" * 32)
    other = parse_signature(cosign(TEXT, "stranger", stranger, AT))
    assert read_cosignatures(TEXT, (other,), (KEY,)) == ()
    false = parse_signature(cosign(Checkpoint(ORIGIN, 9, b"r" * 32).text, NAME, SIGNER, AT))
    with pytest.raises(BadNote, match="wrong"):
        read_cosignatures(TEXT, (other, parse_signature(LINE), false), (KEY,))


def test_a_checkpoint_opens_under_the_logs_key_whatever_witnesses_added() -> None:
    note = sign_note(TEXT, ORIGIN, LOG) + f"{LINE}\n"
    key = VerifierKey(ORIGIN, LOG.public)
    assert open_checkpoint(note.encode(), key).size == 7
    parsed = parse_note(note.encode())
    assert len(read_cosignatures(parsed.text, parsed.signatures, (KEY,))) == 1


@pytest.mark.parametrize(
    "answer",
    {
        "nothing": b"",
        "an empty line": b"\n",
        "no newline": LINE.encode(),
        "a page": b"<html>sign in</html>\n",
        "not UTF-8": b"\xff\n",
        "of a stranger": f"{cosign(TEXT, 'b', LOG, AT)}\n".encode(),
        "over another text": f"{cosign(TEXT + 'x', NAME, SIGNER, AT)}\n".encode(),
    }.values(),
)
def test_an_answer_without_a_cosignature_of_the_key_is_refused(answer: bytes) -> None:
    with pytest.raises(BadNote):
        parse_answer(TEXT, answer, KEY)


def test_an_answer_may_hold_other_lines_next_to_ours() -> None:
    answer = f"{cosign(TEXT, 'b', LOG, AT)}\n{LINE}\n"
    assert parse_answer(TEXT, answer.encode(), KEY).time == AT
