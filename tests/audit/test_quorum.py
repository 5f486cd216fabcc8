"""Witness policies: what is written means one thing, and nobody's word weighs twice."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.checkpoint import BadNote, Checkpoint, VerifierKey, sign_note
from app.audit.tree.cosignature import WitnessKey, cosign
from app.audit.tree.quorum import BadPolicy, Policy, evaluate, parse_policy
from app.kernel.signing import LocalSigner
from tests.audit.conftest import ORIGIN

LOG = LocalSigner.from_seed(b"s" * 32)
LOG_KEY = VerifierKey(ORIGIN, LOG.public)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
SIGNERS = {name: LocalSigner.from_seed(name.encode() * 16) for name in NAMES}
KEYS = {name: WitnessKey(f"{name.lower()}.example", SIGNERS[name].public) for name in NAMES}
WITNESSES = "".join(f"witness {name} {KEYS[name].vkey}\n" for name in NAMES)
TEXT = Checkpoint(ORIGIN, 7, b"r" * 32).text
EXAMPLE = f"""# The example of the specification
log {LOG_KEY.vkey}

{WITNESSES}
group X-witnesses 2 X1 X2 X3
\tgroup  Y-witnesses\tany Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def policy_of(text: str) -> Policy:
    return parse_policy(text.encode())


def note(times: Mapping[str, int]) -> bytes:
    lines = [
        cosign(TEXT, KEYS[name].name, SIGNERS[name], time) + "\n" for name, time in times.items()
    ]
    return (sign_note(TEXT, ORIGIN, LOG) + "".join(lines)).encode()


@given(st.frozensets(st.sampled_from(NAMES)))
def test_the_example_of_the_specification_means_two_of_x_and_one_of_y(
    cosigned: frozenset[str],
) -> None:
    x, y = (sum(name[0] == letter for name in cosigned) for letter in "XY")
    verdict = evaluate(policy_of(EXAMPLE), note(dict.fromkeys(cosigned, 100)))
    assert verdict.met == (x >= 2 and y >= 1)
    assert verdict.cosigned == dict.fromkeys(cosigned, 100)


@pytest.mark.parametrize("rule", ["all", "any", "1", "2", "3"])
@given(cosigned=st.frozensets(st.sampled_from(NAMES[:3])))
def test_a_group_needs_as_many_as_it_says(rule: str, cosigned: frozenset[str]) -> None:
    policy = policy_of(f"{WITNESSES}group g {rule} X1 X2 X3\nquorum g\n")
    needed = {"all": 3, "any": 1}.get(rule) or int(rule)
    assert policy.is_met(cosigned) == (len(cosigned) >= needed)


def test_without_a_quorum_the_logs_signature_is_enough() -> None:
    verdict = evaluate(policy_of(f"log {LOG_KEY.vkey}\nquorum none\n"), note({}))
    assert (verdict.met, verdict.fresh_at) == (True, None)


def test_the_quorum_may_be_one_witness_and_no_other_signature_replaces_it() -> None:
    policy = policy_of(f"{WITNESSES}quorum X2\n")
    assert evaluate(policy, note({"X2": 5}), LOG_KEY).met
    assert not evaluate(policy, note({name: 5 for name in NAMES if name != "X2"}), LOG_KEY).met


def test_fresh_is_as_old_as_the_oldest_signature_that_the_quorum_needs() -> None:
    policy = policy_of(EXAMPLE)
    assert evaluate(policy, note({"X1": 10, "X2": 30, "X3": 20, "Y1": 40})).fresh_at == 20
    assert evaluate(policy, note({"X1": 90, "X2": 80, "Y1": 1, "Y2": 7})).fresh_at == 7
    assert evaluate(policy, note({"X1": 90, "Y1": 1})).fresh_at is None


def test_a_note_of_another_log_or_without_the_logs_signature_is_refused() -> None:
    policy = policy_of(EXAMPLE)
    other = LocalSigner.from_seed(b"o" * 32)
    for bad in (
        sign_note(TEXT, ORIGIN, other),
        sign_note(Checkpoint("another", 7, b"r" * 32).text, "another", other),
        f"{TEXT}\n{cosign(TEXT, KEYS['X1'].name, SIGNERS['X1'], 5)}\n",
    ):
        with pytest.raises(BadNote):
            evaluate(policy, bad.encode())


def test_a_policy_without_logs_believes_the_key_known_from_elsewhere_and_no_other() -> None:
    policy = policy_of("quorum none\n")
    assert evaluate(policy, note({}), LOG_KEY).checkpoint.size == 7
    with pytest.raises(BadNote):
        evaluate(policy, note({}))


def test_one_of_several_keys_of_one_name_is_enough() -> None:
    other = VerifierKey(ORIGIN, LocalSigner.from_seed(b"o" * 32).public)
    policy = policy_of(f"log {LOG_KEY.vkey}\nlog {other.vkey}\nquorum none\n")
    assert evaluate(policy, note({})).met


def test_a_wrong_line_of_a_known_witness_spoils_the_note() -> None:
    line = cosign(TEXT + "x", KEYS["X1"].name, SIGNERS["X1"], 5)
    with pytest.raises(BadNote, match="wrong"):
        evaluate(policy_of(EXAMPLE), note({"X2": 5}) + f"{line}\n".encode())


W = f"witness w {KEYS['X1'].vkey}\n"
V = f"witness v {KEYS['X2'].vkey}\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, "newline"),
        ("\n", None, "no quorum"),
        (W, None, "no quorum"),
        (f"log {LOG_KEY.vkey}\n{W}", None, "no quorum"),
        (f"{W}quorum w", None, "newline"),
        (f"{W}quorum w\nquorum w\n", 3, "second"),
        ("quorum w\n", 1, "defines w"),
        (f"quorum w\n{W}", 1, "defines w"),
        (f"{W}quorum w w\n", 2, "write"),
        (f"{W}quorum\n", 2, "write"),
        ("qourum none\n", 1, "not one of"),
        ("QUORUM none\n", 1, "not one of"),
        (f"{W}{W}quorum w\n", 2, "public key"),
        (f"{W}witness u {KEYS['X1'].vkey} https://w.example\nquorum w\n", 2, "public key"),
        (f"{W}witness w {KEYS['X2'].vkey}\nquorum w\n", 2, "taken"),
        (f"witness none {KEYS['X1'].vkey}\nquorum none\n", 1, "cannot be a name"),
        (f"witness w {LOG_KEY.vkey}\nquorum w\n", 1, "0x04"),
        (f"log {KEYS['X1'].vkey}\nquorum none\n", 1, "0x01"),
        (f"log {LOG_KEY.vkey}\nlog {LOG_KEY.vkey} https://a.example\nquorum none\n", 2, "public"),
        (
            f"log {LOG_KEY.vkey}\nwitness w {WitnessKey('w', LOG.public).vkey}\nquorum w\n",
            2,
            "public key",
        ),
        ("witness w\nquorum none\n", 1, "write"),
        (f"witness w {KEYS['X1'].vkey} https://a https://b\nquorum w\n", 1, "write"),
        ("witness w w+00000000+AAAA\nquorum w\n", 1, "key"),
        ("log\nquorum none\n", 1, "write"),
        (f"{W}group g all\nquorum w\n", 2, "write"),
        (f"{W}group g 0 w\nquorum g\n", 2, "not all, any"),
        (f"{W}group g 2 w\nquorum g\n", 2, "not all, any"),
        (f"{W}group g 01 w\nquorum g\n", 2, "not all, any"),
        (f"{W}group g \u0661 w\nquorum g\n", 2, "not all, any"),
        (f"{W}group g some w\nquorum g\n", 2, "not all, any"),
        (f"{W}group g any w w\nquorum g\n", 2, "already"),
        (f"{W}{V}group g any w\ngroup h any w v\nquorum h\n", 4, "already"),
        (f"{W}group g any g\nquorum g\n", 2, "defines g"),
        (f"{W}group g any none\nquorum g\n", 2, "defines none"),
        (f"{W}group w any w\nquorum w\n", 2, "taken"),
        (f"{W}quorum w\r\n", 2, "control"),
        (f"{W}quorum\x00 w\n", 2, "control"),
        (f"{W}quorum\u00a0w\n", 2, "not one of"),
    ],
)
def test_what_is_not_of_its_form_is_refused_with_its_line(
    text: str, line: int | None, problem: str
) -> None:
    with pytest.raises(BadPolicy, match=problem) as refused:
        policy_of(text)
    if line is not None:
        assert str(refused.value).startswith(f"line {line}: ")


def test_what_is_no_text_or_too_large_is_refused() -> None:
    for data in (b"quorum none\xff\n", b"#" * 100_001):
        with pytest.raises(BadPolicy):
            parse_policy(data)


def test_as_many_lines_as_the_specification_asks_for_are_read_and_not_endlessly_more() -> None:
    def lines(count: int) -> str:
        return "".join(
            f"witness w{number} "
            + WitnessKey("w", LocalSigner.from_seed(number.to_bytes(32)).public).vkey
            + "\n"
            for number in range(count)
        )

    assert len(policy_of(f"{lines(32)}quorum none\n").witnesses) == 32
    with pytest.raises(BadPolicy, match="line 65"):
        policy_of(f"{lines(65)}quorum none\n")


def test_names_with_other_letters_addresses_and_comments_are_kept() -> None:
    text = f"  # Betriebsrat\nwitness Büro {KEYS['X1'].vkey}\thttps://büro.example/w\nquorum Büro\n"
    policy = policy_of(text)
    assert (policy.text, policy.quorum) == (text, "Büro")
    assert policy.witnesses[0].url == "https://büro.example/w"
