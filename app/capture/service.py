"""The one answer to "may this person be captured now": lease and pages come from it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.capture.directive import directive
from app.capture.situation import Direct, Situation, regions_in_question, situation_of
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.forms import FIRST_FORM
from app.policy.knobs import LEASE_TTL_S
from app.policy.lattice import compile_layers
from app.policy.law.layer import CompanyPolicy
from app.policy.model import InForce
from app.policy.prospect import published
from app.policy.service import PolicyService
from app.policy.timeline import in_force


@dataclass(frozen=True)
class Outlook:
    """What holds in a region before and after a policy.

    Attributes:
        at: when ``then`` begins to hold.
    """

    now: InForce
    then: InForce
    at: datetime


@dataclass(frozen=True)
class CaptureService:
    """Reads from policy and consent what capture depends on.

    Attributes:
        direct: decides the directive, by the rules in force.
    """

    policy: PolicyService
    consent: ConsentService
    direct: Direct = directive

    def outlook(self, tx: Tx, policy: CompanyPolicy, now: datetime) -> Outlook:
        """What will hold in a region once a policy is in force, if it were published now.

        That is after every lead time, and if nothing else is published until then.

        Raises:
            NotFound: the region has no floor.
        """
        reader, region = self.policy.reader, policy.region
        names = reader.chain(tx, region, now)
        history, at = published(reader.history(tx), policy, names, now)
        then = in_force(history, (region,), at, compile_layers)
        if then.lead_until is not None:
            at = then.lead_until
            then = in_force(history, (region,), at, compile_layers)
        return Outlook(reader.in_force(tx, (region,), now), then, at)

    def situation(
        self,
        tx: Tx,
        person: Person,
        now: datetime,
        place: str | None = None,
        *,
        device_active: bool = True,
        form: int = FIRST_FORM,
    ) -> Situation:
        """Work out whether a person may be captured now, and everything behind it.

        Args:
            tx: a reading transaction is enough; nothing is written.
            person: whom it is about.
            now: the instant.
            place: where the laptop is, if that is known; one more region, so it can only narrow.
            device_active: whether the device that asks is not revoked.
            form: of the policy document, which an agent understands.
        """
        regions, policy = regions_in_question(person, place), self.policy.memory(tx)
        holding = policy.in_force(regions, now)
        standing = self.consent.standing(tx, person, now)
        situation = situation_of(
            person,
            standing,
            holding,
            self.policy.catalogue,
            now,
            device_active=device_active,
            direct=self.direct,
        )
        longest = timedelta(seconds=holding.compiled[LEASE_TTL_S])
        document: str | None = None
        if situation.directive.capture:
            document, _ = self.policy.document_for(holding, standing.scope, form)
        return replace(
            situation,
            policy_digest=document,
            form=form,
            changes_at=policy.changes_at(regions, now, longest),
        )
