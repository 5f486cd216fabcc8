"""Numbered document forms: an older agent is told less, and never more than a newer one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical
from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import CONTENT_SIGNALS, Mode, Signal
from app.policy.agreement import Agreement
from app.policy.catalogue.model import App, Catalogue, Exclusion
from app.policy.document import document
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.model import Compiled
from tests.agreements import bound
from tests.policy.layers import LAYERS
from tests.policy.next_form import (
    FACES,
    LATER,
    NEXT,
    NEXT_LAYERS,
    NEXT_MATCHER,
    NEXT_REDACTOR,
    PRESENT,
    WIDTH,
    NextMatchers,
)
from tests.policy.pace import unhurried
from tests.policy.test_document import AGREEMENTS, CATALOGUE

NEXT_LISTS = st.lists(NEXT_LAYERS, min_size=1, max_size=3)


def _mode(written: dict, signal: str) -> Mode:
    return Mode[written["signals"][signal]["mode"].upper()]


@unhurried
@given(st.lists(LAYERS, min_size=1, max_size=3), AGREEMENTS | st.none())
def test_a_knob_that_nobody_names_leaves_every_byte_of_an_older_form(
    layers: list[Layer], agreed: Agreement | None
) -> None:
    """Whatever later releases know: agents of today go on under the documents that they hold."""
    today = document(bound(compile_layers(layers), agreed, CATALOGUE), PRESENT)
    later = compile_layers([replace(layer, registry=NEXT) for layer in layers])
    assert canonical(document(bound(later, agreed, CATALOGUE), PRESENT)) == canonical(today)


@unhurried
@given(NEXT_LISTS, AGREEMENTS | st.none())
def test_a_form_names_its_own_knobs_and_signals_and_nothing_else(
    layers: list[Layer], agreed: Agreement | None
) -> None:
    compiled = compile_layers(layers)
    limits = bound(compiled, agreed, CATALOGUE)
    first, second = (document(limits, form) for form in (PRESENT, LATER))
    assert first.keys() == document(bound(compile_layers([]), None, CATALOGUE), PRESENT).keys()
    assert first["signals"].keys() == set(Signal)
    assert second.keys() - first.keys() == {WIDTH.name}
    assert second["signals"].keys() - first["signals"].keys() == {"gaze"}
    assert (first["v"], second["v"]) == (PRESENT, LATER)


@unhurried
@given(NEXT_LISTS, AGREEMENTS | st.none())
def test_an_older_form_never_allows_more_and_denies_what_it_cannot_limit(
    layers: list[Layer], agreed: Agreement | None
) -> None:
    compiled = compile_layers(layers)
    limits = bound(compiled, agreed, CATALOGUE)
    first, second = (document(limits, form) for form in (PRESENT, LATER))
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
    first = {"signals": dict.fromkeys(REGISTRY.signals, 1), "reasons": (), "matchers": ()}
    bare = replace(NEXT, knobs=(), **first)
    assert bare.newest == FIRST_FORM


def _compiled(registry: KnobRegistry, **knobs: object) -> Compiled:
    """One approved layer that allows everything in two apps, with other knobs as said."""
    values = {
        "status": 1,
        "bases": frozenset({"consent"}),
        "apps": frozenset({"plain", "coloured"}),
        "purposes": frozenset({"audit.compliance"}),
        **{f"signals.{signal}.mode": Mode.ALLOW for signal in Signal},
        **{f"signals.{signal}.retention_days": 9 for signal in Signal},
        **knobs,
    }
    claims = {name: Claim(value, Why("company/GLOBAL")) for name, value in values.items()}
    digest = "sha256:" + "0" * 64
    return compile_layers([Layer("company/GLOBAL", "company", "GLOBAL", digest, claims, registry)])


COLOURED = Catalogue(
    {
        "plain": App("plain", "Plain", "data", NextMatchers(programs=("plain@Plain",))),
        "coloured": App(
            "coloured", "Coloured", "data", NextMatchers(urls=("a.b",), colours=("red",))
        ),
    },
    {
        "bank": Exclusion("bank", "Bank", "Why.", NextMatchers(urls=("bank.example",))),
        "pay": Exclusion("pay", "Pay", "Why.", NextMatchers(urls=("pay.b",), colours=("red",))),
    },
)


def _apps(excluded: str, form: int) -> dict[str, list[str]]:
    """The apps of a document in which one place is excluded, with the matchers of each."""
    compiled = _compiled(NEXT_MATCHER, exclusions=frozenset({excluded}))
    written = document(bound(compiled, None, COLOURED), form)
    return {app["id"]: sorted(app["match"]) for app in written["apps"]}


def test_an_app_that_is_recognised_in_a_newer_way_is_left_out_of_an_older_form() -> None:
    older = ["programs", "urls"]
    assert _apps("bank", PRESENT) == {"plain": older}
    newer = sorted([*older, "colours"])
    assert _apps("bank", LATER) == {"plain": newer, "coloured": newer}


def test_an_exclusion_that_an_older_form_cannot_say_closes_every_app_there() -> None:
    assert _apps("pay", PRESENT) == {}
    assert set(_apps("pay", LATER)) == {"plain", "coloured"}


def test_a_newer_redactor_denies_the_content_that_older_agents_cannot_clean() -> None:
    compiled = _compiled(NEXT_REDACTOR, redactors=frozenset({"credentials", FACES}))
    first, second = (document(bound(compiled, None, COLOURED), form) for form in (PRESENT, LATER))
    assert (first["redactors"], second["redactors"]) == (["credentials"], ["credentials", FACES])
    denied = {signal for signal in Signal if _mode(first, signal) is Mode.DENY}
    assert denied == CONTENT_SIGNALS
    assert all(_mode(second, signal) is Mode.ALLOW for signal in Signal)


def test_a_matcher_or_a_redactor_of_its_own_makes_the_next_form() -> None:
    colours = replace(REGISTRY, matchers=NEXT_MATCHER.matchers)
    faces = replace(REGISTRY, knobs=NEXT_REDACTOR.knobs[:-1])
    assert (colours.newest, faces.newest) == (LATER, LATER)
