"""Pairing by code and tokens for a key: what is given, once, and all that is refused."""

import re
import threading
from dataclasses import replace

import pytest

from app.agents.pairing import open_codes, store
from app.agents.pairing.codes import CODE_ALPHABET
from app.agents.pairing.model import Token, TokenRefusal
from app.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from app.kernel.signing import LocalSigner, jwk, thumbprint
from tests.agents.conftest import assertion

pytestmark = pytest.mark.slow


@pytest.fixture
def key() -> LocalSigner:
    return LocalSigner.generate()


def start(company, key, name="laptop"):
    with company.write() as tx:
        return company.services.pairing.start(tx, name, jwk(key.public), company.now)


def approve(company, code, person_id="E-1000"):
    return company.approve(code, person_id)


def redeem(company, pairing, signed):
    with company.write() as tx:
        return company.services.pairing.redeem(tx, pairing.device_code, signed, company.now)


def token(company, signed):
    with company.write() as tx:
        return company.services.pairing.token(tx, signed, company.now)


def device_of(company, bearer):
    with company.read() as tx:
        return company.services.pairing.device_of(tx, bearer, company.now)


# The way it should go


def test_a_device_is_paired_and_gets_a_token(company, key):
    pairing = start(company, key)
    device = approve(company, pairing.user_code)
    given = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert isinstance(given, Token)
    assert given.expires_in == 3_600
    assert device_of(company, given.value) == device
    assert (device.person_id, device.name, device.public) == ("E-1000", "laptop", key.public)


def test_the_code_is_short_and_has_no_letters_that_are_mistaken(company, key):
    code = start(company, key).user_code
    assert re.fullmatch(f"[{CODE_ALPHABET}]{{4}}-[{CODE_ALPHABET}]{{4}}", code)
    assert not set(CODE_ALPHABET) & set("AEIOUY01")


@pytest.mark.parametrize("typed", [str.lower, lambda c: c.replace("-", ""), lambda c: f" {c} "])
def test_a_code_may_be_typed_as_people_type(company, key, typed):
    assert approve(company, typed(start(company, key).user_code)).person_id == "E-1000"


def test_each_step_is_an_entry_and_none_names_the_person(company, key):
    pairing = start(company, key)
    assert company.entries("device.pairing_started") == []  # anybody can begin
    approve(company, pairing.user_code)
    redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    for kind in ("device.pairing_started", "device.paired", "device.token_issued"):
        (leaf,) = company.entries(kind)
        named = {"key": thumbprint(key.public)} if kind == "device.paired" else {}
        assert leaf["facts"] == {"device": pairing.device_id, **named}
        assert "E-1000" not in str(leaf)
        assert "laptop" not in str(leaf)
    assert company.entries("device.paired")[0]["subjects"]


def test_no_code_and_no_token_is_kept_in_the_clear(company, key):
    pairing = start(company, key)
    approve(company, pairing.user_code)
    given = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    waiting = start(company, LocalSigner.generate())
    with company.read() as tx:
        kept = str(
            [
                tx.execute(table.select()).all()
                for table in (
                    store.agent_pairing,
                    store.agent_token,
                    store.assertion_jti,
                    open_codes.pairing_code,
                )
            ]
        )
    assert waiting.request in kept  # sealed
    for secret in (pairing.device_code, pairing.user_code, given.value, waiting.user_code):
        assert secret not in kept


# Codes


def test_a_code_is_good_once(company, key):
    code = start(company, key).user_code
    approve(company, code)
    with pytest.raises(NotFound):
        approve(company, code, "E-1001")


def test_a_code_is_good_for_fifteen_minutes(company, key):
    code = start(company, key).user_code
    company.clock.advance(900)
    with pytest.raises(NotFound):
        approve(company, code)


UNKNOWN_CODES = ["", "BCDF", "BCDF-GHJK", "!", "é" * 8, "B" * 10_000]


def test_an_unknown_code_is_refused(company, key):
    for code in UNKNOWN_CODES:
        start(company, key)
        with pytest.raises(NotFound):
            approve(company, code)


def test_somebody_who_left_cannot_pair(company, key):
    request = start(company, key).request
    gone = replace(company.person(), active=False)
    with company.write() as tx, pytest.raises(Forbidden):
        company.services.pairing.approve(tx, gone, request, company.now)


def test_two_people_approving_at_once_do_not_both_get_the_device(company, key):
    code = start(company, key).user_code
    ended: list[object] = []
    both = threading.Barrier(2)

    def go(person_id: str) -> None:
        both.wait()
        try:
            ended.append(approve(company, code, person_id).person_id)
        except (NotFound, Conflict) as refused:
            ended.append(type(refused))

    people = [threading.Thread(target=go, args=(name,)) for name in ("E-1000", "E-1001")]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    assert sum(isinstance(end, str) for end in ended) == 1
    with company.read() as tx:
        of_person = company.services.devices.of_person
        assert len(of_person(tx, "E-1000")) + len(of_person(tx, "E-1001")) == 1


BAD_NAMES = ["", "   ", "x" * 81, "bell\x07", "\u202eevil", "nul\x00", "\ud800"]


def test_a_device_name_is_one_short_printable_line(company, key):
    for name in BAD_NAMES:
        with pytest.raises(InvalidInput) as caught:
            start(company, key, name)
        assert caught.value.faults[0].field == "name"


def test_a_private_key_is_refused(company, key):
    with company.write() as tx, pytest.raises(InvalidInput, match="private"):
        company.services.pairing.start(tx, "laptop", {**jwk(key.public), "d": "AAAA"}, company.now)


# Redeeming (RFC 8628 §3.5)


def test_a_device_that_asks_before_approval_waits(company, key):
    pairing = start(company, key)
    answer = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert isinstance(answer, TokenRefusal)
    assert answer.error == "authorization_pending"


def test_a_device_that_asks_too_often_is_slowed_down_for_good(company, key):
    pairing = start(company, key)

    def ask(after: int) -> str:
        company.clock.advance(after)
        return redeem(company, pairing, assertion(key, pairing.device_id, company.now)).error

    assert ask(0) == "authorization_pending"
    assert ask(4) == "slow_down"  # from now on ten seconds
    assert ask(9) == "slow_down"  # fifteen
    assert ask(15) == "authorization_pending"


def test_an_expired_device_code_says_so(company, key):
    pairing = start(company, key)
    company.clock.advance(900)
    answer = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert answer.error == "expired_token"


def test_a_device_code_is_redeemed_once(company, key):
    pairing = start(company, key)
    approve(company, pairing.user_code)
    assert isinstance(
        redeem(company, pairing, assertion(key, pairing.device_id, company.now)), Token
    )
    again = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert again.error == "invalid_grant"


def test_a_device_code_redeemed_twice_at_once_gives_one_token(company, key):
    pairing = start(company, key)
    approve(company, pairing.user_code)
    ended: list[object] = []
    both = threading.Barrier(2)

    def go() -> None:
        signed = assertion(key, pairing.device_id, company.now)
        both.wait()
        ended.append(redeem(company, pairing, signed))

    redeeming = [threading.Thread(target=go) for _ in range(2)]
    for thread in redeeming:
        thread.start()
    for thread in redeeming:
        thread.join()
    assert sum(isinstance(end, Token) for end in ended) == 1


def test_a_stolen_device_code_is_worth_nothing_without_the_key(company, key):
    pairing = start(company, key)
    approve(company, pairing.user_code)
    thief = LocalSigner.generate()
    answer = redeem(company, pairing, assertion(thief, pairing.device_id, company.now))
    assert answer.error == "invalid_client"
    honest = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert isinstance(honest, Token)


def test_a_device_code_of_another_pairing_is_refused(company, key):
    mine, other = start(company, key), start(company, LocalSigner.generate())
    approve(company, mine.user_code)
    approve(company, other.user_code)
    answer = redeem(company, other, assertion(key, mine.device_id, company.now))
    assert answer.error == "invalid_client"


def test_an_unknown_device_code_is_refused(company, key):
    pairing = replace(start(company, key), device_code="nobody-knows")
    answer = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert answer.error == "invalid_grant"


def test_a_device_revoked_before_it_redeemed_gets_no_token(company, key):
    pairing = start(company, key)
    approve(company, pairing.user_code)
    revoke(company, pairing.device_id)
    answer = redeem(company, pairing, assertion(key, pairing.device_id, company.now))
    assert answer.error == "access_denied"


# Tokens (RFC 7523 §3)


def revoke(company, device_id, person_id="E-1000"):
    with company.write() as tx:
        who = company.services.directory.person(tx, person_id)
        return company.services.devices.revoke(tx, who, device_id, company.now)


def test_a_paired_device_gets_a_token_for_its_assertion(company, key):
    device = company.pair(key=key)
    given = token(company, assertion(key, device.id, company.now))
    assert isinstance(given, Token)
    assert device_of(company, given.value).id == device.id


def test_a_bad_assertion_is_answered_as_oauth_says(company, key):
    device = company.pair(key=key)
    for signed in (
        "a.b.c",
        assertion(key, device.id, company.now, aud="https://elsewhere.example"),
    ):
        found = token(company, signed)
        assert isinstance(found, TokenRefusal)
        assert found.error == "invalid_client"


def test_an_assertion_is_good_once(company, key):
    device = company.pair(key=key)
    signed = assertion(key, device.id, company.now)
    assert isinstance(token(company, signed), Token)
    company.clock.advance(60)
    again = token(company, signed)
    assert isinstance(again, TokenRefusal)
    assert "used before" in again.description


def test_an_assertion_used_twice_at_once_gives_one_token(company, key):
    device = company.pair(key=key)
    signed = assertion(key, device.id, company.now)
    ended: list[object] = []
    both = threading.Barrier(2)

    def go() -> None:
        both.wait()
        ended.append(token(company, signed))

    asking = [threading.Thread(target=go) for _ in range(2)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sum(isinstance(end, Token) for end in ended) == 1


def test_a_token_lives_an_hour(company, key):
    device = company.pair(key=key)
    bearer = token(company, assertion(key, device.id, company.now)).value
    company.clock.advance(3_599)
    assert device_of(company, bearer).id == device.id
    company.clock.advance(1)
    with pytest.raises(Unauthenticated):
        device_of(company, bearer)


UNKNOWN_TOKENS = ["", "x", "é", "\ud800", "0" * 64]


def test_an_unknown_token_is_refused(company):
    for bearer in UNKNOWN_TOKENS:
        with pytest.raises(Unauthenticated):
            device_of(company, bearer)


def test_revoking_a_device_refuses_its_token_at_once_except_for_the_lease(company, key):
    device = company.pair(key=key)
    bearer = token(company, assertion(key, device.id, company.now)).value
    revoke(company, device.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        device_of(company, bearer)
    with company.read() as tx:
        told = company.services.leases.holder(tx, bearer, company.now).device
    assert not told.active
    assert isinstance(token(company, assertion(key, device.id, company.now)), TokenRefusal)


def test_used_up_assertions_and_tokens_are_forgotten_after_they_expire(company, key):
    device = company.pair(key=key)
    for _ in range(3):
        token(company, assertion(key, device.id, company.now))
        company.clock.advance(3_700)
    token(company, assertion(key, device.id, company.now))
    with company.read() as tx:
        assert len(tx.execute(store.assertion_jti.select()).all()) == 1
        assert len(tx.execute(store.agent_token.select()).all()) == 1


# Devices


@pytest.mark.parametrize("who", ["E-1000", "L-1", "A-1"])
def test_its_person_legal_of_the_region_and_admins_may_revoke_a_device(company, who):
    device = company.pair()
    assert not revoke(company, device.id, who).active


@pytest.mark.parametrize("who", ["E-1001", "L-3"])
def test_nobody_else_may_or_learns_that_it_exists(company, who):
    device = company.pair()
    with pytest.raises(NotFound):
        revoke(company, device.id, who)
    with pytest.raises(NotFound):
        revoke(company, "d_" + "0" * 32, who)


def test_revoking_twice_is_revoking_once(company):
    device = company.pair()
    first = revoke(company, device.id)
    company.clock.advance(60)
    assert revoke(company, device.id) == first
    assert len(company.entries("device.revoked")) == 1


def test_a_person_sees_their_own_devices_only(company):
    mine, _ = company.pair(), company.pair("E-1001")
    with company.read() as tx:
        assert company.services.devices.of_person(tx, "E-1000") == (mine,)


def test_a_device_that_asks_while_it_is_approved_takes_nothing_back(company, key):
    """It is told to wait, or waits for the writer; its next question has the token."""
    begun, answers = start(company, key), []
    signed = assertion(key, begun.device_id, company.now)
    asking = threading.Thread(target=lambda: answers.append(redeem(company, begun, signed)))
    with company.write() as tx:
        who = company.services.directory.person(tx, "E-1000")
        company.services.pairing.approve(tx, who, begun.request, company.now)
        asking.start()
        asking.join(0.5)
    asking.join()
    if isinstance(answers[0], TokenRefusal):
        company.clock.advance(30)
        again = assertion(key, begun.device_id, company.now)
        answers.append(redeem(company, begun, again))
    assert isinstance(answers[-1], Token)
