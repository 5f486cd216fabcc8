"""A preview says of everybody what publishing will do to them: recounted person by person."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from app.capture.effect import (
    LESS,
    MORE,
    Comparison,
    Consequence,
    effect_of_published,
    mattering,
)
from app.capture.situation import obstacles_in
from app.directory.model import headcounts
from app.kernel.vocabulary import Mode
from app.policy.knobs import (
    COUNTERPARTY,
    HOURS,
    OFF_HOURS,
    PERSONAL_DEVICE,
    REGISTRY,
    SCREENSHOT_MIN_INTERVAL_S,
)
from app.policy.lattice import compile_layers
from app.policy.model import Compiled, InForce
from app.policy.timeline import STOPPED, History, StopRow, in_force
from tests.capture.pasts import (
    CATALOGUE,
    CHAIN,
    NOW,
    PEOPLE,
    SIGNALS,
    Draft,
    day,
    draft_changes,
    effect_on,
    german,
    law_in_germany,
    no_narrower_law,
    pasts,
    policy,
    publish,
)
from tests.policy.pace import unhurried


def capturable(holding: InForce) -> frozenset[Any]:
    """Every kind of event that may be captured, and for how long it may be kept: by hand."""
    if obstacles_in(holding, CATALOGUE):
        return frozenset()
    compiled = holding.compiled
    kinds = [
        (signal, hour, personal, others, age, since, mode)
        for signal, hour, personal, others, age, since in product(
            SIGNALS, (9, 10, 11), (False, True), (False, True), (0, 5, 9), (0, 60)
        )
        for mode in (Mode.REDACT, Mode.ALLOW)
        if _kept(compiled, signal, hour, personal=personal, others=others, age=age, since=since)
        >= mode
    ]
    return frozenset(product(kinds, compiled.apps, compiled.purposes))


def _kept(
    compiled: Compiled,
    signal: str,
    hour: int,
    *,
    personal: bool,
    others: bool,
    age: int,
    since: int,
) -> Mode:
    rule = next(rule for name, rule in compiled.signals.items() if name == signal)
    if age > rule.retention_days:
        return Mode.DENY
    if signal == "screenshot" and since < compiled[SCREENSHOT_MIN_INTERVAL_S]:
        return Mode.DENY
    mode, hours = rule.mode, compiled[HOURS]
    if hours is not None and hour not in hours:
        mode = min(mode, compiled[OFF_HOURS])
    if personal:
        mode = min(mode, compiled[PERSONAL_DEVICE])
    return min(mode, compiled[COUNTERPARTY]) if others else mode


def few(kinds: frozenset[Any]) -> list[Any]:
    """So that a failure names events instead of hundreds of them."""
    return sorted(kinds)[:3]


def at_stage(stages: tuple[Comparison, ...], at: datetime) -> Comparison:
    return [stage for stage in stages if stage.at <= at][-1]


BERLIN = [("DE", "DE", "DE")]
EXCHANGES: dict[str, tuple[Any, Any]] = {
    "apps": (frozenset("a"), frozenset("b")),
    "purposes": (frozenset("p"), frozenset("q")),
    "hours": (frozenset({9}), frozenset({10})),
    "redactors": (frozenset({"credentials"}), frozenset({"phone_numbers"})),
}


def exchange(knob: str) -> dict[str, Any]:
    """A policy of Germany, and one that names something else in its place."""
    before, after = ({knob: value, "off_hours": Mode.DENY} for value in EXCHANGES[knob])
    return {"past": publish(no_narrower_law(), german(-1, **before)), "draft": german(**after)}


@unhurried
@example(**exchange("apps"), people=BERLIN, later=0)
@example(**exchange("hours"), people=BERLIN, later=0)
@given(past=pasts(), draft=NOW, people=PEOPLE, later=st.sampled_from([0, 0.5, 2, 3, 4, 5, 21, 40]))
def test_what_is_said_of_a_group_is_so_for_each_of_its_people(
    past: History, draft: Draft, people: list[tuple[str, str, str]], later: float
) -> None:
    """Each person by themselves, over the whole history, at whatever later instant."""
    effect, under, at = effect_on(past, draft, people), publish(past, draft), day(later)
    groups = {
        (group.group.region, group.group.place, group.group.entity_region): group
        for group in effect.groups
    }
    for person in people:
        group = groups.get(person)
        before, after = (
            in_force(history, tuple(dict.fromkeys(person)), at, compile_layers)
            for history in (past, under)
        )
        placed = "EU" not in person[:2]
        was, will = (capturable(one) if placed else frozenset() for one in (before, after))
        if group is None:
            assert before.compiled.values == after.compiled.values, "nobody is left out"
            assert (few(was - will), few(will - was)) == ([], [])
            continue
        stage = at_stage(group.stages, at)
        event(stage.consequence.value)
        match stage.consequence:
            case Consequence.SAME | Consequence.OFF:
                assert (few(was - will), few(will - was)) == ([], [])
            case Consequence.OPENS:
                assert not obstacles_free(before)
                assert obstacles_free(after)
                assert placed
            case Consequence.CLOSES:
                assert obstacles_free(before)
                assert not obstacles_free(after)
            case Consequence.WIDENS:
                assert few(was - will) == []
                assert ways_between(before, after) == {"widens"}
            case Consequence.NARROWS:
                assert few(will - was) == []
                assert ways_between(before, after) == {"narrows"}
            case Consequence.MIXED:
                assert ways_between(before, after) == {"widens", "narrows"}
        assert_values(stage, before, after)


def obstacles_free(holding: InForce) -> bool:
    return not obstacles_in(holding, CATALOGUE)


def ways_between(before: InForce, after: InForce) -> set[str]:
    """Which ways the values go that can matter, each by the meet of its knob."""
    old, new = mattering(before.compiled), mattering(after.compiled)
    ways = set()
    for name in old.keys() & new.keys():
        narrowest = met_on(name, old[name], new[name])
        ways |= {"narrows"} if narrowest != old[name] else set()
        ways |= {"widens"} if narrowest != new[name] else set()
    return ways


def met_on(knob: str, a: Any, b: Any) -> Any:
    """The stricter of two values; None limits nothing."""
    if a is None or b is None:
        return b if a is None else a
    return REGISTRY.rows[knob].meet(a, b)


def assert_values(stage: Comparison, before: InForce, after: InForce) -> None:
    """The values on the page are the values that hold, where they can matter."""
    rows = before.compiled.registry.rows
    for change in stage.changes:
        values = (before.compiled.values[change.knob], after.compiled.values[change.knob])
        said = (change.before, change.after)
        if change.knob in {HOURS.name, OFF_HOURS.name} or change.knob.endswith("retention_days"):
            continue  # told as what they come to: the recount of events holds them
        assert said == tuple(rows[change.knob].readable(value) for value in values)


@settings(unhurried, max_examples=60)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_everybody_concerned_is_counted_once(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    above = {"DE": {"DE", "EU", "GLOBAL"}, "FR": {"FR", "EU", "GLOBAL"}, "JP": {"JP", "GLOBAL"}}
    above |= {"EU": {"EU", "GLOBAL"}, "ZZ": {"ZZ"}}
    concerned = Counter(
        person for person in people if any(draft.policy.region in above[code] for code in person)
    )
    effect = effect_on(past, draft, people)
    said = {
        (one.group.region, one.group.place, one.group.entity_region): one.group.people
        for one in effect.groups
        if one.group.people
    }
    assert said == dict(concerned)
    assert effect.people == sum(concerned.values())


@settings(unhurried, max_examples=60)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_what_was_published_is_said_to_do_what_its_preview_said(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    counted = headcounts((home, place, f"{entity}/X", 1) for home, place, entity in people)
    after = publish(past, draft)
    told = effect_of_published(after, after.company[-1].change_id, counted, CATALOGUE)
    assert told == effect_on(past, draft, people)


@settings(unhurried, max_examples=60)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_a_text_that_changes_what_comes_out_is_never_called_without_effect(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    effect = effect_on(past, draft, people)
    differing = [
        stage.at
        for group in effect.groups
        for stage in group.stages
        if stage.consequence in MORE | LESS
    ]
    assert effect.begins == (min(differing) if differing else None)
    for group in effect.groups:
        told = {change.knob for stage in group.stages for change in stage.changes}
        text = draft_changes(past, draft)
        for held in group.held_back(text):
            assert held.moves or held.knob not in told


def test_a_longer_retention_that_the_floor_holds_where_it_is_changes_nothing_and_says_who() -> None:
    past = publish(
        law_in_germany(**{"signals.click.retention_days": 5}),
        german(-1, signals__click__retention_days=5),
    )
    draft = german(signals__click__retention_days=30)
    effect = effect_on(past, draft, BERLIN)
    (group,) = effect.groups
    assert {stage.consequence for stage in group.stages} == {Consequence.SAME}
    (held,) = group.held_back(draft_changes(past, draft))
    assert (held.knob, held.before, held.after, held.value) == (
        "signals.click.retention_days", 5, 30, 5,
    )  # fmt: skip
    assert [why.layer for why in held.whys] == ["floor/DE"]
    assert effect.begins is None


def test_the_retention_of_a_denied_signal_opens_nothing_and_the_mode_is_named() -> None:
    past = publish(law_in_germany(**{"signals.click.mode": Mode.DENY}), german(-1))
    draft = german(signals__click__retention_days=5)
    (group,) = effect_on(past, draft, BERLIN).groups
    assert {stage.consequence for stage in group.stages} == {Consequence.SAME}
    (held,) = group.held_back(draft_changes(past, draft))
    assert [why.layer for why in held.whys] == ["floor/DE"]


MATTERS_NOT = {
    "the pause between screenshots that are denied": (
        {"signals__screenshot__mode": Mode.DENY},
        {"screenshot_min_interval_s": 60},
        {"screenshot_min_interval_s": 0},
    ),
    "what is allowed outside hours where no hours are named": (
        {},
        {"off_hours": Mode.DENY},
        {"off_hours": Mode.ALLOW},
    ),
    "hours outside of which everything is allowed too": (
        {"off_hours": Mode.ALLOW},
        {"hours": frozenset({9})},
        {"hours": frozenset({9, 10})},
    ),
}


@pytest.mark.parametrize("case", MATTERS_NOT)
def test_what_cannot_matter_is_not_told_as_a_change(case: str) -> None:
    usual, before, after = MATTERS_NOT[case]
    past = publish(no_narrower_law(), german(-1, **usual, **before))
    (group,) = effect_on(past, german(**usual, **after), BERLIN).groups
    assert {stage.consequence for stage in group.stages} == {Consequence.SAME}


@pytest.mark.parametrize("knob", EXCHANGES)
def test_a_name_in_place_of_another_goes_both_ways(knob: str) -> None:
    (group,) = effect_on(**exchange(knob), people=BERLIN).groups
    assert [stage.consequence for stage in group.stages] == [Consequence.MIXED]
    assert group.widened == {knob}


@settings(unhurried, max_examples=20)
@given(past=pasts(), draft=NOW)
def test_an_example_that_fails_is_short_enough_to_read(past: History, draft: Draft) -> None:
    assert len(pretty(past)) + len(pretty(draft)) < 3000


def test_what_came_after_a_publication_is_not_told_as_its_effect() -> None:
    past = publish(publish(no_narrower_law(), german(-1)), german(0, apps=frozenset({"a"})))
    counted = headcounts([("DE", "DE", "DE/X", 1)])
    told = effect_of_published(past, "c2", counted, CATALOGUE)
    stop = StopRow(1, "s", 1, "DE", STOPPED, "ines", "", day(5))
    later = publish(replace(past, stops=(stop,)), german(6, apps=frozenset()))
    assert effect_of_published(later, "c2", counted, CATALOGUE) == told
    assert [stage.consequence for stage in told.groups[0].stages] == [Consequence.NARROWS]


def test_a_narrowing_that_closes_everything_is_called_that() -> None:
    past = publish(no_narrower_law(), german(-1))
    (group,) = effect_on(past, german(apps=frozenset()), BERLIN).groups
    assert [stage.consequence for stage in group.stages] == [Consequence.CLOSES]


def test_what_is_narrower_holds_at_once_and_what_is_wider_after_the_notice() -> None:
    lead = {"notice_lead_days": 4}
    past = publish(no_narrower_law(), german(-9, **lead, apps=frozenset({"a"})))
    draft = german(**lead, signals__click__retention_days=5)
    effect = effect_on(past, draft, BERLIN)
    (group,) = effect.groups
    assert [(stage.at, stage.consequence) for stage in group.stages] == [
        (day(0), Consequence.NARROWS),
        (day(4), Consequence.MIXED),
    ]
    assert (effect.begins, effect.starts) == (day(0), day(4))


def test_undoing_what_is_decided_for_later_is_told_for_that_day() -> None:
    past = publish(no_narrower_law(), german(-9))
    later = Draft(policy("DE", {"apps": frozenset({"a"})}, valid_from=day(7)), CHAIN, day(-1))
    effect = effect_on(publish(past, later), german(cohort_min=5), BERLIN)
    stages = effect.groups[0].stages
    assert at_stage(stages, day(7)).consequence is Consequence.MIXED
    apps = [change for change in at_stage(stages, day(7)).changes if change.knob == "apps"]
    assert [(change.before, change.after) for change in apps] == [(["a"], ["a", "b"])]


def test_the_end_of_a_policy_is_told_as_closing_on_the_day_after() -> None:
    past = publish(no_narrower_law(), german(-9))
    draft = Draft(policy("DE", {}, valid_to=day(20)), CHAIN, day(0))
    stages = effect_on(past, draft, BERLIN).groups[0].stages
    assert [(stage.at, stage.consequence) for stage in stages] == [
        (day(0), Consequence.SAME),
        (day(20), Consequence.CLOSES),
    ]


def test_people_whose_place_says_no_law_are_off_whatever_is_published() -> None:
    past = publish(no_narrower_law(), german(-1, apps=frozenset({"a"})))
    groups = effect_on(past, german(), [("DE", "EU", "DE"), ("DE", "DE", "EU")]).groups
    assert [(one.group.place, one.stages[0].consequence) for one in groups] == [
        ("DE", Consequence.WIDENS),  # where the employer sits is no place of the person
        ("EU", Consequence.OFF),
    ]


def test_where_nobody_is_the_region_itself_is_told() -> None:
    (group,) = effect_on(no_narrower_law(), german(), [("JP", "JP", "JP")]).groups
    assert (group.group.regions, group.group.people) == (("DE",), 0)
    assert group.more
