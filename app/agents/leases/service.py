"""Leases: what an agent may do now.

Rules:
1. Whether a lease says on is ``CaptureService.situation``'s answer, and nothing else's.
2. A lease whose content differs from the device's last recorded one is an entry, committed before
   it is sent (law 2). A renewal of equal content is not an entry and changes nothing.
3. Most polls are renewals, so they are answered from a reading transaction: ``renewal`` answers if
   nothing differs, else None, and the caller asks ``lease`` in a writing transaction. ``lease``
   trusts nothing that ``renewal`` saw: it locks the person, holds policy still, and works
   everything out again. A lease that names a document which is not kept yet is no renewal, so that
   an agent can fetch whatever its lease names.
   While the log does not keep up, renewals go on: they add nothing to what waits.
4. What a laptop says of where it is must be a place (``kernel.places``). It costs an entry each
   time it changes the lease. A device that says so more than sixty times an hour is not answered:
   without an answer its capture ends.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.agents.devices.model import Device
from app.agents.leases import store
from app.agents.leases.record import lease_changed
from app.agents.leases.store import Holder
from app.agents.leases.terms import (
    MIN_AGENT,
    NOTHING_HELD,
    LeaseAnswer,
    LeaseSeq,
    LeaseTerms,
    Poll,
)
from app.agents.pairing.service import unknown_token
from app.audit.entries.service import AuditService
from app.audit.tree.epoch import lease_seq
from app.capture.service import CaptureService
from app.capture.situation import Situation
from app.db.engine import Tx
from app.directory.service import DirectoryService
from app.kernel.canonical import Json
from app.kernel.errors import Fault, Forbidden, InvalidInput, NotFound
from app.kernel.forms import FIRST_FORM
from app.kernel.places import why_no_place, zones_of
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import LEASE_TYPE
from app.policy.knobs import LEASE_TTL_S
from app.policy.service import PolicyService

MAX_CHANGES_PER_HOUR = 60


@dataclass(frozen=True)
class Holding:
    """What a device can hold, against what it would be told now.

    Attributes:
        situation: of its person, where the device last said it was.
        current: its last recorded lease says what it would be told now, so each renewal did.
        ttl_s: how long a lease of now would live at most, seconds.
    """

    situation: Situation
    current: bool
    ttl_s: int


@dataclass(frozen=True, kw_only=True)
class LeaseService:
    """Answers polls.

    Attributes:
        issuer: who signs leases.
        ttl_s: how long a lease lives at most, seconds.
        poll_s: when an agent shall ask again, seconds.
        every_decision: how leases are numbered (``access.decision.rules``).
    """

    log: AuditService
    directory: DirectoryService
    policy: PolicyService
    capture: CaptureService
    signer: Signer = field(repr=False)
    issuer: str
    ttl_s: int
    poll_s: int
    every_decision: bool = True

    def holder(self, tx: Tx, bearer: str, now: datetime) -> Holder:
        """Who asks with a living token, in one statement; a revoked device, too: it is told so.

        Raises:
            Unauthenticated: no such token, or it has expired.
        """
        holder = store.holder_by_token(tx, bearer, now) if bearer else None
        if holder is None:
            raise unknown_token()
        return holder

    def holder_of(self, tx: Tx, device_id: str) -> Holder:
        """A device as whoever asks for its lease.

        Raises:
            NotFound: there is no such device, or nobody whose it is.
        """
        holder = store.holder(tx, device_id)
        if holder is None:
            raise NotFound("there is no such device")
        return holder

    def holding(
        self, tx: Tx, device_id: str, place: str | None, form: int, now: datetime
    ) -> Holding:
        """What a device can hold, against what it would be told if it asked now.

        Args:
            tx: a reading transaction is enough.
            device_id: the device.
            place: where it last said it was.
            form: the document form that it was last answered in.
            now: the present instant.

        Raises:
            NotFound: there is no such device, or nobody whose it is.
        """
        holder = self.holder_of(tx, device_id)
        situation = self._situation_of(tx, holder, now, place, form)
        terms = self._terms(holder, situation)
        return Holding(situation, current=holder.holds(terms.digest), ttl_s=terms.ttl_s)

    def told_by(self, tx: Tx, device_id: str) -> str | None:
        """The event of the last lease that told a device something new; None: it never asked."""
        return store.last_event(tx, device_id)

    def renewal(
        self, tx: Tx, holder: Holder, now: datetime, poll: Poll = NOTHING_HELD
    ) -> LeaseAnswer | None:
        """Answer a poll whose content is the device's last recorded one; else None.

        None means: ask ``lease`` in a writing transaction. This one writes nothing.

        Raises:
            InvalidInput: as ``Poll.check``, and where no laptop can be in the place named.
        """
        form = poll.check(self.policy.registry.newest)
        terms = self._terms(holder, self._situation(tx, holder, now, poll, form))
        if not holder.holds(terms.digest) or not self._fetchable(tx, terms):
            return None
        return self._answer(holder.device, terms, poll, now)

    def opens(self, tx: Tx, holder: Holder, now: datetime, poll: Poll) -> bool:
        """Say whether the lease of now would turn a laptop on: it says on, the recorded one not.

        A changed lease that stays on opens nothing in this sense, be it narrower or wider: which of
        the two it is cannot be told from the digest that is kept of the one before. Each change is
        one entry of a device, and to withhold a narrower one would let more be captured.

        Raises:
            InvalidInput: as ``renewal``.
        """
        form = poll.check(self.policy.registry.newest)
        if not self._situation(tx, holder, now, poll, form).directive.capture:
            return False
        return holder.last is None or not store.said_on(tx, holder.device.id)

    def lease(
        self, tx: Tx, device: Device, now: datetime, poll: Poll = NOTHING_HELD
    ) -> LeaseAnswer:
        """Answer a poll; if the content differs from the last recorded one, append the entry.

        Raises:
            InvalidInput: as ``renewal``.
            Forbidden: the device's place changed its lease too often lately.
            NotFound: there is no such device, or nobody whose it is.
        """
        form = poll.check(self.policy.registry.newest)
        # One lease of a person at a time, and none while the person decides or policy changes.
        self.directory.lock(tx, device.person_id)
        self.policy.hold(tx)
        holder = self.holder_of(tx, device.id)
        situation = self._situation(tx, holder, now, poll, form)
        terms = self._terms(holder, situation)
        if not holder.holds(terms.digest):
            self._record(tx, holder, situation, terms, poll, now)
        if terms.counterparties is not None:
            self.policy.publish_counterparties(tx, now, situation.form)
        return self._answer(holder.device, terms, poll, now)

    def _fetchable(self, tx: Tx, terms: LeaseTerms) -> bool:
        """Whether an agent can fetch what the terms name besides the recorded content."""
        named = terms.counterparties
        return named is None or self.policy.counterparties_kept(tx, named)

    def _situation_of(
        self, tx: Tx, holder: Holder, now: datetime, place: str | None, form: int
    ) -> Situation:
        return self.capture.situation(
            tx,
            holder.person,
            now,
            place,
            device_active=holder.device.active,
            device_disputed=holder.device.disputed,
            form=form,
        )

    def _situation(self, tx: Tx, holder: Holder, now: datetime, poll: Poll, form: int) -> Situation:
        situation = self._situation_of(tx, holder, now, poll.place, form)
        in_force = situation.in_force
        if poll.place is not None and poll.place in {*in_force.unknown, *in_force.too_wide}:
            _require_place(poll.place, self.policy.floors_at(tx, now))
        return situation

    def _record(
        self,
        tx: Tx,
        holder: Holder,
        situation: Situation,
        terms: LeaseTerms,
        poll: Poll,
        now: datetime,
    ) -> None:
        """Append the entry of a lease that differs from the last recorded lease (rule 2)."""
        device = holder.device
        if poll.place is not None or situation.form != FIRST_FORM:
            _require_calm(tx, device, now)
        if situation.directive.capture:
            self.policy.publish_document(tx, situation.limits, now, situation.form)
        event_id = self.log.append(tx, lease_changed(device, situation, terms, poll.place), now)
        store.insert_lease(tx, device.id, holder.next(terms.digest), event_id, now)

    def _terms(self, holder: Holder, situation: Situation) -> LeaseTerms:
        standing, seq = situation.standing, situation.in_force.seq
        consented = standing.number(every_decision=self.every_decision)
        ttl_s = max(1, min(self.ttl_s, situation.in_force.compiled[LEASE_TTL_S]))
        return LeaseTerms(
            self._content(holder, situation),
            situation.directive.reasons,
            seq=LeaseSeq(
                policy=lease_seq(self.log.origin, seq),
                consent=lease_seq(self.log.origin, consented),
            ),
            ttl_s=ttl_s,
            ends_at=_known_end(situation),
            counterparties=situation.counterparties,
        )

    def _content(self, holder: Holder, situation: Situation) -> dict[str, Json]:
        reasons, until = situation.directive.reasons, situation.standing.until
        content: dict[str, Json] = {
            "iss": self.issuer,
            "aud": holder.device.id,
            "capture": "on" if situation.directive.capture else "off",
            "reasons": list(self.policy.registry.reasons_in(situation.form, reasons)),
            "policy": situation.policy_digest,
            "poll_s": self.poll_s,
            "min_agent": MIN_AGENT,
        }
        if situation.form != FIRST_FORM:
            content["form"] = situation.form
            content["zones"] = list(zones_of(holder.person.region))
        if until is not None:
            content["until"] = int(until.timestamp())
        return content

    def _answer(self, device: Device, terms: LeaseTerms, poll: Poll, now: datetime) -> LeaseAnswer:
        etag = terms.etag(device, now)
        if poll.nonce is None and poll.holds(etag):
            return LeaseAnswer(304, None, etag, terms.reasons)
        token = sign_token(self.signer, LEASE_TYPE, terms.claims(now, poll.nonce))
        return LeaseAnswer(200, token, etag, terms.reasons)


def _known_end(situation: Situation) -> datetime | None:
    """When a lease that says on must end: with the decision, or when policy will change."""
    if not situation.directive.capture:
        return None
    ends = (situation.changes_at, situation.standing.until)
    return min((end for end in ends if end is not None), default=None)


def _require_place(place: str, floors: AbstractSet[str]) -> None:
    """Return if a laptop can be there; whether the rules there are known is another question.

    Raises:
        InvalidInput: it cannot.
    """
    why = why_no_place(place, floors)
    if why is not None:
        fault = Fault("place", why.problem, why.cure)
        raise InvalidInput(f"place {why.problem}", faults=(fault,))


def _require_calm(tx: Tx, device: Device, now: datetime) -> None:
    """Return while a device may still change its lease by its place (rule 4).

    Raises:
        Forbidden: it may not.
    """
    if store.leases_since(tx, device.id, now - timedelta(hours=1)) >= MAX_CHANGES_PER_HOUR:
        raise Forbidden(
            "what the laptop says of itself changed its lease too often",
            kind="too-many-attempts",
            cure="Ask without a place and in one form, or wait an hour; capture is off until then.",
        )
