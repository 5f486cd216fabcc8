"""The policy document for agents: never more than the policy and the person's agreement allow."""

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical
from app.kernel.vocabulary import Mode
from app.policy.agreement import Agreement
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import EXCLUSIONS, mode_of
from app.policy.lattice import compile_layers
from app.policy.law.layer import Layer
from tests.agreements import agreements, bound
from tests.policy.layers import LAYERS, NAMES
from tests.policy.pace import unhurried

CATALOGUE = Catalogue(
    apps={name: App(name, name, "data", Matchers(executables=(name,))) for name in NAMES},
    exclusions={name: Exclusion(name, name, "Why.", Matchers(fields=(name,))) for name in NAMES},
)
AGREEMENTS = agreements(NAMES, NAMES)


@unhurried
@given(st.lists(LAYERS, max_size=3), AGREEMENTS)
def test_nothing_outside_the_agreement_or_the_policy_is_allowed(
    layers: list[Layer], agreed: Agreement
) -> None:
    compiled = compile_layers(layers)
    written = document(bound(compiled, agreed, CATALOGUE))

    assert {app["id"] for app in written["apps"]} <= agreed.values["apps"] & compiled.apps
    assert set(written["purposes"]) <= agreed.values["purposes"] & compiled.purposes
    for signal, rule in written["signals"].items():
        mode = Mode[rule["mode"].upper()]
        assert mode <= compiled.signals[signal].mode
        assert mode is Mode.DENY or mode_of(signal).name not in agreed.values
        assert rule["retention_days"] <= compiled.signals[signal].retention_days
    if compiled.blocked:
        assert not written["apps"]
    assert {item["id"] for item in written["exclusions"]} == compiled[EXCLUSIONS]


@unhurried
@given(st.lists(LAYERS, max_size=3), AGREEMENTS)
def test_people_with_the_same_layers_and_choices_share_one_document(
    layers: list[Layer], agreed: Agreement
) -> None:
    """The digest must tell nobody apart."""
    one = document(bound(compile_layers(layers), agreed, CATALOGUE))
    two = document(bound(compile_layers([*reversed(layers), *layers]), agreed, CATALOGUE))
    assert canonical(one) == canonical(two)


@unhurried
@given(LAYERS)
def test_an_exclusion_that_nobody_describes_any_more_closes_every_app(some: Layer) -> None:
    bare = Catalogue(CATALOGUE.apps, {})
    compiled = compile_layers([some])
    if compiled[EXCLUSIONS]:
        assert document(bound(compiled, None, bare))["apps"] == []
