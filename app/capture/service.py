"""The one answer to "may this person be captured now": lease and pages come from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.capture.directive import directive
from app.capture.situation import (
    Situation,
    circumstances_of,
    obstacles_to,
    offer_to,
    regions_in_question,
)
from app.consent.service import ConsentService
from app.db.engine import Tx
from app.directory.model import Person
from app.policy.knobs import LEASE_TTL_S
from app.policy.service import PolicyService


@dataclass(frozen=True)
class CaptureService:
    """Reads from policy and consent what capture depends on."""

    policy: PolicyService
    consent: ConsentService

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
        circumstances = circumstances_of(person, standing, in_force, device_active=device_active)
        found = directive(circumstances, now)
        document = None
        if found.capture:
            document, _ = self.policy.document_for(in_force, standing.scope)
        catalogue = self.policy.catalogue
        return Situation(
            person,
            in_force,
            standing,
            circumstances,
            obstacles_to(circumstances, standing, in_force, catalogue, now),
            found,
            offer_to(person, in_force),
            document,
            catalogue,
            policy.changes_at(regions, now, timedelta(seconds=in_force.compiled[LEASE_TTL_S])),
        )
