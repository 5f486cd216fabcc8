"""The policy document for agents: never more than the policy and the person's scope allow."""

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical
from app.kernel.scope import Scope
from app.kernel.vocabulary import Mode, Signal
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import EXCLUSIONS
from app.policy.lattice import compile_layers
from app.policy.law.layer import Layer
from tests.policy.layers import LAYERS, NAMES
from tests.policy.pace import unhurried

CATALOGUE = Catalogue(
    apps={name: App(name, name, "data", Matchers(executables=(name,))) for name in NAMES},
    exclusions={name: Exclusion(name, name, "Why.", Matchers(fields=(name,))) for name in NAMES},
)
SCOPES = st.builds(
    Scope,
    signals=st.frozensets(st.sampled_from([signal.value for signal in Signal])),
    purposes=st.frozensets(st.sampled_from(NAMES)),
    apps=st.frozensets(st.sampled_from(NAMES)),
)


@unhurried
@given(st.lists(LAYERS, max_size=3), SCOPES)
def test_nothing_outside_the_scope_or_the_policy_is_allowed(
    layers: list[Layer], scope: Scope
) -> None:
    compiled = compile_layers(layers)
    written = document(compiled, scope, CATALOGUE)

    assert {app["id"] for app in written["apps"]} <= scope.apps & compiled.apps
    assert set(written["purposes"]) <= scope.purposes & compiled.purposes
    for signal, rule in written["signals"].items():
        mode = Mode[rule["mode"].upper()]
        assert mode <= compiled.signals[signal].mode
        assert signal in scope.signals or mode is Mode.DENY
        assert rule["retention_days"] <= compiled.signals[signal].retention_days
    if compiled.blocked:
        assert not written["apps"]
    assert {item["id"] for item in written["exclusions"]} == compiled[EXCLUSIONS]


@unhurried
@given(st.lists(LAYERS, max_size=3), SCOPES)
def test_people_with_the_same_layers_and_choices_share_one_document(
    layers: list[Layer], scope: Scope
) -> None:
    """The digest must tell nobody apart."""
    one = document(compile_layers(layers), scope, CATALOGUE)
    two = document(compile_layers([*reversed(layers), *layers]), scope, CATALOGUE)
    assert canonical(one) == canonical(two)


@unhurried
@given(LAYERS)
def test_an_exclusion_that_nobody_describes_any_more_closes_every_app(some: Layer) -> None:
    bare = Catalogue(CATALOGUE.apps, {})
    compiled = compile_layers([some])
    if compiled[EXCLUSIONS]:
        assert document(compiled, None, bare)["apps"] == []
