"""Law 1 at the other end: a data store takes nothing that no lease covers."""

from datetime import timedelta

import pytest

from app.agents.leases.terms import MIN_AGENT
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner
from app.kernel.vocabulary import Reason
from app.sdk.lease import (
    AGENT_VERSION,
    MOST_POLL_S,
    Lease,
    NotCovered,
    check_lease,
    read_lease,
)
from tests.agent_simulator import DEVICE, TTL_S, LeaseOffice


@pytest.fixture
def office(clock) -> LeaseOffice:
    return LeaseOffice(clock)


def test_what_was_captured_under_a_lease_is_covered(office, clock):
    token = office.send().token
    checked = check_lease(token, clock.now() + timedelta(seconds=30), DEVICE, office.keys)
    assert isinstance(checked, Lease)
    assert checked.policy is not None


@pytest.mark.parametrize(
    ("sentence", "seconds", "expected"),
    [
        ("captured at its end", TTL_S, Refusal.LEASE_EXPIRED),
        ("captured after its end", TTL_S + 3_600, Refusal.LEASE_EXPIRED),
        ("captured before it was given", -61, Refusal.EVENT_OUTSIDE_LEASE),
    ],
)
def test_law_1_what_was_captured_outside_the_leases_life_is_refused(
    office, clock, sentence, seconds, expected
):
    at = clock.now() + timedelta(seconds=seconds)
    assert check_lease(office.send().token, at, DEVICE, office.keys) == NotCovered(expected)


def test_law_1_data_of_another_device_is_refused(office, clock):
    checked = check_lease(office.send().token, clock.now(), "d_" + "2" * 32, office.keys)
    assert checked == NotCovered(Refusal.OTHER_DEVICE)


def test_law_1_data_under_an_off_lease_is_refused_with_its_reason(office, clock):
    office.withdraw()
    checked = check_lease(office.send().token, clock.now(), DEVICE, office.keys)
    assert checked == NotCovered(Reason.CONSENT_WITHDRAWN)


def test_law_1_a_lease_for_ten_years_covers_an_hour(office, clock):
    token = office.send(exp=int(clock.now().timestamp()) + 10**8).token
    at = clock.now() + timedelta(hours=1)
    assert check_lease(token, at, DEVICE, office.keys) == NotCovered(Refusal.LEASE_EXPIRED)


@pytest.mark.parametrize(("said", "waits"), [(0, 1), (15, 15), (2**53 - 1, MOST_POLL_S)])
def test_a_lease_that_says_to_ask_again_in_a_million_years_silences_no_laptop(office, said, waits):
    assert read_lease(office.send(poll_s=said).token, office.keys).poll_s == waits


def test_law_1_a_forged_lease_is_refused(clock):
    forged = LeaseOffice(clock, LocalSigner.generate()).send().token
    checked = check_lease(forged, clock.now(), DEVICE, LeaseOffice(clock).keys)
    assert checked == NotCovered(Refusal.LEASE_UNREADABLE)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "é.é.é", "[" * 20_000])
def test_law_1_what_is_no_lease_is_refused(office, clock, token):
    checked = check_lease(token, clock.now(), DEVICE, office.keys)
    assert checked == NotCovered(Refusal.LEASE_UNREADABLE)


CONTRADICTIONS = {
    "on, with a reason against it": {"capture": "on", "reasons": ["stopped"]},
    "on, without a policy": {"capture": "on", "reasons": [], "policy": None},
    "off, without a reason": {"capture": "off", "reasons": [], "policy": None},
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_law_1_a_lease_that_contradicts_itself_is_refused(office, clock, case):
    token = office.send(**CONTRADICTIONS[case]).token
    checked = check_lease(token, clock.now(), DEVICE, office.keys)
    assert checked == NotCovered(Refusal.LEASE_UNREADABLE)


def test_an_instant_without_a_zone_is_refused(office, clock):
    at = clock.now().replace(tzinfo=None)
    assert isinstance(check_lease(office.send().token, at, DEVICE, office.keys), NotCovered)


@pytest.mark.parametrize("flipped", range(0, 400, 7))
def test_law_1_no_flipped_letter_is_survived(office, clock, flipped):
    token = office.send().token
    place = flipped % len(token)
    other = "A" if token[place] != "A" else "B"
    changed = token[:place] + other + token[place + 1 :]
    assert isinstance(check_lease(changed, clock.now(), DEVICE, office.keys), NotCovered)


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        ("0.2.0", None),
        ("0.1.99", None),
        ("0.2.1", Refusal.AGENT_TOO_OLD),
        ("1.0.0", Refusal.AGENT_TOO_OLD),
        ("0.2", Refusal.AGENT_TOO_OLD),
        (2, Refusal.AGENT_TOO_OLD),
    ],
)
def test_an_agent_that_is_older_than_a_lease_asks_for_believes_none(office, clock, least, expected):
    checked = check_lease(office.send(min_agent=least).token, clock.now(), DEVICE, office.keys)
    assert checked == NotCovered(expected) if expected else isinstance(checked, Lease)


def test_the_service_asks_for_agents_as_ours_are():
    """Older ones took what their recorder left out of an event for harmless."""
    assert MIN_AGENT == ".".join(map(str, AGENT_VERSION)) == "0.2.0"
