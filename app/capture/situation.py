"""The situation of a person: everything that matters for capture, and what follows from it (pure).

The service gathers it from rows and the verifier from the log; both put it together here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.capture.directive import Circumstances, Directive, directive
from app.capture.extent import Extent, extent
from app.capture.obstacles import BARRED, Obstacle, conditions_of, obstacles
from app.consent.model import Offer, Standing
from app.directory.model import Person
from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.model import InForce


@dataclass(frozen=True)
class Situation:
    """The situation of a person now.

    Attributes:
        obstacles: everything that prevents capture.
        directive: on, or off and why, as leases say it.
        offer: what would be, or is, captured here: what is in force, before the person's own mask.
        policy_digest: names the policy document; None while capture is off.
        circumstances: everything that the directive was computed from.
        catalogue: where apps and exclusions are described.
        form: of the policy document.
        changes_at: when something else will be in force, if a lease of now could live so long.
    """

    person: Person
    in_force: InForce
    standing: Standing
    circumstances: Circumstances
    obstacles: tuple[Obstacle, ...]
    directive: Directive
    offer: Offer
    policy_digest: str | None
    catalogue: Catalogue
    form: int = FIRST_FORM
    changes_at: datetime | None = None

    @property
    def extent(self) -> Extent:
        """What can be captured of this person as far as the rules and the agreement go."""
        return extent(self.in_force.compiled, self.standing.scope, self.catalogue)

    @property
    def barred(self) -> bool:
        """Whether no decision of anybody could let a signal be captured here."""
        return not BARRED.isdisjoint(self.obstacles)


Direct = Callable[[Circumstances, datetime], Directive]
"""Decides a lease's directive; the rules in force say which function does."""


def situation_of(
    person: Person,
    standing: Standing,
    in_force: InForce,
    catalogue: Catalogue,
    at: datetime,
    *,
    device_active: bool = True,
    direct: Direct = directive,
) -> Situation:
    """Put together the situation of a person; the policy document is left to be named."""
    circumstances = circumstances_of(person, standing, in_force, device_active=device_active)
    return Situation(
        person=person,
        in_force=in_force,
        standing=standing,
        circumstances=circumstances,
        obstacles=obstacles_to(circumstances, standing, in_force, catalogue, at),
        directive=direct(circumstances, at),
        offer=offer_to(person, in_force),
        policy_digest=None,
        catalogue=catalogue,
    )


def offer_to(person: Person, in_force: InForce) -> Offer:
    """What is in force for a person, as it is put before them.

    >>> from datetime import UTC
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "FR", "DE/Sample", "IT", None, ())
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> nothing = in_force(History((), (), (), 0), ("DE",), at, compile_layers)
    >>> offer_to(alex, nothing).regions, offer_to(alex, nothing).signals
    (('DE', 'FR'), ())
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
    )


def regions_in_question(person: Person, place: str | None) -> tuple[str, ...]:
    """Every region that matters for a lease, the home region first; ``place``: where the laptop is.

    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "FR", "DE/Sample", "IT", None, ())
    >>> regions_in_question(alex, place="NO")
    ('DE', 'FR', 'NO')
    """
    return tuple(dict.fromkeys((*person.regions, *([place] if place else []))))


def circumstances_of(
    person: Person, standing: Standing, in_force: InForce, *, device_active: bool
) -> Circumstances:
    """Everything that the directive depends on, from what the other capabilities know."""
    return Circumstances(
        person_active=person.active,
        device_active=device_active,
        unknown=in_force.unknown,
        blocked=in_force.compiled.blocked,
        company=in_force.company,
        stopped=in_force.stopped,
        missing=in_force.missing,
        lead_until=in_force.lead_until,
        bases=in_force.compiled.bases,
        state=standing.state,
        region_changed=residence_changed(person, standing),
    )


def residence_changed(person: Person, standing: Standing) -> bool:
    """Whether the decision that stands was made in another residence.

    >>> from datetime import UTC
    >>> from app.consent.model import Act, State, next_decision
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
    circumstances: Circumstances,
    standing: Standing,
    in_force: InForce,
    catalogue: Catalogue,
    at: datetime,
) -> tuple[Obstacle, ...]:
    """Everything that prevents capturing a person at an instant."""
    given, compiled = circumstances.conditions(at), in_force.compiled
    assert given.person is not None, "circumstances are somebody's"
    allowed = not extent(compiled, None, catalogue).empty
    agreed = standing.scope is None or not extent(compiled, standing.scope, catalogue).empty
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
            allowed=not extent(in_force.compiled, None, catalogue).empty,
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
