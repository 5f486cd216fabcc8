"""The situation of a person: everything that matters for capture, and what follows from it (pure).

The service gathers it from rows and the verifier from the log; both put it together here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.capture.directive import Circumstances, Directive, directive
from app.capture.extent import Extent, extent
from app.capture.obstacles import BARRED, CLOSED, Obstacle, conditions_of, obstacles
from app.capture.widening import NOTHING_WIDER, Wider, wider
from app.consent.model import ENOUGH, Standing, lacking
from app.consent.offers import Offer
from app.directory.model import Person
from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import Mode
from app.policy.agreement import Agreement, Limits, terms_of
from app.policy.catalogue.model import Catalogue
from app.policy.model import InForce


@dataclass(frozen=True)
class Situation:
    """The situation of a person now.

    Attributes:
        obstacles: everything that prevents capture.
        directive: on, or off and why, as leases say it.
        offer: what would be captured here if the person agreed to all that is in force.
        policy_digest: names the policy document; None while capture is off.
        counterparties: names the document that says what may be kept where another person's words
            are in view; None while capture is off, and in forms without it.
        circumstances: everything that the directive was computed from.
        agreement: what the person agreed to, also while that rests behind a pause; None: nothing.
        limits: what binds the recorder: what is in force, within the agreement where one stands.
        open: the same without any agreement: what is offered.
        form: of the policy document.
        changes_at: when something else will be in force, for the person or for whoever is on the
            other side, if a lease of now could live so long.
    """

    person: Person
    in_force: InForce
    standing: Standing
    circumstances: Circumstances
    obstacles: tuple[Obstacle, ...]
    directive: Directive
    offer: Offer
    policy_digest: str | None
    agreement: Agreement | None
    limits: Limits
    open: Limits
    form: int = FIRST_FORM
    changes_at: datetime | None = None
    counterparties: str | None = None

    @property
    def extent(self) -> Extent:
        """What can be captured of this person as far as the rules and the agreement go."""
        return extent(self.limits)

    @property
    def offered(self) -> "Situation":
        """The same without what was agreed to: what is offered now."""
        return replace(self, agreement=None, limits=self.open)

    @property
    def wider(self) -> Wider:
        """What is offered beyond what the person agreed to, where agreeing would have an effect."""
        if self.agreement is None or not CLOSED.isdisjoint(self.obstacles):
            return NOTHING_WIDER
        return wider(self.limits, self.open)

    @property
    def barred(self) -> bool:
        """Whether no decision of anybody could let a signal be captured here."""
        return not BARRED.isdisjoint(self.obstacles)


Direct = Callable[[Circumstances, datetime], Directive]
"""Decides a lease's directive; the rules in force say which function does."""

Limit = Callable[[InForce, Agreement | None], Limits]
"""Says what binds the recorder of somebody who agreed (``agreement.within``)."""


def situation_of(
    person: Person,
    standing: Standing,
    in_force: InForce,
    at: datetime,
    *,
    agreement: Agreement | None,
    limit: Limit,
    device_active: bool = True,
    device_disputed: bool = False,
    direct: Direct = directive,
    places: bool = True,
) -> Situation:
    """Put together the situation of a person; the policy document is left to be named.

    Args:
        person: whom it is about.
        standing: what their decisions add up to.
        in_force: what the rules of their regions say.
        at: the instant.
        agreement: what they agreed to, also while that rests behind a pause; None: nothing.
        limit: says what binds a recorder.
        device_active: whether the device that asks is not revoked.
        device_disputed: whether the rows of that device do not agree with the log.
        direct: decides the directive, by the rules in force.
        places: as those rules have it (``Rules.places``).
    """
    circumstances = circumstances_of(
        person,
        standing,
        in_force,
        device_active=device_active,
        disputed=doubts(person, standing, in_force, device=device_disputed),
        places=places,
    )
    offered, limits = limit(in_force, None), limit(in_force, agreement)
    return Situation(
        person=person,
        in_force=in_force,
        standing=standing,
        circumstances=circumstances,
        obstacles=obstacles_to(circumstances, standing, offered, limits, at),
        directive=direct(circumstances, at),
        offer=offer_to(person, in_force, offered),
        policy_digest=None,
        agreement=agreement,
        limits=limits,
        open=offered,
    )


def offer_to(person: Person, in_force: InForce, limits: Limits) -> Offer:
    """What is in force for a person, as it is put before them.

    >>> from datetime import UTC
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "FR", "DE/Sample", "IT", None, ())
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> nothing = in_force(History((), (), (), 0), ("DE",), at, compile_layers)
    >>> offer = offer_to(alex, nothing, Limits(nothing.compiled, Catalogue({}, {})))
    >>> offer.regions, offer.signals
    (('DE', 'FR'), ())

    Args:
        person: whose regions are named.
        in_force: the layers in force are named.
        limits: what is in force, within no agreement.
    """
    compiled = in_force.compiled
    kept = {
        signal.value: rule.retention_days
        for signal, rule in compiled.signals.items()
        if rule.mode is not Mode.DENY
    }
    return Offer(
        region=person.region,
        regions=person.regions,
        signals=tuple(sorted(kept)),
        purposes=tuple(sorted(compiled.purposes)),
        apps=tuple(sorted(compiled.apps)),
        retention_days=kept,
        bases=tuple(sorted(basis.value for basis in compiled.bases)),
        policy=tuple(sorted({layer.digest for layer in in_force.layers})),
        terms=terms_of(limits),
        decision_content=tuple(sorted(compiled.decision_content)),
    )


def regions_in_question(person: Person, place: str | None) -> tuple[str, ...]:
    """Every region that matters for a lease, the home region first; ``place``: where the laptop is.

    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "FR", "DE/Sample", "IT", None, ())
    >>> regions_in_question(alex, place="NO")
    ('DE', 'FR', 'NO')
    """
    return tuple(dict.fromkeys((*person.regions, *([place] if place else []))))


def doubts(
    person: Person, standing: Standing, in_force: InForce, *, device: bool = False
) -> tuple[str, ...]:
    """What does not agree with the log: ``person``, ``consent``, ``device``, ``policy``, in order.

    >>> from app.consent.model import State
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> from datetime import UTC
    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "FR", "DE/Sample", "IT", None, ())
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> nothing = in_force(History((), (), (), 0), ("DE",), at, compile_layers)
    >>> doubts(alex, Standing(State.NONE, disputed=True), nothing, device=True)
    ('consent', 'device')
    """
    found = {
        "person": person.disputed,
        "consent": standing.disputed,
        "device": device,
        "policy": bool(in_force.disputed),
    }
    return tuple(name for name, disputed in found.items() if disputed)


def circumstances_of(
    person: Person,
    standing: Standing,
    in_force: InForce,
    *,
    device_active: bool,
    disputed: tuple[str, ...] = (),
    places: bool,
) -> Circumstances:
    """Everything that the directive depends on, from what the other capabilities know.

    Args:
        person: as the directory has them.
        standing: what their decisions add up to.
        in_force: what holds for the regions in question.
        device_active: whether the device is not revoked.
        disputed: as ``doubts`` gives it; the log alone knows of none.
        places: as the rules in force have it (``Rules.places``).
    """
    return Circumstances(
        person_active=person.active,
        device_active=device_active,
        unknown=in_force.unknown,
        blocked=in_force.blocked if places else in_force.compiled.blocked,
        company=in_force.company,
        stopped=in_force.stopped,
        missing=in_force.missing,
        lead_until=in_force.lead_until,
        bases=in_force.bases if places else in_force.compiled.bases,
        state=standing.state,
        region_changed=residence_changed(person, standing),
        too_wide=tuple(place for place in person.places if place in in_force.too_wide)
        if places
        else (),
        lacking=lacking(standing.decision, in_force.compiled.decision_content)
        if standing.state in ENOUGH
        else (),
        disputed=disputed,
    )


def residence_changed(person: Person, standing: Standing) -> bool:
    """Whether the decision that stands was made in another residence.

    >>> from datetime import UTC
    >>> from app.consent.model import (Act, State, next_decision)
    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "DE", "DE/Sample", "IT", None, ())
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> refused = next_decision((), alex, Act.REFUSED, at, decision_id="1")
    >>> residence_changed(replace(alex, region="FR"), Standing(State.REFUSED, refused))
    True
    """
    decision = standing.decision
    return decision is not None and (decision.region, decision.residence) != (
        person.region,
        person.residence,
    )


def obstacles_to(
    circumstances: Circumstances, standing: Standing, offered: Limits, limits: Limits, at: datetime
) -> tuple[Obstacle, ...]:
    """Everything that prevents capturing a person at an instant.

    Args:
        circumstances: everything that the directive depends on.
        standing: what the person's decisions add up to.
        offered: what is in force.
        limits: the same within what the person agreed to.
        at: the instant.
    """
    given = circumstances.conditions(at)
    assert given.person is not None, "circumstances are somebody's"
    allowed = not extent(offered).empty
    agreed = not standing.stands or not extent(limits).empty
    return obstacles(replace(given, allowed=allowed, person=replace(given.person, agreed=agreed)))


def obstacles_in(in_force: InForce, catalogue: Catalogue) -> tuple[Obstacle, ...]:
    """Everything that keeps capture off for anybody under these rules, at their own instant.

    >>> from datetime import UTC
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> nothing = in_force(History((), (), (), 0), ("DE",), at, compile_layers)
    >>> obstacles_in(nothing, Catalogue({}, {}))[0].value
    'region_unknown'
    """
    return obstacles(
        conditions_of(
            in_force,
            lead_time=in_force.lead_time,
            allowed=not extent(Limits(in_force.compiled, catalogue)).empty,
        )
    )


def barred(in_force: InForce) -> bool:
    """Whether no decision of anybody could let a signal be captured under these rules.

    >>> from datetime import UTC
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> barred(in_force(History((), (), (), 0), ("DE",), at, compile_layers))
    True
    """
    applying = obstacles(conditions_of(in_force, lead_time=in_force.lead_time))
    return not BARRED.isdisjoint(applying)
