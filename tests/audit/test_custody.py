"""What two people must say together, and who they are."""

import secrets
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.audit.restore.custody import (
    Custodians,
    parse_custodians,
    private_key,
    read_private_key,
    read_statement,
    require_two,
    sign_statement,
    statement_text,
)
from app.audit.tree.checkpoint import Checkpoint, VerifierKey
from app.cli import understood
from app.demo.custodians import sample_custodians
from app.kernel.errors import Forbidden, Unreadable
from app.kernel.signing import LocalSigner

NAMES = ("works-council", "data-protection", "third")
SIGNERS = {name: LocalSigner.generate() for name in NAMES}
LISTED = Custodians(tuple(VerifierKey(name, SIGNERS[name].public) for name in NAMES))
FACTS = {"origin": "audit.example.com/x/2026", "size": "12"}
TEXT = statement_text("acknowledge-restore", FACTS)


def signed(*names: str, text: str = TEXT) -> bytes:
    note = text
    for name in names:
        note = sign_statement(note.encode(), name, SIGNERS[name])
    return note.encode()


def test_two_different_custodians_are_enough_in_any_order() -> None:
    assert require_two(signed("third", "works-council"), TEXT, LISTED) == ("third", "works-council")
    assert set(require_two(signed(*NAMES), TEXT, LISTED)) <= set(NAMES)


def test_one_custodian_counts_once_however_often_they_sign() -> None:
    once = signed("third")
    assert sign_statement(once, "third", SIGNERS["third"]).encode() == once
    twice = once + once.split(b"\n\n")[1]
    for note in (once, twice):
        with pytest.raises(Forbidden, match="only third has signed"):
            require_two(note, TEXT, LISTED)


def test_one_key_under_two_names_is_refused_when_the_list_is_read() -> None:
    key = SIGNERS["third"].public
    for keys in (
        (VerifierKey("a", key), VerifierKey("b", key)),
        (VerifierKey("a", key), VerifierKey("a", SIGNERS["works-council"].public)),
        (VerifierKey("a", key),),
        (),
    ):
        with pytest.raises(Unreadable):
            Custodians(keys)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"nothing signed",
        TEXT.encode(),
        signed("third", "works-council", text=statement_text("acknowledge-restore", {"size": "1"})),
        signed("third", "works-council", text=statement_text("erase", FACTS)),
        sign_statement(signed("third"), "stranger", LocalSigner.generate()).encode(),
        sign_statement(signed("third"), "works-council", SIGNERS["third"]).encode(),
    ],
    ids=["empty", "no note", "unsigned", "other facts", "other action", "stranger", "own key"],
)
def test_anything_but_two_signatures_over_this_very_text_is_refused(note: bytes) -> None:
    with pytest.raises(Forbidden):
        require_two(note, TEXT, LISTED)


def test_without_a_list_nobody_can_sign() -> None:
    with pytest.raises(Forbidden, match="knows none"):
        require_two(signed(*NAMES), TEXT, None)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_changed_bit_of_a_signed_statement_passes(place: int, bit: int) -> None:
    whole = signed("third", "works-council")
    at = place % len(whole)
    changed = whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
    with pytest.raises(Forbidden):
        require_two(changed, TEXT, LISTED)


codes = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
lines = st.text(alphabet=st.characters(categories=("L", "N", "P")), min_size=1, max_size=40)


@given(codes, st.dictionaries(codes, lines, max_size=6))
def test_a_statement_is_read_back_as_it_was_written(action: str, facts: dict[str, str]) -> None:
    assert read_statement(statement_text(action, facts)) == (action, facts)


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        ("erase", {"key": "two\nlines"}),
        ("erase", {"key": ""}),
        ("erase", {"key": " padded"}),
        ("erase", {"key": "a\x00b"}),
        ("erase", {"two words": "x"}),
        ("Erase", {}),
        ("erase\nsize 3", {}),
        ("", {}),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_statement(action: str, facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"has the form|printable line"):
        statement_text(action, facts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "habeas statement\n",
        "another title\nerase\n",
        "habeas statement\nerase",
        "habeas statement\nerase\nb 1\na 2\n",
        "habeas statement\nerase\na 1\na 1\n",
        "habeas statement\nerase\n\na 1\n",
        Checkpoint("audit.example.com/x", 3, bytes(32)).text,
    ],
)
def test_a_custodian_signs_nothing_but_statements(text: str) -> None:
    """A checkpoint that somebody passes off as a statement is not signed either."""
    with pytest.raises(Unreadable):
        read_statement(text)
    with pytest.raises(Unreadable):
        sign_statement(text.encode(), "third", SIGNERS["third"])


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Unreadable):
        sign_statement(b"\xff", "third", SIGNERS["third"])
    with pytest.raises(Unreadable):
        parse_custodians(b"\xff")


def test_the_list_is_read_with_its_comments_and_named_without_them() -> None:
    vkeys = [key.vkey for key in LISTED.keys]
    read = parse_custodians(f"# ours\n\n{vkeys[2]}\n{vkeys[0]} \n{vkeys[1]}".encode())
    assert set(read.keys) == set(LISTED.keys)
    assert read.digest == LISTED.digest == parse_custodians(LISTED.document).digest


def test_a_line_that_is_no_key_is_refused() -> None:
    with pytest.raises(Unreadable, match="verifier key"):
        parse_custodians(LISTED.document + b"works-council\n")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "x" * 3 + "\n"])
def test_a_name_that_cannot_be_part_of_a_key_is_refused(name: str) -> None:
    with pytest.raises(Unreadable):
        private_key(name, bytes(32))


def test_a_private_key_is_read_back_and_a_damaged_one_is_not() -> None:
    seed = secrets.token_bytes(32)
    kept = private_key("works-council", seed)
    name, signer = read_private_key(kept.encode())
    assert (name, signer.public) == ("works-council", LocalSigner.from_seed(seed).public)
    for damaged in (
        b"",
        b"\xff",
        kept.replace("works", "Works").encode(),
        kept[:-6].encode(),
        kept.removeprefix("PRIVATE+").encode(),
        LISTED.document,
        private_key("works-council", seed[:31] + b"x").encode()[:-10],
    ):
        with pytest.raises(Unreadable):
            read_private_key(damaged)


def run(*words: object) -> str:
    done = CliRunner().invoke(
        understood(words), [str(word) for word in words], catch_exceptions=False
    )
    assert done.exit_code == 0
    return done.output


def test_two_people_make_keys_and_sign_one_file_after_the_other(tmp_path: Path) -> None:
    vkeys = [run("custodian", "new", name, "--out", tmp_path / f"{name}.key") for name in NAMES[:2]]
    statement = tmp_path / "statement"
    statement.write_text(TEXT, encoding="utf-8")
    for name in NAMES[:2]:
        shown = run("custodian", "sign", statement, "--key", tmp_path / f"{name}.key")
        assert TEXT in shown
    listed = parse_custodians("".join(vkeys).encode())
    assert require_two(statement.read_bytes(), TEXT, listed) == NAMES[:2]
    for name in NAMES[:2]:
        mode = (tmp_path / f"{name}.key").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_no_key_is_replaced_and_no_missing_file_is_a_riddle(tmp_path: Path) -> None:
    key = tmp_path / "a.key"
    run("custodian", "new", "a", "--out", key)
    before = key.read_bytes()
    for words in (
        ("new", "a", "--out", str(key)),
        ("sign", str(tmp_path / "none"), "--key", str(key)),
        ("sign", str(key), "--key", str(tmp_path / "none")),
    ):
        done = CliRunner().invoke(understood(["custodian"]), ["custodian", *words])
        assert done.exception is not None
    assert key.read_bytes() == before


def test_the_demo_has_two_sample_custodians_and_keeps_them(tmp_path: Path) -> None:
    listed = sample_custodians(tmp_path / "custodians")
    first = listed.read_bytes()
    assert sample_custodians(tmp_path / "custodians").read_bytes() == first
    assert len(parse_custodians(first).keys) == 2
