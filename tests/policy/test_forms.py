"""Numbered document forms: an older agent is told less, and never more than a newer one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical
from app.kernel.forms import FIRST_FORM
from app.kernel.scope import Scope
from app.kernel.vocabulary import Mode, Signal
from app.policy.document import document
from app.policy.knobs import REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Layer
from tests.policy.layers import LAYERS
from tests.policy.next_form import LATER, NEXT, NEXT_LAYERS, PRESENT, WIDTH
from tests.policy.pace import unhurried
from tests.policy.test_document import CATALOGUE, SCOPES

NEXT_LISTS = st.lists(NEXT_LAYERS, min_size=1, max_size=3)


def _mode(written: dict, signal: str) -> Mode:
    return Mode[written["signals"][signal]["mode"].upper()]


@unhurried
@given(st.lists(LAYERS, min_size=1, max_size=3), SCOPES | st.none())
def test_a_knob_that_nobody_names_leaves_every_byte_of_an_older_form(
    layers: list[Layer], scope: Scope | None
) -> None:
    """Whatever later releases know: agents of today go on under the documents that they hold."""
    today = document(compile_layers(layers), scope, CATALOGUE, PRESENT)
    later = compile_layers([replace(layer, registry=NEXT) for layer in layers])
    assert canonical(document(later, scope, CATALOGUE, PRESENT)) == canonical(today)


@unhurried
@given(NEXT_LISTS, SCOPES | st.none())
def test_a_form_names_its_own_knobs_and_signals_and_nothing_else(
    layers: list[Layer], scope: Scope | None
) -> None:
    compiled = compile_layers(layers)
    first, second = (document(compiled, scope, CATALOGUE, form) for form in (PRESENT, LATER))
    assert first.keys() == document(compile_layers([]), None, CATALOGUE, PRESENT).keys()
    assert first["signals"].keys() == set(Signal)
    assert second.keys() - first.keys() == {WIDTH.name}
    assert second["signals"].keys() - first["signals"].keys() == {"gaze"}
    assert (first["v"], second["v"]) == (PRESENT, LATER)


@unhurried
@given(NEXT_LISTS, SCOPES | st.none())
def test_an_older_form_never_allows_more_and_denies_what_it_cannot_limit(
    layers: list[Layer], scope: Scope | None
) -> None:
    compiled = compile_layers(layers)
    first, second = (document(compiled, scope, CATALOGUE, form) for form in (PRESENT, LATER))
    for signal in Signal:
        limited = signal is Signal.SCREENSHOT and compiled[WIDTH] is not None
        expected = Mode.DENY if limited else _mode(second, signal)
        assert _mode(first, signal) is expected
        if limited:
            assert first["signals"][signal]["retention_days"] == 0
    new = {WIDTH.name, "signals", "v"}
    assert {name: first[name] for name in first.keys() - new} == {
        name: second[name] for name in second.keys() - new
    }


def test_the_newest_form_is_the_first_that_has_everything() -> None:
    assert NEXT.newest == LATER
    for change in (
        {"knobs": REGISTRY.knobs},
        {"signals": REGISTRY.signals},
        {"reasons": REGISTRY.reasons},
    ):
        assert replace(NEXT, **change).newest == LATER
    bare = replace(NEXT, knobs=(), signals=dict.fromkeys(REGISTRY.signals, 1), reasons=())
    assert bare.newest == FIRST_FORM
