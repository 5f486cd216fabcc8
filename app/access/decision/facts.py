"""What a decision is decided from, put together from what directory, consent and policy say (pure).

The service gathers from rows and the verifier from the log; both put it together here.

Rules:
1. What the policies say counts now and at every instant of the capture, for the regions that the
   directory gave the person then. What is allowed must be allowed throughout; what prevents reading
   does so if any of it says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

from app.access.decision.model import (
    Caller,
    Consumer,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.floor.terms import ALLOWED
from app.consent.model import ENOUGH, Standing, lacking, suffices
from app.consent.offers import Offer
from app.directory.model import Person, PersonVersion
from app.kernel.vocabulary import Basis, Mode
from app.policy.knobs import COHORT_MIN
from app.policy.model import InForce

Throughout = Callable[[tuple[str, ...], datetime, datetime], tuple[tuple[datetime, InForce], ...]]
"""What holds for regions from start to end: at the start, and after each change."""


@dataclass(frozen=True)
class Stay:
    """A stretch of time, start and end included, in which a person's regions were the same.

    Attributes:
        places: home and place of work.
    """

    regions: tuple[str, ...]
    start: datetime
    end: datetime
    places: tuple[str, ...]


def stays_of(
    person: Person, versions: Sequence[PersonVersion], question: Question
) -> tuple[Stay, ...]:
    """Where a person is now, and was during the capture that is asked about."""
    stays = [Stay(person.regions, question.asked_at, question.asked_at, person.places)]
    if question.captured is not None:  # any other interval is refused for itself
        stays += _stays(versions, *question.captured)
    return tuple(stays)


def policy_facts(
    stays: Iterable[Stay], throughout: Throughout, signals: Sequence[str], *, places: bool
) -> PolicyFacts:
    """What holds now, narrowed by what held during the capture (rule 1).

    Args:
        stays: as ``stays_of`` gave them; the first is now.
        throughout: answers from the policies.
        signals: those asked for.
        places: as the rules in force have it (``Rules.places``).
    """
    stated = (
        rules(in_force, signals, stay.places if places else None)
        for stay in stays
        for _, in_force in throughout(stay.regions, stay.start, stay.end)
    )
    return reduce(narrower, stated)


def person_facts(
    person: Person,
    names: Sequence[str],
    question: Question,
    *,
    standing: Standing,
    policy: PolicyFacts,
    between: Callable[..., bool],
    scope: ScopeFacts | None,
) -> PersonFacts:
    """Facts of one person.

    Args:
        person: as the directory has them now.
        names: the person's pseudonym, then those of the line upward.
        question: what is asked.
        standing: now.
        policy: as ``policy_facts`` gave it.
        between: ``timeline.standing_between`` of this person: start, end, and what is asked.
        scope: as ``scope_facts`` gave it.
    """
    bases = frozenset(Basis(basis) for basis in policy.bases)
    lacks = lacking(standing.decision, policy.decision_content) if standing.state in ENOUGH else ()
    start, end = question.captured_from, question.captured_to
    allowed = isinstance(question.purpose, str) and question.purpose in ALLOWED
    return PersonFacts(
        person=names[0],
        line=tuple(names[1:]),
        standing=standing.state.value,
        decision=standing.decision.id if standing.decision else None,
        suffices_now=suffices(bases, standing.state, lacks),
        suffices_at_capture=start is not None
        and end is not None
        and between(
            start,
            end,
            bases=bases,
            purpose=str(question.purpose) if allowed else None,
            signals=question.signals,
            content=policy.decision_content,
        ),
        scope=scope,
        policy=policy,
        left=not person.active,
        region=person.region,
        lacking=lacks,
        disputed=person.disputed or standing.disputed,
    )


def scope_facts(
    standing: Standing, question: Question, offers: Callable[[], Iterable[Offer]] | None
) -> ScopeFacts | None:
    """What a person agreed to, as far as this question needs it; None: nothing stands.

    >>> from app.consent.model import State
    >>> asked = Question("ai_training.computer_use", datetime.max, signals=("click",))
    >>> scope_facts(Standing(State.NONE), asked, None) is None
    True

    Args:
        standing: now.
        question: what is asked.
        offers: those agreed to from the beginning of the capture until now; None under rules 1.
    """
    decision = standing.agreed
    if decision is None or not standing.stands:
        return None
    return ScopeFacts(
        tuple(sorted(decision.signals)),
        tuple(sorted(decision.purposes)),
        None if offers is None else _fewest_days(question.signals, tuple(offers())),
    )


def _fewest_days(signals: Iterable[str], offers: Sequence[Offer]) -> dict[str, int]:
    """Of each signal, the fewest days of any offer; what an offer does not name is not kept.

    Without any offer nothing is: where notices went back, a decision stands that had ended.
    """
    return {
        signal: min((offer.retention_days.get(signal, 0) for offer in offers), default=0)
        for signal in signals
    }


def caller_of(
    consumer: Consumer, behalf: Person | None, pseudonym: str | None, *, itself: bool
) -> Caller:
    """Who asks.

    >>> store = Consumer("store", "Data store", ("ai_training",), ("hr",))
    >>> caller_of(store, None, None, itself=True).kind
    'consumer'
    >>> caller_of(store, None, "p_of_nobody", itself=False).kind
    'unknown'

    Args:
        consumer: the authenticated consumer.
        behalf: the person on whose behalf it asks; None: nobody, or somebody unknown.
        pseudonym: that person's.
        itself: the consumer names itself as the asker.
    """
    return Caller(
        consumer=consumer.id,
        purposes=consumer.purposes,
        functions=consumer.functions,
        kind="person" if behalf else "consumer" if itself else "unknown",
        person=pseudonym if behalf else None,
        person_functions=behalf.functions if behalf else (),
        person_left=behalf is not None and not behalf.active,
    )


def narrower(now: PolicyFacts, then: PolicyFacts) -> PolicyFacts:
    """What both allow, and everything that prevents reading in either (rule 1).

    >>> now = PolicyFacts((), (), ("notice",), {"click": 30, "menu": None}, (), cohort_min=5)
    >>> then = PolicyFacts((), (), ("notice",), {"click": 7}, (), cohort_min=8, stopped=True)
    >>> both = narrower(now, then)
    >>> both.signals, both.cohort_min, both.stopped
    ({'click': 7}, 8, True)
    """
    return PolicyFacts(
        layers=now.layers,
        capture_layers=tuple(sorted({*now.capture_layers, *then.layers})),
        bases=_both(now.bases, then.bases),
        signals={
            signal: _shorter(days, then.signals[signal])
            for signal, days in now.signals.items()
            if signal in then.signals
        },
        purposes=_both(now.purposes, then.purposes),
        cohort_min=max(now.cohort_min, then.cohort_min),
        unknown=now.unknown or then.unknown,
        blocked=now.blocked or then.blocked,
        company=now.company and then.company,
        missing=tuple(sorted({*now.missing, *then.missing})),
        lead_time=now.lead_time or then.lead_time,
        stopped=now.stopped or then.stopped,
        too_wide=now.too_wide or then.too_wide,
        decision_content=tuple(sorted({*now.decision_content, *then.decision_content})),
        disputed=now.disputed or then.disputed,
    )


def rules(in_force: InForce, signals: Iterable[str], places: tuple[str, ...] | None) -> PolicyFacts:
    """What the layers in force say, as far as the signals asked for need it.

    Args:
        in_force: what holds.
        signals: those asked for.
        places: home and place of work; None where the rules do not look at them.
    """
    compiled, asked = in_force.compiled, frozenset(signals)
    bases = compiled.bases if places is None else in_force.bases
    return PolicyFacts(
        # For an unknown region there is a layer that no document describes.
        layers=tuple(sorted(name for name in compiled.layers if name)),
        capture_layers=(),
        bases=tuple(sorted(basis.value for basis in bases)),
        signals={
            signal.value: rule.retention_days
            for signal, rule in compiled.signals.items()
            if rule.mode is not Mode.DENY and signal.value in asked
        },
        purposes=tuple(sorted(compiled.purposes)),
        cohort_min=compiled[COHORT_MIN],
        unknown=bool(in_force.unknown),
        blocked=compiled.blocked if places is None else in_force.blocked,
        company=in_force.company,
        missing=tuple(sorted(in_force.missing)),
        lead_time=in_force.lead_time,
        stopped=bool(in_force.stopped),
        too_wide=any(place in in_force.too_wide for place in places or ()),
        decision_content=tuple(sorted(compiled.decision_content)),
        disputed=bool(in_force.disputed),
    )


def _stays(versions: Sequence[PersonVersion], start: datetime, end: datetime) -> Iterator[Stay]:
    """Where a person was from start to end, as the directory had it then.

    Before the directory knew the person, what it recorded first counts.
    """
    for place, version in enumerate(versions):
        since = start if place == 0 else max(start, version.recorded_at)
        until = end
        if place + 1 < len(versions):
            until = min(end, versions[place + 1].recorded_at - timedelta.resolution)
        if since <= until:
            entity_region = version.entity.partition("/")[0]
            regions = dict.fromkeys((version.region, version.place, entity_region))
            places = dict.fromkeys((version.region, version.place))
            yield Stay(tuple(regions), since, until, tuple(places))


def _both(a: Iterable[str], b: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(a) & set(b)))


def _shorter(a: int | None, b: int | None) -> int | None:
    return min((days for days in (a, b) if days is not None), default=None)
