"""What a decision agreed to (pure): read from the offer that was shown.

Rules:
1. An offer says all that is agreed to (app/policy/agreement.py). What it names for its reader and
   what its terms bind must be the same: nothing is agreed to that only one of them says.
2. The offers of release 0.1 named signals, apps, purposes and days, and by digest the layers that
   were in force. What else was shown follows from those layers and from the catalogue that was in
   force when the offer was shown; it is computed again, and nobody is asked for it. Clocks differ:
   of catalogues that were adopted about then, what all of them recognise was shown.
3. Under rules 1 a decision bound the signals, apps and purposes of its offer and nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from app.consent.model import Decision
from app.consent.offers import Offer
from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.vocabulary import Mode
from app.policy import knobs
from app.policy.agreement import Agreement, Limits, agreement_from, agreement_to, within
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import Catalogue
from app.policy.knobs import KnobRegistry, mode_of, retention_of
from app.policy.lattice import compile_layers
from app.policy.law.layer import CompanyPolicy, Floor, chain
from app.policy.timeline import SKEW


@dataclass(frozen=True)
class Sources:
    """What the offers of release 0.1 are completed from.

    Attributes:
        document: the bytes of a floor, company policy or catalogue by its digest.
        adopted: when each catalogue was adopted, and its digest, in the order of adoption.
        shown_at: when the offer was shown.
    """

    document: Callable[[str], bytes]
    adopted: Callable[[], Iterable[tuple[datetime, str]]]
    shown_at: datetime


def agreement_of(offer: Offer, sources: Sources, registry: KnobRegistry) -> Agreement:
    """What somebody agreed to who agreed to an offer.

    Args:
        offer: that was shown.
        sources: asked only for an offer of release 0.1.
        registry: the knobs that there are.

    Raises:
        KeyError, TypeError, ValueError: the terms of the offer cannot be read.
    """
    if offer.terms is not None:
        agreed = agreement_from(offer.digest, offer.terms, registry)
        _require_named(agreed, _named(offer, registry), registry)
        return agreed
    limits = _limits_then(offer, sources, registry)
    name = f"{offer.digest} {limits.catalogue.digest}"
    return agreement_to(name, within(limits, _named(offer, registry)))


def mask_of(decision: Decision, registry: KnobRegistry) -> Agreement:
    """What a decision bound under rules 1."""
    return mask(decision.signals, decision.apps, decision.purposes, registry)


def mask(
    signals: Iterable[str], apps: Iterable[str], purposes: Iterable[str], registry: KnobRegistry
) -> Agreement:
    """An agreement to these, which says nothing else.

    >>> agreed = mask(["click"], ["wiki"], [], knobs.REGISTRY)
    >>> agreed.values["apps"], agreed.values["signals.menu.mode"].word
    (frozenset({'wiki'}), 'deny')
    >>> agreed.value(mode_of("click")) is None  # no limit
    True
    """
    agreed = [sorted(names) for names in (set(signals), set(apps), set(purposes))]
    denied = {
        mode_of(signal).name: Mode.DENY for signal in registry.signals if signal not in agreed[0]
    }
    values = {
        **denied,
        knobs.APPS.name: frozenset(agreed[1]),
        knobs.PURPOSES.name: frozenset(agreed[2]),
    }
    return Agreement(digest(canonical(agreed)), values, None, complete=False)


def _require_named(agreed: Agreement, named: Agreement, registry: KnobRegistry) -> None:
    """Return if the terms of an offer go no further than what it names for its reader (rule 1).

    Raises:
        ValueError: they do.
    """
    rows = [row for row in registry.agreed if row.name in named.values]
    wider = [
        row.name
        for row in rows
        if row.meet(named.values[row.name], agreed.value(row)) != agreed.value(row)
    ]
    if wider:
        raise ValueError(f"the terms of the offer are wider than what it names: {wider}")


def _named(offer: Offer, registry: KnobRegistry) -> Agreement:
    """What an offer names itself: all that those of release 0.1 say."""
    named = mask(offer.signals, offer.apps, offer.purposes, registry)
    days = {retention_of(signal).name: kept for signal, kept in offer.retention_days.items()}
    return replace(named, values={**named.values, **days})


def _limits_then(offer: Offer, sources: Sources, registry: KnobRegistry) -> Limits:
    """What was in force when an offer of release 0.1 was shown."""
    bodies = [sources.document(name) for name in offer.policy if name]
    floors = [Floor.read(body, registry) for body in bodies if _kind(body) == "floor"]
    companies = [CompanyPolicy.read(body, registry) for body in bodies if _kind(body) == "company"]
    layers = [*(floor.layer for floor in floors), *(company.layer for company in companies)]
    parents = {floor.region: floor.parent for floor in floors}
    home = frozenset(chain(parents, offer.region) or (offer.region,))
    compiled = compile_layers(
        [layer for layer in layers if layer.region in home],
        [layer for layer in layers if layer.region not in home],
    )
    names = catalogues_at(sources.adopted(), sources.shown_at)
    catalogues = (Catalogue.read(sources.document(name)) for name in names)
    return Limits(compiled, reduce(meeting, catalogues))


def catalogues_at(adopted: Iterable[tuple[datetime, str]], at: datetime) -> tuple[str, ...]:
    """Which catalogues could have been in force at an instant; before the first one, that one.

    >>> noon = datetime(2026, 11, 22, 12)
    >>> adopted = [(noon - 9 * SKEW, "first"), (noon - 3 * SKEW, "second"), (noon, "third")]
    >>> catalogues_at(adopted, noon)  # the third may have come just after
    ('second', 'third')

    Args:
        adopted: as in ``Sources``.
        at: the instant.

    Raises:
        ValueError: none was ever adopted.
    """
    found: tuple[str, ...] = ()
    for since, name in adopted:
        if not found or since < at - SKEW:
            found = (name,)
        elif since <= at:
            found = (*found, name)
    if not found:
        raise ValueError("no catalogue was ever adopted")
    return found


def _kind(body: bytes) -> str:
    return str(parse_canonical(body)["kind"])
