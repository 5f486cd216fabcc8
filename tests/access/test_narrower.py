"""What policies say now and said during the capture: the strictest of all counts (law 7)."""

from dataclasses import replace

from hypothesis import given

from app.access.decision.decide import decide
from app.access.decision.facts import narrower
from app.access.decision.model import AccessReason, PolicyFacts, Question
from tests.access.questions import POLICIES, QUESTIONS, facts, person, policy


@given(POLICIES, POLICIES)
def test_nothing_is_wider_than_in_either(now: PolicyFacts, then: PolicyFacts) -> None:
    both = narrower(now, then)
    for one in (now, then):
        assert set(both.bases) <= set(one.bases)
        assert set(both.purposes) <= set(one.purposes)
        assert both.signals.keys() <= one.signals.keys()
        assert both.cohort_min >= one.cohort_min
        assert set(both.missing) >= set(one.missing)
        assert both.company <= one.company
        for against in ("unknown", "blocked", "lead_time", "stopped"):
            assert getattr(both, against) >= getattr(one, against)
        for signal, days in both.signals.items():
            limit = one.signals[signal]
            assert limit is None or (days is not None and days <= limit)


@given(QUESTIONS, POLICIES, POLICIES)
def test_what_either_refuses_is_refused(
    asked: Question, now: PolicyFacts, then: PolicyFacts
) -> None:
    reasons = set(decide(asked, facts(person(policy=narrower(now, then)))).reasons)
    if AccessReason.OUTSIDE_POLICY in reasons:  # a signal that is denied has no retention to pass
        reasons.add(AccessReason.RETENTION_PASSED)
    assert reasons >= set(decide(asked, facts(person(policy=now))).reasons)
    assert reasons >= set(decide(asked, facts(person(policy=then))).reasons)


@given(POLICIES, POLICIES)
def test_what_is_looser_in_both_is_not_closed(now: PolicyFacts, then: PolicyFacts) -> None:
    """Not stricter than needed: what both allow is allowed."""
    both = narrower(now, then)
    assert set(both.bases) == set(now.bases) & set(then.bases)
    assert both.signals.keys() == now.signals.keys() & then.signals.keys()
    assert both.cohort_min in {now.cohort_min, then.cohort_min}


def test_the_layers_at_capture_are_named_next_to_those_of_now() -> None:
    old = replace(policy(), layers=("sha256:" + "f" * 64,))
    both = narrower(replace(policy(), capture_layers=()), old)
    assert both.layers == policy().layers
    assert both.capture_layers == old.layers
