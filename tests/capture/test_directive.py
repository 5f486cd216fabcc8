"""The directive: on only if nothing speaks against it; everything that does is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.capture.directive import Circumstances, directive
from app.consent.model import State
from app.kernel.facts import decode, encode
from app.kernel.vocabulary import Basis, Reason

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)

FINE = Circumstances(
    person_active=True,
    device_active=True,
    unknown=(),
    blocked=False,
    company=True,
    stopped=(),
    missing=(),
    lead_until=None,
    bases=frozenset({Basis.CONSENT}),
    state=State.GIVEN,
)

FAULTS: dict[str, dict[str, object]] = {
    "the person left": {"person_active": False},
    "the device is revoked": {"device_active": False},
    "a region has no floor": {"unknown": ("IT",)},
    "a layer blocks": {"blocked": True},
    "the home says nothing about the law": {"too_wide": ("US",)},
    "no basis is left": {"bases": frozenset()},
    "the company has no policy": {"company": False},
    "a stop holds": {"stopped": ("EU",)},
    "a works agreement is missing": {"missing": ("works_agreement",)},
    "the lead time runs": {"lead_until": NOW + timedelta(seconds=1)},
}

circumstances = st.builds(
    Circumstances,
    person_active=st.booleans(),
    device_active=st.booleans(),
    unknown=st.sampled_from([(), ("IT",)]),
    blocked=st.booleans(),
    company=st.booleans(),
    stopped=st.sampled_from([(), ("DE",), ("DE", "GLOBAL")]),
    missing=st.sampled_from([(), ("dpia",)]),
    lead_until=st.none()
    | st.integers(-1_000_000, 1_000_000).map(lambda s: NOW + timedelta(seconds=s)),
    bases=st.frozensets(st.sampled_from(Basis)),
    state=st.sampled_from(State),
    region_changed=st.booleans(),
)


def test_capture_is_on_when_nothing_prevents_it():
    answer = directive(FINE, NOW)
    assert answer.capture
    assert answer.reasons == ()


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("the person left", [Reason.LEFT]),
        ("the device is revoked", [Reason.DEVICE_REVOKED]),
        ("a region has no floor", [Reason.REGION_UNKNOWN]),
        ("a layer blocks", [Reason.REGION_BLOCKED]),
        ("no basis is left", [Reason.REGION_BLOCKED, Reason.CONSENT_MISSING]),
        ("the company has no policy", [Reason.POLICY_MISSING]),
        ("a stop holds", [Reason.STOPPED]),
        ("a works agreement is missing", [Reason.PRECONDITION_MISSING]),
        ("the lead time runs", [Reason.LEAD_TIME]),
    ],
)
def test_each_fault_alone_turns_capture_off_and_is_named(fault, reasons):
    answer = directive(replace(FINE, **FAULTS[fault]), NOW)
    assert not answer.capture
    assert list(answer.reasons) == reasons


@pytest.mark.parametrize(
    ("state", "region_changed", "reason"),
    [
        (State.NONE, False, Reason.CONSENT_MISSING),
        (State.EXPIRED, False, Reason.CONSENT_MISSING),
        (State.INVALIDATED, True, Reason.CONSENT_MISSING),
        (State.INVALIDATED, False, Reason.NOTICE_PENDING),
        (State.ACKNOWLEDGED, False, Reason.CONSENT_MISSING),
        (State.REFUSED, False, Reason.CONSENT_REFUSED),
        (State.WITHDRAWN, False, Reason.CONSENT_WITHDRAWN),
        (State.REVOKED, False, Reason.CONSENT_WITHDRAWN),
        (State.PAUSED, False, Reason.PAUSED),
    ],
)
def test_a_standing_that_does_not_suffice_is_named_by_its_kind(state, region_changed, reason):
    answer = directive(replace(FINE, state=state, region_changed=region_changed), NOW)
    assert answer.reasons == (reason,)


def test_acknowledging_is_enough_where_the_region_asks_for_no_more():
    enough = replace(FINE, bases=frozenset({Basis.ACKNOWLEDGEMENT}), state=State.ACKNOWLEDGED)
    assert directive(enough, NOW).capture


def test_where_no_decision_of_a_person_can_suffice_the_region_is_blocked():
    answer = directive(replace(FINE, bases=frozenset({Basis.COLLECTIVE, Basis.PERMIT})), NOW)
    assert Reason.REGION_BLOCKED in answer.reasons


def test_the_lead_time_is_over_at_its_very_end():
    assert directive(replace(FINE, lead_until=NOW), NOW).capture


def test_all_reasons_that_apply_are_named_in_one_order():
    everything: dict[str, object] = {}
    for fault in FAULTS.values():
        everything |= fault
    answer = directive(replace(FINE, **everything, state=State.WITHDRAWN), NOW)
    assert answer.reasons == (
        Reason.LEFT,
        Reason.DEVICE_REVOKED,
        Reason.REGION_UNKNOWN,
        Reason.REGION_BLOCKED,
        Reason.POLICY_MISSING,
        Reason.STOPPED,
        Reason.PRECONDITION_MISSING,
        Reason.LEAD_TIME,
        Reason.CONSENT_WITHDRAWN,
    )


@given(circumstances, st.sampled_from(sorted(FAULTS)))
def test_law_7_a_fault_only_ever_adds_reasons(before, fault):
    after = replace(before, **FAULTS[fault])
    assert set(directive(before, NOW).reasons) <= set(directive(after, NOW).reasons)


@given(circumstances, st.sampled_from([s for s in State if s is not State.GIVEN]))
def test_law_7_what_a_person_takes_back_never_turns_capture_on(before, state):
    assert not (
        directive(replace(before, state=state), NOW).capture
        and not directive(replace(before, state=State.GIVEN), NOW).capture
    )


@given(circumstances)
def test_capture_is_on_exactly_when_no_reason_is_given(given_now):
    answer = directive(given_now, NOW)
    assert answer.capture is (not answer.reasons)
    assert len(set(answer.reasons)) == len(answer.reasons)


@given(circumstances)
def test_the_facts_of_an_entry_are_enough_to_compute_the_directive_again(given_now):
    again = decode(Circumstances, encode(given_now))
    assert again == given_now
    assert directive(again, NOW) == directive(given_now, NOW)
