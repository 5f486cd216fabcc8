"""A hostile crowd next to somebody who pairs a laptop: floods, guesses, forged links. Attacks."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.agents.pairing import open_codes
from app.agents.pairing.codes import (
    BUCKET_CODES,
    BUCKETS,
    CODE_ALPHABET,
    MISSES,
    SOURCE_CODES,
    bucket_of,
    gives_way,
)
from app.agents.pairing.model import PendingPairing, Token
from app.agents.pairing.sealed import MAX_SEALED, PairingSeal
from app.kernel.errors import Conflict, Forbidden, NotFound
from app.kernel.signing import LocalSigner, b64u, jwk, unb64u
from app.wiring import build
from tests.agents.conftest import Company, assertion

pytestmark = pytest.mark.slow

HOSTILE, HONEST = "198.51.100.66", "192.0.2.7"


@pytest.fixture
def key() -> LocalSigner:
    return LocalSigner.generate()


def start(company, key, source="", name="laptop"):
    with company.write() as tx:
        return company.services.pairing.start(tx, name, jwk(key.public), company.now, source)


def flood(company, how_many, source=HOSTILE):
    public = jwk(LocalSigner.generate().public)
    with company.write() as tx:
        for _ in range(how_many):
            company.services.pairing.start(tx, "flood", public, company.now, source)


def open_link(company, request, person_id="E-1000"):
    with company.write() as tx:
        pairing = company.services.pairing
        return pairing.approve(tx, company.person(person_id), request, company.now)


def look(company, request):
    with company.read() as tx:
        return company.services.pairing.asked(tx, request, company.now)


def redeem(company, begun, key):
    with company.write() as tx:
        signed = assertion(key, begun.device_id, company.now)
        return company.services.pairing.redeem(tx, begun.device_code, signed, company.now)


def wrong(company, code="BBBB-BBBB", person_id="E-1000"):
    with pytest.raises((NotFound, Forbidden)) as caught:
        company.approve(code, person_id)
    return caught.value.kind


def missing(code: str) -> str:
    """A code that begins as another one and ends otherwise."""
    last = CODE_ALPHABET[CODE_ALPHABET.index(code[-1]) - 1]
    return code[:-1] + last


# Floods


def test_a_thousand_pairings_of_one_source_push_out_no_other_source(company, key):
    """By the code that is typed, and by the link."""
    typed, linked = start(company, key, HONEST), start(company, LocalSigner.generate(), HONEST)
    company.clock.advance(1)
    flood(company, 1_000)
    assert company.approve(typed.user_code).id == typed.device_id
    assert open_link(company, linked.request).id == linked.device_id
    with company.read() as tx:
        assert open_codes.count_codes(tx, company.now) <= SOURCE_CODES


def test_a_source_s_own_newest_code_works_and_so_does_every_link_of_it(company, key):
    """An office whose laptops share one address loses old codes, never a link."""
    first = start(company, key, HOSTILE)
    company.clock.advance(1)
    flood(company, SOURCE_CODES - 1)
    assert look(company, first.request).name == "laptop"
    company.clock.advance(1)
    newest = start(company, LocalSigner.generate(), HOSTILE)
    assert wrong(company, first.user_code) == "not-found"
    assert company.approve(newest.user_code).id == newest.device_id
    assert open_link(company, first.request).id == first.device_id


def test_codes_that_have_expired_are_forgotten_by_the_next_beginning(company, key):
    flood(company, 5)
    company.clock.advance(900)
    start(company, key, HONEST)
    with company.read() as tx:
        assert len(tx.execute(select(open_codes.pairing_code)).all()) == 1


def test_beginnings_write_nothing_to_the_log(company):
    company.services.integrator.integrate()
    with company.read() as tx:
        before = company.services.log.size(tx), company.services.log.pending(tx)
    flood(company, 20)
    with company.read() as tx:
        assert (company.services.log.size(tx), company.services.log.pending(tx)) == before


OPENED = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, SOURCE_CODES)).filter(
    lambda opened: sum(opened.values()) <= BUCKET_CODES
)
FULL = {"a": SOURCE_CODES - 1, "b": SOURCE_CODES - 1, "c": 2}


@given(OPENED, st.sampled_from("abcdefghi"))
@example(FULL, "i")
@example(FULL, "c")
def test_a_bucket_is_bounded_and_the_small_do_not_give_way_to_the_great(
    opened: dict[str, int], source: str
) -> None:
    way, full = gives_way(opened, source), sum(opened.values()) == BUCKET_CODES
    if opened.get(source, 0) == SOURCE_CODES:
        assert way == (source, 1)
    elif full:
        assert way is not None
        assert way[1] == 1
        assert opened[way[0]] == max(opened.values())
    else:
        assert way is None


@given(st.integers(0, 2**256 - 1))
def test_every_source_has_a_bucket(number: int) -> None:
    assert 0 <= bucket_of(f"{number:064x}") < BUCKETS


# Guesses


def test_wrong_codes_lock_whoever_typed_them_and_nobody_else(company, key):
    begun = start(company, key)
    kinds = [wrong(company) for _ in range(12)]
    assert kinds == ["not-found"] * 10 + ["too-many-attempts"] * 2
    assert wrong(company, begun.user_code) == "too-many-attempts"
    assert company.approve(begun.user_code, "E-1001").person_id == "E-1001"


def test_whoever_typed_too_many_wrong_codes_still_pairs_by_the_link(company, key):
    for _ in range(11):
        wrong(company)
    assert open_link(company, start(company, key).request).person_id == "E-1000"


def test_guessing_is_forgiven_fifteen_minutes_after_the_last_wrong_code(company, key):
    for _ in range(10):
        wrong(company)
        company.clock.advance(60)
    company.clock.advance(839)
    assert wrong(company) == "too-many-attempts"
    company.clock.advance(1)
    assert company.approve(start(company, key).user_code).person_id == "E-1000"


def test_what_was_counted_for_others_is_forgotten_when_its_time_has_passed(company):
    wrong(company, person_id="E-1001")
    company.clock.advance(901)
    wrong(company)
    with company.read() as tx:
        assert len(tx.execute(select(open_codes.pairing_guess)).all()) == 1


def test_guesses_are_counted_over_every_process(company, key):
    """Two services on one database, as two workers are."""
    services = company.services
    other = build(services.settings, clock=company.clock, database=services.database)
    workers = company, Company(other, company.clock)
    kinds = [wrong(workers[number % 2]) for number in range(12)]
    assert kinds == ["not-found"] * 10 + ["too-many-attempts"] * 2


def test_guesses_at_the_same_time_are_counted_one_by_one(company):
    kinds: list[str] = []
    threads = [threading.Thread(target=lambda: kinds.append(wrong(company))) for _ in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(kinds) == {"not-found": 10, "too-many-attempts": 4}


def test_a_code_that_was_missed_five_times_opens_nothing_but_its_link_does(company, key):
    """Whoever guesses together, each within their ten, is stopped at the code."""
    begun, other = start(company, key), start(company, LocalSigner.generate())
    for number in range(MISSES):
        wrong(company, missing(begun.user_code), ("E-1000", "E-1001")[number % 2])
    assert wrong(company, begun.user_code, "L-1") == "not-found"
    assert company.approve(other.user_code, "L-1").id == other.device_id
    assert open_link(company, begun.request).id == begun.device_id


def test_a_code_that_was_missed_four_times_still_opens(company, key):
    begun = start(company, key)
    for _ in range(MISSES - 1):
        wrong(company, missing(begun.user_code), "E-1001")
    assert company.approve(begun.user_code).id == begun.device_id


def test_a_request_under_another_code_opens_nothing(company, key):
    """Whoever writes SQL cannot put their own laptop behind the code of another."""
    honest, thief = start(company, key), start(company, LocalSigner.generate())
    with company.write() as tx:
        codes = open_codes.pairing_code
        tx.execute(
            update(codes).where(codes.c.request == honest.request).values(request=thief.request)
        )
    assert wrong(company, honest.user_code) == "not-found"


# Sealed requests


def altered(request: str) -> list[str]:
    """The request with each eighth byte flipped, cut, lengthened, and made up."""
    whole = unb64u(request)
    flipped = [
        b64u(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        for at in range(0, len(whole), 8)
    ]
    made_up = ["", "x", "é", "\ud800", " ", "A" * (MAX_SEALED + 1), b64u(bytes(200))]
    return [*flipped, request[:-4], request + "AAAA", request * 2, *made_up]


def test_an_altered_or_forged_request_opens_nothing(company, key):
    begun = start(company, key)
    for each in altered(begun.request):
        with pytest.raises(NotFound, match="not whole"):
            look(company, each)
        with pytest.raises(NotFound, match="not whole"):
            open_link(company, each)
    assert look(company, begun.request).device_id == begun.device_id


def test_a_request_of_another_instance_or_a_device_code_opens_nothing(company, key):
    begun, services = start(company, key), company.services
    secret = services.keys.secret("vault")
    pending = look(company, begun.request)
    for seal in (
        PairingSeal(bytes(32), services.settings.issuer),
        PairingSeal(secret, "https://x"),
    ):
        with pytest.raises(NotFound):
            look(company, seal.request(pending))
    with pytest.raises(NotFound):
        look(company, begun.device_code)
    assert redeem(company, replace(begun, device_code=begun.request), key).error == "invalid_grant"


def test_an_expired_request_says_so(company, key):
    begun = start(company, key)
    company.clock.advance(899)
    look(company, begun.request)
    company.clock.advance(1)
    with pytest.raises(NotFound) as caught:
        open_link(company, begun.request)
    assert caught.value.kind == "request-expired"
    assert "again on the laptop" in caught.value.cure


def test_a_request_is_approved_once(company, key):
    begun = start(company, key)
    open_link(company, begun.request)
    for who in ("E-1000", "E-1001"):
        with pytest.raises(Conflict):
            open_link(company, begun.request, who)
    assert wrong(company, begun.user_code) == "not-found"
    assert len(company.entries("device.paired")) == 1


def test_two_people_who_approve_one_link_at_once_do_not_both_get_the_laptop(company, key):
    begun = start(company, key)
    ended: list[object] = []
    both = threading.Barrier(2)

    def go(person_id: str) -> None:
        both.wait()
        try:
            ended.append(open_link(company, begun.request, person_id).person_id)
        except Conflict:
            ended.append(None)

    people = [threading.Thread(target=go, args=(name,)) for name in ("E-1000", "E-1001")]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    assert sum(end is not None for end in ended) == 1
    assert len(ended) == 2
    assert len(company.entries("device.paired")) == 1


def test_the_person_sees_what_is_paired_before_they_approve(company, key):
    begun = start(company, key, "2001:db8::/64", "Lane's laptop")
    seen = look(company, begun.request)
    assert (seen.name, seen.public, seen.source) == ("Lane's laptop", key.public, "2001:db8::/64")
    assert seen.user_code == begun.user_code
    assert seen.expires_at - seen.started_at == timedelta(minutes=15)


@given(
    st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()),
    st.binary(min_size=32, max_size=32),
    st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1970),
    st.sampled_from(["", HONEST, "2001:db8:1234:5678::/64"]),
)
def test_whatever_is_asked_for_comes_out_of_a_short_link_unchanged(name, public, at, source):
    asked = PendingPairing("d_" + "0a" * 16, name, public, at, at, "BCDF-GHJK", source, "0f" * 32)
    seal = PairingSeal(bytes(32), "https://habeas.example.com")
    request = seal.request(asked)
    assert len(request) <= MAX_SEALED
    assert seal.open_request(request) == asked
    assert seal.open_device_code(request) is None


# Device codes and tokens


def test_waiting_for_approval_leaves_no_row_and_asks_no_writer(company, key):
    begun = start(company, key)
    with company.read() as tx:
        signed = assertion(key, begun.device_id, company.now)
        answer = company.services.pairing.refusal(tx, signed, company.now, begun.device_code)
    assert answer.error == "authorization_pending"


def test_the_device_code_of_another_device_is_worth_nothing(company, key):
    mine, other = start(company, key), start(company, LocalSigner.generate())
    open_link(company, mine.request)
    open_link(company, other.request, "E-1001")
    assert redeem(company, other, key).error == "invalid_client"
    swapped = replace(mine, device_code=other.device_code)
    assert redeem(company, swapped, key).error == "invalid_client"
    assert isinstance(redeem(company, mine, key), Token)


def token(company, key, device):
    with company.write() as tx:
        signed = assertion(key, device.id, company.now)
        return company.services.pairing.token(tx, signed, company.now)


def issued(company) -> list[int]:
    """How many tokens each entry tells of."""
    return [leaf["facts"].get("tokens", 1) for leaf in company.entries("device.token_issued")]


def test_a_device_that_asks_all_the_time_is_one_entry_an_hour(company, key):
    device = company.pair(key=key)
    for _ in range(16):
        assert isinstance(token(company, key, device), Token)
        company.clock.advance(225)
    assert issued(company) == [1]
    token(company, key, device)
    assert issued(company) == [1, 16]


def test_a_device_that_asks_once_an_hour_has_the_entries_of_before(company, key):
    device = company.pair(key=key)
    for _ in range(3):
        token(company, key, device)
        company.clock.advance(3_600)
    assert [leaf["facts"] for leaf in company.entries("device.token_issued")] == [
        {"device": device.id}
    ] * 3


def test_tokens_of_a_device_that_is_silent_afterwards_are_told_by_the_next_device(company, key):
    device = company.pair(key=key)
    for _ in range(3):
        token(company, key, device)
    other = LocalSigner.generate()
    second = company.pair("E-1001", other)
    company.clock.advance(3_599)
    token(company, other, second)
    assert sorted(issued(company)) == [1, 1]
    company.clock.advance(1)
    token(company, other, second)
    assert sorted(issued(company)) == [1, 1, 2]


def test_too_many_tokens_are_refused_for_a_while_by_reading_and_other_devices_are_not(company, key):
    device, other = company.pair(key=key), LocalSigner.generate()
    second = company.pair("E-1001", other)
    given_tokens = [token(company, key, device) for _ in range(21)]
    assert [isinstance(each, Token) for each in given_tokens] == [True] * 20 + [False]
    refusal = given_tokens[-1]
    assert (refusal.error, refusal.retry_after_s) == ("slow_down", 120)
    with company.read() as tx:
        signed = assertion(key, device.id, company.now)
        assert company.services.pairing.refusal(tx, signed, company.now) == refusal
    assert isinstance(token(company, other, second), Token)
    company.clock.advance(120)
    assert isinstance(token(company, key, device), Token)
