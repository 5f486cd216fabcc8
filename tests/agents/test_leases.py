"""What a device is told, and what that leaves in the log. On both databases."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.agents.leases.service import MAX_CHANGES_PER_HOUR
from app.agents.leases.terms import Poll
from app.capture.directive import Circumstances, directive
from app.consent.model import Act
from app.kernel.canonical import digest, parse_canonical
from app.kernel.clock import instant
from app.kernel.errors import Forbidden, InvalidInput, NotFound
from app.kernel.facts import decode_part
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE, keys_for
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.guard import Guard
from tests.agents.conftest import POLICY

pytestmark = pytest.mark.slow

OURS = Poll(forms=str(AGENT_FORM))
"""What an agent of today says."""


def claims(company, answer):
    public = company.services.keys.signer("lease").public
    return read_token(answer.token, LEASE_TYPE, {thumbprint(public): public})


def test_a_consenting_person_under_a_policy_gets_a_lease_that_says_on(open_company):
    device = open_company.pair()
    answer = open_company.lease(device)
    signed = claims(open_company, answer)
    now = int(open_company.now.timestamp())
    assert answer.status == 200
    assert signed["capture"] == "on"
    assert signed["reasons"] == []
    assert signed["aud"] == device.id
    assert signed["iss"] == "http://127.0.0.1:8000"
    assert (signed["iat"], signed["exp"], signed["poll_s"]) == (now, now + 900, 15)
    assert signed["seq"]["consent"] == 1
    assert signed.keys() == {
        "iss", "aud", "jti", "iat", "exp", "seq", "capture", "reasons", "policy", "until",
        "poll_s", "min_agent",
    }  # fmt: skip


def test_the_policy_document_can_be_fetched_by_the_digest_in_the_lease(open_company):
    signed = claims(open_company, open_company.lease(open_company.pair(), OURS))
    with open_company.read() as tx:
        body = open_company.services.policy.document(tx, signed["policy"])
    assert digest(body) == signed["policy"]
    document = parse_canonical(body)
    assert [app["id"] for app in document["apps"]] == ["slack", "vscode"]
    assert document["signals"]["key_content"]["mode"] == "redact"


def test_before_anybody_decided_capture_is_off_and_no_document_is_named(company):
    company.publish()
    signed = claims(company, company.lease(company.pair()))
    assert (signed["capture"], signed["reasons"], signed["policy"]) == (
        "off",
        ["consent_missing"],
        None,
    )


def test_without_a_company_policy_capture_is_off(company):
    signed = claims(company, company.lease(company.pair()))
    assert "policy_missing" in signed["reasons"]


def test_an_unknown_region_turns_capture_off(company):
    signed = claims(company, company.lease(company.pair("E-IT")))
    assert signed["capture"] == "off"
    assert "region_unknown" in signed["reasons"]


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Act.WITHDRAWN, "consent_withdrawn"),
        (Act.REFUSED, "consent_refused"),
        (Act.PAUSED, "paused"),
    ],
)
def test_the_next_poll_after_opting_out_says_off(open_company, act, reason):
    device = open_company.pair()
    etag = open_company.lease(device).etag
    options = {"until": open_company.now + timedelta(hours=1)} if act is Act.PAUSED else {}
    open_company.decide(act, **options)
    answer = open_company.lease(device, Poll(if_none_match=etag))
    assert answer.status == 200
    assert claims(open_company, answer)["reasons"] == [reason]


def test_a_pause_says_until_when_and_ends_by_itself(open_company):
    device = open_company.pair()
    until = open_company.now + timedelta(minutes=30)
    open_company.decide(Act.PAUSED, until=until)
    assert claims(open_company, open_company.lease(device))["until"] == int(until.timestamp())
    open_company.clock.advance(1_800)
    assert claims(open_company, open_company.lease(device))["capture"] == "on"


@pytest.mark.parametrize("end", ["by itself", "resumed"])
def test_a_laptop_goes_on_after_a_pause(open_company, tmp_path, end):
    """It refuses a lease whose number is below one that it has seen: no number may fall."""
    services, device = open_company.services, open_company.pair()
    memory.begin(tmp_path, device.id)
    keys = keys_for(services.jwks, LEASE_TYPE)
    clock = open_company.clock
    guard = Guard(tmp_path, keys, device.id, clock, elapsed=clock.elapsed)

    def polled():
        assert open_company.taken(guard, device, OURS) is None
        return guard.state

    assert polled() is None
    open_company.decide(Act.PAUSED, until=open_company.now + timedelta(minutes=30))
    open_company.clock.advance(1)
    assert polled() is Reason.PAUSED
    if end == "resumed":
        open_company.decide(Act.RESUMED)
    open_company.clock.advance(1 if end == "resumed" else 1_800)
    assert polled() is None


def test_somebody_who_left_is_not_captured(open_company):
    from app.audit.entries.model import SYSTEM

    device = open_company.pair()
    with open_company.write() as tx:
        open_company.services.directory.leave(tx, "E-1000", SYSTEM, open_company.now)
    assert claims(open_company, open_company.lease(device))["reasons"] == ["left"]


def test_a_stop_reaches_the_next_poll(open_company):
    device = open_company.pair()
    etag = open_company.lease(device).etag
    with open_company.write() as tx:
        legal = open_company.services.directory.person(tx, "L-1")
        open_company.services.policy.stops.stop(tx, legal, "US-CA", "incident", open_company.now)
    answer = open_company.lease(device, Poll(if_none_match=etag))
    assert claims(open_company, answer)["reasons"] == ["stopped"]


def test_where_the_laptop_is_can_only_narrow(open_company):
    device = open_company.pair()
    on = claims(open_company, open_company.lease(device))
    assert on["capture"] == "on"
    in_norway = claims(open_company, open_company.lease(device, Poll(place="NO")))
    assert in_norway["capture"] == "off"
    assert claims(open_company, open_company.lease(device))["policy"] == on["policy"]


def test_a_place_cannot_undo_what_the_home_region_asks(company):
    device = company.pair("E-IT")
    assert claims(company, company.lease(device, Poll(place="US-CA")))["capture"] == "off"


NO_REGIONS = ["", "de", "GERMANY", "US_CA", "DE ", "D\x00"]


NO_PLACES = {
    "EU": "wider than a country",
    "EEA": "wider than a country",
    "GLOBAL": "wider than a country",
    "US": "US-CA (California), US-NY (New York)",
    "UK": "Write GB.",
    "XX": "no code of ISO 3166",
    "US-ZZ": "no part of United States",
}


@pytest.mark.parametrize("place", NO_PLACES)
def test_a_laptop_is_refused_that_says_it_is_where_no_laptop_can_be(open_company, place):
    device = open_company.pair()
    with pytest.raises(InvalidInput) as caught:
        open_company.lease(device, Poll(place=place))
    (fault,) = caught.value.faults
    assert fault.field == "place"
    assert NO_PLACES[place] in f"{fault.problem} {fault.cure}"


@pytest.mark.parametrize("place", ["JP", "US-TX", "DE-BE"])
def test_a_place_whose_rules_nobody_knows_is_told_as_unknown(open_company, place):
    device = open_company.pair()
    lease = claims(open_company, open_company.lease(device, Poll(place=place)))
    assert lease["capture"] == "off"
    assert lease["reasons"][0] == "region_unknown"


def test_a_place_that_is_no_region_is_an_error(open_company):
    for place in NO_REGIONS:
        device = open_company.pair()
        with pytest.raises(InvalidInput) as caught:
            open_company.lease(device, Poll(place=place))
        assert caught.value.faults[0].field == "place"


NO_NONCES = ["", "short", "with space here", "x" * 129]


def test_a_nonce_that_is_no_nonce_is_an_error(open_company):
    for nonce in NO_NONCES:
        device = open_company.pair()
        with pytest.raises(InvalidInput):
            open_company.lease(device, Poll(nonce=nonce))


def test_a_nonce_is_signed_in_and_never_answered_with_304(open_company):
    device = open_company.pair()
    etag = open_company.lease(device).etag
    answer = open_company.lease(device, Poll(if_none_match=etag, nonce="of-this-very-request"))
    assert answer.status == 200
    assert claims(open_company, answer)["nonce"] == "of-this-very-request"


HELD = ["{}", "W/{}", '"other", {}', '"a",W/{} ']


def test_who_holds_the_lease_is_answered_304(open_company):
    for form in HELD:
        device = open_company.pair()
        etag = open_company.lease(device).etag
        assert etag.startswith('"')
        assert etag.endswith('"')
        answer = open_company.lease(device, Poll(if_none_match=form.format(etag)))
        assert (answer.status, answer.token, answer.etag) == (304, None, etag)


NOT_HELD = ["", "*", '"something else"', "W/*"]


def test_who_holds_another_lease_or_none_is_answered_200(open_company):
    for header in NOT_HELD:
        device = open_company.pair()
        open_company.lease(device)
        assert open_company.lease(device, Poll(if_none_match=header)).status == 200


def test_304_is_only_answered_while_half_of_the_leases_life_is_left(open_company):
    device = open_company.pair()
    held = open_company.lease(device)
    expires = claims(open_company, held)["exp"]
    renewed = 0
    for _ in range(240):
        open_company.clock.advance(15)
        answer = open_company.lease(device, Poll(if_none_match=held.etag))
        left = expires - int(open_company.now.timestamp())
        if answer.status == 304:
            assert left >= 450
        else:
            held, expires = answer, claims(open_company, answer)["exp"]
            renewed += 1
    assert 7 <= renewed <= 9  # an hour, each 450 s


def test_a_lease_does_not_outlive_the_decision_it_rests_on(open_company):
    device = open_company.pair()
    until = claims(open_company, open_company.lease(device))["until"]
    open_company.clock.advance(until - open_company.now.timestamp() - 100)
    signed = claims(open_company, open_company.lease(device))
    assert (signed["capture"], signed["exp"]) == ("on", until)
    open_company.clock.advance(100)
    assert claims(open_company, open_company.lease(device))["reasons"] == ["consent_missing"]


def test_a_lease_does_not_outlive_the_evidence_it_rests_on(company):
    company.publish(POLICY.replace("valid_to: 2027-12-31", "valid_to: 2026-11-30"))
    company.decide()
    device = company.pair()
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    company.clock.at = ends - timedelta(seconds=100)
    signed = claims(company, company.lease(device))
    assert (signed["capture"], signed["exp"]) == ("on", int(ends.timestamp()))
    company.clock.at = ends
    assert claims(company, company.lease(device))["reasons"] == ["precondition_missing"]


def test_a_renewal_of_equal_content_is_no_entry(open_company):
    device = open_company.pair()
    for _ in range(5):
        open_company.lease(device)
        open_company.clock.advance(600)
    assert len(open_company.entries("lease.changed")) == 1


def answered_by_reading(company, device):
    """Whether the lease of a device can be renewed without an entry."""
    leases = company.services.leases
    with company.read() as tx:
        holder = leases.holder_of(tx, device.id)
        return leases.renewal(tx, holder, company.now) is not None


def test_a_renewal_is_answered_by_reading_alone(open_company):
    device = open_company.pair()
    open_company.lease(device)
    assert answered_by_reading(open_company, device)


def test_law_2_a_changed_lease_is_not_answered_by_reading(open_company):
    device = open_company.pair()
    assert not answered_by_reading(open_company, device)
    assert open_company.entries("lease.changed") == []


def test_law_2_an_entry_that_cannot_be_written_lets_no_lease_out(open_company):
    device = open_company.pair()
    with pytest.raises(RuntimeError, match="power cut"), open_company.write() as tx:
        open_company.services.leases.lease(tx, device, open_company.now)
        raise RuntimeError("power cut before the commit")
    assert not answered_by_reading(open_company, device)
    assert open_company.entries("lease.changed") == []


def test_each_change_is_one_entry_that_holds_all_the_directive_follows_from(open_company):
    device = open_company.pair()
    open_company.lease(device)
    open_company.decide(Act.WITHDRAWN)
    open_company.lease(device)
    on, off = open_company.entries("lease.changed")
    assert on["facts"]["capture"] == "on"
    assert off["facts"]["capture"] == "off"
    assert off["facts"]["standing"] == "withdrawn"
    assert off["facts"]["regions"] == {
        "home": "US-CA", "place": "US-CA", "entity": "US", "device": None,
    }  # fmt: skip
    assert on["actor"] == {"kind": "device", "id": device.id}
    assert "E-1000" not in str(on)
    for leaf in (on, off):
        again = directive(decode_part(Circumstances, leaf["facts"]), instant(leaf["occurred_at"]))
        assert [str(reason) for reason in again.reasons] == leaf["facts"]["reasons"]
        assert ("on" if again.capture else "off") == leaf["facts"]["capture"]


def test_policies_of_other_regions_write_no_entries(open_company):
    """The policy number is the same for everybody; it orders leases and says nothing else."""
    device = open_company.pair()
    first = open_company.lease(device)
    with open_company.write() as tx:
        legal = open_company.services.directory.person(tx, "L-3")
        open_company.services.policy.stops.stop(tx, legal, "US-NY", "elsewhere", open_company.now)
    second = open_company.lease(device, Poll(if_none_match=first.etag))
    before, after = claims(open_company, first), claims(open_company, second)
    assert after["seq"]["policy"] > before["seq"]["policy"]
    assert after["capture"] == "on"
    assert len(open_company.entries("lease.changed")) == 1


def test_a_laptop_that_leaps_to_and_fro_cannot_fill_the_log(open_company):
    """After sixty changes in an hour it gets no answer with a place; a withdrawal still arrives."""
    device = open_company.pair()
    for flip in range(MAX_CHANGES_PER_HOUR):
        open_company.lease(device, Poll(place="NO" if flip % 2 else "US-CA"))
    with pytest.raises(Forbidden) as caught:
        open_company.lease(device, Poll(place="US-CA"))
    assert caught.value.kind == "too-many-attempts"
    assert len(open_company.entries("lease.changed")) == MAX_CHANGES_PER_HOUR
    open_company.decide(Act.WITHDRAWN)
    assert claims(open_company, open_company.lease(device))["reasons"] == ["consent_withdrawn"]
    open_company.clock.advance(3_601)
    assert open_company.lease(device, Poll(place="NO")).status == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_law_2_nobody_else_writes_while_a_lease_is_made(open_company, database):
    """On SQLite whoever would change policy waits for this very transaction."""
    device = open_company.pair()
    with open_company.write() as tx:
        open_company.services.leases.lease(tx, device, open_company.now)
        raw = sqlite3.connect(str(database.engine.url.database), timeout=0)
        with closing(raw), pytest.raises(sqlite3.OperationalError, match="locked"):
            raw.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_law_2_a_lease_holds_policy_still_while_it_is_made(open_company):
    """Or a stop could be committed between the reading and the entry."""
    device = open_company.pair()
    with open_company.write() as tx:
        open_company.services.leases.lease(tx, device, open_company.now)
        with open_company.read() as other:
            found = text("SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted")
            held = [row.mode for row in other.execute(found)]
    assert "ShareLock" in held


def test_a_revoked_device_is_told_so_signed(open_company):
    device = open_company.pair()
    open_company.lease(device)
    with open_company.write() as tx:
        revoked = open_company.services.devices.revoke(
            tx, open_company.person(), device.id, open_company.now
        )
    assert not revoked.active
    assert claims(open_company, open_company.lease(revoked))["reasons"] == ["device_revoked"]


def test_law_7_a_device_revoked_meanwhile_is_off_whatever_the_caller_still_believes(open_company):
    device = open_company.pair()  # read before it was revoked
    with open_company.write() as tx:
        open_company.services.devices.revoke(tx, open_company.person(), device.id, open_company.now)
    assert claims(open_company, open_company.lease(device))["reasons"] == ["device_revoked"]


def test_the_page_and_the_lease_come_from_one_answer(open_company):
    device = open_company.pair()
    signed = claims(open_company, open_company.lease(device))
    with open_company.read() as tx:
        page = open_company.services.capture.situation(tx, open_company.person(), open_company.now)
    assert page.directive.capture
    assert page.policy_digest == signed["policy"]
    assert page.offer.apps == ("slack", "vscode")
    assert Reason.LEFT not in page.directive.reasons


def test_an_unknown_policy_document_is_not_found(open_company):
    with open_company.read() as tx, pytest.raises(NotFound):
        open_company.services.policy.document(tx, "sha256:" + "0" * 64)
