"""What a person agreed to is a layer like any other: the four laws, over generated rules."""

from dataclasses import replace
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.capture.agreement import mask
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.vocabulary import Mode, Signal
from app.policy.agreement import (
    AGREEMENT,
    Agreement,
    Limits,
    agreement_from,
    agreement_to,
    terms_of,
    within,
)
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import (
    APPS,
    EXCLUSIONS,
    PURPOSES,
    REGISTRY,
    KnobRegistry,
    mode_of,
    retention_of,
)
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from tests.policy.layers import LAYERS, NAMES
from tests.policy.next_form import (
    FACES,
    GAZE,
    LATER,
    NEXT,
    NEXT_LAYERS,
    NEXT_REDACTOR,
    PRESENT,
    WIDTH,
)

PATTERNS = ("a.x", "*.a.x", "b.a.x", "a.x/p", "b.x")
FEW = settings(max_examples=30, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Layers are large: to shrink them takes minutes and shows little."""


def _matchers(urls: list[str], programs: list[str]) -> Matchers:
    return Matchers(urls=tuple(urls), executables=tuple(programs))


MATCH = st.builds(
    _matchers,
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(["One", "Two"]), max_size=2, unique=True),
)
# One app and one exclusion of the generated layers are on no list.
CATALOGUES = st.builds(
    lambda apps, exclusions: Catalogue(
        {name: App(name, name, "documents", match) for name, match in apps.items()},
        {name: Exclusion(name, name, "", match) for name, match in exclusions.items()},
    ),
    st.dictionaries(st.sampled_from(NAMES[:3]), MATCH),
    st.dictionaries(st.sampled_from(NAMES[:3]), MATCH),
)
RULES = st.tuples(st.lists(LAYERS, max_size=3), st.lists(LAYERS, max_size=2)) | st.tuples(
    st.lists(NEXT_LAYERS, min_size=1, max_size=3), st.lists(NEXT_LAYERS, max_size=2)
)
"""Layers of the home region and of others, read by a program of today or of the next form."""
LIMITS = st.builds(lambda rules, known: Limits(compile_layers(*rules), known), RULES, CATALOGUES)
AGREEMENTS = LIMITS.map(lambda limits: agreement_to("sha256:0", limits))
"""To anything that could be in force."""
Rules = tuple[list[Layer], list[Layer]]


def as_layer(agreement: Agreement, registry: KnobRegistry) -> Layer:
    """The same as a layer of a policy."""
    why = Why("agreement")
    claims = {
        row.name: Claim(value, why)
        for row in registry.agreed
        if (value := agreement.value(row)) is not None
    }
    return Layer("agreement", "company", "DE", "sha256:a", claims, registry)


def values(limits: Limits) -> dict[str, Any]:
    return dict(limits.compiled.values)


def no_wider(narrow: Limits, wide: Limits) -> bool:
    """Whether no agreed knob of one is wider than that of the other."""
    rows = narrow.compiled.registry.agreed
    pairs = [
        (row, narrow.compiled.values[row.name], wide.compiled.values.get(row.name)) for row in rows
    ]
    return all(
        wide is None or (own is not None and row.meet(own, wide) == own) for row, own, wide in pairs
    )


# The laws of the meet


@FEW
@given(RULES, CATALOGUES, AGREEMENTS)
def test_an_agreement_meets_as_a_layer_does(
    rules: Rules, catalogue: Catalogue, agreement: Agreement
) -> None:
    """Whatever holds of layers in any order, holds with an agreement among them."""
    home, away = rules
    in_force = compile_layers(home, away)
    among = compile_layers(home, [as_layer(agreement, in_force.registry), *away])
    assert values(within(Limits(in_force, catalogue), agreement)) == dict(among.values)


@FEW
@given(LIMITS, AGREEMENTS, AGREEMENTS)
def test_of_two_agreements_the_order_does_not_matter(
    limits: Limits, a: Agreement, b: Agreement
) -> None:
    one, other = within(within(limits, a), b), within(within(limits, b), a)
    assert values(one) == values(other)
    assert one.catalogue.apps.keys() == other.catalogue.apps.keys()
    assert one.catalogue.exclusions.keys() == other.catalogue.exclusions.keys()


@FEW
@given(LIMITS, AGREEMENTS)
def test_agreeing_to_the_same_twice_changes_nothing(limits: Limits, agreement: Agreement) -> None:
    once = within(limits, agreement)
    twice = within(once, agreement)
    assert twice.compiled == once.compiled
    assert twice.catalogue.body == once.catalogue.body


@FEW
@given(RULES, LAYERS, CATALOGUES, AGREEMENTS)
def test_what_is_narrowed_is_narrowed_within_an_agreement_too(
    rules: Rules, more: Layer, known: Catalogue, agreement: Agreement
) -> None:
    home, away = rules
    before = within(Limits(compile_layers(home, away), known), agreement)
    after = within(Limits(compile_layers(home, [*away, more]), known), agreement)
    assert no_wider(after, before)


@FEW
@given(LIMITS, AGREEMENTS)
def test_nothing_is_wider_than_agreed_and_nothing_wider_than_in_force(
    limits: Limits, agreement: Agreement
) -> None:
    bound = within(limits, agreement)
    assert no_wider(bound, limits)
    for row in bound.compiled.registry.agreed:
        own, agreed = bound.compiled.values[row.name], agreement.value(row)
        assert agreed is None or row.meet(own, agreed) == own


# What takes part


NOT_AGREED = {
    "status", "bases", "preconditions", "approver_roles", "notice_lead_days", "notice_content",
    "decision_content",
}  # fmt: skip


def test_no_knob_that_a_recorder_is_told_can_be_left_out_of_the_agreement() -> None:
    for registry in (REGISTRY, NEXT):
        told = {row.name for row in registry.knobs if row.agent is not None}
        signals = {row(name).name for name in registry.signals for row in (mode_of, retention_of)}
        assert {row.name for row in registry.agreed} == told | signals
    assert WIDTH in NEXT.agreed


@FEW
@given(LIMITS, AGREEMENTS)
def test_what_makes_capture_lawful_stays_as_policy_says(
    limits: Limits, agreement: Agreement
) -> None:
    rows = limits.compiled.registry.rows
    assert not NOT_AGREED & {row.name for row in limits.compiled.registry.agreed}
    bound = within(limits, agreement)
    for name in rows.keys() - {row.name for row in limits.compiled.registry.agreed}:
        assert bound.compiled.values[name] == limits.compiled.values[name]
        assert bound.compiled.why.get(name) == limits.compiled.why.get(name)
    assert bound.compiled.layers == limits.compiled.layers


@FEW
@given(LIMITS, AGREEMENTS)
def test_the_agreement_is_named_where_it_decides_and_nowhere_else(
    limits: Limits, agreement: Agreement
) -> None:
    bound = within(limits, agreement).compiled
    for row in bound.registry.agreed:
        narrowed = bound.values[row.name] != limits.compiled.values[row.name]
        assert (AGREEMENT in bound.why.get(row.name, ())) == narrowed
        if narrowed and row.unites:
            assert set(limits.compiled.why.get(row.name, ())) < set(bound.why[row.name])
            added = bound.values[row.name] - limits.compiled.values[row.name]
            for member in (f"{row.name}.{member}" for member in added):
                # Two exclusions of a company's own can have one id: then others ask for it, too.
                asked = limits.compiled.why.get(member, ())
                assert bound.why[member] == (*asked, AGREEMENT)


# Narrowing, and coming back


@FEW
@given(RULES, CATALOGUES, LAYERS)
def test_coming_back_up_to_what_was_agreed_needs_no_new_act(
    rules: Rules, known: Catalogue, tighter: Layer
) -> None:
    home, away = rules
    agreed_to = Limits(compile_layers(home, away), known)
    agreement = agreement_to("sha256:0", agreed_to)
    narrowed = within(Limits(compile_layers(home, [*away, tighter]), known), agreement)
    assert no_wider(narrowed, agreed_to)
    back = within(agreed_to, agreement)
    assert values(back) == values(agreed_to)
    assert document(back) == document(agreed_to)


@FEW
@given(LIMITS, CATALOGUES)
def test_another_catalogue_adds_no_app_and_takes_no_exclusion_away(
    limits: Limits, edited: Catalogue
) -> None:
    bound = within(replace(limits, catalogue=edited), agreement_to("sha256:0", limits))
    apps, exclusions = limits.compiled[APPS], limits.compiled[EXCLUSIONS]
    assert bound.catalogue.apps.keys() <= apps & limits.catalogue.apps.keys()
    assert bound.catalogue.exclusions.keys() >= exclusions & limits.catalogue.exclusions.keys()


def test_hours_that_were_agreed_to_bind_where_policy_names_none_any_more() -> None:
    named = Claim(frozenset({9, 10}), Why("company/DE"))
    then = Layer("company/DE", "company", "DE", "sha256:1", {"hours": named})
    agreement = agreement_to("sha256:0", Limits(compile_layers([then]), Catalogue({}, {})))
    now = Limits(compile_layers([]), Catalogue({}, {}))
    assert now.compiled.values["hours"] is None
    assert within(now, agreement).compiled.values["hours"] == {9, 10}


# How an offer says it


@FEW
@given(LIMITS)
def test_an_offer_is_read_as_what_was_offered(limits: Limits) -> None:
    written = parse_canonical(canonical(terms_of(limits)))
    registry = limits.compiled.registry
    read, shown = agreement_from("sha256:0", written, registry), agreement_to("sha256:0", limits)
    assert (read.name, read.values, read.complete) == (shown.name, shown.values, shown.complete)
    assert read.catalogue is not None
    assert shown.catalogue is not None
    assert read.catalogue.body == shown.catalogue.body
    for row in registry.agreed:
        said = {why["layer"] for why in written["knobs"][row.name]["why"]}
        assert said == {why.layer for why in limits.compiled.why.get(row.name, ())}


@FEW
@given(st.lists(LAYERS, max_size=3), st.lists(NEXT_LAYERS, min_size=1, max_size=3), CATALOGUES)
def test_what_an_older_offer_could_not_name_was_not_agreed_to(
    then: list[Layer], now: list[Layer], known: Catalogue
) -> None:
    written = terms_of(Limits(compile_layers(then), known))
    agreement = agreement_from("sha256:0", written, NEXT)
    limits = Limits(compile_layers(now), known)
    bound = within(limits, agreement)
    assert bound.compiled.signals[GAZE].mode is Mode.DENY
    assert bound.compiled.signals[GAZE].retention_days == 0
    assert bound.compiled[WIDTH] == limits.compiled[WIDTH]
    assert GAZE not in document(bound, PRESENT)["signals"]
    assert document(bound, LATER)["signals"][GAZE] == {"mode": "deny", "retention_days": 0}


def test_a_redactor_that_is_newer_than_the_offer_is_asked_for() -> None:
    agreement = agreement_from(
        "sha256:0", terms_of(Limits(compile_layers([]), Catalogue({}, {}))), NEXT_REDACTOR
    )
    claims = {"redactors": Claim(frozenset({FACES}), Why("floor/DE"))}
    asked = Layer("floor/DE", "floor", "DE", "sha256:1", claims, NEXT_REDACTOR)
    limits = Limits(compile_layers([asked]), Catalogue({}, {}))
    assert within(limits, agreement).compiled.values["redactors"] == {FACES}


@FEW
@given(NEXT_LAYERS, CATALOGUES)
def test_an_older_program_reads_of_a_newer_offer_what_it_knows(
    layer: Layer, known: Catalogue
) -> None:
    newer = agreement_from("sha256:0", terms_of(Limits(compile_layers([layer]), known)), REGISTRY)
    assert newer.values.keys() == {row.name for row in REGISTRY.agreed}


# Rules 1


@FEW
@given(
    LIMITS,
    st.frozensets(st.sampled_from([signal.value for signal in Signal])),
    st.frozensets(st.sampled_from(NAMES)),
    st.frozensets(st.sampled_from(NAMES)),
)
def test_under_rules_1_an_agreement_bound_signals_apps_and_purposes_alone(
    limits: Limits, signals: frozenset[str], apps: frozenset[str], purposes: frozenset[str]
) -> None:
    registry = limits.compiled.registry
    bound = within(limits, mask(signals, apps, purposes, registry))
    expected = values(limits)
    expected[APPS.name] &= apps
    expected[PURPOSES.name] &= purposes
    for signal in set(registry.signals) - signals:
        expected[mode_of(signal).name] = Mode.DENY
    assert values(bound) == expected
    assert bound.catalogue == limits.catalogue


def test_without_an_agreement_everything_stays_as_it_is() -> None:
    limits = Limits(compile_layers([]), Catalogue({}, {}))
    assert within(limits, None) is limits
