"""Law 3: one person narrows at once, and narrowing is no back door to anything wider."""

from datetime import timedelta
from typing import Any

import pytest

from app.kernel.errors import Forbidden, InvalidInput, NotFound
from app.policy.changes.model import ChangeState, Step
from tests.policy.house import (
    ANNA,
    CLARA,
    EMIL,
    GERMAN,
    GUDRUN,
    House,
    evidence,
    policy_text,
)

NARROWER = policy_text(
    "DE",
    {"apps": {"value": ["github"]}},
    evidence=evidence("works_agreement", "dpia"),
)
TIGHTER: dict[str, dict[str, Any]] = {
    "fewer apps": {"apps": {"value": ["github"]}},
    "no app at all": {"apps": {"value": []}},
    "a stricter mode": {
        "signals": {"pointer": {"mode": "deny"}, "click": {"mode": "allow", "retention_days": 14}}
    },
    "one more exclusion": {"exclusions": {"value": ["banking"]}},
    "a shorter lease": {"lease_ttl_s": {"value": 60}},
    "a larger cohort": {"cohort_min": {"value": 50}},
    "one more precondition": {"preconditions": {"value": ["permit"]}},
    "one more approver": {"approver_roles": {"value": ["dpo"]}},
    "hours where there were none": {"hours": {"value": {"mon": "08-18"}}},
}
WIDER: dict[str, tuple[dict[str, Any], str]] = {
    "one more app": ({"apps": {"value": ["github", "vscode", "jira"]}}, "apps"),
    "another app instead": ({"apps": {"value": ["jira"]}}, "apps"),
    "apps not named any more": ({"apps": None}, "apps"),
    "a looser mode": (
        {
            "signals": {
                "pointer": {"mode": "allow", "retention_days": 14},
                "click": {"mode": "allow", "retention_days": 14},
            }
        },
        "signals.pointer.mode",
    ),
    "longer keeping": (
        {
            "signals": {
                "pointer": {"mode": "redact", "retention_days": 15},
                "click": {"mode": "allow", "retention_days": 14},
            }
        },
        "signals.pointer.retention_days",
    ),
    "a signal not named any more": (
        {"signals": {"click": {"mode": "allow", "retention_days": 14}}},
        "signals.pointer.mode",
    ),
    "one more purpose": (
        {"purposes": {"value": ["ai_training.computer_use", "ai_training.evaluation"]}},
        "purposes",
    ),
    "narrower in one place and wider in another": (
        {"apps": {"value": ["github"]}, "purposes": {"value": ["ai_training.evaluation"]}},
        "purposes",
    ),
}
AGREED = evidence("works_agreement", "dpia")


@pytest.mark.parametrize("knobs", TIGHTER.values(), ids=TIGHTER.keys())
def test_one_person_tightens_at_once(house: House, knobs: dict[str, Any]) -> None:
    house.publish("DE", GERMAN)
    house.clock.advance(60)
    change = house.tighten(ANNA, "DE", policy_text("DE", knobs, evidence=AGREED))
    assert change.state is ChangeState.IN_FORCE
    assert change.direction == "narrows"
    assert {one.direction for one in change.changes} == {"narrows"}
    assert [one.step for one in change.steps] == [Step.TIGHTENED, Step.PUBLISHED]


@pytest.mark.parametrize(("knobs", "knob"), WIDER.values(), ids=WIDER.keys())
def test_one_person_does_not_widen(house: House, knobs: dict[str, Any], knob: str) -> None:
    house.publish("DE", GERMAN)
    with pytest.raises(InvalidInput, match="something becomes wider") as caught:
        house.tighten(ANNA, "DE", policy_text("DE", knobs, evidence=AGREED))
    assert knob in [fault.field for fault in caught.value.faults]
    assert house.in_force("DE").compiled.apps == {"github", "vscode"}


def test_of_a_list_that_becomes_wider_only_what_differs_is_told(house: House) -> None:
    place = {"id": "hr", "name": "HR", "why": "Files.", "examples": ["https://wiki.example.com/hr"]}
    hr, board = {**place, "urls": ["wiki.example.com/hr"]}, {**place, "id": "board"}
    board |= {"urls": ["board.example.com"], "examples": ["https://board.example.com/"]}
    house.publish("DE", policy_text("DE", {"own_exclusions": {"value": [hr, board]}}))
    less = {
        **hr,
        "urls": ["wiki.example.com/hr/pay"],
        "examples": ["https://wiki.example.com/hr/pay"],
    }
    for after, told in (
        ({"own_exclusions": {"value": [hr]}}, "becomes wider: without board"),
        ({"own_exclusions": {"value": [less, board]}}, "becomes wider: other hr"),
        ({}, "becomes wider: board, hr before, not named after"),
    ):
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", policy_text("DE", after))
        assert [fault.problem for fault in caught.value.faults] == [told]


class TestTighteningIsNoBackDoor:
    def test_new_evidence_needs_two_people(self, house: House) -> None:
        """Evidence opens: without it, capture is off in Germany."""
        house.publish("DE", policy_text("DE"))
        assert house.in_force("DE").missing == ("dpia", "works_agreement")
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", policy_text("DE", {"apps": {"value": []}}, evidence=AGREED))
        assert [fault.field for fault in caught.value.faults] == [
            "evidence.dpia",
            "evidence.works_agreement",
        ]

    def test_evidence_is_not_made_to_last_longer(self, house: House) -> None:
        ending = evidence("works_agreement", "dpia", valid_to="2026-12-31")
        house.publish("DE", policy_text("DE", evidence=ending))
        with pytest.raises(InvalidInput):
            house.tighten(ANNA, "DE", GERMAN)

    def test_taking_evidence_away_is_a_tightening(self, house: House) -> None:
        house.publish("DE", GERMAN)
        house.clock.advance(60)
        assert house.tighten(ANNA, "DE", policy_text("DE")).direction == "narrows"
        assert house.in_force("DE").missing == ("dpia", "works_agreement")

    def test_naming_what_nobody_named_opens_it(self, house: House) -> None:
        """No app is listed while nobody lists one; to list some is no tightening."""
        house.publish("DE", policy_text("DE", {"apps": None}, evidence=AGREED))
        assert house.in_force("DE").compiled.apps == frozenset()
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", GERMAN)
        assert [fault.field for fault in caught.value.faults] == ["apps"]

    def test_a_policy_is_not_made_to_last_longer(self, house: House) -> None:
        house.publish("DE", policy_text("DE", valid_to="2026-12-31"))
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", policy_text("DE", {"apps": {"value": []}}))
        assert [fault.field for fault in caught.value.faults] == ["valid_to"]

    def test_an_expired_policy_is_not_revived(self, house: House) -> None:
        house.publish("DE", policy_text("DE", valid_to="2026-12-31"))
        house.clock.advance(timedelta(days=60))
        assert house.in_force("DE").compiled.blocked
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", policy_text("DE", {"apps": {"value": []}}))
        assert "status" in [fault.field for fault in caught.value.faults]

    def test_a_tightening_during_a_lead_time_is_measured_against_what_holds(
        self, house: House
    ) -> None:
        lead = {"notice_lead_days": {"value": 14}}
        house.publish("DE", policy_text("DE", {**lead, "apps": {"value": ["github"]}}))
        house.clock.advance(timedelta(days=30))
        house.publish("DE", policy_text("DE", lead))
        house.clock.advance(60)
        with pytest.raises(InvalidInput):
            house.tighten(ANNA, "DE", policy_text("DE", {**lead, "lease_ttl_s": {"value": 60}}))

    def test_one_person_does_not_undo_what_was_approved_for_a_later_day(self, house: House) -> None:
        """To publish on top of it before its day would mean that it never starts."""
        lead = {"lease_ttl_s": {"value": 600}}
        house.publish("DE", policy_text("DE", lead, evidence=AGREED))
        house.clock.advance(60)
        narrowing = {**lead, "apps": {"value": ["github"]}}
        scheduled = house.publish(
            "DE", policy_text("DE", narrowing, evidence=AGREED, valid_from="2026-12-15")
        )
        assert scheduled.state is ChangeState.SCHEDULED
        house.clock.advance(60)
        with pytest.raises(InvalidInput, match="something becomes wider") as caught:
            house.tighten(
                ANNA, "DE", policy_text("DE", {"lease_ttl_s": {"value": 60}}, evidence=AGREED)
            )
        assert [fault.field for fault in caught.value.faults] == ["apps"]
        house.clock.advance(timedelta(days=40))
        assert house.look(scheduled).state is ChangeState.IN_FORCE
        assert house.in_force("DE").compiled.apps == {"github"}

    def test_evidence_that_is_taken_away_on_a_later_day_is_not_brought_back(
        self, house: House
    ) -> None:
        house.publish("DE", GERMAN)
        house.publish("DE", policy_text("DE", valid_from="2026-12-15"))
        with pytest.raises(InvalidInput) as caught:
            house.tighten(ANNA, "DE", NARROWER)
        assert [fault.field for fault in caught.value.faults] == [
            "evidence.dpia",
            "evidence.works_agreement",
        ]

    def test_only_legal_of_the_region_tightens(self, house: House) -> None:
        house.publish("DE", GERMAN)
        for other in (CLARA, EMIL):
            with pytest.raises(Forbidden):
                house.tighten(other, "DE", NARROWER)

    def test_somebody_with_every_role_still_counts_as_one(self, house: House) -> None:
        change = house.propose(GUDRUN, "DE", GERMAN)
        for role in ("legal", "works_council", None):
            with pytest.raises(Forbidden):
                house.approve(GUDRUN, change, role=role)


class TestWhatNoDatabaseKeeps:
    @pytest.mark.parametrize("note", ["a\0b", "a\ud800b", "x" * 2_001])
    def test_a_note_is_refused_by_name(self, house: House, note: str) -> None:
        now = house.clock.now()
        acts = (
            lambda tx: house.policy.workflow.propose(tx, ANNA, "DE", GERMAN, note, now),
            lambda tx: house.policy.stops.stop(tx, ANNA, "DE", note, now),
        )
        for act in acts:
            with pytest.raises(InvalidInput) as caught, house.database.write() as tx:
                act(tx)
            assert [fault.field for fault in caught.value.faults] == ["note"]
        assert house.entries("policy.proposed", "policy.stopped") == []

    def test_a_text_is_refused_by_name(self, house: House) -> None:
        with pytest.raises(InvalidInput) as caught:
            house.propose(ANNA, "DE", GERMAN + 'summary: "a\\0b"\n')
        assert "summary" in [fault.field for fault in caught.value.faults]

    def test_half_a_character_is_refused_by_its_line(self, house: House) -> None:
        line = GERMAN.count("\n") + 1
        with pytest.raises(InvalidInput, match=f"line {line}, .*escape"):
            house.propose(ANNA, "DE", GERMAN + 'summary: "a\\ud800b"\n')

    def test_a_number_that_nothing_can_have_is_not_found(self, house: House) -> None:
        for name in ("a\0b", "a\ud800b"):
            with house.database.read() as tx:
                with pytest.raises(NotFound):
                    house.policy.workflow.change(tx, name)
                with pytest.raises(NotFound):
                    house.policy.document(tx, name)
                assert house.policy.workflow.changes(tx, name) == ()


class TestDays:
    def test_a_day_to_come_is_refused_and_changes_nothing(self, house: House) -> None:
        house.publish("DE", GERMAN)
        before = house.entries()
        later = NARROWER + "valid_from: 2026-12-24\n"
        with pytest.raises(InvalidInput, match="holds at once") as caught:
            house.tighten(ANNA, "DE", later)
        assert [fault.field for fault in caught.value.faults] == ["valid_from"]
        assert house.entries() == before
        assert house.in_force("DE").compiled.apps == {"github", "vscode"}

    def test_a_day_that_has_come_is_no_obstacle(self, house: House) -> None:
        house.publish("DE", GERMAN)
        house.tighten(ANNA, "DE", NARROWER + "valid_from: 2026-11-01\n")
        assert house.in_force("DE").compiled.apps == {"github"}
