"""Questions and facts of a plain permitted access, and ways to vary them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from app.access.decision.model import Caller, Facts, PersonFacts, PolicyFacts, Question, ScopeFacts
from app.access.floor.terms import ALLOWED, Function
from app.consent.model import State, suffices
from app.kernel.vocabulary import Signal

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TRAINING = "ai_training.computer_use"


def policy(**changes: Any) -> PolicyFacts:
    plain = PolicyFacts(
        layers=("sha256:" + "a" * 64,),
        capture_layers=("sha256:" + "a" * 64,),
        bases=("consent",),
        signals={"click": 30, "menu": 30},
        purposes=tuple(sorted(ALLOWED)),
        cohort_min=1,
    )
    return replace(plain, **changes)


def person(name: str = "p_one", **changes: Any) -> PersonFacts:
    plain = PersonFacts(
        person=name,
        line=("p_boss", "p_top"),
        standing="given",
        decision="d-1",
        suffices_now=True,
        suffices_at_capture=True,
        scope=ScopeFacts(("click", "menu"), tuple(sorted(ALLOWED))),
        policy=policy(),
    )
    return replace(plain, **changes)


def caller(**changes: Any) -> Caller:
    plain = Caller("pipeline", tuple(sorted(ALLOWED)), ("training",))
    return replace(plain, **changes)


def question(**changes: Any) -> Question:
    plain = Question(
        purpose=TRAINING,
        asked_at=NOW,
        dataset="ui-events",
        signals=("click",),
        captured_from=NOW - timedelta(days=2),
        captured_to=NOW - timedelta(days=1),
    )
    return replace(plain, **changes)


def facts(*people: PersonFacts, **changes: Any) -> Facts:
    return replace(Facts(caller(), people or (person(),), 0, role_policy=True), **changes)


SIGNALS = st.lists(st.sampled_from([signal.value for signal in Signal]), max_size=3, unique=True)
PURPOSES = st.one_of(
    st.sampled_from(sorted(ALLOWED)),
    st.sampled_from(["performance_evaluation", "legal.order", "hr.scoring", "nonsense", "", None]),
    st.integers(),
)
NAMES = st.sampled_from(["p_one", "p_two", "p_three", "p_boss", "p_top"])


def _subset(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values)).map(
        lambda found: tuple(sorted(found))
    )


POLICIES = st.builds(
    PolicyFacts,
    layers=st.just(("sha256:" + "b" * 64,)),
    capture_layers=_subset(["sha256:" + "c" * 64, "sha256:" + "d" * 64]),
    bases=_subset(["consent", "acknowledgement", "notice"]),
    signals=st.dictionaries(
        st.sampled_from([signal.value for signal in Signal]),
        st.none() | st.integers(0, 90) | st.integers(0, 2**53 - 1),
    ),
    purposes=_subset(sorted(ALLOWED)),
    cohort_min=st.integers(1, 3),
    unknown=st.booleans(),
    blocked=st.booleans(),
    company=st.booleans(),
    missing=_subset(["dpia", "works_agreement"]),
    lead_time=st.booleans(),
    stopped=st.booleans(),
) | st.just(policy())


def consistent(found: PersonFacts) -> PersonFacts:
    """The same person, with what follows from the standing as it follows."""
    state = State(found.standing)
    stands = state in {State.GIVEN, State.ACKNOWLEDGED}
    return replace(
        found,
        suffices_now=suffices(found.policy.bases, state),
        scope=(found.scope or ScopeFacts((), ())) if stands else None,
    )


PERSONS = st.builds(
    PersonFacts,
    person=NAMES,
    line=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    standing=st.sampled_from(sorted(State)).map(str),
    decision=st.none() | st.just("d-1"),
    suffices_now=st.booleans(),
    suffices_at_capture=st.booleans(),
    scope=st.none()
    | st.builds(ScopeFacts, _subset([s.value for s in Signal]), _subset(sorted(ALLOWED))),
    policy=POLICIES,
    left=st.booleans(),
).map(consistent) | NAMES.map(person)

CALLERS = st.builds(
    Caller,
    consumer=st.just("pipeline"),
    purposes=_subset(sorted(ALLOWED)),
    functions=_subset([function.value for function in Function]),
    kind=st.sampled_from(["consumer", "person", "unknown"]),
    person=st.none() | NAMES,
    person_functions=_subset(["hr", "legal", "dpo"]),
    person_left=st.booleans(),
) | st.just(caller())

INSTANTS = (
    st.none()
    | st.integers(-1, 100).map(lambda days: NOW - timedelta(days=days))
    | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
)
"""The near past mostly, and every instant that a datetime can be."""

QUESTIONS = (
    st.builds(
        Question,
        purpose=PURPOSES,
        asked_at=st.just(NOW),
        resource=st.sampled_from(["captured_data", "captured_data", "log", "other"]),
        action=st.sampled_from(["read", "other"]),
        dataset=st.none() | st.just("ui-events"),
        signals=SIGNALS.map(lambda found: tuple(sorted(found))),
        captured_from=INSTANTS,
        captured_to=INSTANTS,
    )
    | st.builds(question, purpose=st.sampled_from(sorted(ALLOWED)))
    | st.just(question())
)

FACTS = st.builds(
    Facts,
    caller=CALLERS,
    people=st.lists(PERSONS, max_size=3, unique_by=lambda one: one.person).map(tuple),
    people_unknown=st.integers(0, 1),
    role_policy=st.booleans(),
) | st.lists(PERSONS, min_size=1, max_size=2, unique_by=lambda one: one.person).map(
    lambda people: facts(*people)
)
