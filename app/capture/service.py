"""The one answer to "may this person be captured now": lease and pages come from it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from app.capture.agreement import Sources, agreement_of, mask, mask_of
from app.capture.directive import directive
from app.capture.effect import PolicyEffect, effect_if_published, effect_of_published
from app.capture.situation import Direct, Situation, doubts, regions_in_question, situation_of
from app.capture.trial import Told, off_in
from app.consent.model import Decision, Standing
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.canonical import parse_canonical
from app.kernel.errors import NotFound, Unavailable
from app.kernel.forms import AGENT_FORM, FIRST_FORM
from app.kernel.places import zones_of
from app.kernel.vocabulary import Reason
from app.policy import counterparties
from app.policy.agreement import Agreement, Limits
from app.policy.changes.model import Change, ChangeState
from app.policy.knobs import LEASE_TTL_S
from app.policy.law.layer import CompanyPolicy
from app.policy.memory import PolicyMemory
from app.policy.service import PolicyService

_MOST_AGREEMENTS = 4096
_UNREADABLE = (NotFound, Unavailable, KeyError, TypeError, ValueError)
"""What reading an agreement raises where rows are missing, or are not what they were."""


@dataclass(frozen=True)
class LastChange:
    """When what a situation rests on last changed; ``own``: by a decision of the person."""

    at: datetime
    own: bool


@dataclass(frozen=True, kw_only=True)
class CaptureService:
    """Reads from policy and consent what capture depends on.

    Attributes:
        direct: decides the directive, by the rules in force.
        whole_offer: a decision binds all that its offer shows; rules 1 bound less.
        places: as those rules have it (``Rules.places``).
    """

    policy: PolicyService
    consent: ConsentService
    direct: Direct = directive
    whole_offer: bool = True
    places: bool = True
    _agreements: dict[str, Agreement] = field(default_factory=dict, repr=False)
    """By what was shown, which never changes."""

    def effect(self, tx: Tx, policy: CompanyPolicy, now: datetime) -> PolicyEffect:
        """What a company policy would change for everybody, if it were published now.

        Raises:
            NotFound: the region has no floor.
        """
        reader = self.policy.reader
        names, people = reader.chain(tx, policy.region, now), self.consent.directory.headcounts(tx)
        history = reader.history(tx)
        return effect_if_published(history, policy, names, people, now, history.catalogue)

    def effect_of(self, tx: Tx, change: Change, now: datetime) -> PolicyEffect | None:
        """What a change does if it is published, or would do now; None if it was withdrawn.

        Raises:
            NotFound: it waits for approval, and the region has no floor any more.
        """
        if change.state is ChangeState.WITHDRAWN:
            return None
        if change.valid_from is None:
            return self.effect(tx, change.policy, now)
        people = self.consent.directory.headcounts(tx)
        history = self.policy.reader.history(tx)
        return effect_of_published(history, change.id, people, history.catalogue)

    def situation(
        self,
        tx: Tx,
        person: Person,
        now: datetime,
        place: str | None = None,
        *,
        device_active: bool = True,
        device_disputed: bool = False,
        form: int = FIRST_FORM,
    ) -> Situation:
        """Work out whether a person may be captured now, and everything behind it.

        Args:
            tx: a reading transaction is enough; nothing is written.
            person: whom it is about.
            now: the instant.
            place: where the laptop is, if that is known; one more region, so it can only narrow.
            device_active: whether the device that asks is not revoked.
            device_disputed: whether the rows of that device do not agree with the log.
            form: of the policy document, which an agent understands.
        """
        regions, policy = regions_in_question(person, place), self.policy.memory(tx)
        holding = policy.in_force(regions, now)
        standing = self.consent.standing(tx, person, now)
        situation = situation_of(
            person,
            standing,
            holding,
            now,
            agreement=self.agreement(tx, standing),
            limit=self.policy.within,
            device_active=device_active,
            device_disputed=device_disputed,
            direct=self.direct,
            places=self.places,
        )
        longest = timedelta(seconds=holding.compiled[LEASE_TTL_S])
        changes_at = policy.changes_at(regions, now, longest)
        situation = replace(situation, form=form, changes_at=changes_at)
        if not situation.directive.capture:
            return situation
        named, _ = self.policy.document_for(situation.limits, form)
        return _of_others(replace(situation, policy_digest=named), policy, now, longest)

    def told(self, tx: Tx, situation: Situation, now: datetime) -> Told:
        """What an agent of the person's would be told now, to try events on."""
        region = situation.person.region
        return self._told(tx, situation.limits, situation.directive.reasons, region, now)

    def told_in(self, tx: Tx, region: str, place: str | None, now: datetime) -> tuple[Told, Limits]:
        """What an agent would be told of somebody who agreed to all that is offered, and why so.

        Args:
            tx: a reading transaction is enough.
            region: home.
            place: where the person works, or the laptop is; None: at home.
            now: the instant.
        """
        regions = tuple(dict.fromkeys((region, place or region)))
        in_force = self.policy.memory(tx).in_force(regions, now)
        limits = self.policy.within(in_force, None)
        return self._told(tx, limits, off_in(limits, in_force), region, now), limits

    def _told(
        self, tx: Tx, limits: Limits, off: tuple[Reason, ...], home: str, now: datetime
    ) -> Told:
        _, document = self.policy.document_for(limits, AGENT_FORM)
        _, others = self.policy.memory(tx).counterparty_document(now, AGENT_FORM)
        return Told(
            parse_canonical(document),
            parse_canonical(others),
            zones_of(home),
            off,
            self.policy.registry,
        )

    def held(self, tx: Tx, person: Person, now: datetime) -> Situation:
        """The situation of a person, for what is recorded of it in this writing transaction.

        The person and policy stay as they are until it ends, so the log gives what was recorded.

        Raises:
            NotFound: no such person.
        """
        self.consent.directory.lock(tx, person.id)
        self.policy.hold(tx)
        return self.situation(tx, self.consent.directory.person(tx, person.id), now)

    def changed_at(self, tx: Tx, situation: Situation, now: datetime) -> LastChange:
        """When anything was last recorded that the situation of a person rests on.

        Since then every lease said what it says now, or less: what time alone brings about ends
        leases before it comes. Where rows of it do not agree with the log nobody can say: it may
        be now.
        """
        person = situation.person
        starts = self.consent.notices.believed_starts(tx)
        past = self.consent.directory.past(tx, person.id)
        policy, believed = self.policy.changed_at(tx, situation.in_force)
        disputed = doubts(person, situation.standing, situation.in_force, device=False)
        if starts is None or past.disputed or not believed or disputed:
            return LastChange(now, own=False)
        decided = [decision.recorded_at for decision in self.consent.history(tx, person.id)[-1:]]
        others = [*starts.values(), *(version.recorded_at for version in past.versions)]
        last = max([*decided, *others, *([policy] if policy else [])])
        return LastChange(last, own=last in decided)

    def agreement(self, tx: Tx, standing: Standing) -> Agreement | None:
        """What somebody agreed to, also while it rests behind a pause; None: nothing.

        Where that cannot be read, it is an agreement to nothing: nothing is captured, and whoever
        wants to opt out finds the page as always.
        """
        decision = standing.agreed
        if decision is None:
            return None
        if not self.whole_offer:
            return mask_of(decision, self.policy.registry)
        name = f"{decision.offer_digest} {decision.shown_id}"
        known = self._agreements.get(name)
        if known is None:
            try:
                known = self._read_agreement(tx, decision)
            except _UNREADABLE:
                return mask((), (), (), self.policy.registry)
            if len(self._agreements) >= _MOST_AGREEMENTS:
                self._agreements.clear()
            self._agreements[name] = known
        return known

    def _read_agreement(self, tx: Tx, decision: Decision) -> Agreement:
        offer, shown_at = self.consent.offer_of(tx, decision)
        sources = Sources(
            document=partial(self.policy.document, tx),
            adopted=partial(self.policy.adopted_catalogues, tx),
            shown_at=shown_at,
        )
        return agreement_of(offer, sources, self.policy.registry)


def _of_others(
    situation: Situation, policy: PolicyMemory, now: datetime, longest: timedelta
) -> Situation:
    """Name the document about the other side, in forms that have it, and when it will change."""
    if situation.form < counterparties.SINCE:
        return situation
    named, _ = policy.counterparty_document(now, situation.form)
    changes = (situation.changes_at, policy.counterparties_change_at(now, longest))
    return replace(
        situation,
        counterparties=named,
        changes_at=min((at for at in changes if at is not None), default=None),
    )
