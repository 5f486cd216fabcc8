"""Two people, one text: how a company policy comes into force, and every way around it refused.

A case is a sentence and a list of steps. A step is ``who does what``; what is refused says with
what error and, in part, why.
"""

from datetime import timedelta

import pytest

from app.kernel.errors import (
    Conflict,
    Forbidden,
    HabeasError,
    InvalidInput,
    NotFound,
    Unreadable,
)
from app.kernel.vocabulary import Mode, Signal
from app.policy.changes.model import Change, ChangeState, Step
from app.policy.changes.transitions import KINDS, PERMISSIONS, TRANSITIONS
from app.policy.knobs import LEASE_TTL_S, PERSONAL_DEVICE, PRECONDITIONS_ASKED
from tests.make import person
from tests.policy.house import (
    ANN,
    ANNA,
    BEN,
    BERND,
    CLARA,
    GERMAN,
    PEOPLE,
    House,
    evidence,
    policy_text,
)

NARROWER = policy_text(
    "DE",
    {"apps": {"value": ["github"]}},
    evidence=evidence("works_agreement", "dpia"),
)
WITH_DPO = policy_text("DE", {"approver_roles": {"value": ["dpo"]}})

Case = tuple[list[str], ChangeState | type[HabeasError], str]
CASES: dict[str, Case] = {
    "legal and the works council of the region agree, and it is in force": (
        ["anna proposes", "bernd approves", "clara approves"],
        ChangeState.IN_FORCE,
        "",
    ),
    "the order of approvals is of no matter": (
        ["anna proposes", "clara approves", "bernd approves"],
        ChangeState.IN_FORCE,
        "",
    ),
    "the second person of legal alone is not enough where the floor asks for more": (
        ["anna proposes", "bernd approves"],
        ChangeState.IN_REVIEW,
        "works_council",
    ),
    "the works council alone is not enough": (
        ["anna proposes", "clara approves"],
        ChangeState.IN_REVIEW,
        "legal",
    ),
    "the author does not approve": (["anna proposes", "anna approves"], Forbidden, "you wrote"),
    "the author does not approve in another role either": (
        ["gudrun proposes", "gudrun approves as works_council"],
        Forbidden,
        "you wrote",
    ),
    "nobody approves twice": (
        ["anna proposes", "bernd approves", "bernd approves"],
        Conflict,
        "before",
    ),
    "nobody supplies two roles": (
        ["anna proposes", "gudrun approves as works_council", "gudrun approves as legal"],
        Conflict,
        "before",
    ),
    "who holds two roles leaves the one that is easier to find to others": (
        ["anna proposes", "gudrun approves", "bernd approves"],
        ChangeState.IN_FORCE,
        "",
    ),
    "who holds two roles may say which one they supply": (
        ["anna proposes", "gudrun approves as legal", "clara approves"],
        ChangeState.IN_FORCE,
        "",
    ),
    "nobody supplies a role that they do not hold": (
        ["anna proposes", "bernd approves as works_council"],
        Forbidden,
        "works_council@DE",
    ),
    "nobody supplies a role that nobody asks for": (
        ["anna proposes", "dora approves"],
        Forbidden,
        "legal@DE and works_council@DE",
    ),
    "legal of another region does not approve": (
        ["anna proposes", "emil approves"],
        Forbidden,
        "legal@DE",
    ),
    "legal of everywhere is not legal of the region": (
        ["anna proposes", "finn approves"],
        Forbidden,
        "legal@DE",
    ),
    "legal of another region does not propose": (["emil proposes"], Forbidden, "legal@DE"),
    "legal of everywhere does not propose for a region": (["finn proposes"], Forbidden, "legal@DE"),
    "the works council does not propose": (["clara proposes"], Forbidden, "legal@DE"),
    "somebody without a role does not propose": (["nobody proposes"], Forbidden, "legal@DE"),
    "a role that is needed was supplied already": (
        ["anna proposes", "bernd approves", "gudrun approves as legal"],
        Forbidden,
        "works_council@DE",
    ),
    "another text is not approved": (
        ["anna proposes", "bernd approves another text"],
        Conflict,
        "another text",
    ),
    "a withdrawn change is not approved": (
        ["anna proposes", "anna withdraws", "bernd approves"],
        Conflict,
        "withdrawn",
    ),
    "withdrawing in the middle of approvals voids them": (
        ["anna proposes", "bernd approves", "anna withdraws", "clara approves"],
        Conflict,
        "withdrawn",
    ),
    "the second person may withdraw it as well": (
        ["anna proposes", "bernd withdraws"],
        ChangeState.WITHDRAWN,
        "",
    ),
    "nothing is withdrawn twice": (
        ["anna proposes", "anna withdraws", "bernd withdraws"],
        Conflict,
        "withdrawn",
    ),
    "legal of another region does not withdraw": (
        ["anna proposes", "emil withdraws"],
        Forbidden,
        "legal@DE",
    ),
    "the works council does not withdraw": (
        ["anna proposes", "clara withdraws"],
        Forbidden,
        "legal@DE",
    ),
    "what is published is not withdrawn": (
        ["anna proposes", "bernd approves", "clara approves", "anna withdraws"],
        Conflict,
        "published",
    ),
    "what is published is not approved once more": (
        ["anna proposes", "bernd approves", "clara approves", "gudrun approves"],
        Conflict,
        "published",
    ),
    "the first policy of a region is no tightening": (
        ["anna tightens"],
        InvalidInput,
        "becomes wider",
    ),
}


def walk(house: House, steps: list[str], text: str = GERMAN) -> Change:
    change: Change | None = None
    for step in steps:
        who, what, *rest = step.split()
        actor = PEOPLE[who]
        if what == "proposes":
            change = house.propose(actor, "DE", text)
            continue
        if what == "tightens":
            change = house.tighten(actor, "DE", text)
            continue
        assert change is not None
        if what == "withdraws":
            change = house.withdraw(actor, change)
        elif rest[:1] == ["another"]:
            change = house.approve(actor, change, digest="sha256:" + "0" * 64)
        else:
            change = house.approve(actor, change, role=rest[1] if rest[:1] == ["as"] else None)
    assert change is not None
    return change


@pytest.mark.parametrize(("steps", "ends", "because"), CASES.values(), ids=CASES.keys())
def test_the_workflow(
    house: House, steps: list[str], ends: ChangeState | type[HabeasError], because: str
) -> None:
    if isinstance(ends, ChangeState):
        change = walk(house, steps)
        assert change.state is ends
        assert change.approvals_needed == ((because,) if because else ())
        assert house.in_force("DE").company is (ends is ChangeState.IN_FORCE)
        return
    with pytest.raises(ends, match=because):
        walk(house, steps)
    published = any("clara approves" in step for step in steps[:-1])
    assert house.in_force("DE").company is published


def test_what_is_refused_changes_nothing(house: House) -> None:
    change = house.propose(ANNA, "DE", GERMAN)
    before = house.entries()
    with pytest.raises(Forbidden):
        house.approve(ANNA, change)
    assert house.look(change) == change
    assert house.entries() == before


def test_every_step_is_an_entry_and_names_no_person(house: House) -> None:
    change = house.propose(ANNA, "DE", GERMAN, note="As agreed with Clara.")
    house.approve(BERND, change)
    house.approve(CLARA, change)
    proposed, first, second, published = house.entries(
        "policy.proposed", "policy.approved", "policy.published"
    )
    about = {"change": change.id, "region": "DE", "policy": change.digest}
    assert proposed["facts"] == {**about, "direction": "widens"}
    assert first["facts"] == {**about, "role": "legal", "remaining": ["works_council"]}
    assert second["facts"] == {**about, "role": "works_council", "remaining": []}
    assert published["facts"] == {
        **about,
        "direction": "widens",
        "valid_from": "2026-11-16T09:00:00.000000Z",
    }
    text = str([proposed, first, second, published])
    assert not any(name in text for name in ("anna", "bernd", "clara", "Clara", "agreed"))


def test_a_policy_can_ask_for_further_approvers_itself(house: House) -> None:
    change = house.propose(ANNA, "DE", WITH_DPO)
    assert change.approvals_needed == ("legal", "dpo", "works_council")


def test_an_approver_is_not_got_rid_of_without_their_approval(house: House) -> None:
    house.publish("DE", WITH_DPO)
    change = house.propose(ANNA, "DE", GERMAN)
    assert "dpo" in change.approvals_needed


def test_legal_is_asked_once_where_a_floor_asks_for_nobody_else(house: House) -> None:
    change = house.propose(ANN, "US", policy_text("US"))
    assert change.approvals_needed == ("legal",)
    assert house.approve(BEN, change).state is ChangeState.IN_FORCE


def test_a_renamed_account_is_the_same_person(house: House) -> None:
    renamed = person("anna", "legal@DE", name="Somebody Else", email="else@example.com")
    change = house.propose(ANNA, "DE", GERMAN)
    with pytest.raises(Forbidden, match="you wrote"):
        house.approve(renamed, change)


def test_a_change_written_on_top_of_another_policy_is_stale(house: House) -> None:
    """Both were reviewed as a difference from nothing; the second would undo the first unseen."""
    change = house.propose(ANNA, "DE", GERMAN)
    two = house.propose(ANNA, "DE", NARROWER)
    house.approve(BERND, two)
    house.approve(BERND, change)
    house.approve(CLARA, change)
    with pytest.raises(Conflict, match="another policy was published"):
        house.approve(CLARA, two)
    assert house.withdraw(ANNA, two).state is ChangeState.WITHDRAWN


def test_the_same_text_again_changes_nothing_and_is_said_so(house: House) -> None:
    house.publish("DE", GERMAN)
    with pytest.raises(InvalidInput, match="word for word"):
        house.propose(BERND, "DE", GERMAN)


def test_a_later_policy_supersedes(house: House) -> None:
    first = house.publish("DE", GERMAN)
    house.clock.advance(60)
    second = house.publish("DE", NARROWER)
    assert house.look(first).state is ChangeState.SUPERSEDED
    assert house.look(second).state is ChangeState.IN_FORCE
    assert second.direction == "narrows"


def test_widening_waits_for_the_lead_time(house: House) -> None:
    lead = {"notice_lead_days": {"value": 14}}
    house.publish("DE", policy_text("DE", {**lead, "apps": {"value": ["github"]}}))
    house.clock.advance(timedelta(days=30))
    wider = house.publish("DE", policy_text("DE", lead))
    assert wider.state is ChangeState.SCHEDULED
    assert wider.valid_from == house.clock.now() + timedelta(days=14)
    assert house.in_force("DE").compiled.apps == {"github"}
    house.clock.advance(timedelta(days=14))
    assert house.look(wider).state is ChangeState.IN_FORCE
    assert house.in_force("DE").compiled.apps == {"github", "vscode"}


def test_shortening_the_lead_time_waits_for_the_old_one(house: House) -> None:
    house.publish("DE", policy_text("DE", {"notice_lead_days": {"value": 14}}))
    house.clock.advance(timedelta(days=30))
    assert house.publish("DE", policy_text("DE")).state is ChangeState.SCHEDULED


def test_unknown_regions_and_changes_are_not_found(house: House) -> None:
    lawyer = person("zoe", "legal@XX")
    with pytest.raises(NotFound, match="no floor for the region XX"):
        house.propose(lawyer, "XX", policy_text("XX"))
    change = house.propose(ANNA, "DE", GERMAN)
    with house.database.write() as tx, pytest.raises(NotFound):
        house.policy.workflow.approve(
            tx, BERND, change.id[:-1] + "x", change.digest, house.clock.now()
        )


def test_a_text_that_cannot_be_read_changes_nothing(house: House) -> None:
    with pytest.raises(Unreadable, match="line 1"):
        house.propose(ANNA, "DE", "region: [")
    assert not house.entries("policy.proposed")


def test_a_note_has_an_end(house: House) -> None:
    with pytest.raises(InvalidInput, match="note is too long"):
        house.propose(ANNA, "DE", GERMAN, note="x" * 2_001)


def test_no_role_anywhere_puts_a_prohibited_purpose_into_a_policy(house: House) -> None:
    """Law 5."""
    text = policy_text("DE", {"purposes": {"value": ["performance_evaluation"]}})
    everything = person("root", *(f"{role}@DE" for role in ("legal", "works_council", "dpo")))
    for act in (house.propose, house.tighten):
        with pytest.raises(Unreadable, match="no purpose that can be allowed"):
            act(everything, "DE", text)


def test_the_company_cannot_loosen_the_floor(house: House) -> None:
    """Published by everybody who has a say, and still without effect."""
    knobs = {
        "signals": {
            "key_content": {"mode": "allow", "retention_days": 3_650},
            "screenshot": {"mode": "allow", "retention_days": 3_650},
        },
        "bases": {"value": ["notice", "consent"]},
        "lease_ttl_s": {"value": 86_400},
        "personal_device": {"value": "allow"},
        "counterparty": {"value": "allow"},
    }
    house.publish("DE", policy_text("DE", knobs))
    compiled = house.in_force("DE").compiled
    assert {basis.value for basis in compiled.bases} == {"consent"}
    assert compiled.signals[Signal.KEY_CONTENT].mode is Mode.DENY
    assert compiled.signals[Signal.SCREENSHOT].mode is Mode.DENY
    assert compiled[LEASE_TTL_S] == 900
    assert compiled[PERSONAL_DEVICE] is Mode.DENY
    assert compiled[PRECONDITIONS_ASKED] == {"works_agreement", "dpia"}


class TestPreview:
    def test_it_says_what_publishing_would_mean_and_changes_nothing(self, house: House) -> None:
        house.publish("DE", GERMAN)
        before = house.entries()
        with house.database.read() as tx:
            preview = house.policy.workflow.check(tx, "DE", NARROWER, house.clock.now())
        assert preview.direction == "narrows"
        assert [(change.knob, change.before, change.after) for change in preview.changes] == [
            ("apps", ["github", "vscode"], ["github"])
        ]
        assert preview.approvals_needed == ("legal", "works_council")
        assert house.entries() == before

    def test_the_first_policy_widens(self, house: House) -> None:
        with house.database.read() as tx:
            preview = house.policy.workflow.check(tx, "DE", GERMAN, house.clock.now())
        assert preview.direction == "widens"
        assert ("apps", "widens") in [(change.knob, change.direction) for change in preview.changes]

    def test_other_words_for_the_same_rules_change_nothing(self, house: House) -> None:
        house.publish("DE", GERMAN)
        with house.database.read() as tx:
            preview = house.policy.workflow.check(
                tx, "DE", f"summary: In other words.\n{GERMAN}", house.clock.now()
            )
        assert preview.direction == "same"
        assert preview.changes == ()


class TestTheTableItself:
    def test_every_step_has_a_kind_and_every_act_a_permission(self) -> None:
        assert KINDS.keys() == set(Step)
        assert PERMISSIONS.keys() == set(Step) - {Step.PUBLISHED}

    def test_nothing_leads_away_from_a_withdrawn_or_published_change(self) -> None:
        assert not {before for before, _ in TRANSITIONS} & {
            ChangeState.WITHDRAWN,
            ChangeState.SCHEDULED,
        }

    def test_publishing_is_reached_through_review_or_tightening_only(self) -> None:
        ways = {before for (before, step) in TRANSITIONS if step is Step.PUBLISHED}
        assert ways == {ChangeState.IN_REVIEW, ChangeState.APPROVED}
        assert [key for key, after in TRANSITIONS.items() if after is ChangeState.APPROVED] == [
            (ChangeState.DRAFT, Step.TIGHTENED)
        ]


def test_changes_are_listed_newest_first(house: House) -> None:
    one = house.propose(ANNA, "DE", GERMAN)
    house.clock.advance(60)
    two = house.propose(ANNA, "DE", NARROWER)
    house.clock.advance(60)
    three = house.propose(ANN, "US", policy_text("US"))
    with house.database.read() as tx:
        assert [change.id for change in house.policy.workflow.changes(tx)] == [
            three.id,
            two.id,
            one.id,
        ]
        assert [change.id for change in house.policy.workflow.changes(tx, "DE")] == [two.id, one.id]


class TestTerms:
    """What an approver was shown is what the approval is for."""

    def terms(self, house: House, change: Change) -> str:
        shown = house.look(change).terms
        assert shown is not None
        return shown.digest

    def test_the_terms_that_were_shown_are_approved(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        shown = self.terms(house, change)
        house.clock.advance(60)
        assert house.approve(BEN, change, terms=shown).state is ChangeState.IN_FORCE
        assert house.look(change).terms is None

    def test_another_day_of_the_beginning_is_read_again(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        shown, before = self.terms(house, change), house.entries()
        house.clock.advance(timedelta(days=1))
        with pytest.raises(Conflict, match="not what you read any more"):
            house.approve(BEN, change, terms=shown)
        assert house.entries() == before
        assert house.approve(BEN, change, terms=self.terms(house, change)).steps[-1].actor == "ben"

    def test_a_day_in_the_text_that_is_still_to_come_is_no_other_day_tomorrow(
        self, house: House
    ) -> None:
        change = house.propose(ANN, "US", policy_text("US", valid_from="2026-12-24"))
        shown = self.terms(house, change)
        house.clock.advance(timedelta(days=1))
        assert house.approve(BEN, change, terms=shown).state is ChangeState.SCHEDULED

    def test_another_rule_of_a_region_above_is_read_first(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        shown = self.terms(house, change)
        house.publish("GLOBAL", policy_text("GLOBAL", {"apps": {"value": ["github"]}}))
        with pytest.raises(Conflict, match="not what you read any more"):
            house.approve(BEN, change, terms=shown)

    def test_they_name_the_start_and_the_notice(self, house: House) -> None:
        lead = {"notice_lead_days": {"value": 14}}
        change = house.propose(ANN, "US", policy_text("US", lead))
        assert change.terms is not None
        assert change.terms.lead_days == 14
        assert change.terms.starts == house.clock.now() + timedelta(days=14)
        assert house.approve(BEN, change).valid_from == change.terms.starts
