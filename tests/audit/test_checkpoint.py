"""Notes, keys and checkpoints: what is written can be read back, what is not of its form cannot."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.checkpoint import (
    ED25519,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    BadNote,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_note,
    signature_line,
    write_vkey,
)
from app.audit.tree.proof_file import TlogProof, parse_tlog_proof
from app.kernel.signing import LocalSigner
from tests.audit.conftest import ORIGIN

SIGNER = LocalSigner.from_seed(b"s" * 32)
KEY = VerifierKey(ORIGIN, SIGNER.public)
ROOT = b"r" * 32
CHECKPOINT = Checkpoint(ORIGIN, 7, ROOT).text
NOTE = sign_note(CHECKPOINT, ORIGIN, SIGNER)

names = st.text(min_size=1, max_size=20).filter(
    lambda name: (
        "+" not in name
        and not any(one.isspace() or ord(one) < 0x20 for one in name)
        and name.isprintable()
    )
)
hashes = st.binary(min_size=32, max_size=32)


@given(names, st.integers(0, 2**64 - 1), hashes)
def test_a_signed_checkpoint_is_read_back_under_its_key(name: str, size: int, root: bytes) -> None:
    said = Checkpoint(name, size, root)
    note = sign_note(said.text, name, SIGNER)
    key = VerifierKey(name, SIGNER.public)
    assert open_checkpoint(note.encode(), parse_vkey(key.vkey)) == said


@given(st.integers(0, 2**64 - 1), st.lists(hashes, max_size=5), st.none() | st.binary(max_size=40))
def test_a_proof_file_is_read_back(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(path), NOTE, extra)
    assert parse_tlog_proof(proof.text) == proof


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_no_bit_of_a_checkpoint_changes_unseen(at: int, bit: int) -> None:
    note = bytearray(NOTE.encode())
    note[at] ^= 1 << bit
    with pytest.raises(BadNote):
        open_checkpoint(bytes(note), KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2028b"])
def test_a_key_name_is_not_empty_and_has_no_spaces_or_plus(name: str) -> None:
    with pytest.raises(BadNote):
        VerifierKey(name, SIGNER.public)


@pytest.mark.parametrize(
    "public",
    {
        "too short": b"k" * 31,
        "zero, of order 4": bytes(32),
        "one, the neutral point": b"\x01" + bytes(31),
        "the neutral point, with a sign": b"\x01" + bytes(30) + b"\x80",
        "not reduced": b"\xff" * 32,
        "the prime itself": (2**255 - 19).to_bytes(32, "little"),
        "of order 2": (2**255 - 20).to_bytes(32, "little"),
    }.values(),
)
def test_a_key_that_fits_many_messages_is_refused(public: bytes) -> None:
    with pytest.raises(BadNote):
        VerifierKey(ORIGIN, public)


def test_every_point_whose_order_divides_eight_is_refused() -> None:
    """The curve's own arithmetic (RFC 8032 §5.1) decides which points those are."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def double(x: int, y: int) -> tuple[int, int]:
        k = d * x * x * y * y
        return (
            2 * x * y * pow(1 + k, -1, p) % p,
            (y * y + x * x) * pow(1 - k, -1, p) % p,
        )

    def x_of(y: int) -> int:
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        root = pow(square, (p + 3) // 8, p)
        return root if root * root % p == square else root * pow(2, (p - 1) // 4, p) % p

    # A point of order 8: [L] of a point of mixed order, found by its y; see also the refused list.
    found = set()
    for y in (0, 1, p - 1, *ORDER_EIGHT):
        point = (x_of(y), y)
        for _ in range(3):
            point = double(*point)
        assert point == (0, 1)
        found.add(y)
    assert len(found) == 5
    for y in found:
        for sign in (0, 1 << 255):
            with pytest.raises(BadNote):
                VerifierKey(ORIGIN, (y | sign).to_bytes(32, "little"))


ORDER_EIGHT = tuple(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    )
)


@pytest.mark.parametrize(
    "text",
    {
        "two lines": "a\n1\n",
        "no final newline": f"a\n1\n{base64.b64encode(ROOT).decode()}",
        "a leading zero": f"a\n01\n{base64.b64encode(ROOT).decode()}\n",
        "digits of another script": f"a\n٣\n{base64.b64encode(ROOT).decode()}\n",
        "an empty extension line": f"a\n1\n{base64.b64encode(ROOT).decode()}\n\n",
        "a short root": f"a\n1\n{base64.b64encode(b'short').decode()}\n",
        "a long root": f"a\n1\n{base64.b64encode(ROOT + b'r').decode()}\n",
        "a size that no log has": f"a\n{2**64}\n{base64.b64encode(ROOT).decode()}\n",
        "a root in a second spelling": f"a\n1\n{'A' * 42}B=\n",
    }.values(),
)
def test_a_checkpoint_that_is_not_of_its_form_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_checkpoint(text)


def test_extension_lines_are_allowed_and_signed_with_the_rest() -> None:
    text = Checkpoint(ORIGIN, 7, ROOT).text + "an extension\n"
    assert open_checkpoint(sign_note(text, ORIGIN, SIGNER).encode(), KEY).size == 7


def test_a_checkpoint_of_another_log_is_refused_under_this_logs_key() -> None:
    note = sign_note(Checkpoint("another", 7, ROOT).text, ORIGIN, SIGNER)
    with pytest.raises(BadNote, match="another"):
        open_checkpoint(note.encode(), KEY)


def test_the_last_empty_line_separates() -> None:
    """A text may contain what looks like signatures; only what follows the last gap counts."""
    note = sign_note(f"{NOTE}\nmore\n", ORIGIN, SIGNER)
    assert open_note(note.encode(), (KEY,)).text == f"{NOTE}\nmore\n"


@pytest.mark.parametrize("text", ["x", "", "x\ty\n", "x\n\n\x00\n"])
def test_what_cannot_be_the_text_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote):
        sign_note(text, ORIGIN, SIGNER)


def test_a_text_without_a_final_newline_is_refused_before_it_is_signed() -> None:
    """Else its last line and the gap would be taken for one."""
    with pytest.raises(BadNote, match="ends with a newline"):
        sign_note("x\n\ny", ORIGIN, SIGNER)


def filled(text: str, signatures: int) -> bytes:
    """A note of this text and so many lines of unknown keys."""
    line = signature_line("unknown", b"1234", b"signature")
    return (text + "\n" + f"{line}\n" * signatures).encode()


def test_a_note_is_read_up_to_its_longest_and_no_further() -> None:
    rest = len(filled("\n", 1))
    longest = filled("x" * (MAX_NOTE_BYTES - rest) + "\n", 1)
    assert len(longest) == MAX_NOTE_BYTES
    assert len(parse_note(longest).signatures) == 1
    with pytest.raises(BadNote, match="too long"):
        parse_note(b"x" + longest)


def test_a_note_carries_so_many_signatures_and_no_more() -> None:
    assert len(parse_note(filled("x\n", MAX_SIGNATURES)).signatures) == MAX_SIGNATURES
    with pytest.raises(BadNote, match="signatures"):
        parse_note(filled("x\n", MAX_SIGNATURES + 1))


def test_a_note_without_its_last_newline_is_refused() -> None:
    with pytest.raises(BadNote, match="newline"):
        parse_note(NOTE.removesuffix("\n").encode())


def test_one_wrong_signature_of_a_known_key_spoils_a_note_that_another_signed() -> None:
    other = LocalSigner.from_seed(b"o" * 32)
    second = VerifierKey("second", other.public)
    good = signature_line("second", second.key_id, other.sign(CHECKPOINT.encode()))
    wrong = signature_line("second", second.key_id, other.sign(b"something else"))
    assert len(open_note(f"{NOTE}{good}\n".encode(), (KEY, second)).signatures) == 2
    with pytest.raises(BadNote, match="second is wrong"):
        open_note(f"{NOTE}{wrong}\n".encode(), (KEY, second))
    assert len(open_note(f"{NOTE}{wrong}\n".encode(), (KEY,)).signatures) == 1


@pytest.mark.parametrize(
    ("at", "problem"), [(0, "key id"), (1, "type")], ids=["another key id", "another type"]
)
def test_a_verifier_key_names_its_own_id_and_type(at: int, problem: str) -> None:
    assert parse_vkey(KEY.vkey) == KEY
    odd = [
        f"{ORIGIN}+{'0' * 8}+{KEY.vkey.split('+', 2)[2]}",
        write_vkey(ORIGIN, ED25519 + 1, KEY.public),
    ]
    with pytest.raises(BadNote, match=problem):
        parse_vkey(odd[at])


@pytest.mark.parametrize("length", [1, 31, 33])
def test_a_proof_file_with_a_hash_of_another_length_is_refused(length: int) -> None:
    proof = TlogProof(1, (b"h" * 32, b"h" * length), NOTE)
    with pytest.raises(BadNote, match="32 bytes"):
        parse_tlog_proof(proof.text)
