"""What a person agreed to, as one more layer: it can only narrow what policy allows later (pure).

Rules:
1. The offer that a person agreed to says the value of every knob whose row is ``agreed``, who
   decided it, and how apps and exclusions were recognised then. All of it is met with what holds
   now, knob by knob as layers are met: whatever is added to policy or catalogue later reaches
   nobody who agreed before.
2. What the offer did not name, because the program did not know it yet, was not agreed to: a
   signal is denied, another knob is as where nobody names it.
3. What makes capture lawful at all (status, bases, preconditions, approvers, lead times) is not
   agreed to and stays as policy says.
4. The offer names it. It is not among the layers of a policy document, so that everybody with the
   same result shares the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.kernel.canonical import Json
from app.kernel.facts import decode, encode
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import App, Catalogue, Exclusion
from app.policy.knob_row import Knob
from app.policy.knobs import APPS, EXCLUSIONS, REGISTRY, KnobRegistry
from app.policy.law.layer import Why
from app.policy.model import Compiled

AGREEMENT = Why("agreement")
"""Who holds a knob where a person agreed to no more."""


@dataclass(frozen=True)
class Limits:
    """What binds whoever records: the value of each knob, and how places are recognised."""

    compiled: Compiled
    catalogue: Catalogue


@dataclass(frozen=True)
class Agreement:
    """What somebody agreed to.

    Attributes:
        name: the same for whoever agreed to the same.
        values: by name of the knob; None: no limit. A knob that is missing is as rule 2 says.
        catalogue: how the agreed apps and exclusions were recognised; None: that was not agreed to
            (only under rules 1).
        complete: everything that was shown is in it; otherwise what is missing is not limited (only
            under rules 1).
    """

    name: str
    values: Mapping[str, Any]
    catalogue: Catalogue | None
    complete: bool = True

    def value(self, row: Knob[Any]) -> Any:
        """The value of a knob that was agreed to; None: no limit."""
        if row.name in self.values:
            return self.values[row.name]
        return row.unnamed if self.complete else None


def agreement_to(name: str, limits: Limits) -> Agreement:
    """What somebody agrees to who agrees to all that these limits allow.

    >>> from app.policy.lattice import compile_layers
    >>> nothing = Limits(compile_layers([]), Catalogue({}, {}))
    >>> agreement_to("sha256:0", nothing).values["screenshot_min_interval_s"]
    0
    """
    compiled = limits.compiled
    values = {row.name: compiled.values[row.name] for row in compiled.registry.agreed}
    return Agreement(name, MappingProxyType(values), _listed(limits))


def within(limits: Limits, agreement: Agreement | None) -> Limits:
    """What binds a recorder of somebody who agreed (rule 1); None: nobody in particular is meant.

    >>> from app.policy.lattice import compile_layers
    >>> nothing = Limits(compile_layers([]), Catalogue({}, {}))
    >>> within(nothing, agreement_to("sha256:0", nothing)).compiled == nothing.compiled
    True
    """
    if agreement is None:
        return limits
    catalogue = limits.catalogue
    if agreement.catalogue is not None:
        catalogue = meeting(catalogue, agreement.catalogue)
    return Limits(_met(limits.compiled, agreement), catalogue)


def _met(compiled: Compiled, agreement: Agreement) -> Compiled:
    values, why = dict(compiled.values), dict(compiled.why)
    for row in compiled.registry.agreed:
        before, agreed = values[row.name], agreement.value(row)
        after = agreed if before is None else before if agreed is None else row.meet(before, agreed)
        if after != before:
            values[row.name] = after
            why |= _holders(row, compiled, before, after)
    return replace(compiled, values=MappingProxyType(values), why=MappingProxyType(why))


def _holders(
    row: Knob[Any], compiled: Compiled, before: Any, after: Any
) -> dict[str, tuple[Why, ...]]:
    """Who holds a knob that the agreement narrows: for unions it adds, elsewhere it decides."""
    if not row.unites:
        return {row.name: (AGREEMENT,)}
    added = [f"{row.name}.{member}" for member in after - before]
    members = {name: (*compiled.why.get(name, ()), AGREEMENT) for name in added}
    return {row.name: (*compiled.why.get(row.name, ()), AGREEMENT), **members}


def exceeding(agreement: Agreement, limits: Limits) -> tuple[str, ...]:
    """What an agreement allows beyond some limits, by name; empty: it is no wider than they are.

    >>> from app.policy.lattice import compile_layers
    >>> nothing = Limits(compile_layers([]), Catalogue({}, {}))
    >>> wide = replace(agreement_to("sha256:0", nothing), values={"apps": frozenset({"wiki"})})
    >>> exceeding(wide, nothing)
    ('apps',)

    Args:
        agreement: a complete one.
        limits: what it was offered under.
    """
    met, listed = _met(limits.compiled, agreement), _listed(limits)
    agreed = agreement.catalogue or Catalogue({}, {})
    knobs = [row.name for row in met.registry.agreed if agreement.value(row) != met[row]]
    apps = [f"apps.{name}" for name, app in agreed.apps.items() if listed.apps.get(name) != app]
    exclusions = [
        f"exclusions.{name}"
        for name, item in listed.exclusions.items()
        if agreed.exclusions.get(name) != item
    ]
    return (*knobs, *sorted(apps), *sorted(exclusions))


# How an offer says it


def terms_of(limits: Limits) -> dict[str, Json]:
    """Write what is offered, with who decided each knob, as an offer holds it.

    >>> from app.policy.lattice import compile_layers
    >>> terms_of(Limits(compile_layers([]), Catalogue({}, {})))["knobs"]["off_hours"]["value"]
    'deny'
    """
    compiled, listed = limits.compiled, _listed(limits)
    return {
        "knobs": {
            row.name: {
                "value": row.readable(compiled.values[row.name]),
                "why": [encode(why) for why in compiled.why.get(row.name, ())],
            }
            for row in compiled.registry.agreed
        },
        "apps": [encode(app) for _, app in sorted(listed.apps.items())],
        "exclusions": [encode(item) for _, item in sorted(listed.exclusions.items())],
    }


def agreement_from(
    name: str, terms: Mapping[str, Any], registry: KnobRegistry = REGISTRY
) -> Agreement:
    """Read what ``terms_of`` wrote.

    A knob that these rows do not have is left out: what nobody reads can allow nothing.

    >>> from app.policy.lattice import compile_layers
    >>> nothing = Limits(compile_layers([]), Catalogue({}, {}))
    >>> agreement_from("sha256:0", terms_of(nothing)) == agreement_to("sha256:0", nothing)
    True

    Raises:
        KeyError, TypeError, ValueError: it is nothing of the kind.
    """
    rows = {row.name: row for row in registry.agreed}
    values = {
        knob: None if said["value"] is None else rows[knob].shape.read(said["value"])
        for knob, said in terms["knobs"].items()
        if knob in rows
    }
    apps = [decode(App, item) for item in terms["apps"]]
    exclusions = [decode(Exclusion, item) for item in terms["exclusions"]]
    catalogue = Catalogue({app.id: app for app in apps}, {item.id: item for item in exclusions})
    return Agreement(name, MappingProxyType(values), catalogue)


def _listed(limits: Limits) -> Catalogue:
    """The apps and exclusions that the knobs name, as far as they are described."""
    compiled, catalogue = limits.compiled, limits.catalogue
    return Catalogue(
        {name: catalogue.apps[name] for name in compiled[APPS] & catalogue.apps.keys()},
        {
            name: catalogue.exclusions[name]
            for name in compiled[EXCLUSIONS] & catalogue.exclusions.keys()
        },
    )
