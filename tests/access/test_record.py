"""What an entry records can be decided again from the entry alone, and comes out the same."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.decision.decide import decide
from app.access.decision.model import Facts, Question
from app.access.decision.record import (
    MAX_PERSONS,
    entry_facts,
    facts_from_entry,
    recorded,
)
from app.kernel.canonical import canonical
from tests.access.questions import FACTS, QUESTIONS, facts, person, question
from tests.access.recomputed import recompute


def entry(asked: Question, known: Facts) -> dict[str, Any]:
    """The facts as a reader of the log gets them: through canonical bytes."""
    written = entry_facts(
        asked, known, decide(asked, known), purposes="sha256:" + "0" * 64, grant=None
    )
    return json.loads(canonical(written))  # type: ignore[no-any-return]


@given(QUESTIONS, FACTS)
def test_a_recorded_decision_is_recomputed_to_the_same(asked: Question, known: Facts) -> None:
    leaf = entry(asked, known)
    assert recompute(leaf) == recorded(leaf) == decide(asked, known)


@given(QUESTIONS, FACTS)
def test_facts_survive_the_log_unchanged(asked: Question, known: Facts) -> None:
    read_question, read_facts = facts_from_entry(entry(asked, known))
    assert read_facts == known
    assert replace(read_question, purpose=None) == replace(asked, purpose=None)


@given(st.text())
def test_the_text_of_an_unknown_purpose_is_not_in_the_entry(text: str) -> None:
    marked = f"secret reason {text}"
    assert b"secret reason" not in canonical(entry(question(purpose=marked), facts()))


def test_changed_facts_are_found_by_deciding_again() -> None:
    refused = entry(question(), facts(person(standing="withdrawn", suffices_now=False, scope=None)))
    forged = {**refused, "outcome": "permit", "reasons": [], "retain_days": 28}
    assert recompute(forged) != recorded(forged)


@pytest.mark.parametrize("missing", ["people", "policies", "scopes", "consumer", "asked_at"])
def test_an_entry_that_lacks_a_fact_is_not_read(missing: str) -> None:
    leaf = entry(question(), facts())
    del leaf[missing]
    with pytest.raises(ValueError, match=f"^{missing}: is missing"):
        recompute(leaf)


@pytest.mark.parametrize(
    "change", [{"outcome": "deny"}, {"reasons": ["because"]}, {"reasons": ["stopped"]}]
)
def test_outcome_and_reasons_must_agree(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"decision|valid|contradict"):
        recorded({**entry(question(), facts()), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"standing": "withdrawn"},
        {"standing": "withdrawn", "scope": None},
        {"standing": "withdrawn", "suffices_now": False},
        {"suffices_now": False},
        {"scope": None},
        {"standing": "delighted"},
    ],
)
def test_an_entry_that_contradicts_itself_is_not_decided_again(change: dict[str, Any]) -> None:
    leaf = entry(question(), facts())
    leaf["people"][0] |= change
    if leaf["people"][0]["scope"] is None:
        leaf["scopes"] = []
    with pytest.raises(ValueError, match=r"contradicts?|not a valid State"):
        recompute(leaf)


def test_bases_under_which_the_standing_is_not_enough_contradict_a_permit() -> None:
    leaf = entry(question(), facts())
    leaf["policies"][0]["bases"] = ["permit"]
    with pytest.raises(ValueError, match="contradict"):
        recompute(leaf)


@pytest.mark.parametrize("asked", [question(signals=("screenshot",)), question(resource="log")])
def test_a_grant_next_to_what_grants_nothing_is_found(asked: Question) -> None:
    found = {**entry(asked, facts()), "grant": "g-1"}
    assert found["outcome"] == ("permit" if asked.resource == "log" else "deny")
    with pytest.raises(ValueError, match="a grant where nothing was granted"):
        recorded(found)
    permitted = {**entry(question(), facts()), "grant": "g-1"}
    assert recompute(permitted) == recorded(permitted)


def test_a_full_question_fits_into_an_entry() -> None:
    """65,535 bytes per entry, of which subjects and streams take about 160 per person."""
    people = tuple(
        person(f"p_{number:032x}", line=tuple(f"p_{level:032x}" for level in range(6)))
        for number in range(MAX_PERSONS)
    )
    leaf = entry(question(), facts(*people))
    assert len(canonical(leaf)) + 160 * MAX_PERSONS + 2_000 < 65_535


STRANGE = {
    "a fact more": ({"verdict": "fine"}, "verdict: is no fact"),
    "a number for a flag": ({"role_policy": 1}, "role_policy: is no flag"),
    "an instant with an offset": (
        {"asked_at": "2026-11-16T10:00:00+01:00"},
        "is no instant",
    ),
    "a text for a list of signals": ({"signals": "click"}, "signals: is no list"),
    "days in quotes": (
        {"policies": [{"signals": {"click": "30"}}]},
        "policies: layers: is missing",
    ),
    "a person with a fact more": ({"people": [{"name": "Ada"}]}, "people: name: is no fact"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_an_entry_that_is_written_otherwise_is_not_decided_again(case: str) -> None:
    change, problem = STRANGE[case]
    with pytest.raises(ValueError, match=problem):
        recompute({**entry(question(), facts()), **change})


def test_an_entry_from_before_regions_were_recorded_is_decided_again() -> None:
    leaf = entry(question(), facts())
    del leaf["people"][0]["region"]
    assert recompute(leaf) == recorded(leaf)


@pytest.mark.parametrize("place", [-1, 1, True, "0", None])
def test_a_person_under_a_policy_that_is_not_in_the_entry_is_not_decided_again(
    place: object,
) -> None:
    leaf = entry(question(), facts())
    leaf["people"][0]["policy"] = place
    with pytest.raises(ValueError, match="policy: is no place in policies"):
        recompute(leaf)
