"""The laws of the verdict: more that is excluded, unknown or in view never allows more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from app.event.rules import Circumstance, EventRules
from app.event.unknowns import MEMBERS
from app.event.verdict import Allowed, Denied, judge
from app.kernel.forms import AGENT_FORM
from app.kernel.vocabulary import Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import (
    APPS,
    COUNTERPARTY,
    EXCLUSIONS,
    OFF_HOURS,
    PERSONAL_DEVICE,
    PURPOSES,
    mode_of,
)
from app.policy.lattice import compile_layers
from app.policy.law.layer import Layer
from tests.event.ready import rules_of
from tests.event.worlds import EVENTS, EXCLUDED, LISTED, NEAR, OTHERS, SAID, ZONES
from tests.policy.layers import LAYERS
from tests.policy.pace import unhurried


@st.composite
def policies(draw: st.DrawFn) -> tuple[dict[str, Any], Callable[..., EventRules]]:
    """A document, and how it is made ready with changes."""
    said, others, zones = draw(SAID), draw(OTHERS), draw(ZONES)
    personal = draw(st.booleans())

    def ready(**changes: Any) -> EventRules:
        whole = {"apps": LISTED, **said, **changes}
        return rules_of(changes.pop("others", others), zones, personal=personal, **whole)

    return said, ready


def rank(verdict: Allowed | Denied) -> int:
    return int(verdict.mode) if isinstance(verdict, Allowed) else 0


POLICIES = policies()


@unhurried
@given(POLICIES, EVENTS, st.sampled_from(EXCLUDED))
def test_law_7_another_exclusion_never_allows_more(policy, event, more) -> None:
    said, ready = policy
    before = judge(event, ready())
    for exclusions in ([more, *said["exclusions"]], [*said["exclusions"], more]):
        assert rank(judge(event, ready(exclusions=exclusions))) <= rank(before)
    assert rank(judge(event, ready(own_exclusions=[more]))) <= rank(before)


@unhurried
@given(POLICIES, EVENTS, st.sampled_from(["DE", "NO", "US-CA", "XX"]))
def test_law_7_another_person_on_the_other_side_never_allows_more(policy, event, region) -> None:
    _, ready = policy
    known = replace(event.place, counterparties=event.place.counterparties or ())
    alone = replace(event, place=known)
    more = replace(event, place=replace(known, counterparties=(*known.counterparties, region)))
    assert rank(judge(more, ready())) <= rank(judge(alone, ready()))


@pytest.mark.parametrize("member", MEMBERS)
@unhurried
@given(POLICIES, EVENTS)
def test_law_7_what_is_not_known_never_allows_more_than_anything_that_could_be(
    member, policy, event
) -> None:
    _, ready = policy
    _, forget = MEMBERS[member]
    forgotten = replace(event, place=forget(event.place))
    assert rank(judge(forgotten, ready())) <= rank(judge(event, ready()))


@unhurried
@given(POLICIES, EVENTS, NEAR)
def test_law_7_another_window_in_a_picture_never_allows_more(policy, event, window) -> None:
    _, ready = policy
    shot = replace(event, signal=Signal.SCREENSHOT, pictured=event.pictured or ())
    more = replace(shot, pictured=(*(shot.pictured or ()), window))
    assert rank(judge(more, ready())) <= rank(judge(shot, ready()))
    assert rank(judge(replace(shot, pictured=None), ready())) == 0


@unhurried
@given(POLICIES, EVENTS, st.integers(0, len(LISTED) - 1))
def test_law_4_an_app_less_never_allows_more(policy, event, gone) -> None:
    _, ready = policy
    fewer = [one for place, one in enumerate(LISTED) if place != gone]
    assert rank(judge(event, ready(apps=fewer))) <= rank(judge(event, ready()))


@pytest.mark.parametrize("mode", Mode)
def test_events_of_every_verdict_are_generated(mode: Mode) -> None:
    """Else the laws above would say nothing."""
    find(
        st.tuples(POLICIES, EVENTS),
        lambda drawn: rank(judge(drawn[1], drawn[0][1]())) == mode,
        settings=settings(max_examples=2_000, database=None),
    )


CATALOGUE = Catalogue(
    {
        "a": App("a", "A", "data", Matchers(urls=("chat.example.com",)), others="chat"),
        "b": App("b", "B", "browser", Matchers(programs=("browser@Maker",))),
        "c": App("c", "C", "data", Matchers(programs=("pen@Maker", "code@Maker"))),
        "d": App("d", "D", "data", Matchers(urls=("*.docs.example",)), others="shared_documents"),
    },
    {name: Exclusion(name, name, "Why.", Matchers(fields=("password",))) for name in "abcd"},
)


def _allowing(layer: Layer) -> Layer:
    """The same layer, approved and with a purpose and apps, so that something is left."""
    names = frozenset(CATALOGUE.apps)
    opened = {"status": 1, APPS.name: names, PURPOSES.name: frozenset({"p"})}
    claims = {
        name: replace(claim, value=opened[name]) if name in opened else claim
        for name, claim in layer.knobs.items()
    }
    return replace(layer, knobs=claims)


@unhurried
@given(st.lists(LAYERS.map(_allowing), max_size=3), OTHERS, EVENTS, st.booleans())
def test_law_4_the_verdict_never_exceeds_the_compiled_policy(
    layers, others, event, personal
) -> None:
    compiled = compile_layers(layers)
    told = document(Limits(compiled, CATALOGUE), AGENT_FORM)
    rules = EventRules.of(told, others, Circumstance((UTC,), personal))
    verdict = judge(event, rules)
    if not isinstance(verdict, Allowed):
        return
    assert not compiled.blocked
    assert verdict.app in compiled.apps
    assert compiled[PURPOSES]
    assert verdict.mode <= compiled[mode_of(event.signal)]
    if personal:
        assert verdict.mode <= compiled[PERSONAL_DEVICE]
    if rules.outside_hours(event.at):
        assert verdict.mode <= compiled[OFF_HOURS]
    if CATALOGUE.apps[verdict.app].others == "chat":
        assert verdict.mode <= compiled[COUNTERPARTY]
        modes = [others["regions"].get(one, {}) for one in event.place.counterparties or ()]
        assert all(verdict.mode <= Mode[row[event.signal].upper()] for row in modes)
    assert not (compiled[EXCLUSIONS] and event.place.field in {"password", "unknown"})
