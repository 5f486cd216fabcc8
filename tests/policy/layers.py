"""Layers by the thousand: strategies that generate every knob, and none of them, in any layer."""

from typing import Any

from hypothesis import strategies as st

from app.kernel.vocabulary import Basis, Mode
from app.policy.catalogue.model import Matchers
from app.policy.knob_shapes import Modes, NameSet, OwnExclusions, Value
from app.policy.knobs import REGISTRY
from app.policy.law.layer import Claim, Layer, Why
from app.policy.own_exclusions import OwnExclusion

NAMES = tuple("abcd")
TENANTS = ("a: account acme", "a: domain example.com", "b: account acme")
PLACES = tuple(
    OwnExclusion(name, label, "Why.", Matchers(executables=(program,)), (program,))
    for name, label, program in [
        ("hr", "HR", "hr.exe"),
        ("hr", "Personnel", "hr.exe"),
        ("hr", "HR", "pay.exe"),
        ("lab", "Lab", "pay.exe"),
    ]
)
_MEMBERS: dict[str, tuple[Any, ...]] = {
    "bases": tuple(basis.value for basis in Basis),
    "tenants": TENANTS,
    "own_exclusions": PLACES,
}
WHYS = st.builds(
    Why,
    layer=st.sampled_from(["floor/EU", "floor/DE", "company/DE"]),
    cite=st.sampled_from(["Art. 5", "Art. 6", ""]),
    confidence=st.sampled_from(["C", "G"]),
)


def values(knob: str) -> st.SearchStrategy[Value]:
    if knob == "status":
        return st.integers(0, 1)
    if knob == "hours":
        return st.frozensets(st.integers(0, 167), max_size=6)
    match REGISTRY.rows[knob].shape:
        case Modes():
            return st.sampled_from(Mode)
        case NameSet() | OwnExclusions():
            return st.frozensets(st.sampled_from(_MEMBERS.get(knob, NAMES)))
        case _:
            return st.integers(0, 5)


def claims(knob: str) -> st.SearchStrategy[Claim]:
    return st.builds(Claim, values(knob), WHYS)


KNOBS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={knob: claims(knob) for knob in REGISTRY.rows}
)
LAYERS: st.SearchStrategy[Layer] = st.builds(
    Layer,
    id=st.sampled_from(["floor/EU", "floor/DE", "company/DE"]),
    kind=st.just("floor"),
    region=st.just("DE"),
    digest=st.sampled_from(["sha256:1", "sha256:2", "sha256:3"]),
    knobs=KNOBS,
)
