"""What others allow is understood whole or not at all."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Signal
from app.policy.counterparties import Counterparties, counterparty_document
from app.policy.knobs import REGISTRY
from app.sdk.agent.counterparties import read_counterparties
from app.sdk.lease import Lease, Refused, read_lease
from tests.agent_simulator import LeaseOffice
from tests.fakes import FakeClock

FORM = 2
rows = st.dictionaries(
    st.sampled_from(["DE", "NO", "US", "US-CA", "XK"]),
    st.fixed_dictionaries({signal: st.sampled_from(Mode) for signal in Signal}),
    max_size=5,
)
ROW = dict.fromkeys((signal.value for signal in REGISTRY.signals_in(FORM)), "redact")
ALL_DENIED = dict.fromkeys(ROW, "deny")
USUAL: dict[str, Any] = {
    "kind": "counterparties",
    "v": FORM,
    "regions": {"DE": ROW, "NO": ALL_DENIED},
    "unknown": ALL_DENIED,
}


def naming(data: bytes | None) -> Lease:
    """A lease of the form that names a document."""
    office = LeaseOffice(FakeClock())
    lease = read_lease(office.send().token, office.keys)
    return replace(lease, form=FORM, counterparties=None if data is None else digest(data))


def refused(lease: Lease, data: bytes | None) -> Refusal:
    with pytest.raises(Refused) as caught:
        read_counterparties(lease, data, REGISTRY)
    return caught.value.reason


@given(rows)
def test_whatever_the_service_writes_is_read(regions):
    data = canonical(counterparty_document(Counterparties(regions), FORM))
    assert read_counterparties(naming(data), data, REGISTRY) == json.loads(data)


def test_a_lease_that_names_none_comes_with_none():
    assert read_counterparties(naming(None), None, REGISTRY) is None


@pytest.mark.parametrize("data", [None, b"", b"{}", canonical({**USUAL, "regions": {}})])
def test_another_document_than_the_one_named_is_refused(data):
    assert refused(naming(canonical(USUAL)), data) is Refusal.POLICY_MISMATCH


MISSHAPEN: dict[str, Any] = {
    "no object": [],
    "a text": "counterparties",
    "another kind": {**USUAL, "kind": "policy"},
    "an older form": {**USUAL, "v": 1},
    "a later form": {**USUAL, "v": 3},
    "a form that is a truth": {**USUAL, "v": True},
    "a field more": {**USUAL, "only_if": "raining"},
    "no row for the unknown": {k: v for k, v in USUAL.items() if k != "unknown"},
    "no rows": {k: v for k, v in USUAL.items() if k != "regions"},
    "rows in a list": {**USUAL, "regions": [ROW]},
    "a row that is a mode": {**USUAL, "regions": {"DE": "deny"}},
    "a row without a signal": {**USUAL, "regions": {"DE": {"click": "deny"}}},
    "a row with another signal": {**USUAL, "regions": {"DE": {**ROW, "gaze": "deny"}}},
    "an unknown row without a signal": {**USUAL, "unknown": {"click": "deny"}},
    "a mode that does not exist": {**USUAL, "unknown": {**ALL_DENIED, "click": "everything"}},
    "a mode in capitals": {**USUAL, "regions": {"DE": {**ROW, "click": "ALLOW"}}},
    "a mode that is a number": {**USUAL, "regions": {"DE": {**ROW, "click": 2}}},
    "a mode that is nothing": {**USUAL, "regions": {"DE": {**ROW, "click": None}}},
    "a region that is none": {**USUAL, "regions": {"Germany": ROW}},
    "a region above countries": {**USUAL, "regions": {"EU": ROW}},
    "an unknown that allows more than a region": {**USUAL, "unknown": ROW},
}


@pytest.mark.parametrize("fault", MISSHAPEN)
def test_a_document_is_refused_that_has(fault):
    data = canonical(MISSHAPEN[fault])
    assert refused(naming(data), data) is Refusal.POLICY_UNREADABLE


@pytest.mark.parametrize(
    "data", [json.dumps(USUAL).encode(), b"\xff", b"{" * 10_000, b'{"v":2,"v":2}', b"NaN"]
)
def test_a_document_that_is_not_canonical_is_refused(data):
    assert refused(naming(data), data) is Refusal.POLICY_UNREADABLE


@pytest.mark.parametrize("claim", ["sha256:" + "0" * 63, "DE", 7, ["sha256:" + "0" * 64], {}])
def test_a_lease_whose_name_of_the_document_is_no_digest_is_unreadable(claim):
    office = LeaseOffice(FakeClock())
    with pytest.raises(Refused) as caught:
        read_lease(office.send(counterparties=claim).token, office.keys)
    assert caught.value.reason is Refusal.LEASE_UNREADABLE


@pytest.mark.parametrize("claim", ["Europe/Berlin", [7], [None], {"Europe/Berlin": 1}, 7, None])
def test_a_lease_whose_zones_are_no_list_of_texts_is_unreadable(claim):
    office = LeaseOffice(FakeClock())
    with pytest.raises(Refused) as caught:
        read_lease(office.send(zones=claim).token, office.keys)
    assert caught.value.reason is Refusal.LEASE_UNREADABLE


def test_zones_are_of_what_a_lease_says_and_what_others_allow_is_not():
    """The zones follow from where a person lives; another region's law changes any day."""
    office = LeaseOffice(FakeClock())
    said = {
        read_lease(office.send(zones=zones, counterparties=digest(name)).token, office.keys).says
        for zones in (["Europe/Berlin"], ["Europe/Paris"])
        for name in (b"one", b"other")
    }
    assert len(said) == 2
