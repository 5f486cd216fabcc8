"""A change as people review it: differences by rule, approvals, and why somebody cannot approve."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from app.access.enforcer import CasbinAuthority
from app.kernel.errors import Fault, Unavailable, Unreadable
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import Change, ChangeState, Preview, Step, StepTaken
from app.policy.law.layer import CompanyPolicy, Layer
from app.policy.model import KnobChange
from app.policy.prospect import ApprovalTerms
from app.settings import Settings
from app.web.legal import drafts
from app.web.legal.change_rows import approvals, diff_rows, headline, history, why_not_approve
from app.web.legal.effect_rows import approval_in_words
from tests import make

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
NAMES = {"E-1": "Ann", "E-2": "Ben"}
EMPTY = Catalogue({}, {})
POLICY = CompanyPolicy(
    "DE",
    "Germany",
    "",
    None,
    None,
    Layer("company/DE", "company", "DE", "sha256:0", MappingProxyType({})),
    (),
    b"",
)


def _change(**changes: object) -> Change:
    fields: dict[str, object] = {
        "id": "c",
        "region": "DE",
        "policy": POLICY,
        "direction": "widens",
        "author": "E-1",
        "note": "",
        "created_at": NOW,
        "state": ChangeState.IN_REVIEW,
        "steps": (StepTaken(1, Step.PROPOSED, "E-1", "", NOW),),
        "changes": (),
        "approvals_needed": ("legal", "works_council"),
        "valid_from": None,
    }
    return Change(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def authority() -> CasbinAuthority:
    rules = Settings(demo=True).policies / "access"
    return CasbinAuthority(rules / "model.conf", rules / "policy.csv")


def test_sets_show_what_came_and_went_not_whole_lists() -> None:
    (row,) = diff_rows([KnobChange("apps", ["figma", "jira"], ["jira", "slack"], "widens")], EMPTY)
    assert (row.removed, row.added) == (("figma",), ("slack",))
    assert (row.before, row.after) == ("2 listed", "2 listed")
    assert row.direction == "both"


def test_values_that_appear_or_vanish_are_named() -> None:
    rows = diff_rows(
        [
            KnobChange("apps", None, ["jira"], "widens"),
            KnobChange("signals.click.mode", "deny", "allow", "widens"),
            KnobChange("hours", None, [0, 1], "narrows"),
            KnobChange("evidence.dpia", None, "D-1 until 2027-12-31", "widens"),
            KnobChange("bases", ["consent", "notice"], [], "narrows"),
        ],
        EMPTY,
    )
    assert [(row.name, row.before, row.after) for row in rows] == [
        ("Apps", "not named", "1 listed"),
        ("Clicks", "deny", "allow"),
        ("Hours", "at any hour", "Monday 00:00 to 02:00"),
        ("Evidence: data protection impact assessment", "none", "D-1 until 2027-12-31"),
        ("Basis", "2 listed", "none"),
    ]


def test_given_approvals_come_before_those_to_come() -> None:
    given = StepTaken(2, Step.APPROVED, "E-2", "works_council", NOW)
    change = _change(steps=(*_change().steps, given), approvals_needed=("legal",))
    assert [(approval.role, approval.given_by) for approval in approvals(change, NAMES)] == [
        ("works_council", "Ben"),
        ("legal", ""),
    ]
    assert [told.sentence for told in history(change, NAMES)] == [
        "Approved by Ben for works council",
        "Proposed by Ann",
    ]


@pytest.mark.parametrize("state", list(ChangeState))
def test_every_state_is_a_sentence_about_the_region(state: ChangeState) -> None:
    assert headline(_change(state=state), {"DE": "Germany"}).startswith("A change for Germany ")


def test_a_disputed_change_is_said_to_be_one() -> None:
    said = headline(_change(disputed=True), {"DE": "Germany"})
    assert said == "A change for Germany is disputed: its record does not agree with the log."


@pytest.mark.parametrize("step", list(Step))
def test_every_step_is_told(step: Step) -> None:
    (told,) = history(_change(steps=(StepTaken(1, step, "E-1", "legal", NOW),)), NAMES)
    assert told.sentence


@pytest.mark.parametrize(
    ("person", "roles", "changes", "said"),
    [
        ("E-2", ("legal@DE",), {}, ""),
        ("E-2", ("works_council@DE",), {}, ""),
        ("E-1", ("legal@DE",), {}, "You wrote this change"),
        ("E-2", ("legal@FR",), {}, "you need the role legal@DE or works_council@DE"),
        ("E-2", ("auditor",), {}, "you need the role"),
        ("E-2", ("legal@DE",), {"state": ChangeState.IN_FORCE}, "Nothing is left"),
        ("E-2", ("legal@DE",), {"disputed": True}, "nobody can approve this change"),
        (
            "E-2",
            ("legal@DE",),
            {"disputed": True, "state": ChangeState.WITHDRAWN},
            "Nothing is left",
        ),
        ("E-2", ("legal@DE",), {"approvals_needed": ("works_council",)}, "not yours to give"),
        (
            "E-2",
            ("legal@DE",),
            {"steps": (StepTaken(2, Step.APPROVED, "E-2", "legal", NOW),)},
            "approved it already",
        ),
    ],
)
def test_whoever_cannot_approve_is_told_why(
    authority: CasbinAuthority,
    person: str,
    roles: tuple[str, ...],
    changes: Mapping[str, object],
    said: str,
) -> None:
    found = why_not_approve(
        _change(**changes), person, tuple(make.role(role) for role in roles), authority
    )
    assert said in found
    assert bool(said) == bool(found)


def _preview(direction: str, *ways: str, first: datetime | None = None) -> Preview:
    changes = tuple(KnobChange("apps", None, None, way) for way in ways)  # type: ignore[arg-type]
    policy, terms = replace(POLICY, valid_from=first), ApprovalTerms(first or NOW, 14, "")
    return Preview(policy, direction, changes, ("legal", "works_council"), terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("preview", "said"),
    [
        (_preview("same"), "The text says the same as the text before it."),
        (_preview("narrows", "narrows"), "only narrows: one person may put it in force at once."),
        (
            _preview("narrows", "narrows", first=NOW),
            "only narrows, but it begins on a later day, so it needs a second person of legal and",
        ),
        (_preview("widens", "widens", "narrows"), "this text widens 1 rule: it needs a second"),
        (_preview("widens", "widens"), "legal and the works council to approve."),
        (_preview("widens"), "this text is the first of its region: it needs"),
    ],
)
def test_who_must_approve_is_told_as_decided_by_the_text(preview: Preview, said: str) -> None:
    assert said in approval_in_words(preview)


def test_faults_are_taken_apart_into_place_and_problem() -> None:
    broken = Unreadable(
        "x", faults=(Fault("knobs.apps", "line 3, column 5: is empty", "Write it."), Fault("", "y"))
    )
    first, second = drafts.places(broken)
    assert (first.line, first.column, first.problem) == (3, 5, "is empty")
    assert (second.line, second.problem) == (0, "y")
    assert drafts.trouble(broken) == "1 place in the text needs mending"
    assert drafts.trouble(Unavailable("the database sleeps")) == "the database sleeps"
    assert drafts.trouble(None) == ""
