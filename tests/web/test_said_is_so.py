"""What the employee's page says of the present, against the values that decide (law 8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.agents.devices.model import Device
from app.agents.leases.service import Holding
from app.capture.agreement import mask_of
from app.capture.service import LastChange
from app.capture.situation import Situation
from app.consent.model import Act, Standing, State, opening_act
from app.kernel.forms import AGENT_FORM, FIRST_FORM
from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.agreement import Agreement
from app.policy.knobs import EXCLUSIONS, REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.own_exclusions import PREFIX
from app.web.employee.answers import answers
from app.web.employee.decide_words import decide_words
from app.web.employee.notice_text import ground_in_words
from app.web.employee.state.laptops import LastTold, laptop_row, permissions
from app.web.employee.state.phase import Permissions, Phase, column_of, extent_in_words, phase_of
from app.web.employee.state.state_words import StateWords, signals_in, state_in_words
from app.web.words.obstacle_words import Part
from app.web.words.text import SENTENCE_WORDS, SIGNAL_MEANINGS
from tests.capture.test_one_answer import OPEN, WIDE, found, in_order, situations

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
ENDS = st.lists(
    st.integers(1, 900).map(lambda seconds: NOW + timedelta(seconds=seconds)), max_size=3
).map(tuple)


@st.composite
def unhindered(draw: st.DrawFn) -> Situation:
    """Somebody who agreed, and nothing prevents capture; how much of each signal differs."""
    fine = found(
        Standing(State.GIVEN, agreed=WIDE),
        in_order(frozenset({"consent"})),
        mask_of(WIDE, REGISTRY),
    )
    modes = draw(st.dictionaries(st.sampled_from(Signal), st.sampled_from(Mode), min_size=3))
    values = {f"signals.{signal}.mode": mode for signal, mode in modes.items()}
    compiled = fine.limits.compiled
    changed = replace(
        compiled, values={**compiled.values, "signals.click.mode": Mode.ALLOW, **values}
    )
    situation = replace(fine, limits=replace(fine.limits, compiled=changed))
    assume(not situation.extent.empty)
    return situation


@st.composite
def told(draw: st.DrawFn) -> tuple[Situation, Permissions]:
    """A situation, and what laptops can hold in it: that of now only where nothing prevents it."""
    situation = draw(st.one_of(situations(), unhindered()))
    paired = draw(st.integers(0, 3))
    current = 0 if situation.obstacles else draw(st.integers(0, paired))
    off = draw(st.integers(0, paired - current))
    outdated = 0 if situation.obstacles else draw(st.integers(0, paired - current - off))
    return situation, Permissions(paired, current, draw(ENDS), off, outdated)


def read(parts: tuple[Part, ...]) -> str:
    return "".join(part.text or (f"{part.at:%H:%M:%S}" if part.at else "") for part in parts)


def said(situation: Situation, held: Permissions) -> StateWords:
    return state_in_words(situation, {}, held)


@given(told())
def test_nothing_is_captured_is_said_exactly_where_no_laptop_can_hold_a_permission(
    given_now: tuple[Situation, Permissions],
) -> None:
    situation, held = given_now
    sentence = read(said(situation, held).parts)
    assert sentence.startswith("Nothing is captured") == (not held.current and not held.ends)


@given(told())
def test_it_is_captured_is_said_exactly_where_a_laptop_can_hold_the_permission_of_now(
    given_now: tuple[Situation, Permissions],
) -> None:
    situation, held = given_now
    sentence, phase = read(said(situation, held).parts), phase_of(situation, held)
    assert sentence.startswith("Your ") == bool(held.current) == (phase is Phase.ON)
    assert (column_of(phase) == "Captured") == bool(held.current)
    assert (extent_in_words(situation, phase) == "") == bool(held.current)
    laptops = f"on {held.current} laptop"
    assert (laptops in sentence) == bool(held.current)


@given(told())
def test_what_a_laptop_may_still_act_on_is_told_with_the_instant_at_which_the_last_ends(
    given_now: tuple[Situation, Permissions],
) -> None:
    situation, held = given_now
    words = said(situation, held)
    everything = read(words.parts + words.forward)
    assert ("at the latest" in everything) == bool(held.ends)
    if held.ends:
        assert f"{max(held.ends):%H:%M:%S} at the latest" in everything
    off = bool(situation.obstacles) or not held.paired
    ends_first = read(words.parts).startswith("Capture ends by ")
    assert ends_first == bool(off and held.ends)


@given(told())
def test_the_sentence_names_each_signal_once_and_those_of_which_a_part_is_captured_as_such(
    given_now: tuple[Situation, Permissions],
) -> None:
    situation, held = given_now
    words = said(situation, held)
    naming = phase_of(situation, held) in {Phase.ON, Phase.STARTING, Phase.CHANGING}
    linked = [part.text for part in words.parts + words.forward if part.href == "#what"]
    modes = [signals_in(situation, mode) for mode in (Mode.ALLOW, Mode.REDACT)]
    named = [[SENTENCE_WORDS[name] for name in names] for names in modes if names]
    told_of = [text.replace(" and ", ", ").split(", ") for text in linked]
    assert told_of == (named if naming else [])
    assert (" in part," in read(words.parts + words.forward)) == bool(naming and modes[1])


@given(situations())
def test_a_row_says_what_remains_and_never_only_where_a_floor_denies(
    situation: Situation,
) -> None:
    compiled, words = situation.limits.compiled, decide_words("en")
    for row in answers(situation, {}).signals:
        mode = compiled.signals[Signal(row.id)].mode
        assert row.mode == ("deny" if situation.barred else mode.word)
        assert (words.told(row.id, row.mode) == SIGNAL_MEANINGS[row.id]) == (row.mode != "redact")
        if row.never:
            assert row.mode == "deny"
            assert any(reason.kind in {"law (floor)", "floor of Habeas"} for reason in row.reasons)
        if row.note:
            assert not row.never


@given(situations())
def test_a_place_is_never_captured_where_a_floor_says_so_or_a_yes_binds_it(
    situation: Situation,
) -> None:
    compiled, agreement = situation.limits.compiled, situation.agreement
    for place in answers(situation, {}).never:
        own = place.id.startswith(PREFIX)
        member = place.id.removeprefix(PREFIX)
        whys = compiled.why.get(f"{'own_exclusions' if own else 'exclusions'}.{member}", ())
        floored = any(why.layer.startswith("floor/") for why in whys)
        bound = agreement is None or agreement.value(EXCLUSIONS) is not None
        assert place.never == (floored or bound)


@pytest.mark.parametrize(
    ("decider", "agreement", "never"),
    [
        ("company/DE", None, True),  # what is offered
        ("company/DE", mask_of(WIDE, REGISTRY), False),
        ("floor/DE", mask_of(WIDE, REGISTRY), True),
    ],
    ids=["a yes would bind it", "under rules 1 a yes did not bind it", "a floor excludes it"],
)
def test_a_place_that_the_company_excludes_is_never_captured_where_a_yes_binds_it(
    decider: str, agreement: Agreement | None, *, never: bool
) -> None:
    why = Why(decider)
    named = Layer(decider, "floor", "DE", "sha256:9", {"exclusions": Claim(frozenset({"a"}), why)})
    in_force = replace(in_order(frozenset({"consent"})), compiled=compile_layers([OPEN, named]))
    situation = found(Standing(State.GIVEN, agreed=WIDE), in_force, agreement)
    assert [place.never for place in answers(situation, {}).never] == [never]


@given(
    situation=st.one_of(situations(), unhindered()),
    current=st.booleans(),
    capture=st.booleans(),
    form=st.sampled_from([FIRST_FORM, AGENT_FORM]),
    lives=st.tuples(st.integers(1, 900), st.integers(1, 900)),
    ago=st.integers(0, 1_000),
    unpaired=st.none() | st.integers(0, 1_000),
)
def test_a_laptop_holds_an_older_permission_until_the_last_that_it_can_have_been_given_ends(
    situation: Situation,
    *,
    current: bool,
    capture: bool,
    form: int,
    lives: tuple[int, int],
    ago: int,
    unpaired: int | None,
) -> None:
    changed = NOW - timedelta(seconds=ago)
    revoked = None if unpaired is None else NOW - timedelta(seconds=unpaired)
    device = Device("d_1", "E-1", "Laptop", b"", NOW, revoked)
    told_then, lives_now = LastTold(capture, lives[0], None, form, NOW, 7), lives[1]
    holding = Holding(situation, current=current, ttl_s=lives_now)
    row = laptop_row(device, told_then, holding, LastChange(changed, own=True), None, NOW)
    end = (revoked or changed) + timedelta(seconds=max(lives))
    older = capture and (revoked or not current)
    assert row.until == (end if older and end > NOW else None)
    held = permissions([row])
    told_on = revoked is None and current and not situation.obstacles
    assert held.current == (told_on and form == AGENT_FORM)
    assert held.outdated == (told_on and form == FIRST_FORM)
    assert held.ends == ((row.until,) if row.until else ())


@given(st.frozensets(st.sampled_from(Basis)), st.booleans())
def test_the_ground_that_a_page_without_a_button_names_is_that_of_the_act_that_suffices(
    bases: frozenset[Basis], both: bool
) -> None:
    ground = ground_in_words(bases, [Basis.ACKNOWLEDGEMENT.value] if both else [])
    act = opening_act(bases)
    assert ground.startswith("consent") == (act is Act.GIVEN)
    assert ground.startswith("none") == (act is None)
    assert ("acknowledgement" in ground) == (act is Act.ACKNOWLEDGED or (act is Act.GIVEN and both))
