"""The one answer to "may this person be captured now": lease and pages come from it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.capture.directive import directive
from app.capture.situation import Direct, Situation, regions_in_question, situation_of
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person
from app.policy.knobs import LEASE_TTL_S
from app.policy.service import PolicyService


@dataclass(frozen=True)
class CaptureService:
    """Reads from policy and consent what capture depends on.

    Attributes:
        direct: decides the directive, by the rules in force.
    """

    policy: PolicyService
    consent: ConsentService
    direct: Direct = directive

    def situation(
        self,
        tx: Tx,
        person: Person,
        now: datetime,
        place: str | None = None,
        *,
        device_active: bool = True,
    ) -> Situation:
        """Work out whether a person may be captured now, and everything behind it.

        Args:
            tx: a reading transaction is enough; nothing is written.
            person: whom it is about.
            now: the instant.
            place: where the laptop is, if that is known; one more region, so it can only narrow.
            device_active: whether the device that asks is not revoked.
        """
        regions, policy = regions_in_question(person, place), self.policy.memory(tx)
        in_force = policy.in_force(regions, now)
        standing = self.consent.standing(tx, person, now)
        found = situation_of(
            person,
            standing,
            in_force,
            self.policy.catalogue,
            now,
            device_active=device_active,
            direct=self.direct,
        )
        longest = timedelta(seconds=in_force.compiled[LEASE_TTL_S])
        document: str | None = None
        if found.directive.capture:
            document, _ = self.policy.document_for(in_force, standing.scope)
        return replace(
            found, policy_digest=document, changes_at=policy.changes_at(regions, now, longest)
        )
