"""A preview says of everybody what publishing will do to them: recounted person by person."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.capture.effect import (
    LESS,
    MORE,
    Comparison,
    Consequence,
    PolicyEffect,
    effect_if_published,
    effect_of_published,
)
from app.capture.situation import obstacles_in
from app.directory.model import headcounts
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.knobs import (
    COUNTERPARTY,
    HOURS,
    OFF_HOURS,
    PERSONAL_DEVICE,
    SCREENSHOT_MIN_INTERVAL_S,
)
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, CompanyPolicy, Evidence, Floor, Layer, Why
from app.policy.model import Compiled, InForce, KnobChange
from app.policy.prospect import outlook_of, published
from app.policy.timeline import STOPPED, FloorRow, History, StopRow, in_force
from tests.policy.pace import unhurried

START = datetime(2026, 3, 2, tzinfo=UTC)
CATALOGUE = Catalogue({name: App(name, name, "design", Matchers()) for name in ("a", "b")}, {})
SIGNALS = ("click", "screenshot")
MODES = st.sampled_from(Mode)
DPIA = Evidence("dpia", "D", "0" * 64, None)
PARENTS = {"GLOBAL": None, "EU": "GLOBAL", "DE": "EU", "FR": "EU", "JP": "GLOBAL"}
REGIONS = st.sampled_from([*["DE"] * 6, *["FR"] * 3, *["JP"] * 2, "ZZ"])


def day(number: float) -> datetime:
    return START + timedelta(days=number)


KNOBS: dict[str, st.SearchStrategy[Any]] = {
    **{f"signals.{signal}.mode": MODES for signal in SIGNALS},
    **{f"signals.{signal}.retention_days": st.sampled_from([0, 5, 9, 30]) for signal in SIGNALS},
    "apps": st.sampled_from([frozenset("a"), frozenset("ab"), frozenset("b"), frozenset()]),
    "purposes": st.sampled_from([frozenset("p"), frozenset("pq"), frozenset("q")]),
    "bases": st.sampled_from([frozenset({"consent"}), frozenset({"consent", "notice"})]),
    "hours": st.sampled_from([frozenset({9}), frozenset({9, 10})]),
    "off_hours": MODES,
    "personal_device": MODES,
    "counterparty": MODES,
    "screenshot_min_interval_s": st.sampled_from([0, 60]),
    "notice_lead_days": st.sampled_from([0, 4]),
    "preconditions": st.sampled_from([frozenset(), frozenset({"dpia"})]),
    "status": st.sampled_from([1] * 5 + [0]),
    "cohort_min": st.sampled_from([1, 5]),
}
OPEN: dict[str, Any] = {
    **{f"signals.{signal}.mode": Mode.ALLOW for signal in SIGNALS},
    **{f"signals.{signal}.retention_days": 9 for signal in SIGNALS},
    "apps": frozenset({"a", "b"}),
    "purposes": frozenset({"p", "q"}),
    "bases": frozenset({"consent"}),
    "off_hours": Mode.ALLOW,
    "personal_device": Mode.ALLOW,
    "counterparty": Mode.ALLOW,
    "status": 1,
}
FEW = st.lists(st.sampled_from(sorted(KNOBS)), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: KNOBS[name] for name in names})
)
"""What a layer says otherwise than everybody."""
SOME = st.one_of(st.just({}), st.just({}), FEW)


def layer(identity: str, knobs: dict[str, Any]) -> Layer:
    kind, _, region = identity.partition("/")
    claims = {name: Claim(value, Why(identity)) for name, value in knobs.items()}
    text = str(sorted((name, str(value)) for name, value in knobs.items()))
    return Layer(identity, kind, region, text, claims)  # type: ignore[arg-type]


def floor(region: str, knobs: dict[str, Any]) -> Floor:
    usual = {**OPEN, "apps": frozenset("abc")} if region == "GLOBAL" else {"status": 1}
    law = layer(f"floor/{region}", {**usual, **knobs})
    return Floor(region, region, PARENTS[region], "approved", "", "", day(-90), None, law, b"")


@dataclass(frozen=True)
class Draft:
    """A company policy on a day, as somebody could write it."""

    policy: CompanyPolicy
    names: tuple[str, ...]
    at: datetime


def policy(region: str, knobs: dict[str, Any], **fields: Any) -> CompanyPolicy:
    usual: dict[str, Any] = {"valid_from": None, "valid_to": None, "evidence": ()}
    own = layer(f"company/{region}", {**OPEN, **knobs})
    return CompanyPolicy(region, region, "", layer=own, body=b"", **{**usual, **fields})


@st.composite
def drafts(draw: st.DrawFn, at: float) -> Draft:
    region = draw(st.sampled_from([*["DE"] * 6, "EU", "GLOBAL", "FR"]))
    first = draw(st.sampled_from([None, None, at + 3, at - 3]))
    last = draw(st.sampled_from([None, None, at + 20]))
    shown = draw(st.sampled_from([(DPIA,), (DPIA,), (DPIA,), ()]))
    written = policy(
        region,
        draw(FEW),
        valid_from=None if first is None else day(first),
        valid_to=None if last is None else day(last),
        evidence=shown,
    )
    names = [region]
    while (parent := PARENTS[names[-1]]) is not None:
        names.append(parent)
    return Draft(written, tuple(names), day(at))


@st.composite
def pasts(draw: st.DrawFn) -> History:
    """Floors, a policy for everybody, one or two more, now and then a stop."""
    laws = {"GLOBAL": {}, **{region: draw(SOME) for region in ("EU", "DE", "FR", "JP")}}
    rows = tuple(
        FloorRow(number, floor(region, knobs), day(-90))
        for number, (region, knobs) in enumerate(laws.items())
    )
    everywhere = Draft(policy("GLOBAL", {}, evidence=(DPIA,)), ("GLOBAL",), day(-30))
    past = publish(History(rows, (), (), 1), everywhere)
    for number in range(draw(st.integers(1, 2))):
        past = publish(past, draw(drafts(at=-9 + 2 * number)))
    if draw(st.sampled_from([False] * 7 + [True])):
        stop = StopRow(1, "s", 1, draw(st.sampled_from(["FR", "EU"])), STOPPED, "ines", "", day(-1))
        past = replace(past, stops=(stop,))
    return past


def publish(past: History, draft: Draft) -> History:
    after, _ = published(past, draft.policy, draft.names, draft.at)
    rows = [replace(row, change_id=row.change_id or f"c{row.id}") for row in after.company]
    return replace(after, company=tuple(rows))


NOW = drafts(at=0)
PEOPLE = st.lists(st.tuples(REGIONS, REGIONS, REGIONS), min_size=1, max_size=6)
"""Home, place of work, establishment of each."""


def effect_on(past: History, draft: Draft, people: list[tuple[str, str, str]]) -> PolicyEffect:
    counted = headcounts((home, place, f"{entity}/X", 1) for home, place, entity in people)
    return effect_if_published(past, draft.policy, draft.names, counted, draft.at, CATALOGUE)


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


def at_stage(stages: tuple[Comparison, ...], at: datetime) -> Comparison:
    return [stage for stage in stages if stage.at <= at][-1]


@unhurried
@given(past=pasts(), draft=NOW, people=PEOPLE, later=st.sampled_from([0, 0.5, 2, 3, 4, 5, 21, 40]))
def test_what_is_said_of_a_group_is_so_for_each_of_its_people(
    past: History, draft: Draft, people: list[tuple[str, str, str]], later: float
) -> None:
    """Each person by themselves, over the whole history, at whatever later instant."""
    effect, under, at = effect_on(past, draft, people), publish(past, draft), day(later)
    groups = {group.group.regions: group for group in effect.groups}
    for person in people:
        home, *others = dict.fromkeys(person)
        group = groups.get((home, *sorted(others)))
        before, after = (
            in_force(history, (home, *others), at, compile_layers) for history in (past, under)
        )
        was, will = capturable(before), capturable(after)
        if group is None:
            assert before.compiled.values == after.compiled.values, "nobody is left out"
            assert was == will
            continue
        stage = at_stage(group.stages, at)
        event(stage.consequence.value)
        match stage.consequence:
            case Consequence.SAME | Consequence.OFF:
                assert was == will
            case Consequence.OPENS:
                assert not obstacles_free(before)
                assert obstacles_free(after)
            case Consequence.CLOSES:
                assert obstacles_free(before)
                assert not obstacles_free(after)
            case Consequence.WIDENS:
                assert was <= will
            case Consequence.NARROWS:
                assert will <= was
            case Consequence.MIXED:
                assert {change.direction for change in stage.changes} == {"widens", "narrows"}
        assert_values(stage, before, after)


def obstacles_free(holding: InForce) -> bool:
    return not obstacles_in(holding, CATALOGUE)


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
    concerned = Counter(
        (home, frozenset((home, place, entity)))
        for home, place, entity in people
        if any(draft.policy.region in above.get(r, {r}) for r in (home, place, entity))
    )
    effect = effect_on(past, draft, people)
    said = {
        (one.group.regions[0], frozenset(one.group.regions)): one.group.people
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


def draft_changes(past: History, draft: Draft) -> tuple[KnobChange, ...]:
    return outlook_of(past, draft.names, draft.at).compare(draft.policy)[1]


def only_global(**knobs: Any) -> History:
    floors = {"GLOBAL": {}, "EU": {}, "DE": knobs, "FR": {}, "JP": {}}
    rows = [
        FloorRow(n, floor(name, said), day(-90)) for n, (name, said) in enumerate(floors.items())
    ]
    return History(tuple(rows), (), (), 1)


BERLIN = [("DE", "DE", "DE")]
CHAIN = ("DE", "EU", "GLOBAL")


def german(at: float = 0, /, **knobs: Any) -> Draft:
    return Draft(
        policy("DE", {name.replace("__", "."): v for name, v in knobs.items()}), CHAIN, day(at)
    )


def test_a_longer_retention_that_the_floor_holds_where_it_is_changes_nothing_and_says_who() -> None:
    past = publish(
        only_global(**{"signals.click.retention_days": 5}),
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
    past = publish(only_global(**{"signals.click.mode": Mode.DENY}), german(-1))
    draft = german(signals__click__retention_days=5)
    (group,) = effect_on(past, draft, BERLIN).groups
    assert {stage.consequence for stage in group.stages} == {Consequence.SAME}
    (held,) = group.held_back(draft_changes(past, draft))
    assert [why.layer for why in held.whys] == ["floor/DE"]


def test_a_narrowing_that_closes_everything_is_called_that() -> None:
    past = publish(only_global(), german(-1))
    (group,) = effect_on(past, german(apps=frozenset()), BERLIN).groups
    assert [stage.consequence for stage in group.stages] == [Consequence.CLOSES]


def test_what_is_narrower_holds_at_once_and_what_is_wider_after_the_notice() -> None:
    lead = {"notice_lead_days": 4}
    past = publish(only_global(), german(-9, **lead, apps=frozenset({"a"})))
    draft = german(**lead, signals__click__retention_days=5)
    effect = effect_on(past, draft, BERLIN)
    (group,) = effect.groups
    assert [(stage.at, stage.consequence) for stage in group.stages] == [
        (day(0), Consequence.NARROWS),
        (day(4), Consequence.MIXED),
    ]
    assert (effect.begins, effect.starts) == (day(0), day(4))


def test_undoing_what_is_decided_for_later_is_told_for_that_day() -> None:
    past = publish(only_global(), german(-9))
    later = Draft(policy("DE", {"apps": frozenset({"a"})}, valid_from=day(7)), CHAIN, day(-1))
    effect = effect_on(publish(past, later), german(cohort_min=5), BERLIN)
    stages = effect.groups[0].stages
    assert at_stage(stages, day(7)).consequence is Consequence.MIXED
    apps = [change for change in at_stage(stages, day(7)).changes if change.knob == "apps"]
    assert [(change.before, change.after) for change in apps] == [(["a"], ["a", "b"])]


def test_the_end_of_a_policy_is_told_as_closing_on_the_day_after() -> None:
    past = publish(only_global(), german(-9))
    draft = Draft(policy("DE", {}, valid_to=day(20)), CHAIN, day(0))
    stages = effect_on(past, draft, BERLIN).groups[0].stages
    assert [(stage.at, stage.consequence) for stage in stages] == [
        (day(0), Consequence.SAME),
        (day(20), Consequence.CLOSES),
    ]


def test_where_nobody_is_the_region_itself_is_told() -> None:
    (group,) = effect_on(only_global(), german(), [("JP", "JP", "JP")]).groups
    assert (group.group.regions, group.group.people) == (("DE",), 0)
    assert group.more
