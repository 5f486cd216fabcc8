"""Law 4: the strictest rule wins. The meet obeys the laws of a semilattice, provenance included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.vocabulary import Basis, Mode
from app.policy import knobs
from app.policy.knob_shapes import Value, least, most, united
from app.policy.knobs import LEASE_LIFE_S, LEASE_TTL_S, REGISTRY
from app.policy.lattice import (
    TOP,
    Element,
    closed,
    compare,
    compile_layers,
    element,
    meet,
    meet_all,
)
from app.policy.law.layer import Claim, Layer, Why, read_layer
from app.policy.model import Compiled
from tests.policy.layers import LAYERS
from tests.policy.pace import unhurried

LAYER_LISTS = st.lists(LAYERS, max_size=4)


def layer(identity: str = "floor/DE", **knobs: Value) -> Layer:
    """A layer with these knobs; ``__`` stands for a dot."""
    named = {name.replace("__", "."): value for name, value in knobs.items()}
    claims = {knob: Claim(value, Why(identity, knob)) for knob, value in named.items()}
    return Layer(identity, "floor", "DE", f"digest of {identity}", claims)


def loosened(before: Compiled, after: Compiled) -> list[str]:
    """The knobs on which ``after`` allows anything that ``before`` does not; slow and plain."""
    found = [] if before.blocked <= after.blocked else ["blocked"]
    for name, row in REGISTRY.rows.items():
        old, new = before.values[name], after.values[name]
        if row.meet in {least, most}:
            less = new <= old if row.meet is least else new >= old
        else:
            outer, inner = (new, old) if row.meet is united else (old, new)
            less = outer is None or (inner is not None and inner <= outer)
        found += [] if less or name == "status" else [name]
    return found


class TestLaws:
    @unhurried
    @given(LAYERS, LAYERS)
    def test_the_order_of_two_layers_is_of_no_matter(self, a: Layer, b: Layer) -> None:
        assert meet(element(a), element(b)) == meet(element(b), element(a))

    @unhurried
    @given(LAYERS, LAYERS, LAYERS)
    def test_the_grouping_of_layers_is_of_no_matter(self, a: Layer, b: Layer, c: Layer) -> None:
        x, y, z = element(a), element(b), element(c)
        assert meet(meet(x, y), z) == meet(x, meet(y, z))

    @unhurried
    @given(LAYER_LISTS)
    def test_a_layer_met_twice_is_met_once(self, layers: list[Layer]) -> None:
        point = meet_all(layers)
        assert meet(point, point) == point
        assert meet_all([*layers, *layers]) == point

    @unhurried
    @given(LAYER_LISTS)
    def test_no_layer_at_all_constrains_nothing(self, layers: list[Layer]) -> None:
        point = meet_all(layers)
        assert meet(point, TOP) == point

    @unhurried
    @given(LAYER_LISTS, LAYERS)
    def test_adding_a_layer_never_loosens_a_knob(self, layers: list[Layer], more: Layer) -> None:
        before = meet_all(layers)
        after = meet(before, element(more))
        assert "widens" not in {change.direction for change in compare(before, after)}

    @unhurried
    @given(LAYER_LISTS, LAYER_LISTS, LAYERS)
    def test_adding_a_layer_of_another_region_never_loosens_the_result(
        self, home: list[Layer], away: list[Layer], more: Layer
    ) -> None:
        """Also where the home region says nothing: what it leaves open stays closed."""
        before = compile_layers(home, away)
        assert loosened(before, compile_layers(home, [*away, more])) == []

    @unhurried
    @given(LAYER_LISTS, LAYERS)
    def test_adding_a_layer_never_loosens_what_is_named(
        self, layers: list[Layer], more: Layer
    ) -> None:
        named = set(meet_all(layers).claims)
        before, after = compile_layers(layers), compile_layers([*layers, more])
        for knob in loosened(before, after):
            deciding = {"status", "bases"} if knob == "blocked" else {knob}
            assert not deciding <= named, knob

    @unhurried
    @given(st.permutations(range(4)), st.lists(LAYERS, min_size=4, max_size=4))
    def test_the_whole_result_depends_on_the_set_of_layers_only(
        self, order: list[int], layers: list[Layer]
    ) -> None:
        shuffled = [layers[place] for place in order]
        assert compile_layers(shuffled) == compile_layers(layers)
        assert compile_layers(shuffled).why == compile_layers(layers).why

    @unhurried
    @given(LAYER_LISTS)
    def test_closing_twice_is_closing_once_and_never_loosens(self, layers: list[Layer]) -> None:
        point = meet_all(layers)
        assert closed(closed(point)) == closed(point)
        assert "widens" not in {change.direction for change in compare(point, closed(point))}

    @unhurried
    @given(LAYER_LISTS)
    def test_whoever_is_named_as_deciding_said_exactly_what_holds(
        self, layers: list[Layer]
    ) -> None:
        point = meet_all(layers)
        for knob, deciding in point.claims.items():
            value = point.value(knob)
            if isinstance(value, int):
                assert {claim.value for claim in deciding} == {value}
            said = {layer.knobs[knob].why for layer in layers if knob in layer.knobs}
            assert set(point.why(knob)) <= said


class TestWhatNobodyNames:
    def test_nothing_is_blocked_denied_and_empty(self) -> None:
        nothing = compile_layers([])
        assert nothing.blocked
        assert not nothing.bases | nothing.apps | nothing.purposes
        assert all(rule.mode is Mode.DENY for rule in nothing.signals.values())
        assert all(rule.retention_days == 0 for rule in nothing.signals.values())
        assert nothing[LEASE_TTL_S] == LEASE_LIFE_S
        assert nothing[knobs.HOURS] is None
        for knob in (knobs.PERSONAL_DEVICE, knobs.OFF_HOURS, knobs.COUNTERPARTY):
            assert nothing[knob] is Mode.DENY

    def test_a_lease_never_lives_longer_because_nobody_mentions_it(self) -> None:
        assert compile_layers([layer(lease_ttl_s=60)])[LEASE_TTL_S] == 60
        assert compile_layers([layer(cohort_min=3)])[LEASE_TTL_S] == LEASE_LIFE_S

    def test_another_regions_policy_cannot_name_what_the_home_region_leaves_closed(self) -> None:
        travel = compile_layers([layer(status=1)], [layer(apps=frozenset({"slack"}))])
        assert travel.apps == frozenset()


class TestBlocking:
    def test_one_layer_that_is_not_approved_blocks(self) -> None:
        approved = layer(status=1, bases=frozenset({"consent"}))
        assert not compile_layers([approved]).blocked
        assert compile_layers([approved, layer("floor/EU", status=0)]).blocked

    def test_no_common_basis_blocks(self) -> None:
        home = layer(status=1, bases=frozenset({"consent"}))
        away = layer("floor/US", status=1, bases=frozenset({"acknowledgement"}))
        assert compile_layers([home], [away]).blocked

    def test_prohibited_is_no_basis(self) -> None:
        prohibited = compile_layers([layer(status=1, bases=frozenset({"prohibited", "consent"}))])
        assert prohibited.bases == {Basis.CONSENT}
        assert compile_layers([layer(status=1, bases=frozenset({"prohibited"}))]).blocked


class TestProvenance:
    def test_the_strictest_layer_is_cited_and_ties_cite_all(self) -> None:
        layers = [
            layer("floor/GLOBAL", signals__screenshot__mode=Mode.REDACT),
            layer("floor/EU", signals__screenshot__mode=Mode.DENY),
            layer("floor/DE", signals__screenshot__mode=Mode.DENY),
        ]
        why = compile_layers(layers).why["signals.screenshot.mode"]
        assert [one.layer for one in why] == ["floor/DE", "floor/EU"]

    def test_of_intersections_those_are_cited_that_took_something_away(self) -> None:
        layers = [
            layer("floor/GLOBAL", apps=frozenset({"a", "b", "c"})),
            layer("company/EU", apps=frozenset({"a", "b"})),
            layer("company/DE", apps=frozenset({"b", "c"})),
        ]
        compiled = compile_layers(layers)
        assert compiled.apps == {"b"}
        assert [one.layer for one in compiled.why["apps"]] == ["company/DE", "company/EU"]

    def test_each_member_of_a_union_names_who_asks_for_it(self) -> None:
        layers = [
            layer("floor/EU", preconditions=frozenset({"dpia"})),
            layer("floor/DE", preconditions=frozenset({"dpia", "works_agreement"})),
        ]
        why = compile_layers(layers).why
        assert [one.layer for one in why["preconditions.dpia"]] == ["floor/DE", "floor/EU"]
        assert [one.layer for one in why["preconditions.works_agreement"]] == ["floor/DE"]

    def test_a_layer_that_asks_for_nothing_is_not_named_as_asking(self) -> None:
        layers = [
            layer("floor/EU", preconditions=frozenset({"dpia"})),
            layer("floor/DE", preconditions=frozenset[str]()),
        ]
        why = compile_layers(layers).why
        assert [one.layer for one in why["preconditions"]] == ["floor/EU"]

    def test_what_is_closed_says_that_no_layer_names_it(self) -> None:
        assert compile_layers([]).why["apps"] == (Why("habeas", "no layer names it"),)


class TestDirections:
    def test_less_is_narrower_where_less_is_stricter_and_more_where_more_is(self) -> None:
        def way(knob: str, old: Value, new: Value) -> str:
            before, after = element(layer(**{knob: old})), element(layer(**{knob: new}))
            (change,) = compare(before, after)
            return change.direction

        assert way("lease_ttl_s", 900, 600) == way("cohort_min", 2, 5) == "narrows"
        assert way("lease_ttl_s", 600, 900) == way("cohort_min", 5, 2) == "widens"
        few, many = frozenset({"a"}), frozenset({"a", "b"})
        assert way("apps", many, few) == way("exclusions", few, many) == "narrows"
        assert way("apps", few, many) == way("exclusions", many, few) == "widens"
        assert way("apps", frozenset({"a", "b"}), frozenset({"b", "c"})) == "widens"

    def test_naming_a_knob_narrows_and_leaving_it_out_again_widens(self) -> None:
        named, unnamed = element(layer(cohort_min=3)), element(layer())
        assert [change.direction for change in compare(unnamed, named)] == ["narrows"]
        assert [change.direction for change in compare(named, unnamed)] == ["widens"]
        assert compare(named, named) == ()


@pytest.mark.parametrize(("mode", "kept"), [("deny", 0), ("redact", 30), ("allow", 30)])
def test_what_is_not_captured_is_not_kept_either(mode: str, kept: int) -> None:
    rule = {"mode": mode, "retention_days": 30, "cite": "", "confidence": "C"}
    document = {
        "kind": "floor",
        "region": "DE",
        "status": "approved",
        "knobs": {"signals": {"click": rule}},
    }
    point = element(read_layer(document, "sha256:1"))
    assert point.value("signals.click.retention_days") == kept


def test_the_result_names_every_layer_also_those_of_other_regions() -> None:
    compiled = compile_layers([layer("floor/DE"), layer("floor/EU")], [layer("floor/US")])
    assert compiled.layers == {"digest of floor/DE", "digest of floor/EU", "digest of floor/US"}


def test_every_knob_of_the_table_has_a_value_in_the_result() -> None:
    assert set(compile_layers([]).why) == {
        name for name, row in REGISTRY.rows.items() if not row.unites and row.unnamed is not None
    }
    assert isinstance(meet_all([]), Element)
