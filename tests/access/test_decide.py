"""The decision: deny overrides, every reason is named, narrowing never opens (laws 5 and 7)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.decision.decide import decide
from app.access.decision.model import (
    CAPTURED_DATA,
    AccessReason,
    Facts,
    PersonFacts,
    Question,
    ScopeFacts,
)
from app.access.decision.sentences import SENTENCES
from app.access.floor.terms import ALLOWED, Outcome, verdict
from tests.access.questions import (
    FACTS,
    NOW,
    QUESTIONS,
    caller,
    facts,
    person,
    policy,
    question,
)

OWN = {"purpose": "rights.fulfilment", "signals": ("click",)}


def own_caller(**changes: Any) -> Any:
    return caller(functions=("rights",), kind="person", person="p_one", **changes)


def codes(asked: Question, known: Facts) -> list[str]:
    return [reason.value for reason in decide(asked, known).reasons]


def test_consented_data_may_train() -> None:
    decision = decide(question(), facts())
    assert decision.permit
    assert decision.retain_days == 28


CASES: dict[str, tuple[Question, Facts, list[str]]] = {
    "no purpose": (
        question(purpose=None),
        facts(),
        ["purpose_missing"],
    ),
    "a purpose nobody knows": (
        question(purpose="curiosity"),
        facts(),
        ["purpose_unknown"],
    ),
    "performance evaluation": (
        question(purpose="performance_evaluation"),
        facts(),
        ["purpose_prohibited"],
    ),
    "a legal order": (
        question(purpose="legal.order"),
        facts(),
        ["purpose_unavailable"],
    ),
    "a consumer not registered for it": (
        question(),
        facts(caller=caller(purposes=("rights.fulfilment",))),
        ["consumer_not_registered"],
    ),
    "somebody unknown asks": (
        question(),
        facts(caller=caller(kind="unknown")),
        ["caller_unknown"],
    ),
    "an HR system with an innocent purpose": (
        question(),
        facts(caller=caller(functions=("hr", "training"))),
        ["caller_separated"],
    ),
    "on behalf of somebody in HR": (
        question(),
        facts(caller=caller(kind="person", person="p_hr", person_functions=("hr",))),
        ["caller_separated"],
    ),
    "on behalf of the manager": (
        question(),
        facts(caller=caller(kind="person", person="p_boss")),
        ["caller_in_line"],
    ),
    "on behalf of the manager's manager": (
        question(),
        facts(caller=caller(kind="person", person="p_top")),
        ["caller_in_line"],
    ),
    "on behalf of the manager of one of several": (
        question(),
        facts(
            person("p_two", line=("p_other",)),
            person("p_one"),
            caller=caller(kind="person", person="p_boss"),
        ),
        ["caller_in_line"],
    ),
    "on behalf of somebody who left": (
        question(),
        facts(caller=caller(kind="person", person="p_x", person_left=True)),
        ["caller_unknown"],
    ),
    "nobody asked about": (question(), Facts(caller(), role_policy=True), ["persons_missing"]),
    "somebody unknown asked about": (question(), facts(people_unknown=1), ["person_unknown"]),
    "somebody who left": (question(), facts(person(left=True)), ["person_left"]),
    "somebody whose record is disputed": (
        question(),
        facts(person(disputed=True)),
        ["record_disputed"],
    ),
    "rules whose record is disputed": (
        question(),
        facts(person(policy=policy(disputed=True))),
        ["record_disputed"],
    ),
    "fewer people than the floor asks for": (
        question(),
        facts(person("p_one", policy=policy(cohort_min=3)), person("p_two")),
        ["cohort_too_small"],
    ),
    "no known dataset": (question(dataset=None), facts(), ["dataset_unknown"]),
    "no interval": (question(captured_from=None), facts(), ["capture_interval_missing"]),
    "an interval that ends before it begins": (
        question(captured_to=NOW - timedelta(days=3)),
        facts(),
        ["capture_interval_missing"],
    ),
    "an interval in the future": (
        question(captured_to=NOW + timedelta(days=3)),
        facts(),
        ["capture_interval_missing"],
    ),
    "no consent at capture": (
        question(),
        facts(person(suffices_at_capture=False)),
        ["consent_at_capture"],
    ),
    "withdrawn since": (
        question(),
        facts(person(suffices_now=False, scope=None)),
        ["consent_now"],
    ),
    "no signals named": (question(signals=()), facts(), ["signals_missing"]),
    "a signal that was not agreed to": (
        question(signals=("click", "menu")),
        facts(person(scope=ScopeFacts(("click",), ("ai_training.computer_use",)))),
        ["outside_scope"],
    ),
    "a purpose that was not agreed to": (
        question(purpose="ai_training.evaluation"),
        facts(person(scope=ScopeFacts(("click",), ("ai_training.computer_use",)))),
        ["outside_scope"],
    ),
    "a signal that the policy denies": (
        question(signals=("screenshot",)),
        facts(person(scope=ScopeFacts(("screenshot",), tuple(ALLOWED)))),
        ["outside_policy"],
    ),
    "kept for too long": (
        question(captured_from=NOW - timedelta(days=30)),
        facts(),
        ["retention_passed"],
    ),
    "a region without a floor": (
        question(),
        facts(person(policy=policy(unknown=True))),
        ["region_unknown"],
    ),
    "a blocked region": (
        question(),
        facts(person(policy=policy(blocked=True))),
        ["region_blocked"],
    ),
    "a region without a basis": (
        question(),
        facts(person(policy=policy(bases=()))),
        ["region_blocked"],
    ),
    "a region where only a collective agreement is left": (
        question(),
        facts(person(policy=policy(bases=("collective",)))),
        ["consent_now"],
    ),
    "no company policy": (
        question(),
        facts(person(policy=policy(company=False))),
        ["policy_missing"],
    ),
    "an expired works agreement": (
        question(),
        facts(person(policy=policy(missing=("works_agreement",)))),
        ["precondition_missing"],
    ),
    "captured in the lead time": (
        question(),
        facts(person(policy=policy(lead_time=True))),
        ["lead_time"],
    ),
    "under the stop": (question(), facts(person(policy=policy(stopped=True))), ["stopped"]),
    "no role row": (question(), facts(role_policy=False), ["role_policy"]),
    "a person asks for redaction": (
        question(purpose="safeguard.redaction"),
        facts(caller=caller(kind="person", person="p_x")),
        ["machine_only"],
    ),
    "operations ask for content": (
        question(purpose="capture.operations", signals=("key_content",)),
        facts(
            person(
                policy=policy(signals={"key_content": 3}),
                scope=ScopeFacts(("key_content",), tuple(ALLOWED)),
            )
        ),
        ["signals_not_for_purpose"],
    ),
    "security without a second person": (
        question(purpose="store.security"),
        facts(),
        ["dual_control_missing"],
    ),
    "an audit asks for a signal": (
        question(purpose="audit.compliance"),
        facts(),
        ["signals_not_for_purpose"],
    ),
    "somebody asks for another's data as a right": (
        question(**OWN),
        facts(person("p_two", line=()), caller=own_caller()),
        ["own_data_only"],
    ),
    "somebody asks for their own data and a colleague's": (
        question(**OWN),
        facts(person("p_one"), person("p_two"), caller=own_caller()),
        ["own_data_only"],
    ),
    "a system asks for rights on nobody's behalf": (
        question(**OWN),
        facts(caller=caller(functions=("rights",))),
        ["own_data_only"],
    ),
    "everything at once": (
        question(purpose="performance_evaluation", signals=("screenshot",), captured_from=None),
        Facts(
            caller(functions=("hr",), kind="person", person="p_boss", person_functions=("hr",)),
            (
                person(
                    suffices_now=False,
                    suffices_at_capture=False,
                    scope=None,
                    policy=policy(unknown=True, blocked=True, company=False, stopped=True),
                ),
            ),
            1,
            role_policy=False,
        ),
        [
            "purpose_prohibited",
            "caller_separated",
            "caller_in_line",
            "person_unknown",
            "capture_interval_missing",
            "consent_at_capture",
            "consent_now",
            "outside_policy",
            "region_unknown",
            "region_blocked",
            "policy_missing",
            "stopped",
            "role_policy",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_refusal_names_its_reasons(case: str) -> None:
    asked, known, expected = CASES[case]
    assert codes(asked, known) == expected


def test_a_person_reads_their_own_data_whatever_they_decided_and_whatever_their_work_is() -> None:
    bare = person(suffices_now=False, suffices_at_capture=False, scope=None, left=True)
    blocked = replace(bare, policy=policy(blocked=True, stopped=True, unknown=True, company=False))
    known = facts(blocked, caller=own_caller(person_functions=("hr",), person_left=True))
    assert decide(question(**OWN), known).permit


def test_an_hr_system_may_not_even_fulfil_rights() -> None:
    known = facts(caller=own_caller(), people=(person(),))
    hr = replace(known, caller=replace(known.caller, functions=("hr", "rights")))
    assert codes(question(**OWN), hr) == ["caller_separated"]


def test_an_audit_reads_metadata_without_consent() -> None:
    known = facts(person(suffices_now=False, scope=None), caller=caller(functions=("audit",)))
    assert decide(question(purpose="audit.compliance", signals=()), known).permit


def test_other_resource_types_are_decided_by_the_role_rows_alone() -> None:
    other = question(resource="log", purpose="performance_evaluation", captured_from=None)
    assert decide(other, Facts(caller(kind="unknown"), role_policy=True)).permit
    assert codes(other, facts(role_policy=False)) == ["role_policy"]


def test_a_person_named_twice_is_one_of_a_cohort() -> None:
    alone = person(policy=policy(cohort_min=2))
    assert codes(question(), facts(alone, alone)) == ["cohort_too_small"]
    assert codes(question(), facts(alone, person("p_two"))) == []


def test_the_shortest_retention_of_all_people_and_signals_counts() -> None:
    short = person("p_two", policy=policy(signals={"click": 60, "menu": 9}))
    decision = decide(question(signals=("click", "menu")), facts(person(), short))
    assert decision.retain_days == 7


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) == set(AccessReason)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_every_reason_is_reached_by_a_case() -> None:
    reached = {reason for _, _, expected in CASES.values() for reason in expected}
    assert reached == {reason.value for reason in AccessReason}


@given(QUESTIONS, FACTS)
def test_a_permit_on_captured_data_has_an_allowed_purpose_and_no_separated_caller(
    asked: Question, known: Facts
) -> None:
    if decide(asked, known).permit and asked.resource == CAPTURED_DATA:
        assert verdict(asked.purpose).outcome is Outcome.ALLOWED
        assert "hr" not in known.caller.functions
        assert all(known.caller.person not in one.line for one in known.people)
        if asked.purpose not in {"rights.fulfilment", "audit.compliance"}:
            assert all(one.suffices_now and one.suffices_at_capture for one in known.people)


@given(QUESTIONS, FACTS)
def test_reasons_come_in_one_order_and_once(asked: Question, known: Facts) -> None:
    reasons = decide(asked, known).reasons
    assert list(reasons) == [reason for reason in AccessReason if reason in reasons]


Narrowing = Callable[[PersonFacts], PersonFacts]

NARROWINGS: dict[str, Narrowing] = {
    "withdrawal": lambda one: replace(one, suffices_now=False, scope=None, standing="withdrawn"),
    "no consent at capture": lambda one: replace(one, suffices_at_capture=False),
    "smaller scope": lambda one: replace(one, scope=ScopeFacts((), ())),
    "left": lambda one: replace(one, left=True),
    "disputed": lambda one: replace(one, disputed=True),
    "stop": lambda one: replace(one, policy=replace(one.policy, stopped=True)),
    "blocked": lambda one: replace(one, policy=replace(one.policy, blocked=True)),
    "unknown region": lambda one: replace(one, policy=replace(one.policy, unknown=True)),
    "policy gone": lambda one: replace(one, policy=replace(one.policy, company=False)),
    "evidence expired": lambda one: replace(one, policy=replace(one.policy, missing=("dpia",))),
    "lead time": lambda one: replace(one, policy=replace(one.policy, lead_time=True)),
    # Where no basis is left, no standing suffices.
    "no basis": lambda one: replace(one, suffices_now=False, policy=replace(one.policy, bases=())),
    "signals denied": lambda one: replace(one, policy=replace(one.policy, signals={})),
    "retention cut": lambda one: replace(
        one, policy=replace(one.policy, signals=dict.fromkeys(one.policy.signals, 0))
    ),
    "purposes taken": lambda one: replace(one, policy=replace(one.policy, purposes=())),
    "larger cohort": lambda one: replace(
        one, policy=replace(one.policy, cohort_min=one.policy.cohort_min + 1)
    ),
}


@given(QUESTIONS, FACTS, st.sampled_from(sorted(NARROWINGS)), st.integers(0, 2))
def test_narrowing_one_person_only_adds_reasons(
    asked: Question, known: Facts, name: str, place: int
) -> None:
    people = list(known.people)
    if place < len(people):
        people[place] = NARROWINGS[name](people[place])
    before = set(decide(asked, known).reasons)
    after = set(decide(asked, replace(known, people=tuple(people))).reasons)
    # A scope that is gone is no longer "less than asked": the reason is then that nothing stands.
    assert before - {AccessReason.OUTSIDE_SCOPE} <= after
    assert not (before and not after)


@given(QUESTIONS, FACTS, st.data())
def test_one_more_manager_in_a_line_never_opens(
    asked: Question, known: Facts, data: st.DataObject
) -> None:
    above = data.draw(st.sampled_from(["p_boss", "p_top", "p_new", known.caller.person or "p_x"]))
    people = tuple(replace(one, line=(*one.line, above)) for one in known.people)
    before = set(decide(asked, known).reasons)
    after = set(decide(asked, replace(known, people=people)).reasons)
    assert before <= after


@given(QUESTIONS, FACTS)
def test_taking_from_the_caller_never_opens(asked: Question, known: Facts) -> None:
    before = decide(asked, known)
    for narrowed in (
        replace(known, caller=replace(known.caller, purposes=())),
        replace(known, caller=replace(known.caller, functions=(*known.caller.functions, "hr"))),
        replace(known, role_policy=False),
        replace(known, people_unknown=known.people_unknown + 1),
    ):
        assert before.permit or not decide(asked, narrowed).permit
