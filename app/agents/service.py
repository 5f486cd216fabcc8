"""Leases and reports: what an agent may do now, and what it says it did.

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

from app.agents import store
from app.agents.leases.terms import (
    MIN_AGENT,
    NOTHING_HELD,
    LeaseAnswer,
    Poll,
    Terms,
    lease_changed,
)
from app.agents.model import Device, Report, Totals
from app.agents.pairing.service import PairingService
from app.audit.entries.model import Actor, Event, Kind
from app.audit.service import AuditService
from app.audit.tree.epoch import lease_seq
from app.capture.service import CaptureService
from app.capture.situation import Situation, regions_in_question
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.canonical import Json, canonical, digest, parse_canonical
from app.kernel.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from app.kernel.refusals import REPORTABLE
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import LEASE_TYPE
from app.policy.service import PolicyService

MAX_CHANGES_PER_HOUR = 60


class AgentService(PairingService):
    """Everything that agents ask, and what people do about their devices."""

    def __init__(
        self,
        log: AuditService,
        directory: DirectoryService,
        policy: PolicyService,
        capture: CaptureService,
        authority: Authority,
        signer: Signer,
        issuer: str,
        ttl_s: int,
        poll_s: int,
    ) -> None:
        super().__init__(log, issuer)
        self._directory = directory
        self._policy = policy
        self._capture = capture
        self._authority = authority
        self._signer = signer
        self._ttl_s = ttl_s
        self._poll_s = poll_s

    # Leases

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
        device = store.device(tx, device.id) or device
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

    def policy_document(self, tx: Tx, policy_digest: str) -> bytes:
        """The canonical bytes of a policy document.

        Raises:
            NotFound: no lease ever named it.
        """
        return self._policy.document(tx, policy_digest)

    def _terms(
        self, tx: Tx, device: Device, situation: Situation, now: datetime, place: str | None
    ) -> Terms:
        standing = situation.standing
        ttl_s = max(1, min(self._ttl_s, situation.in_force.compiled.lease_ttl_s))
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

    # Reports

    def report(self, tx: Tx, device: Device, report: Report, now: datetime) -> str:
        """Take what an agent says it applied and did; return the entry's event id.

        The same report again is answered the same and changes nothing.

        Raises:
            InvalidInput: a reason is not in the closed list, a place is named twice, or the policy
                document was never published for agents.
            Conflict: another report was taken under this id.
        """
        body = digest(canonical(report.facts()))
        # Two deliveries of one report take turns, so that both get the same answer.
        self._directory.lock(tx, device.person_id)
        before = store.report(tx, device.id, report.id)
        if before is not None:
            if before.body != body:
                raise Conflict(
                    f"another report was taken under the id {report.id}",
                    cure="Give each report its own id, and send it again unchanged.",
                )
            return before.event_id
        self._check_report(tx, report)
        event_id = self._log.append(tx, _reported(device, report), now)
        row = store.ReportRow(body, event_id)
        store.insert_report(tx, device.id, report, row, now)
        return event_id

    def captured(self, tx: Tx, person_id: str) -> Totals:
        """What a person's devices say they captured and refused so far."""
        return Totals(store.allowed_totals(tx, person_id), store.refused_totals(tx, person_id))

    def _check_report(self, tx: Tx, report: Report) -> None:
        faults = [
            Fault(f"refused.{reason}", "is not a reason", "Use the reasons of the guard.")
            for reason in report.refused
            if reason not in REPORTABLE
        ]
        places = [(row.app, row.signal) for row in report.allowed]
        if len(set(places)) != len(places):
            faults.append(Fault("allowed", "names an app and signal twice", "Add the counts up."))
        if faults:
            raise InvalidInput(f"{faults[0].field} {faults[0].problem}", faults=tuple(faults))
        if report.policy is not None and not self._was_for_agents(tx, report.policy):
            fault = Fault("policy", "was never published", "Name the lease's policy digest.")
            raise InvalidInput("the policy was never published", faults=(fault,))

    def _was_for_agents(self, tx: Tx, policy_digest: str) -> bool:
        """Whether a digest names a document for agents: the only documents without a kind."""
        try:
            return "kind" not in parse_canonical(self._policy.document(tx, policy_digest))
        except NotFound:
            return False

    # Devices

    def devices(self, tx: Tx, person_id: str) -> tuple[Device, ...]:
        """A person's devices, first paired first, revoked ones too."""
        return store.devices_of(tx, person_id)

    def revoke(self, tx: Tx, actor: Person, device_id: str, now: datetime) -> Device:
        """Turn a device off for good: its tokens are refused from now on. Twice is once.

        Raises:
            NotFound: there is no such device, or it is somebody else's.
        """
        device = store.device(tx, device_id)
        if device is None or not self._may_revoke(tx, actor, device):
            raise NotFound("there is no such device of yours")
        self._directory.lock(tx, device.person_id)
        device = store.device(tx, device_id)
        assert device is not None  # devices are never deleted
        if not device.active:
            return device
        store.insert_revocation(tx, device.id, now)
        event = Event(
            Kind.DEVICE_REVOKED,
            Actor("person", actor.id),
            {"device": device.id},
            subjects=(device.person_id,),
        )
        self._log.append(tx, event, now)
        return store.device(tx, device_id) or device

    def _may_revoke(self, tx: Tx, actor: Person, device: Device) -> bool:
        """Its person may; so may whoever may stop capture for the person's region, and admins."""
        if actor.id == device.person_id:
            return True
        home = self._directory.person(tx, device.person_id).region
        chain = self._policy.chain(home) or (home,)
        return self._authority.may(actor.roles, None, "people", "import") or any(
            self._authority.may(actor.roles, region, "capture", "stop") for region in chain
        )


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


def _reported(device: Device, report: Report) -> Event:
    """The entry of a report: totals only, since apps by person are nobody's business for ever."""
    facts: dict[str, Json] = {
        "device": device.id,
        "report": report.id,
        "lease": report.lease,
        "policy": report.policy,
        "allowed": sum(row.events for row in report.allowed),
        "refused": dict(report.refused),
    }
    if facts["allowed"] and report.lease is None:
        facts["unleased"] = True  # law 1 forbids it, so the log shows it
    return Event(
        Kind.AGENT_REPORTED, Actor("device", device.id), facts, subjects=(device.person_id,)
    )
