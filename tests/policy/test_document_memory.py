"""Remembered limits, and the remembered document of them, are exactly what is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest
from app.policy.agreement import Agreement, Limits, within
from app.policy.catalogue.model import Catalogue
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.memory import LimitsMemory
from app.policy.model import Compiled
from tests.policy.layers import LAYERS
from tests.policy.pace import unhurried
from tests.policy.test_document import AGREEMENTS, CATALOGUE

ASKED = st.lists(st.tuples(LAYERS, st.none() | AGREEMENTS), min_size=1, max_size=8)


def told(
    memory: LimitsMemory, compiled: Compiled, agreed: Agreement | None, catalogue: Catalogue
) -> tuple[str, bytes]:
    return memory.document(memory.within(compiled, catalogue, agreed))


@unhurried
@given(ASKED, st.integers(1, 3))
def test_what_is_remembered_is_what_would_be_written(
    asked: list[tuple[Layer, Agreement | None]], most: int
) -> None:
    memory = LimitsMemory(most)
    for layer, agreed in [*asked, *asked]:
        compiled = compile_layers([layer])
        limits = within(Limits(compiled, CATALOGUE), agreed)
        body = canonical(document(limits))
        for _ in range(2):
            assert memory.within(compiled, CATALOGUE, agreed) == limits
            assert told(memory, compiled, agreed, CATALOGUE) == (digest(body), body)


def test_a_value_at_the_memory_address_of_an_old_value_is_not_taken_for_it() -> None:
    """Python gives the place of a value that nobody holds to the next one of its kind."""
    memory, addresses = LimitsMemory(), []
    for seconds in range(300):
        why = Why("floor/DE", "Art. 5")
        knobs = {"screenshot_min_interval_s": Claim(seconds, why)}
        compiled = compile_layers([Layer("floor/DE", "floor", "DE", "sha256:1", knobs)])
        addresses.append(id(compiled))
        expected = canonical(document(Limits(compiled, CATALOGUE)))
        assert told(memory, compiled, None, CATALOGUE)[1] == expected
    assert len(set(addresses)) == len(addresses)


@unhurried
@given(LAYERS, AGREEMENTS)
def test_another_catalogue_makes_another_document(layer: Layer, agreed: Agreement) -> None:
    memory, compiled, bare = LimitsMemory(), compile_layers([layer]), Catalogue({}, {})
    for catalogue in (CATALOGUE, bare):
        body = canonical(document(within(Limits(compiled, catalogue), agreed)))
        assert told(memory, compiled, agreed, catalogue) == (digest(body), body)


@unhurried
@given(LAYERS, AGREEMENTS)
def test_a_document_is_not_written_twice(layer: Layer, agreed: Agreement) -> None:
    memory, compiled = LimitsMemory(), compile_layers([layer])
    first = told(memory, compiled, agreed, CATALOGUE)
    same = Agreement(agreed.name, dict(agreed.values), agreed.catalogue, agreed.complete)
    assert told(memory, compiled, same, CATALOGUE)[1] is first[1]


def test_no_more_is_remembered_than_the_limit() -> None:
    memory = LimitsMemory(most=2)
    everything = [compile_layers([]) for _ in range(5)]
    for compiled in everything:
        told(memory, compiled, None, CATALOGUE)
        assert 0 < len(memory.limits) <= 2
        assert 0 < len(memory.documents) <= 2
