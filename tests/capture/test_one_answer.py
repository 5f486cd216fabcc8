"""One question, one answer (law 8).

Over generated rules and standings, leases, access decisions, legal's page and the employee's
sentence name the same obstacles.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.decision.decide import ACCESS
from app.access.decision.facts import person_facts, rules, scope_facts
from app.access.decision.model import (
    AccessReason,
    Caller,
    Facts,
    Question,
)
from app.access.decision.rules import CURRENT
from app.access.floor.terms import ALLOWED
from app.capture.agreement import mask_of
from app.capture.directive import LEASE, Circumstances, directive
from app.capture.extent import extent
from app.capture.obstacles import BARRED, CLOSED, FINAL, OF_POLICY, OWN, UNPLACED, Obstacle
from app.capture.situation import Situation, circumstances_of, obstacles_in, situation_of
from app.consent.model import OPENING, Act, Standing, State, next_decision, suffices
from app.kernel.vocabulary import Basis, Mode, Reason, Signal
from app.policy.agreement import Agreement, Limits
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.changes.model import RegionView
from app.policy.document import document
from app.policy.knobs import REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.model import InForce
from app.web.employee.answers import answers
from app.web.employee.state.phase import Permissions, extent_in_words, phase_of
from app.web.employee.state.state_words import offered_acts, state_in_words, told
from app.web.legal.region import region_sentence
from app.web.legal.region_table import cells, obstacle_rows
from app.web.words.obstacle_words import obstacle_words
from tests.agreements import agreed_to, agreements, bound
from tests.make import person
from tests.policy.layers import LAYERS

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TRAINING = "ai_training.computer_use"
ONE = Permissions(paired=1, current=1)
"""One laptop is paired, and holds the permission of now where there is one."""
# One app and one exclusion of the generated layers are on no list.
CATALOGUE = Catalogue(
    {name: App(name, name.upper(), "office", Matchers()) for name in "abc"},
    {name: Exclusion(name, name.upper(), "", Matchers()) for name in "abc"},
)
FLOOR = Why("floor/DE")


def layer(**knobs: object) -> Layer:
    """A layer that says this and constrains nothing else."""
    named = {name.replace("__", "."): value for name, value in knobs.items()}
    claims = {name: Claim(value, FLOOR) for name, value in named.items()}  # type: ignore[arg-type]
    return Layer("floor/DE", "floor", "DE", "sha256:1", claims)


OPEN = layer(
    status=1,
    bases=frozenset({"consent", "acknowledgement"}),
    apps=frozenset("ab"),
    purposes=frozenset({TRAINING, "b"}),
    **{f"signals__{signal}__mode": Mode.ALLOW for signal in Signal},
    **{f"signals__{signal}__retention_days": 30 for signal in Signal},
)
"""Rules under which everything is in order, for generated layers to be met with."""


@st.composite
def in_forces(draw: st.DrawFn) -> InForce:
    """What real compilation makes of generated layers, with what surrounds it."""
    # Generated layers bar capture more often than not, so that often there are none of them.
    generated = st.just([]) | st.lists(LAYERS, max_size=2)
    home, away = draw(generated), draw(generated)
    base = draw(st.sampled_from([True, True, False]))
    few = st.sampled_from([(), (), ("DE",)])
    return InForce(
        compiled=compile_layers([*([OPEN] if base else []), *home], away),
        layers=tuple(home + away),
        unknown=draw(few),
        company=draw(st.booleans()),
        evidence=(),
        missing=draw(st.sampled_from([(), (), ("dpia",)])),
        stopped=draw(few),
        lead_until=draw(st.sampled_from([None, None, NOW + timedelta(seconds=1)])),
        seq=1,
        too_wide=draw(st.sampled_from([(), (), ("US-CA",), ("DE",)])),
    )


AGREEMENTS = agreements([TRAINING, "a", "b"], "abcd")
WIDE = replace(
    next_decision((), person(), Act.GIVEN, NOW, decision_id="1"),
    signals=("click",),
    purposes=(TRAINING,),
    apps=("a",),
)


def limit(in_force: InForce, agreement: Agreement | None) -> Limits:
    return bound(in_force.compiled, agreement, CATALOGUE)


def found(standing: Standing, in_force: InForce, agreement: Agreement | None = None) -> Situation:
    return situation_of(person(), standing, in_force, NOW, agreement=agreement, limit=limit)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    state = draw(st.sampled_from(State))
    agrees = state in {State.GIVEN, State.ACKNOWLEDGED, State.PAUSED}
    return situation_of(
        person(active=draw(st.booleans())),
        Standing(state, agreed=WIDE if agrees else None),
        draw(in_forces()),
        NOW,
        agreement=draw(AGREEMENTS) if agrees else None,
        limit=limit,
        device_active=draw(st.booleans()),
        direct=CURRENT.directive,
    )


def view(in_force: InForce) -> RegionView:
    """The same as legal sees it."""

    @dataclass(frozen=True)
    class Germany:
        name: str = "Germany"

    return RegionView(
        region="DE",
        chain=("DE",),
        floor=Germany(),  # type: ignore[arg-type]
        in_force=in_force,
        policy=None,
        scheduled=None,
        stop=None,
        changes=(),
    )


def access_reasons(situation: Situation, *, places: bool = True) -> set[AccessReason]:
    """What an access decision says that is asked for nothing out of the ordinary."""
    looked_at = situation.person.places if places else None
    policy, standing = rules(situation.in_force, ("click",), looked_at), situation.standing
    asked = Question(
        purpose=TRAINING,
        asked_at=NOW,
        dataset="ui-events",
        signals=("click",),
        captured_from=NOW - timedelta(hours=2),
        captured_to=NOW - timedelta(hours=1),
    )
    one = person_facts(
        situation.person,
        ("p_one",),
        asked,
        standing=standing,
        policy=replace(policy, signals={"click": None}, purposes=(TRAINING,), cohort_min=1),
        between=lambda *_span, **_asked: True,
        scope=scope_facts(standing, asked, None),
    )
    caller = Caller("pipeline", tuple(sorted(ALLOWED)), ("training",))
    return set(CURRENT.decide(asked, Facts(caller, (one,), role_policy=True)).reasons)


# The tables are total


def test_every_obstacle_has_its_place_in_both_signed_lists() -> None:
    assert LEASE.keys() == ACCESS.keys() == set(Obstacle)


def test_where_agreeing_leads_to_nothing_no_obstacle_is_the_person_s_own() -> None:
    assert FINAL < CLOSED < set(Obstacle)
    assert CLOSED - {Obstacle.LEFT, Obstacle.PLACE_TOO_WIDE} <= OF_POLICY


# What is unknown


@given(in_forces())
def test_what_is_not_known_is_told_as_unknown_and_forbids_nothing(in_force: InForce) -> None:
    known = replace(in_force, unknown=())
    lost = replace(in_force, unknown=("XK",), layers=())
    assert Obstacle.REGION_UNKNOWN in obstacles_in(lost, CATALOGUE)
    assert not {Obstacle.REGION_BLOCKED, Obstacle.BASIS_INSUFFICIENT} & set(
        obstacles_in(lost, CATALOGUE)
    )
    assert (known.blocked, known.bases) == (known.compiled.blocked, known.compiled.bases)


@given(in_forces(), LAYERS)
def test_what_a_known_law_forbids_is_told_next_to_what_is_unknown(
    in_force: InForce, known: Layer
) -> None:
    barring = {"status": known.forbids, "bases": _takes_every_basis(known)}
    found = replace(in_force, unknown=("XK",), layers=(known,))
    assert found.blocked == any(barring.values())


def _takes_every_basis(known: Layer) -> bool:
    claim = known.knobs.get("bases")
    return claim is not None and not claim.value


@given(in_forces(), st.sampled_from(State).map(Standing))
def test_rules_1_look_at_no_place_and_say_what_they_said(
    in_force: InForce, standing: Standing
) -> None:
    before = circumstances_of(person(), standing, in_force, device_active=True, places=False)
    assert before.too_wide == ()
    assert (before.blocked, before.bases) == (in_force.compiled.blocked, in_force.compiled.bases)
    assert rules(in_force, ("click",), None) == replace(
        rules(replace(in_force, unknown=()), ("click",), ()), unknown=bool(in_force.unknown)
    )


@given(situations())
def test_who_is_recorded_where_nobody_can_live_is_off_and_no_signal_is_shown(
    situation: Situation,
) -> None:
    wide = bool({*situation.person.places} & {*situation.in_force.too_wide})
    assert (Obstacle.PLACE_TOO_WIDE in situation.obstacles) == wide
    assert not (wide and situation.directive.capture)
    assert not wide or Reason.REGION_UNKNOWN in situation.directive.reasons
    shown = answers(situation, {})
    assert not wide or all(row.mode == "deny" for row in shown.signals)
    unknown = bool(UNPLACED & {*situation.obstacles})
    assert shown.unplaced == unknown
    assert not (unknown and shown.grounds)


# The same obstacles


@given(situations())
def test_a_lease_names_what_prevents_capture(situation: Situation) -> None:
    expected = {LEASE[obstacle] for obstacle in situation.obstacles} - {None}
    assert set(situation.directive.reasons) == expected
    order = list(dict.fromkeys(reason for reason in LEASE.values() if reason))
    assert list(situation.directive.reasons) == [one for one in order if one in expected]


@given(situations())
def test_an_access_decision_names_what_prevents_capture(situation: Situation) -> None:
    expected = {ACCESS[obstacle] for obstacle in situation.obstacles} - {None}
    assert access_reasons(situation) == expected


@given(situations())
def test_legal_sees_every_obstacle_that_comes_from_the_rules(situation: Situation) -> None:
    expected = [obstacle for obstacle in situation.obstacles if obstacle in OF_POLICY]
    rows = obstacle_rows(situation.in_force, {}, CATALOGUE)
    assert [row.obstacle for row in rows] == expected
    assert list(obstacles_in(situation.in_force, CATALOGUE)) == expected
    sentence = region_sentence(view(situation.in_force), {}, CATALOGUE)
    assert ("nothing can be captured" in sentence) == bool(expected)


@given(situations())
def test_the_employee_s_sentence_says_nothing_is_captured_where_something_prevents_it(
    situation: Situation,
) -> None:
    words = state_in_words(situation, {}, ONE)
    sentence = "".join(part.text for part in words.parts)
    assert sentence.startswith("Nothing is captured. ") == bool(situation.obstacles)
    if situation.obstacles:
        assert words.parts == obstacle_words(situation.obstacles[0], situation, {}).sentence
    else:
        agreement, apps = situation.agreement, situation.in_force.compiled.apps
        allowed = (apps & (agreement.values["apps"] if agreement else apps)) & CATALOGUE.apps.keys()
        assert f" in {len(allowed)} app" in sentence


@given(situations())
def test_the_list_of_signals_is_introduced_by_what_the_sentence_says(situation: Situation) -> None:
    agreed = situation.agreement is not None
    listed = extent_in_words(situation, phase_of(situation, ONE))
    assert bool(listed) == bool(situation.obstacles)
    barred, unknown = BARRED & set(situation.obstacles), UNPLACED & set(situation.obstacles)
    assert listed.endswith("is not known.") == bool(unknown)
    assert listed.endswith("None of the signals may be captured.") == bool(barred and not unknown)
    assert ("if you agreed" in listed) == (not agreed and not barred)
    rows = answers(situation, {}).signals
    assert not (barred and any(row.mode != "deny" for row in rows))


@given(situations())
def test_the_employee_is_told_every_obstacle_that_says_something_new(situation: Situation) -> None:
    telling = told(situation) if situation.obstacles else ()
    assert telling == tuple(obstacle for obstacle in situation.obstacles if obstacle in telling)
    assert len(state_in_words(situation, {}, ONE).also) == max(0, len(telling) - 1)
    if FINAL.isdisjoint(telling):
        left_out = set(situation.obstacles) & OF_POLICY - set(telling)
        assert left_out <= {Obstacle.NOTHING_ALLOWED}
        assert not left_out or Obstacle.POLICY_MISSING in telling


def test_of_everything_at_once_all_is_told_but_what_follows_from_another_obstacle() -> None:
    situation = found(Standing(State.NONE), in_order(frozenset({"consent"})))
    everything = tuple(one for one in Obstacle if one not in FINAL)
    telling = told(replace(situation, obstacles=everything))
    following = {Obstacle.NOTHING_ALLOWED, Obstacle.NOTHING_AGREED}
    assert set(telling) == set(everything) - OWN - following


@given(situations())
def test_agreeing_is_offered_only_where_it_can_have_an_effect(situation: Situation) -> None:
    opening = OPENING & set(offered_acts(situation))
    assert not (opening and set(situation.obstacles) & CLOSED)


@given(situations())
def test_a_mark_of_legal_s_table_never_shows_a_signal_that_nobody_could_agree_to(
    situation: Situation,
) -> None:
    modes = {cell.mode for cell in cells(situation.in_force, {})}
    barred = BARRED & OF_POLICY & set(situation.obstacles)
    assert (modes == {"blocked"}) == bool(barred)


@given(situations())
def test_what_can_be_captured_is_what_the_agent_s_document_lists(situation: Situation) -> None:
    compiled = situation.in_force.compiled
    listed = document(situation.limits, compiled.registry.newest)
    reach = extent(situation.limits)
    signals = [name for name, rule in listed["signals"].items() if rule["mode"] != "deny"]
    if not compiled.blocked:
        assert reach.signals == tuple(signals)
        assert reach.apps == tuple(app["id"] for app in listed["apps"])
        assert reach.purposes == tuple(listed["purposes"])
    else:
        assert signals == listed["apps"] == listed["purposes"] == []


# Rules 1, written out once more: what release 0.1 signed


def rules_1(given: Circumstances, at: datetime) -> list[Reason]:
    """The directive as release 0.1 made it, word for word."""
    against = {
        Reason.LEFT: not given.person_active,
        Reason.DEVICE_REVOKED: not given.device_active,
        Reason.REGION_UNKNOWN: bool(given.unknown),
        Reason.REGION_BLOCKED: given.blocked or not suffices(given.bases, State.GIVEN),
        Reason.POLICY_MISSING: not given.company,
        Reason.STOPPED: bool(given.stopped),
        Reason.PRECONDITION_MISSING: bool(given.missing),
        Reason.LEAD_TIME: given.lead_until is not None and at < given.lead_until,
    }
    reasons = [reason for reason, applies in against.items() if applies]
    changed = given.state is State.INVALIDATED and not given.region_changed
    own = {
        State.REFUSED: Reason.CONSENT_REFUSED,
        State.WITHDRAWN: Reason.CONSENT_WITHDRAWN,
        State.REVOKED: Reason.CONSENT_WITHDRAWN,
        State.PAUSED: Reason.PAUSED,
    }
    if not suffices(given.bases, given.state):
        reasons.append(
            Reason.NOTICE_PENDING if changed else own.get(given.state, Reason.CONSENT_MISSING)
        )
    return reasons


CIRCUMSTANCES = st.builds(
    Circumstances,
    person_active=st.booleans(),
    device_active=st.booleans(),
    unknown=st.sampled_from([(), ("IT",)]),
    blocked=st.booleans(),
    company=st.booleans(),
    stopped=st.sampled_from([(), ("DE",)]),
    missing=st.sampled_from([(), ("dpia",)]),
    lead_until=st.sampled_from([None, NOW, NOW + timedelta(seconds=1), NOW - timedelta(days=1)]),
    bases=st.frozensets(st.sampled_from(Basis)),
    state=st.sampled_from(State),
    region_changed=st.booleans(),
)


@settings(max_examples=500)
@given(CIRCUMSTANCES)
def test_leases_give_the_reasons_that_release_0_1_signed(given_now: Circumstances) -> None:
    answer = directive(given_now, NOW)
    assert list(answer.reasons) == rules_1(given_now, NOW)
    assert answer.capture is (not answer.reasons)


@given(situations())
def test_access_gives_the_policy_reasons_that_release_0_1_signed(situation: Situation) -> None:
    policy = rules(situation.in_force, ("click",), None)
    expected = {
        AccessReason.REGION_UNKNOWN: policy.unknown,
        AccessReason.REGION_BLOCKED: policy.blocked or not policy.bases,
        AccessReason.POLICY_MISSING: not policy.company,
        AccessReason.PRECONDITION_MISSING: bool(policy.missing),
        AccessReason.LEAD_TIME: policy.lead_time,
        AccessReason.STOPPED: policy.stopped,
        AccessReason.PERSON_LEFT: not situation.person.active,
        AccessReason.CONSENT_NOW: not suffices(policy.bases, situation.standing.state),
    }
    reasons = access_reasons(situation, places=False)
    assert reasons == {reason for reason, so in expected.items() if so}


# What used to differ from place to place


def in_order(bases: frozenset[str]) -> InForce:
    """Rules in order but for the bases that are left."""
    knobs = {**OPEN.knobs, "bases": Claim(bases, FLOOR)}
    return InForce(
        compiled=compile_layers([replace(OPEN, knobs=knobs)]),
        layers=(),
        unknown=(),
        company=True,
        evidence=(),
        missing=(),
        stopped=(),
        lead_until=None,
        seq=1,
    )


@pytest.mark.parametrize("bases", [{"collective"}, {"permit"}, {"collective", "permit"}])
def test_a_collective_agreement_or_a_permit_is_never_enough_by_itself(bases: set[str]) -> None:
    in_force = in_order(frozenset(bases))
    standing, agreed = Standing(State.GIVEN, agreed=WIDE), mask_of(WIDE, REGISTRY)
    situation = found(standing, in_force, agreed)
    assert situation.obstacles == (Obstacle.BASIS_INSUFFICIENT, Obstacle.CONSENT_INSUFFICIENT)
    assert Reason.REGION_BLOCKED in situation.directive.reasons
    assert access_reasons(situation) == {AccessReason.CONSENT_NOW}
    (row,) = obstacle_rows(in_force, {}, CATALOGUE)
    assert row.sentence.startswith("only ")
    assert {cell.mode for cell in cells(in_force, {})} == {"blocked"}
    assert not found(standing, in_order(frozenset({"consent"})), agreed).obstacles


def test_who_acknowledged_where_consent_is_asked_for_is_not_told_that_they_did_not_decide() -> None:
    standing = Standing(State.ACKNOWLEDGED)
    situation = found(standing, in_order(frozenset({"consent"})))
    assert situation.obstacles == (Obstacle.CONSENT_INSUFFICIENT,)
    sentence = "".join(part.text for part in state_in_words(situation, {}, ONE).parts)
    assert "What you decided is not enough" in sentence


def test_who_agreed_to_nothing_that_is_allowed_reads_nowhere_that_something_is_captured() -> None:
    """A lease says on here, for its document lists nothing; the pages go by the obstacles."""
    elsewhere = agreed_to({"click"}, {TRAINING}, "d")
    standing = Standing(State.GIVEN, agreed=WIDE)
    situation = found(standing, in_order(frozenset({"consent"})), elsewhere)
    assert situation.directive.capture
    assert situation.obstacles == (Obstacle.NOTHING_AGREED,)
    assert extent_in_words(situation, phase_of(situation, ONE)).startswith("Nothing now. ")
    sentence = state_in_words(situation, {}, ONE).parts[0].text
    assert sentence.startswith("Nothing is captured. ")
