"""The meet of layers: a product lattice, one small lattice per knob.

Rules:
1. An element holds, for each knob, the claims that decide it. Meeting two elements joins their
   claims and lets go of each that another is strictly stricter than. Nothing else happens, so the
   meet is commutative, associative and idempotent, its provenance included.
2. A knob without a claim is not constrained (top). Adding a layer can only make a value stricter.
3. What nobody names is closed at the end, once, by ``RULES``: no signal, no app, no purpose, no
   basis. Closing the layers of the home region before the others are met keeps rule 2 for people
   who travel: another region's policy can never name what the home region leaves closed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, cast

from app.kernel.scope import Scope
from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.law.layer import APPROVED, NOT_APPROVED, Claim, Direction, Layer, Value, Why
from app.policy.model import Catalogue, Compiled, KnobChange, Matchers, SignalRule

LEASE_TTL_S = 900
"""Seconds a lease lives where no layer says less (DESIGN §6.3)."""

_CLOSED = Why("habeas", "no layer names it")


@dataclass(frozen=True)
class Rule:
    """How a knob meets, and what it is where no layer names it (None: not limited)."""

    meet: Callable[[Any, Any], Value]
    closed: Value | None
    union: bool = False


def _least(a: int, b: int) -> int:
    return min(a, b)


def _most(a: int, b: int) -> int:
    return max(a, b)


def _shared(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    return a & b


def _all(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    return a | b


_NONE: frozenset[str] = frozenset()

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "status": Rule(_least, NOT_APPROVED),
        "bases": Rule(_shared, _NONE),
        **{f"signals.{signal}.mode": Rule(_least, Mode.DENY) for signal in Signal},
        **{f"signals.{signal}.retention_days": Rule(_least, 0) for signal in Signal},
        "lease_ttl_s": Rule(_least, LEASE_TTL_S),
        "screenshot_min_interval_s": Rule(_most, 0),
        "notice_lead_days": Rule(_most, 0),
        "cohort_min": Rule(_most, 1),
        "preconditions": Rule(_all, _NONE, union=True),
        "exclusions": Rule(_all, _NONE, union=True),
        "redactors": Rule(_all, _NONE, union=True),
        "notice_content": Rule(_all, _NONE, union=True),
        "approver_roles": Rule(_all, _NONE, union=True),
        "apps": Rule(_shared, _NONE),
        "purposes": Rule(_shared, _NONE),
        "hours": Rule(_shared, None),
        "personal_device": Rule(_least, Mode.DENY),
        "off_hours": Rule(_least, Mode.DENY),
        "counterparty": Rule(_least, Mode.DENY),
    }
)
"""The table of DESIGN §5. The order is the order of pages and of differences."""


@dataclass(frozen=True)
class Element:
    """A point of the lattice: for each constrained knob, the claims that decide it."""

    claims: Mapping[str, frozenset[Claim]]

    def value(self, knob: str) -> Value | None:
        """The value of a knob; None where nothing constrains it."""
        claims = self.claims.get(knob)
        return _meet_values(knob, (claim.value for claim in claims)) if claims else None

    def why(self, knob: str) -> tuple[Why, ...]:
        """Who holds the knob where it is."""
        return tuple(sorted({claim.why for claim in self.claims.get(knob, ())}))


TOP = Element(MappingProxyType({}))
"""What no layer constrains."""


def element(layer: Layer) -> Element:
    """The point that one layer is."""
    return Element(
        {
            knob: frozenset({claim})
            for knob, claim in layer.knobs.items()
            if not (RULES[knob].union and not claim.value)
        }
    )


def meet(a: Element, b: Element) -> Element:
    """The strictest of both on every knob, with who holds it there (rule 1)."""
    return Element(
        {
            knob: _decisive(knob, a.claims.get(knob, frozenset()) | b.claims.get(knob, frozenset()))
            for knob in a.claims.keys() | b.claims.keys()
        }
    )


def meet_all(layers: Iterable[Layer]) -> Element:
    """The meet of any number of layers."""
    return reduce(meet, map(element, layers), TOP)


def closed(point: Element) -> Element:
    """The same point with every knob that nobody names closed (rule 3)."""
    missing = {
        knob: frozenset({Claim(rule.closed, _CLOSED)})
        for knob, rule in RULES.items()
        if knob not in point.claims and rule.closed is not None and not rule.union
    }
    return Element({**point.claims, **missing})


def compile_layers(layers: Iterable[Layer], others: Iterable[Layer] = ()) -> Compiled:
    """Compute what holds under all layers.

    Args:
        layers: those of the home region's chain; what they leave open is closed.
        others: those of further regions; they can only narrow.
    """
    home, away = tuple(layers), tuple(others)
    point = meet(closed(meet_all(home)), meet_all(away))
    return _compiled(point, frozenset(layer.digest for layer in home + away))


def _decisive(knob: str, claims: frozenset[Claim]) -> frozenset[Claim]:
    if RULES[knob].union:
        return claims
    return frozenset(
        claim
        for claim in claims
        if not any(_stricter(knob, other.value, claim.value) for other in claims)
    )


def _stricter(knob: str, a: Value, b: Value) -> bool:
    return a != b and RULES[knob].meet(a, b) == a


def _meet_values(knob: str, values: Iterable[Value]) -> Value:
    return reduce(RULES[knob].meet, values)


def _compiled(point: Element, layers: frozenset[str]) -> Compiled:
    def number(knob: str) -> int:
        return cast("int", point.value(knob) or 0)

    def names(knob: str) -> frozenset[str]:
        return cast("frozenset[str]", point.value(knob) or frozenset())

    bases = frozenset(Basis(name) for name in names("bases")) - {Basis.PROHIBITED}
    return Compiled(
        blocked=number("status") != APPROVED or not bases,
        bases=bases,
        signals=MappingProxyType(
            {
                signal: SignalRule(
                    Mode(number(f"signals.{signal}.mode")),
                    number(f"signals.{signal}.retention_days"),
                )
                for signal in Signal
            }
        ),
        lease_ttl_s=number("lease_ttl_s"),
        screenshot_min_interval_s=number("screenshot_min_interval_s"),
        lead_days=number("notice_lead_days"),
        cohort_min=number("cohort_min"),
        preconditions=names("preconditions"),
        exclusions=names("exclusions"),
        redactors=names("redactors"),
        notice_content=names("notice_content"),
        approver_roles=names("approver_roles"),
        apps=names("apps"),
        purposes=names("purposes"),
        hours=cast("frozenset[int] | None", point.value("hours")),
        personal_device=Mode(number("personal_device")),
        off_hours=Mode(number("off_hours")),
        counterparty=Mode(number("counterparty")),
        why=_provenance(point),
        layers=layers,
    )


def _provenance(point: Element) -> Mapping[str, tuple[Why, ...]]:
    """Who holds each knob; for unions also who asks for each member."""
    why = {knob: point.why(knob) for knob in RULES if knob in point.claims}
    for knob, rule in RULES.items():
        if rule.union:
            claims = point.claims.get(knob, frozenset())
            for member in sorted(cast("frozenset[str]", point.value(knob) or _NONE)):
                askers = {
                    item.why for item in claims if member in cast("frozenset[str]", item.value)
                }
                why[f"{knob}.{member}"] = tuple(sorted(askers))
    return MappingProxyType(why)


def compare(before: Element, after: Element) -> tuple[KnobChange, ...]:
    """List the knobs whose value differs, with the direction of each."""
    changes = []
    for knob in RULES:
        old, new = before.value(knob), after.value(knob)
        if old != new:
            direction: Direction = "narrows" if _not_looser(knob, old, new) else "widens"
            changes.append(KnobChange(knob, readable(knob, old), readable(knob, new), direction))
    return tuple(changes)


def _not_looser(knob: str, old: Value | None, new: Value | None) -> bool:
    if old is None:
        return True
    return new is not None and RULES[knob].meet(old, new) == new


def readable(knob: str, value: Value | None) -> Any:
    """Write a value as files and pages do: words for modes, sorted lists for sets."""
    if value is None:
        return None
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    if knob == "status":
        return "approved" if value == APPROVED else "blocked"
    return value.word if isinstance(value, Mode) else value


def document(compiled: Compiled, scope: Scope | None, catalogue: Catalogue) -> dict[str, Any]:
    """Write the policy document that agents fetch (DESIGN §6.4).

    An exclusion that the catalogue does not describe cannot be kept to, so then no app is listed.

    Args:
        compiled: what holds.
        scope: what the person agreed to; nothing outside it is allowed. None: no person is meant.
        catalogue: where apps and exclusions are described.
    """
    apps = compiled.apps if scope is None else compiled.apps & scope.apps
    purposes = compiled.purposes if scope is None else compiled.purposes & scope.purposes
    known = compiled.exclusions & catalogue.exclusions.keys()
    if compiled.blocked or known != compiled.exclusions:
        apps, purposes = frozenset(), frozenset()
    return {
        "v": 1,
        "signals": _signals(compiled, scope),
        "screenshot_min_interval_s": compiled.screenshot_min_interval_s,
        "apps": [
            {"id": app.id, "name": app.name, "group": app.group, "match": _app_match(app.match)}
            for app in (catalogue.apps[name] for name in sorted(apps) if name in catalogue.apps)
        ],
        "exclusions": [
            {"id": item.id, "name": item.name, "match": _exclusion_match(item.match)}
            for item in (catalogue.exclusions[name] for name in sorted(known))
        ],
        "redactors": sorted(compiled.redactors),
        "hours": None if compiled.hours is None else sorted(compiled.hours),
        "off_hours": compiled.off_hours.word,
        "personal_device": compiled.personal_device.word,
        "counterparty": compiled.counterparty.word,
        "purposes": sorted(purposes),
        "layers": sorted(compiled.layers),
    }


def _signals(compiled: Compiled, scope: Scope | None) -> dict[str, Any]:
    signals: dict[str, Any] = {}
    for signal, rule in compiled.signals.items():
        outside = compiled.blocked or (scope is not None and signal not in scope.signals)
        mode = Mode.DENY if outside else rule.mode
        days = 0 if mode is Mode.DENY else rule.retention_days
        signals[signal.value] = {"mode": mode.word, "retention_days": days}
    return signals


def _app_match(match: Matchers) -> dict[str, Any]:
    return {
        "bundle_ids": sorted(match.bundle_ids),
        "executables": sorted(match.executables),
        "urls": sorted(match.urls),
    }


def _exclusion_match(match: Matchers) -> dict[str, Any]:
    return {**_app_match(match), "fields": sorted(match.fields), "private": match.private}
