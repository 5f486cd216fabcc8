"""A remembered policy document is the document of exactly what it is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest
from app.kernel.scope import Scope
from app.policy.catalogue.model import Catalogue
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.memory import DocumentMemory
from tests.policy.layers import LAYERS
from tests.policy.pace import unhurried
from tests.policy.test_document import CATALOGUE, SCOPES

ASKED = st.lists(st.tuples(LAYERS, st.none() | SCOPES), min_size=1, max_size=8)


@unhurried
@given(ASKED, st.integers(1, 3))
def test_what_is_remembered_is_what_would_be_written(
    asked: list[tuple[Layer, Scope | None]], most: int
) -> None:
    memory = DocumentMemory(CATALOGUE, most)
    for layer, scope in [*asked, *asked]:
        compiled = compile_layers([layer])
        body = canonical(document(compiled, scope, CATALOGUE))
        assert memory.of(compiled, scope) == (digest(body), body)
        assert memory.of(compiled, scope) == (digest(body), body)


def test_a_value_at_the_memory_address_of_an_old_value_is_not_taken_for_it() -> None:
    """Python gives the place of a value that nobody holds to the next one of its kind."""
    memory, addresses = DocumentMemory(CATALOGUE), []
    for seconds in range(300):
        why = Why("floor/DE", "Art. 5")
        knobs = {"screenshot_min_interval_s": Claim(seconds, why)}
        compiled = compile_layers([Layer("floor/DE", "floor", "DE", "sha256:1", knobs)])
        addresses.append(id(compiled))
        assert memory.of(compiled, None)[1] == canonical(document(compiled, None, CATALOGUE))
    assert len(set(addresses)) == len(addresses)


@unhurried
@given(LAYERS, SCOPES)
def test_another_catalogue_makes_another_document(layer: Layer, scope: Scope) -> None:
    """One service has one catalogue; the next start, with other files, has a memory of its own."""
    compiled, bare = compile_layers([layer]), Catalogue({}, {})
    for catalogue in (CATALOGUE, bare):
        body = canonical(document(compiled, scope, catalogue))
        assert DocumentMemory(catalogue).of(compiled, scope) == (digest(body), body)


@unhurried
@given(LAYERS, SCOPES)
def test_a_document_is_not_written_twice(layer: Layer, scope: Scope) -> None:
    memory, compiled = DocumentMemory(CATALOGUE), compile_layers([layer])
    first = memory.of(compiled, scope)
    assert memory.of(compiled, Scope(scope.signals, scope.purposes, scope.apps))[1] is first[1]


def test_no_more_is_remembered_than_the_limit() -> None:
    memory = DocumentMemory(CATALOGUE, most=2)
    everything = [compile_layers([]) for _ in range(5)]
    for compiled in everything:
        memory.of(compiled, None)
        assert 0 < len(memory.remembered) <= 2
