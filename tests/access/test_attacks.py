"""Attacks on access: stolen, replayed and forged grants; a withdrawal that races a decision."""

import base64
import hmac
import json
import threading
from collections.abc import Callable, ItemsView
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from app.access.decision.record import recorded
from app.consent.model import Act
from app.kernel.clock import instant
from app.kernel.errors import TooLarge, Unauthenticated, Unavailable
from app.kernel.signing import LocalSigner, b64u, sign_token, thumbprint
from app.kernel.tokens import GRANT_TYPE
from app.sdk.store.grants import SKEW_S, Grant, GrantRefused, RedeemedInMemory, check_grant
from tests.access.office import ALICE, BOB, LAWYERS, TRAINING, Office, codes
from tests.access.recomputed import recompute
from tests.fakes import FakeClock

SIGNER = LocalSigner.from_seed(bytes(32))
KEYS = {thumbprint(SIGNER.public): SIGNER.public}
MOMENT_S = 0.3
"""How long one waits for another who, as things should be, cannot come; seconds."""


def claims(clock: FakeClock, **changes: Any) -> dict[str, Any]:
    issued = int(clock.now().timestamp())
    return {
        "iss": "https://habeas.example.com",
        "aud": "pipeline",
        "jti": "g-1",
        "iat": issued,
        "exp": issued + 60,
        "purpose": TRAINING,
        "dataset": "events",
        "signals": ["click"],
        "captured_from": "2026-11-16T07:00:00Z",
        "captured_to": "2026-11-16T08:00:00Z",
        "persons": ["p_" + "1" * 32],
        "event": "e-1",
        "obligations": obliged(purpose=changes.get("purpose", TRAINING)),
        **changes,
    }


def obliged(**changes: Any) -> dict[str, Any]:
    """The obligations of a good grant, each as it must be but for the changes."""
    good = {"retain_days": 30, "purpose": TRAINING, "no_individual_evaluation": True}
    return {**good, **changes}


def signed(clock: FakeClock, **changes: Any) -> str:
    return sign_token(SIGNER, GRANT_TYPE, claims(clock, **changes))


def check(token: str, clock: FakeClock, **changes: Any) -> Grant:
    fields: dict[str, Any] = {
        "audience": "pipeline",
        "keys": KEYS,
        "now": clock.now(),
        "redeemed": RedeemedInMemory(),
    }
    return check_grant(token, **{**fields, **changes})


def at_once(*acts: Callable[[], object]) -> None:
    """Start everything together, each in a thread of its own; a failure of one is a failure."""
    start, failures = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_grant_opens_once(clock: FakeClock) -> None:
    redeemed = RedeemedInMemory()
    token = signed(clock)
    assert check(token, clock, redeemed=redeemed).people == {"p_" + "1" * 32}
    with pytest.raises(GrantRefused, match="used before"):
        check(token, clock, redeemed=redeemed)


class Meeting(dict[str, int]):
    """Remembered grants; who has looked one up waits a moment for another who looks one up."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def __contains__(self, grant_id: object) -> bool:
        known = super().__contains__(grant_id)
        with suppress(threading.BrokenBarrierError):
            self._both.wait(MOMENT_S)
        return known


def test_of_two_who_replay_a_grant_at_once_one_gets_through(clock: FakeClock) -> None:
    """They meet after looking and before taking note, unless one waits for the other."""
    redeemed, token = RedeemedInMemory(Meeting()), signed(clock)
    passed = []

    def replay() -> None:
        try:
            passed.append(check(token, clock, redeemed=redeemed))
        except GrantRefused:
            return

    at_once(replay, replay)
    assert len(passed) == 1


class Interrupted(dict[str, int]):
    """Remembered grants; while they are read one after the other, something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def items(self) -> ItemsView[str, int]:
        found = dict(self).items()
        self._meanwhile()
        return found


def test_a_grant_used_while_others_are_forgotten_is_not_forgotten_with_them(
    clock: FakeClock,
) -> None:
    ends = int(clock.now().timestamp()) + 60
    using = threading.Thread(target=lambda: redeemed.redeem("g-2", ends))

    def meanwhile() -> None:
        using.start()
        using.join(MOMENT_S)

    redeemed = RedeemedInMemory(Interrupted(meanwhile))
    redeemed.forget(clock.now())
    using.join()
    assert not redeemed.redeem("g-2", ends)


def test_a_grant_is_remembered_until_no_clock_believes_it_and_no_longer(clock: FakeClock) -> None:
    kept: dict[str, int] = {}
    redeemed, ends = RedeemedInMemory(kept), int(clock.now().timestamp()) + 60
    redeemed.redeem("g-1", ends)
    redeemed.forget(clock.now() + timedelta(seconds=60 + SKEW_S))
    assert not redeemed.redeem("g-1", ends)
    redeemed.forget(clock.now() + timedelta(seconds=60 + 2 * SKEW_S))
    assert redeemed.redeem("g-1", ends)


def test_forgetting_used_grants_opens_none_of_them_again(clock: FakeClock) -> None:
    redeemed, token = RedeemedInMemory(), signed(clock)
    check(token, clock, redeemed=redeemed)
    for seconds in range(0, 120, 5):
        later = clock.now() + timedelta(seconds=seconds)
        redeemed.forget(later)
        with pytest.raises(GrantRefused):
            check(token, clock, redeemed=redeemed, now=later)


def test_a_grant_of_another_consumer_opens_nothing(clock: FakeClock) -> None:
    with pytest.raises(GrantRefused, match="somebody else"):
        check(signed(clock, aud="people-analytics"), clock)


def test_a_refused_grant_is_not_used_up(clock: FakeClock) -> None:
    redeemed, token = RedeemedInMemory(), signed(clock)
    with pytest.raises(GrantRefused):
        check(token, clock, redeemed=redeemed, audience="people-analytics")
    assert check(token, clock, redeemed=redeemed)


@pytest.mark.parametrize("seconds", [60, 61, 3600, 10**9])
def test_an_expired_grant_opens_nothing(clock: FakeClock, seconds: int) -> None:
    with pytest.raises(GrantRefused, match="expired"):
        check(signed(clock), clock, now=clock.now() + timedelta(seconds=seconds))


def test_a_grant_from_the_future_opens_nothing(clock: FakeClock) -> None:
    with pytest.raises(GrantRefused, match="future"):
        check(signed(clock), clock, now=clock.now() - timedelta(seconds=6))


@pytest.mark.parametrize("life", [61, 3600, 0, -1])
def test_a_grant_that_claims_a_longer_life_opens_nothing(clock: FakeClock, life: int) -> None:
    expires = int(clock.now().timestamp()) + life
    with pytest.raises(GrantRefused):
        check(signed(clock, exp=expires), clock)


@pytest.mark.parametrize(
    "purpose", ["performance_evaluation", "Leistungsbeurteilung", "legal.order", "", "hr"]
)
def test_a_well_signed_grant_for_a_prohibited_purpose_opens_nothing(
    clock: FakeClock, purpose: str
) -> None:
    """Whoever steals the signing key still cannot make a store serve a performance evaluation."""
    with pytest.raises(GrantRefused, match="purpose"):
        check(signed(clock, purpose=purpose), clock)


def forged(header: dict[str, Any], body: dict[str, Any], signature: bytes) -> str:
    parts = [b64u(json.dumps(part).encode()) for part in (header, body)]
    return ".".join([*parts, b64u(signature)])


def test_forged_grants_open_nothing(clock: FakeClock) -> None:
    kid = thumbprint(SIGNER.public)
    body = claims(clock)
    thief = LocalSigner.generate()
    message = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": kid, "typ": GRANT_TYPE}, body)
    )
    with_public_key = hmac.new(SIGNER.public, message, sha256).digest()
    good = signed(clock)
    forgeries = {
        "no algorithm": forged({"alg": "none", "kid": kid, "typ": GRANT_TYPE}, body, b""),
        "HMAC with the public key": forged(
            {"alg": "HS256", "kid": kid, "typ": GRANT_TYPE}, body, with_public_key
        ),
        "the thief's own key": sign_token(thief, GRANT_TYPE, body),
        "the thief's key under our name": forged(
            {"alg": "Ed25519", "kid": kid, "typ": GRANT_TYPE}, body, thief.sign(message)
        ),
        "a path for a key id": forged(
            {"alg": "Ed25519", "kid": "../../lease", "typ": GRANT_TYPE}, body, b"x" * 64
        ),
        "a key in the header": forged(
            {"alg": "Ed25519", "kid": kid, "typ": GRANT_TYPE, "jwk": {}}, body, b"x" * 64
        ),
        "a lease for a grant": sign_token(SIGNER, "habeas-lease+jwt", body),
        "a receipt for a grant": sign_token(SIGNER, "habeas-receipt+jwt", body),
        "other claims under a good signature": ".".join(
            [
                good.split(".")[0],
                b64u(json.dumps({**body, "persons": ["p_x"]}).encode()),
                good.split(".")[2],
            ]
        ),
        "nothing": "",
        "noise": "a.b.c",
    }
    for name, token in forgeries.items():
        with pytest.raises(GrantRefused):
            pytest.fail(f"{name}: {check(token, clock)}")


ALICES = "p_" + "1" * 32
WITHIN = {
    "dataset": "events",
    "person": ALICES,
    "signal": "click",
    "captured_at": instant("2026-11-16T07:30:00Z"),
}
OUTSIDE: dict[str, dict[str, Any]] = {
    "another dataset": {"dataset": "audio"},
    "another person": {"person": "p_" + "2" * 32},
    "another signal": {"signal": "key_content"},
    "a moment before": {"captured_at": instant("2026-11-16T06:59:59Z")},
    "a moment after": {"captured_at": instant("2026-11-16T08:00:01Z")},
}


@pytest.mark.parametrize(
    "end", ["2026-11-16T07:00:00Z", "2026-11-16T07:30:00Z", "2026-11-16T08:00:00Z"]
)
def test_a_grant_covers_what_it_names_both_ends_included(clock: FakeClock, end: str) -> None:
    assert check(signed(clock), clock).covers(**{**WITHIN, "captured_at": instant(end)})


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_grant_does_not_cover(clock: FakeClock, case: str) -> None:
    assert not check(signed(clock), clock).covers(**{**WITHIN, **OUTSIDE[case]})


@pytest.mark.parametrize("missing", sorted(claims(FakeClock())))
def test_a_grant_that_lacks_a_claim_opens_nothing(clock: FakeClock, missing: str) -> None:
    body = claims(clock)
    del body[missing]
    with pytest.raises(GrantRefused):
        check(sign_token(SIGNER, GRANT_TYPE, body), clock)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": ["pipeline"]},
        {"exp": "9999999999"},
        {"exp": True},
        {"persons": "p_1"},
        {"signals": None},
        {"obligations": obliged(no_individual_evaluation=False)},
        {"obligations": obliged(no_individual_evaluation=None)},
        {"obligations": obliged(purpose="ai_training.evaluation")},
        {"obligations": []},
        {"captured_from": "yesterday"},
    ],
)
def test_a_grant_with_a_claim_of_another_type_opens_nothing(
    clock: FakeClock, change: dict[str, Any]
) -> None:
    with pytest.raises(GrantRefused):
        check(sign_token(SIGNER, GRANT_TYPE, {**claims(clock), **change}), clock)


def test_a_leases_key_signs_no_grant(office: Office) -> None:
    office.captured(ALICE)
    token = office.ask(ALICE).context["grant"]
    lease = office.services.keys.signer("lease").public
    with pytest.raises(GrantRefused):
        check(token, office.clock, keys={thumbprint(lease): lease})


def test_a_guessed_secret_opens_nothing(office: Office) -> None:
    with office.services.database.read() as tx:
        for guess in ("pipeline", "", "Bearer", "a" * 43, sha256(b"x").hexdigest()):
            with pytest.raises(Unauthenticated):
                office.services.consumers.authenticate(tx, guess, office.now)


def test_no_permit_holds_after_the_withdrawal_that_it_raced(office: Office) -> None:
    """For every permit, its index is below that of the opt-out."""
    office.captured(ALICE, BOB)
    for _ in range(4):
        permitted = threading.Event()

        def ask_often(permitted: threading.Event = permitted) -> None:
            for _ in range(4):
                if office.ask(BOB, ALICE).decision:
                    permitted.set()

        def withdraw(permitted: threading.Event = permitted) -> None:
            assert permitted.wait(60)  # so that it comes between permits, not before them all
            office.decide(ALICE, Act.WITHDRAWN)

        at_once(*[ask_often] * 4, withdraw)
        assert not office.ask(ALICE).decision
        office.opt_in(ALICE)
        office.clock.advance(3 * 3600)
    assert_no_permit_while_out(office)


def assert_no_permit_while_out(office: Office) -> None:
    opted_in, permits, refusals = False, 0, 0
    with office.services.database.read() as tx:
        alice = office.services.log.pseudonym(tx, ALICE.id)
    for entry in reversed(office.entries(subject=alice)):
        match entry.leaf["kind"]:
            case "consent.given":
                opted_in = True
            case "consent.withdrawn":
                opted_in = False
            case "access.decided" if entry.leaf["facts"]["outcome"] == "permit":
                assert opted_in, f"entry {entry.idx} permits after the opt-out"
                permits += 1
            case "access.decided":
                refusals += 1
    assert permits
    assert refusals


def test_a_dataset_is_no_way_to_write_into_the_log(office: Office) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, resource_id="alice-is-slow-on-mondays")
    assert not answer.decision
    assert codes(answer) == ["dataset_unknown"]
    facts = office.entry_of(answer)["facts"]
    assert facts["dataset"] is None
    assert recompute(facts) == recorded(facts)
    assert not any(b"alice-is-slow" in entry.raw for entry in office.entries())


def test_a_secret_replaced_between_knocking_and_asking_opens_nothing(office: Office) -> None:
    office.captured(ALICE)
    with office.services.database.read() as tx:
        known = office.services.consumers.authenticate(tx, office.secrets["pipeline"], office.now)
    office.register("pipeline", [TRAINING], ["training"])
    with pytest.raises(Unauthenticated), office.services.database.write() as tx:
        office.services.access.evaluate(tx, known, office.request(ALICE), office.now)
    assert not office.entries(kind="access.decided")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_withdrawal_waits_for_a_permit_that_is_being_written(office: Office) -> None:
    """On PostgreSQL; SQLite has one writer at a time. None comes between facts and entry."""
    office.captured(ALICE)
    with office.services.database.write() as tx:
        known = office.services.consumers.authenticate(tx, office.secrets["pipeline"], office.now)
        office.services.access.evaluate(tx, known, office.request(ALICE), office.now)
        with pytest.raises(Unavailable), office.services.database.write() as other:
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            office.services.consent.decide(other, ALICE, Act.WITHDRAWN, office.now)
    office.decide(ALICE, Act.WITHDRAWN)
    assert codes(office.ask(ALICE)) == ["consent_now"]


def test_a_stop_waits_for_a_permit_that_is_being_written(office: Office) -> None:
    """No permit is committed after a stop that it did not know."""
    office.captured(ALICE)

    def stop() -> None:
        with office.services.database.write() as tx:
            office.services.policy.stops.stop(tx, LAWYERS[0], "US-CA", "", office.now)

    stopping = threading.Thread(target=stop)
    with office.services.database.write() as tx:
        known = office.services.consumers.authenticate(tx, office.secrets["pipeline"], office.now)
        answer = office.services.access.evaluate(tx, known, office.request(ALICE), office.now)
        stopping.start()
        stopping.join(0.5)
        assert stopping.is_alive()
    stopping.join(10)
    assert answer.decision
    order = [entry.leaf["kind"] for entry in office.entries()]
    assert order.index("policy.stopped") < order.index("access.decided")  # newest first
    assert codes(office.ask(ALICE)) == ["stopped"]


def test_a_decision_that_cannot_be_recorded_is_not_given(office: Office) -> None:
    """Law 2: no row in the log, no answer. The question is too large to be recorded."""
    office.captured(ALICE)
    before = len(office.entries(kind="access.decided"))
    many = tuple(f"signal-{number}" for number in range(8_000))
    too_long = replace(office.request(ALICE), signals=many)
    with office.services.database.read() as tx:
        known = office.services.consumers.authenticate(tx, office.secrets["pipeline"], office.now)
    with pytest.raises(TooLarge), office.services.database.write() as tx:
        office.services.access.evaluate(tx, known, too_long, office.now)
    assert len(office.entries(kind="access.decided")) == before
    with office.services.database.read() as tx:
        assert office.services.access.uses(tx, ALICE.id) == ()
