"""Leases: what an agent may do now.

Rules:
1. Whether a lease says on is ``CaptureService.situation``'s answer, and nothing else's.
2. A lease whose content differs from the device's last recorded one is an entry, committed before
   it is sent (law 2). A renewal of equal content is not an entry and changes nothing.
3. Most polls are renewals, so they are answered from a reading transaction: ``renewal`` answers if
   nothing differs, else None, and the caller asks ``lease`` in a writing one. ``lease`` trusts
   nothing that ``renewal`` saw: it locks the person, holds policy still, and works everything out
   again.
4. Where a laptop says it is costs an entry each time it changes the lease. A device that says so
   more than sixty times an hour is not answered: without an answer its capture ends.
"""

from datetime import datetime, timedelta

from app.agents.devices import store as devices
from app.agents.leases import store
from app.agents.leases.terms import (
    MIN_AGENT,
    NOTHING_HELD,
    LeaseAnswer,
    Poll,
    Terms,
    lease_changed,
)
from app.agents.model import Device
from app.audit.entries.service import AuditService
from app.audit.tree.epoch import lease_seq
from app.capture.service import CaptureService
from app.capture.situation import Situation, regions_in_question
from app.db.engine import Tx
from app.directory.service import DirectoryService
from app.kernel.canonical import Json
from app.kernel.errors import Forbidden
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import LEASE_TYPE
from app.policy.knobs import LEASE_TTL_S
from app.policy.service import PolicyService

MAX_CHANGES_PER_HOUR = 60


class AgentService:
    """Answers polls."""

    def __init__(
        self,
        log: AuditService,
        directory: DirectoryService,
        policy: PolicyService,
        capture: CaptureService,
        signer: Signer,
        issuer: str,
        ttl_s: int,
        poll_s: int,
    ) -> None:
        self._log = log
        self._issuer = issuer
        self._directory = directory
        self._policy = policy
        self._capture = capture
        self._signer = signer
        self._ttl_s = ttl_s
        self._poll_s = poll_s

    def renewal(
        self,
        tx: Tx,
        device: Device,
        now: datetime,
        poll: Poll = NOTHING_HELD,
    ) -> LeaseAnswer | None:
        """Answer a poll whose content is the device's last recorded one; else None.

        None means: ask ``lease`` in a writing transaction. This one writes nothing.

        Raises:
            InvalidInput: ``place`` is not a region, or ``nonce`` is not 8 to 128 URL-safe letters.
        """
        poll.check()
        person = self._directory.person(tx, device.person_id)
        situation = self._capture.situation(
            tx, person, now, poll.place, device_active=device.active
        )
        terms = self._terms(tx, device, situation, now, poll.place)
        last = store.last_lease(tx, device.id)
        if last is None or last.content != terms.digest:
            return None
        return self._answer(device, terms, poll, now)

    def lease(
        self,
        tx: Tx,
        device: Device,
        now: datetime,
        poll: Poll = NOTHING_HELD,
    ) -> LeaseAnswer:
        """Answer a poll; if the content differs from the last recorded one, append the entry.

        Raises:
            InvalidInput: as ``renewal``.
            Forbidden: the device's place changed its lease too often lately.
        """
        poll.check()
        # One lease of a person at a time, and none while the person decides or policy changes.
        self._directory.lock(tx, device.person_id)
        self._policy.hold(tx)
        device = devices.device(tx, device.id) or device
        person = self._directory.person(tx, device.person_id)
        situation = self._capture.situation(
            tx, person, now, poll.place, device_active=device.active
        )
        terms = self._terms(tx, device, situation, now, poll.place)
        last = store.last_lease(tx, device.id)
        if last is None or last.content != terms.digest:
            if poll.place is not None:
                _require_calm(tx, device, now)
            if situation.directive.capture:
                self._policy.publish_document(tx, situation.in_force, situation.standing.scope, now)
            event = lease_changed(device, situation, terms, poll.place)
            event_id = self._log.append(tx, event, now)
            row = store.LeaseRow(last.seq + 1 if last else 1, terms.digest)
            store.insert_lease(tx, device.id, row, event_id, now)
        return self._answer(device, terms, poll, now)

    def _terms(
        self, tx: Tx, device: Device, situation: Situation, now: datetime, place: str | None
    ) -> Terms:
        standing = situation.standing
        ttl_s = max(1, min(self._ttl_s, situation.in_force.compiled[LEASE_TTL_S]))
        decision = standing.decision
        content: dict[str, Json] = {
            "iss": self._issuer,
            "aud": device.id,
            "capture": "on" if situation.directive.capture else "off",
            "reasons": list(situation.directive.reasons),
            "policy": situation.policy_digest,
            "poll_s": self._poll_s,
            "min_agent": MIN_AGENT,
        }
        if standing.until is not None:
            content["until"] = int(standing.until.timestamp())
        return Terms(
            content,
            situation.directive.reasons,
            seq={
                "policy": lease_seq(self._log.origin, situation.in_force.seq),
                "consent": lease_seq(self._log.origin, decision.seq if decision else 0),
            },
            ttl_s=ttl_s,
            ends_at=self._known_end(tx, situation, now, now + timedelta(seconds=ttl_s), place),
        )

    def _known_end(
        self, tx: Tx, situation: Situation, now: datetime, end: datetime, place: str | None
    ) -> datetime | None:
        """When a lease that says on must end: with the decision, or when policy will change."""
        if not situation.directive.capture:
            return None
        regions = regions_in_question(situation.person, place)
        spans = self._policy.throughout(tx, regions, now, end)
        changes = [at for at, in_force in spans if at > now and in_force != situation.in_force]
        until = situation.standing.until
        return min([*changes, *([until] if until is not None else [])], default=None)

    def _answer(self, device: Device, terms: Terms, poll: Poll, now: datetime) -> LeaseAnswer:
        etag = terms.etag(device, now)
        if poll.nonce is None and poll.holds(etag):
            return LeaseAnswer(304, None, etag, terms.reasons)
        token = sign_token(self._signer, LEASE_TYPE, terms.claims(now, poll.nonce))
        return LeaseAnswer(200, token, etag, terms.reasons)


def _require_calm(tx: Tx, device: Device, now: datetime) -> None:
    """Return while a device may still change its lease by its place (rule 4).

    Raises:
        Forbidden: it may not.
    """
    if store.leases_since(tx, device.id, now - timedelta(hours=1)) >= MAX_CHANGES_PER_HOUR:
        raise Forbidden(
            "the laptop's place changed its lease too often",
            kind="too-many-attempts",
            cure="Ask without a place, or wait an hour; capture is off until there is an answer.",
        )
