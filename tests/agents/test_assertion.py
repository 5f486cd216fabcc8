"""Assertions (RFC 7523 §3): what is taken for one, and all that is not."""

import json

import pytest

from app.agents.pairing.assertion import claimed_device, read_assertion
from app.kernel.signing import BadToken, LocalSigner, b64u, unb64u
from tests.agents.conftest import assertion

DEVICE = "d_" + "1" * 32
AUDIENCES = frozenset({"http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/agent/token"})
KEY = LocalSigner.generate()


def read(signed, clock):
    return read_assertion(signed, DEVICE, KEY.public, AUDIENCES, clock.now())


def test_a_good_assertion_gives_its_id_and_its_end(clock):
    jti, ends = read(assertion(KEY, DEVICE, clock.now(), jti="j" * 24), clock)
    assert jti == "j" * 24
    assert (ends - clock.now()).total_seconds() == 120


@pytest.mark.parametrize("audience", [*sorted(AUDIENCES), ["http://127.0.0.1:8000"]])
def test_issuer_and_token_endpoint_are_audiences_also_alone_in_a_list(clock, audience):
    read(assertion(KEY, DEVICE, clock.now(), aud=audience), clock)


HUGE = {
    "ten to the four hundredth": 10**400,
    "minus that": -(10**400),
    "the year ten thousand": 253_402_300_800,
    "before 1970": -1,
    "half a second": 1.5,
    "no number": float("nan"),
    "infinity": float("inf"),
    "yes": True,
    "an object": {},
}


def with_claims(clock, **claims: object) -> str:
    """A signed assertion with claims that have no canonical form."""
    head, body, _ = assertion(KEY, DEVICE, clock.now()).split(".")
    said = json.dumps({**json.loads(unb64u(body)), **claims})
    signed = f"{head}.{b64u(said.encode())}"
    return f"{signed}.{b64u(KEY.sign(signed.encode()))}"


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_time_that_no_clock_shows_is_refused_and_breaks_nothing(clock, claim, value):
    with pytest.raises(BadToken, match=claim):
        read(with_claims(clock, **{claim: HUGE[value]}), clock)


def test_a_number_of_five_thousand_digits_is_refused(clock):
    head, _, _ = assertion(KEY, DEVICE, clock.now()).split(".")
    body = b'{"exp":' + b"9" * 5_000 + b"}"
    signed = f"{head}.{b64u(body)}"
    with pytest.raises(BadToken):
        read(f"{signed}.{b64u(KEY.sign(signed.encode()))}", clock)
    assert claimed_device(f"{signed}.") is None


WRONG = {
    "another issuer": {"iss": "d_other"},
    "another subject": {"sub": "d_other"},
    "another server": {"aud": "https://elsewhere.example"},
    "this server and another": {"aud": ["http://127.0.0.1:8000", "https://elsewhere.example"]},
    "no audience": {"aud": ...},
    "an empty list as audience": {"aud": []},
    "no end": {"exp": ...},
    "no beginning": {"iat": ...},
    "no id": {"jti": ...},
    "an id that is too short to be new": {"jti": "1"},
    "an id that is too long": {"jti": "x" * 129},
    "a number as id": {"jti": 7},
    "true as its end": {"exp": True},
    "true as the time from which it holds": {"nbf": True},
    "text as its end": {"exp": "2099"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_assertion_is_refused_that_names(clock, wrong):
    with pytest.raises(BadToken):
        read(assertion(KEY, DEVICE, clock.now(), **WRONG[wrong]), clock)


@pytest.mark.parametrize(
    ("issued", "lives", "good"),
    [
        (0, 300, True),
        (60, 300, True),
        (-299, 300, True),
        (61, 300, False),
        (0, 301, False),
        (-300, 300, False),
        (-3_600, 300, False),
        (0, 0, False),
        (0, -5, False),
        (0, 2**52, False),
    ],
)
def test_an_assertion_lives_five_minutes_and_clocks_may_differ_by_one(clock, issued, lives, good):
    at = int(clock.now().timestamp()) + issued
    signed = assertion(KEY, DEVICE, clock.now(), iat=at, exp=at + lives)
    if good:
        read(signed, clock)
    else:
        with pytest.raises(BadToken):
            read(signed, clock)


def test_an_assertion_that_is_not_valid_yet_is_refused(clock):
    later = int(clock.now().timestamp()) + 120
    with pytest.raises(BadToken):
        read(assertion(KEY, DEVICE, clock.now(), nbf=later), clock)


def test_an_assertion_signed_by_another_key_is_refused(clock):
    with pytest.raises(BadToken):
        read(assertion(LocalSigner.generate(), DEVICE, clock.now()), clock)


@pytest.mark.parametrize("typ", ["habeas-lease+jwt", "at+jwt", "jwt"])
def test_an_assertion_of_another_type_is_refused(clock, typ):
    with pytest.raises(BadToken):
        read(assertion(KEY, DEVICE, clock.now(), typ=typ), clock)


DEEP = b64u(b"[" * 5_000)
NONSENSE = [
    "",
    "a",
    "a.b.c",
    "..",
    "e30.e30.",
    "é.é.é",
    "e30.W10.AA",
    "x" * 20_000,
    f"{DEEP}.e30.AA",
]


@pytest.mark.parametrize("signed", NONSENSE)
def test_what_is_no_assertion_is_refused_and_names_nobody(clock, signed):
    with pytest.raises(BadToken):
        read(signed, clock)
    assert claimed_device(signed) is None


@pytest.mark.parametrize(
    "sub", ["\ud800", "d_\x00", "", "d_" + "1" * 33, 7, None, ["d_"], "E-1000"]
)
def test_what_has_not_the_form_of_a_devices_id_names_nobody(sub):
    claims = b64u(json.dumps({"sub": sub}).encode())
    assert claimed_device(f"e30.{claims}.AA") is None


def test_who_an_assertion_says_it_is_from_is_read_without_believing_it(clock):
    forged = assertion(LocalSigner.generate(), DEVICE, clock.now())
    assert claimed_device(forged) == DEVICE
