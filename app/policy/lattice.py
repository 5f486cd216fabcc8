"""The meet of layers: a product lattice, one small lattice per knob.

Rules:
1. An element holds, for each knob, the claims that decide it. Meeting two elements joins their
   claims and drops each that another is strictly stricter than. Nothing else happens, so the
   meet is commutative, associative and idempotent, its provenance included.
2. A knob without a claim is not constrained (top). Adding a layer can only make a value stricter.
3. What nobody names is closed at the end, once, by the knob's row (``knobs``): no signal, no app,
   no purpose, no basis. Closing the layers of the home region before the others are met keeps
   rule 2 for people who travel: another region's policy can never name what the home region leaves
   closed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any, cast

from app.policy.knob_row import Knob
from app.policy.knob_shapes import Value
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.law.layer import Claim, Direction, Layer, Why
from app.policy.model import Compiled, KnobChange

_CLOSED = Why("habeas", "no layer names it")


@dataclass(frozen=True)
class Element:
    """A point of the lattice: for each constrained knob, the claims that decide it."""

    claims: Mapping[str, frozenset[Claim]]
    registry: KnobRegistry = field(default=REGISTRY, repr=False, compare=False)

    def value(self, knob: str) -> Value | None:
        """The value of a knob; None where nothing constrains it."""
        claims = self.claims.get(knob)
        if not claims:
            return None
        return reduce(self.registry.rows[knob].meet, (claim.value for claim in claims))

    def why(self, knob: str) -> tuple[Why, ...]:
        """Who holds the knob where it is."""
        return tuple(sorted({claim.why for claim in self.claims.get(knob, ())}))


_NO_CLAIM: frozenset[Claim] = frozenset()

TOP = Element(MappingProxyType({}))
"""What no layer constrains."""


def element(layer: Layer) -> Element:
    """The point of one layer.

    >>> law = Layer("floor/DE", "floor", "DE", "", {"cohort_min": Claim(5, Why("floor/DE"))})
    >>> element(law).value("cohort_min"), element(law).value("lease_ttl_s")
    (5, None)
    """
    claims = {
        knob: frozenset({claim})
        for knob, claim in layer.knobs.items()
        if claim.value or not layer.registry.rows[knob].unites
    }
    return Element(claims, layer.registry)


def meet(a: Element, b: Element) -> Element:
    """The strictest of both on every knob, with who holds it there (rule 1).

    >>> law = Layer("floor/DE", "floor", "DE", "", {"cohort_min": Claim(5, Why("floor/DE"))})
    >>> ours = Layer("company/DE", "company", "DE", "", {"cohort_min": Claim(8, Why("company/DE"))})
    >>> both = meet(element(law), element(ours))
    >>> both.value("cohort_min"), [why.layer for why in both.why("cohort_min")]
    (8, ['company/DE'])
    """
    registry = _larger(a.registry, b.registry)
    rows = registry.rows
    claims = dict(a.claims)
    for knob, more in b.claims.items():
        ours = claims.get(knob)
        claims[knob] = more if ours is None else _decisive(rows[knob], ours | more)
    return Element(claims, registry)


def _larger(a: KnobRegistry, b: KnobRegistry) -> KnobRegistry:
    """The knobs of both: what a service reads is of one registry, which holds the program's own."""
    return b if len(b.rows) > len(a.rows) else a


def meet_all(layers: Iterable[Layer]) -> Element:
    """The meet of any number of layers.

    >>> law = Layer("floor/DE", "floor", "DE", "", {"cohort_min": Claim(5, Why("floor/DE"))})
    >>> meet_all([law, law]) == element(law), meet_all([]) == TOP
    (True, True)
    """
    return reduce(meet, map(element, layers), TOP)


def closed(point: Element) -> Element:
    """The same point with every knob that nobody names closed (rule 3).

    >>> TOP.value("apps") is None, closed(TOP).value("apps")
    (True, frozenset())
    """
    missing = {
        name: frozenset({Claim(row.unnamed, _CLOSED)})
        for name, row in point.registry.rows.items()
        if name not in point.claims and row.unnamed is not None and not row.unites
    }
    return Element({**point.claims, **missing}, point.registry)


def compile_layers(layers: Iterable[Layer], others: Iterable[Layer] = ()) -> Compiled:
    """Compute what holds under all layers.

    >>> nothing = compile_layers([])
    >>> nothing.blocked, sorted(nothing.apps)
    (True, [])

    Args:
        layers: those of the home region's chain; what they leave open is closed.
        others: those of further regions; they can only narrow.
    """
    home, away = tuple(layers), tuple(others)
    point = meet(closed(meet_all(home)), meet_all(away))
    return Compiled(
        values=MappingProxyType(
            {name: row.compiled(point.value(name)) for name, row in point.registry.rows.items()}
        ),
        why=_provenance(point),
        layers=frozenset(layer.digest for layer in home + away),
        registry=point.registry,
    )


def _decisive(row: Knob[Any], claims: frozenset[Claim]) -> frozenset[Claim]:
    values = {claim.value for claim in claims}
    if row.unites or len(values) == 1:
        return claims
    loose = {a for a in values if any(_stricter(row, b, a) for b in values)}
    return frozenset(claim for claim in claims if claim.value not in loose)


def _stricter(row: Knob[Any], a: Value, b: Value) -> bool:
    return a != b and row.meet(a, b) == a


def _provenance(point: Element) -> Mapping[str, tuple[Why, ...]]:
    """Who holds each knob; for unions also who asks for each member."""
    rows = point.registry.rows
    why = {knob: point.why(knob) for knob in rows if knob in point.claims}
    for knob, row in rows.items():
        if row.unites:
            why |= _askers(knob, point)
    return MappingProxyType(why)


def _askers(knob: str, point: Element) -> dict[str, tuple[Why, ...]]:
    """Who asks for each member of a union."""
    asked: dict[str, set[Why]] = {}
    for claim in point.claims.get(knob, _NO_CLAIM):
        for member in cast("frozenset[object]", claim.value):
            asked.setdefault(str(member), set()).add(claim.why)
    return {f"{knob}.{member}": tuple(sorted(asked[member])) for member in sorted(asked)}


def compare(before: Element, after: Element) -> tuple[KnobChange, ...]:
    """List the knobs whose value differs, with the direction of each.

    >>> law = Layer("floor/DE", "floor", "DE", "", {"cohort_min": Claim(5, Why("floor/DE"))})
    >>> compare(TOP, element(law))
    (KnobChange(knob='cohort_min', before=None, after=5, direction='narrows'),)
    """
    return changes_in(after.registry, before.value, after.value)


def changes_in(
    registry: KnobRegistry,
    before: Callable[[str], Value | None],
    after: Callable[[str], Value | None],
) -> tuple[KnobChange, ...]:
    """List the knobs whose value differs, whatever the values are of: layers, or a result.

    >>> changes_in(REGISTRY, {"cohort_min": 5}.get, {"cohort_min": 3}.get)
    (KnobChange(knob='cohort_min', before=5, after=3, direction='widens'),)

    Args:
        registry: the knobs that there are.
        before: the value of a knob by its name; None where nothing limits it.
        after: the same.
    """
    changes = []
    for name, row in registry.rows.items():
        old, new = before(name), after(name)
        if old != new:
            way = _way(row, old, new)
            changes.append(KnobChange(name, row.readable(old), row.readable(new), way))
    return tuple(changes)


def _way(row: Knob[Any], old: Value | None, new: Value | None) -> Direction:
    """Which way a value goes; ``same`` where it says otherwise what it said."""
    if not row.no_looser(old, new):
        return "widens"
    return "same" if row.no_looser(new, old) else "narrows"
