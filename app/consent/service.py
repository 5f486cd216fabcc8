"""Consent: what people decided, what that adds up to, and what they keep of it.

Rules:
1. Opting out (withdrawn, refused, paused) asks for the person and nothing else: no notice, no
   offer, no policy, no region that is known, no number. It works when opting in does not.
2. Opting in (given, acknowledged) rests on a notice and an offer that were shown to this person and
   are still what they were (notices.py). The scope is that of the offer, no more.
3. A decision, its entry and its receipt are one transaction, under the person's lock; ``seq`` is
   the person's next number.
4. Withdrawing or refusing twice is one decision, and so is a pause that ends no later than the one
   that runs: the second answers with the receipt of the first, so that a double click is harmless.
5. Resuming ends the pauses and restores what they interrupted, with the end that it had: it rests
   on what was shown then and asks for no notice.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.audit.entries import erasure
from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.consent import choosing, judging, model, store, timeline
from app.consent.model import OPENING, Act, Bases, DecidedSoFar, Decision, Standing, next_decision
from app.consent.notices import NoticeService
from app.consent.offers import Offer, Shown
from app.consent.receipts import Receipt, receipt_claims, receipt_of
from app.consent.timeline import Endings
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.canonical import Json
from app.kernel.errors import Forbidden, NotFound, Unavailable, wrong_field
from app.kernel.facts import encode
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import RECEIPT_TYPE

_RESTORED = (
    "The database was restored from a copy. What you decided since that copy was made is lost, "
    "perhaps a withdrawal. So nothing you agreed to before holds; decide anew."
)

MAX_NOTE = 2_000
"""Longest note of a revocation, characters."""


@dataclass(frozen=True, kw_only=True)
class ConsentService:
    """Takes decisions, answers what stands, keeps the receipts.

    Attributes:
        log: takes the entries.
        directory: knows and locks the people.
        notices: what people are shown before they opt in.
        authority: says who may revoke.
        chain: a region and those above it, nearest first; None for an unknown region.
        signer: signs receipts.
        issuer: base URL of this instance.
    """

    log: AuditService
    directory: DirectoryService
    notices: NoticeService
    authority: Authority
    chain: Callable[[str], tuple[str, ...] | None]
    signer: Signer = field(repr=False)
    issuer: str

    def decide(
        self,
        tx: Tx,
        person: Person,
        act: Act,
        now: datetime,
        *,
        shown_id: str | None = None,
        until: datetime | None = None,
        offer: Offer | None = None,
        known: int | None = None,
    ) -> Receipt:
        """Record what a person decides for themselves.

        Args:
            tx: the transaction.
            person: who decides.
            act: anything but revoked.
            now: the present instant.
            shown_id: what was shown, for given and acknowledged; not looked at otherwise.
            until: the end of a pause, 5 minutes to 7 days from now.
            offer: what is in force for the person now, to be compared with what was shown; None:
                not compared. What is agreed to is what was shown in either case.
            known: the number of the last decision when the choice was shown, 0 for none; None: not
                compared. Opting out pays no heed to it.

        Returns:
            The receipt; for what stands already (rule 4), that of the decision which said it.

        Raises:
            InvalidInput: the act, ``shown`` or ``minutes`` (the pause) is wrong.
            NotFound: no such person, or nothing was shown under this id.
            Conflict: the person decided since, or has left; what was shown is no longer what is in
                force; there is nothing to pause, or no pause to resume from.
        """
        if act is Act.REVOKED:
            raise wrong_field("act", "nobody revokes their own consent", "Withdraw it.")
        self.directory.lock(tx, person.id)
        person = self.directory.person(tx, person.id)
        past = store.decided(tx, person.id)
        if act in choosing.NUMBERED:
            choosing.require_undisputed(past, person)
            if known is not None:
                choosing.require_up_to_date(past, known)
        end = choosing.require_end(until, now) if act is Act.PAUSED else None
        current = self._fold(past, person, now)
        if not past.disputed:  # what narrows is written anew where what was written is in doubt
            if (said := choosing.repeated(current, act, end)) is not None:
                return self.receipt(tx, person.id, said.id)
            choosing.require_effect(current, act)
        shown = None
        if act in OPENING:
            shown = self.notices.require_current(tx, person, act, shown_id, offer)
        decision = self._next(past, person, act, now, shown=shown, until=end)
        return self._append(tx, decision, person, past, Actor("person", person.id))

    def said(
        self, tx: Tx, person: Person, act: Act, now: datetime, until: datetime | None = None
    ) -> Receipt | None:
        """Return the receipt of the decision that says this already (rule 4); None: none does.

        It is asked before ``decide``, so that saying no again and again waits for no writer, and
        lets nobody else wait.

        Args:
            tx: a reading transaction is enough.
            person: who decides.
            act: what is decided.
            now: the present instant.
            until: the end of a pause.

        Raises:
            InvalidInput: as ``decide``, where the end of a pause is wrong.
            Conflict: there is nothing to pause.
        """
        past = store.decided(tx, person.id)
        end = choosing.require_end(until, now) if act is Act.PAUSED else None
        if past.disputed:
            return None
        current = self._fold(past, person, now)
        said = choosing.repeated(current, act, end)
        if said is not None:
            return store.receipt(tx, person.id, said.id)
        if act is Act.PAUSED:
            choosing.require_effect(current, act)
        return None

    def revoke(self, tx: Tx, person: Person, actor: Actor, note: str, now: datetime) -> Receipt:
        """End a person's consent for them, with a reason that they can read.

        Raises:
            Forbidden: the actor is the person, whose act would be withdrawing, or somebody who
                could not stop capture in the person's home region either.
            InvalidInput: the note is empty or longer than 2,000 characters.
        """
        if actor == Actor("person", person.id):
            raise Forbidden("nobody revokes their own consent", cure="Withdraw it.")
        if not 0 < len(note.strip()) <= MAX_NOTE:
            raise wrong_field(
                "note", "empty or too long", f"Say why, in up to {MAX_NOTE} characters."
            )
        self.directory.lock(tx, person.id)
        person = self.directory.person(tx, person.id)
        self._require_revoker(tx, actor, person.region)
        past = store.decided(tx, person.id)
        decision = self._next(past, person, Act.REVOKED, now)
        return self._append(tx, decision, person, past, actor, body={"note": note.strip()})

    def end_all(self, tx: Tx, now: datetime) -> int:
        """End every consent that stands, or could stand again, after a restore; say how many.

        A withdrawal may be among the entries that a restored copy lacks. So nobody's agreement is
        taken from a copy: each person is asked anew, and reads why.

        Raises:
            Unavailable: somebody who decided was taken out of the copy (kind ``record-disputed``).
        """
        ended, people = 0, self.directory.people(tx)
        self._require_all(tx, people)
        for person in people:
            self.directory.lock(tx, person.id)
            past = store.decided(tx, person.id)
            if self._fold(past, person, now).state in choosing.ENDED and not past.disputed:
                continue
            decision = self._next(past, person, Act.REVOKED, now)
            self._append(
                tx, decision, person, past, SYSTEM, body={"note": _RESTORED}, reason="restore"
            )
            ended += 1
        return ended

    def _require_all(self, tx: Tx, people: Iterable[Person]) -> None:
        """Refuse a copy that lacks somebody: put back later, their consent would not have ended."""
        here, told = {person.id for person in people}, judging.told(tx)
        names = self.log.people(tx, told)
        missing = [name for name in told if names.get(name) not in here]
        if any(erasure.find(tx, name) is None for name in missing):
            raise Unavailable(
                "the copy was altered: it lacks people whose decisions its own log tells",
                cure="Restore another copy of the database; see docs/operate.md, Restore.",
                kind="record-disputed",
            )

    def standing(self, tx: Tx, person: Person, now: datetime) -> Standing:
        """Return what the person's decisions add up to now.

        The person must be as this transaction reads them: a move counts from the moment of import.
        """
        return self._fold(store.decided(tx, person.id), person, now)

    def standing_between(
        self,
        tx: Tx,
        person: Person,
        start: datetime,
        end: datetime,
        *,
        bases: Bases,
        purpose: str | None = None,
        signals: Iterable[str] = (),
        content: Iterable[str] = (),
    ) -> bool:
        """Say whether the person's decisions sufficed at every instant of a stretch of time.

        See ``timeline.standing_between``; moves and superseded notices are taken from the record.
        """
        endings = self._endings(tx, person)
        if endings is None:
            return False
        return timeline.standing_between(
            store.decided(tx, person.id).decisions,
            start,
            end,
            bases=bases,
            endings=endings,
            purpose=purpose,
            signals=signals,
            content=content,
        )

    def openings_since(self, tx: Tx, person: Person, start: datetime) -> tuple[Decision, ...]:
        """The decisions by which anything was agreed to after an instant; see ``timeline``."""
        history = store.decided(tx, person.id).decisions
        endings = self._endings(tx, person) or Endings({}, {})
        return timeline.openings_since(history, start, endings=endings)

    def offer_of(self, tx: Tx, decision: Decision) -> tuple[Offer, datetime]:
        """The offer that a decision agreed to, and when it was shown.

        It is found by the digests that the decision and its entry name, not by a row's number.

        Raises:
            NotFound: the decision rests on none.
            Unavailable: the offer is not what its digest says.
        """
        shown = None
        if decision.notice is not None and decision.offer_digest is not None:
            names = decision.notice.digest, decision.offer_digest
            shown = store.shown_before(tx, decision.person_id, *names)
        if shown is None:
            raise NotFound("this decision rests on no offer")
        return shown.offer, shown.shown_at

    def history(self, tx: Tx, person_id: str) -> tuple[Decision, ...]:
        """Return a person's decisions, oldest first, as far as they are believed."""
        return store.decided(tx, person_id).decisions

    def stood_before(self, tx: Tx, person_id: str) -> dict[str, Standing]:
        """Return, by a decision's id, what stood just before each decision of a person.

        A decision is left out where nobody can say: the rows, or those of the notices, do not agree
        with the log, or what came before is lost.
        """
        notices = self.notices.believed_starts(tx)
        history = store.decided(tx, person_id)
        if history.disputed or notices is None:
            return {}
        lost = {one.id for one in history.decisions[:1] if one.seq > 1}
        return {
            one.id: timeline.stood_before(one, history.decisions, notices)
            for one in history.decisions
            if one.id not in lost
        }

    def last_number(self, tx: Tx, person_id: str) -> int:
        """Return the number of a person's last decision; 0 where there is none."""
        return store.decided(tx, person_id).last

    def receipts(self, tx: Tx, person_id: str) -> tuple[Receipt, ...]:
        """Return a person's receipts, newest first."""
        return store.receipts(tx, person_id)

    def receipt(self, tx: Tx, person_id: str, decision_id: str) -> Receipt:
        """Return one receipt of a person, as it was signed.

        Raises:
            NotFound: there is none, or it is another person's.
        """
        kept = store.receipt(tx, person_id, decision_id)
        if kept is None:
            raise NotFound("you have no receipt with this number")
        return kept

    def _require_revoker(self, tx: Tx, actor: Actor, region: str) -> None:
        """Let pass the system, and whoever may stop capture in a region or above it."""
        if actor == SYSTEM:
            return
        if actor.kind != "person":
            raise Forbidden("only a person may revoke a consent")
        revoker = self.directory.person(tx, actor.id)
        regions = self.chain(region) or (region,)
        if not revoker.active or not any(
            self.authority.may(revoker.roles, above, "capture", "stop") for above in regions
        ):
            self.authority.require((), region, "capture", "stop")  # names who could

    def _fold(self, past: DecidedSoFar, person: Person, now: datetime) -> Standing:
        standing = model.standing(
            past.decisions,
            now,
            region=person.region,
            notice_version=self.notices.version,
            residence=person.residence,
        )
        return replace(standing, last=past.last, disputed=past.disputed)

    def _next(
        self,
        past: DecidedSoFar,
        person: Person,
        act: Act,
        now: datetime,
        *,
        shown: Shown | None = None,
        until: datetime | None = None,
    ) -> Decision:
        return next_decision(
            past.decisions,
            person,
            act,
            now,
            decision_id=str(uuid.uuid4()),
            shown=shown,
            until=until,
            after=past.last,
        )

    def _endings(self, tx: Tx, person: Person) -> Endings | None:
        """What ended decisions by itself; None where nobody can say since when a notice holds."""
        starts = self.notices.believed_starts(tx)
        if starts is None:
            return None
        versions = self.directory.versions(tx, person.id)
        residences = [(version.residence, version.recorded_at) for version in versions]
        return timeline.endings_of(residences, starts)

    def _append(
        self,
        tx: Tx,
        decision: Decision,
        person: Person,
        past: DecidedSoFar,
        actor: Actor,
        *,
        body: Mapping[str, Json] | None = None,
        reason: str | None = None,
    ) -> Receipt:
        facts = encode(decision) | ({"reason": reason} if reason else {})
        kind = Kind(f"consent.{decision.act.value}")
        event = Event(kind, actor, facts, (person.id,), body=body)
        decision = replace(decision, event_id=self.log.append(tx, event, decision.decided_at))
        ground = store.shown(tx, person.id, decision.shown_id) if decision.shown_id else None
        claims = receipt_claims(
            decision,
            person,
            pseudonym=self.log.pseudonym(tx, person.id),
            offer=ground.offer if ground else None,
            previous=past.decisions[-1].id if past.decisions else None,
            issuer=self.issuer,
            origin=self.log.origin,
        )
        token = sign_token(self.signer, RECEIPT_TYPE, claims)
        store.append(tx, decision, token)
        return receipt_of(decision, token)
