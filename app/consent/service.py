"""Consent: what people were shown, what they decided, what that adds up to, what they keep.

Rules:
1. Opting out (withdrawn, refused, paused) asks for the person and nothing else: no notice, no
   offer, no policy, no region that is known. It works when opting in does not.
2. Opting in (given, acknowledged) rests on a notice and an offer that were shown to this person and
   are still what they were. The scope is what the offer said, no more.
3. A decision, its entry and its receipt are one transaction, under the person's lock; ``seq`` is
   the person's next number.
4. Withdrawing or refusing twice is one decision: the second answers with the first one's receipt,
   so that a double click is harmless.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.consent import model, store, timeline
from app.consent.model import (
    OPENING,
    Act,
    Bases,
    Decision,
    Notice,
    Offer,
    Shown,
    Standing,
    State,
    next_decision,
    require_pause,
    wrong,
)
from app.consent.receipts import Receipt, receipt_claims, receipt_of
from app.consent.timeline import Endings
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.canonical import Json
from app.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from app.kernel.facts import encode
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import RECEIPT_TYPE

NOTICE = "capture"
"""The notice that capture rests on."""

_NOTHING_AGREED = frozenset({State.NONE, State.REFUSED, State.WITHDRAWN, State.REVOKED})
_RESTORED = (
    "The database was restored from a copy. What you decided since that copy was made is lost, "
    "perhaps a withdrawal. So nothing you agreed to before holds; decide anew."
)

MAX_NOTE = 2_000
"""Longest note of a revocation, characters."""


class ConsentService:
    """Shows notices, takes decisions, answers what stands."""

    def __init__(
        self,
        log: AuditService,
        directory: DirectoryService,
        authority: Authority,
        chain: Callable[[str], tuple[str, ...] | None],
        signer: Signer,
        issuer: str,
        notices: Iterable[Notice],
    ) -> None:
        """Join what consent needs.

        Args:
            log: takes the entries.
            directory: knows and locks the people.
            authority: says who may revoke.
            chain: a region and those above it, nearest first; None for an unknown region.
            signer: signs receipts.
            issuer: base URL of this instance.
            notices: every text of every language.
        """
        self._log = log
        self._authority = authority
        self._chain = chain
        self._directory = directory
        self._signer = signer
        self._issuer = issuer
        self._notices: Mapping[str, Notice] = {
            notice.language: notice for notice in notices if notice.id == NOTICE
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the notice can be read, sorted."""
        return tuple(sorted(self._notices))

    @property
    def notice_version(self) -> int | None:
        """The version of the notice that is current; None if there is no notice."""
        return next((notice.version for notice in self._notices.values()), None)

    def notice(self, language: str) -> Notice:
        """Return the current notice in a language.

        Raises:
            NotFound: not in this language; another is for the person to choose, not for us.
            Unavailable: there is no notice at all.
        """
        if not self._notices:
            raise Unavailable(
                "there is no notice to read, so nobody can opt in",
                cure="Opting out works. Ask whoever runs Habeas to install the notice.",
            )
        if language not in self._notices:
            raise NotFound(
                f"there is no notice in the language {language!r}",
                cure=f"Choose one of: {', '.join(self.languages)}.",
            )
        return self._notices[language]

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Keep the current texts for ever, once each, with their entries.

        Raises:
            Conflict: a text was changed without a new version: people would be bound to words that
                they never read.
        """
        for notice in self._notices.values():
            self._adopt(tx, notice, now)

    def show(self, tx: Tx, person: Person, offer: Offer, language: str, now: datetime) -> Shown:
        """Record that the notice and an offer are put before a person; once for the same two.

        Raises:
            NotFound, Unavailable: there is no notice in this language.
        """
        notice = self.notice(language)
        self._directory.lock(tx, person.id)
        known = store.shown_before(tx, person.id, notice.digest, offer.digest)
        if known is not None:
            return known
        self._adopt(tx, notice, now)
        shown_id = str(uuid.uuid4())
        facts = {"shown": shown_id, **_names(notice), "offer": offer.digest}
        actor = Actor("person", person.id)
        event = Event(Kind.NOTICE_SHOWN, actor, facts, subjects=(person.id,))
        shown = Shown(shown_id, person.id, notice, offer, now, self._log.append(tx, event, now))
        store.add_shown(tx, shown)
        return shown

    def shown(self, tx: Tx, person: Person, shown_id: str) -> Shown:
        """Return what was shown to a person.

        Raises:
            NotFound: nothing was shown to this person under this id.
        """
        found = store.shown(tx, person.id, shown_id)
        if found is None:
            raise NotFound(
                "this notice was not shown to you", cure="Read the current notice, then decide."
            )
        return found

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
                not compared. The scope is what was shown in either case.

        Returns:
            The receipt; for withdrawing or refusing again, that of the first time.

        Raises:
            InvalidInput: the act, ``shown`` or ``minutes`` (the pause) is wrong.
            NotFound: no such person, or nothing was shown under this id.
            Conflict: what was shown is no longer what is in force, or the person has left.
        """
        if act is Act.REVOKED:
            raise wrong("act", "nobody revokes their own consent", "Withdraw it.")
        self._directory.lock(tx, person.id)
        person = self._directory.person(tx, person.id)
        history = store.history(tx, person.id)
        shown = None
        if act in OPENING:
            shown = self._require_current(tx, person, act, shown_id, offer)
        elif (standing := self._repeated(history, person, act, now)) is not None:
            return self.receipt(tx, person.id, standing.id)
        end = require_pause(until, now) if act is Act.PAUSED else None
        decision = next_decision(
            history, person, act, now, decision_id=str(uuid.uuid4()), shown=shown, until=end
        )
        return self._append(tx, decision, person, history, Actor("person", person.id), shown=shown)

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
            raise wrong("note", "empty or too long", f"Say why, in up to {MAX_NOTE} characters.")
        self._directory.lock(tx, person.id)
        person = self._directory.person(tx, person.id)
        self._require_revoker(tx, actor, person.region)
        history = store.history(tx, person.id)
        decision = next_decision(history, person, Act.REVOKED, now, decision_id=str(uuid.uuid4()))
        return self._append(tx, decision, person, history, actor, body={"note": note.strip()})

    def end_all(self, tx: Tx, now: datetime) -> int:
        """End every consent that stands, or could stand again, after a restore; say how many.

        A withdrawal may be among the entries that a restored copy lacks. So nobody's agreement is
        taken from a copy: each person is asked anew, and reads why.
        """
        ended = 0
        for person in self._directory.people(tx):
            self._directory.lock(tx, person.id)
            history = store.history(tx, person.id)
            if self._fold(history, person, now).state in _NOTHING_AGREED:
                continue
            decision_id = str(uuid.uuid4())
            decision = next_decision(history, person, Act.REVOKED, now, decision_id=decision_id)
            self._append(
                tx, decision, person, history, SYSTEM, body={"note": _RESTORED}, reason="restore"
            )
            ended += 1
        return ended

    def standing(self, tx: Tx, person: Person, now: datetime) -> Standing:
        """Return what the person's decisions add up to now.

        The person must be as this transaction reads them: a move counts from the moment of import.
        """
        return self._fold(store.history(tx, person.id), person, now)

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
    ) -> bool:
        """Say whether the person's decisions sufficed at every instant of a stretch of time.

        See ``timeline.standing_between``; moves and superseded notices are taken from the record.
        """
        return timeline.standing_between(
            store.history(tx, person.id),
            start,
            end,
            bases=bases,
            endings=self._endings(tx, person),
            purpose=purpose,
            signals=signals,
        )

    def history(self, tx: Tx, person_id: str) -> tuple[Decision, ...]:
        """Return a person's decisions, oldest first."""
        return store.history(tx, person_id)

    def receipts(self, tx: Tx, person_id: str) -> tuple[Receipt, ...]:
        """Return a person's receipts, newest first."""
        return tuple(
            receipt_of(decision, token) for decision, token in store.receipts(tx, person_id)
        )

    def receipt(self, tx: Tx, person_id: str, decision_id: str) -> Receipt:
        """Return one receipt of a person, as it was signed.

        Raises:
            NotFound: there is none, or it is another person's.
        """
        found = store.receipt(tx, person_id, decision_id)
        if found is None:
            raise NotFound("you have no receipt with this number")
        return receipt_of(*found)

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every notice text and every offer that entries name, each with its digest.

        The bytes are those that the digest was taken of: the notice's file, the offer's canonical
        form. Neither says anything about one person.
        """
        return store.documents(tx)

    def _require_revoker(self, tx: Tx, actor: Actor, region: str) -> None:
        """Let pass the system, and whoever may stop capture in a region or above it."""
        if actor == SYSTEM:
            return
        if actor.kind != "person":
            raise Forbidden("only a person may revoke a consent")
        revoker = self._directory.person(tx, actor.id)
        regions = self._chain(region) or (region,)
        if not revoker.active or not any(
            self._authority.may(revoker.roles, above, "capture", "stop") for above in regions
        ):
            self._authority.require((), region, "capture", "stop")  # names who could

    def _adopt(self, tx: Tx, notice: Notice, now: datetime) -> None:
        adopted = store.adopted(tx, notice)
        if adopted is None:
            store.adopt(tx, notice, now)
            self._log.append(tx, Event(Kind.NOTICE_ADOPTED, SYSTEM, _names(notice)), now)
        elif adopted != notice.digest:
            raise Conflict(
                f"the notice {notice.id}/{notice.language}.md was changed, but it still says "
                f"version {notice.version}",
                cure="Raise the version in every language; people will be asked again.",
            )

    def _fold(self, history: Iterable[Decision], person: Person, now: datetime) -> Standing:
        return model.standing(
            history,
            now,
            region=person.region,
            notice_version=self.notice_version,
            residence=person.residence,
        )

    def _endings(self, tx: Tx, person: Person) -> Endings:
        versions = self._directory.versions(tx, person.id)
        residences = [(version.residence, version.recorded_at) for version in versions]
        return timeline.endings_of(residences, store.version_starts(tx, NOTICE))

    def _repeated(
        self, history: Iterable[Decision], person: Person, act: Act, now: datetime
    ) -> Decision | None:
        """Return the decision that already says this (rule 4); a further pause is a new one."""
        current = self._fold(history, person, now)
        return current.decision if current.state.value == act.value != Act.PAUSED else None

    def _require_current(
        self, tx: Tx, person: Person, act: Act, shown_id: str | None, offer: Offer | None
    ) -> Shown:
        if not person.active:
            raise Conflict("you have left; nothing of yours can be captured")
        if not shown_id:
            raise wrong("shown", "no notice was read before deciding", "Read the notice first.")
        shown = self.shown(tx, person, shown_id)
        current = self._notices.get(shown.notice.language)
        stale = (
            current is None
            or current.digest != shown.notice.digest
            or (shown.offer.region, shown.offer.regions) != (person.region, person.regions)
            or (offer is not None and offer.digest != shown.offer.digest)
        )
        if stale:
            raise Conflict(
                "what you were shown has changed since; nothing was decided",
                cure="Read the current notice and decide again.",
            )
        wanted = model.opening_act(shown.offer.bases)
        if act is not wanted:
            raise wrong(
                "act",
                f"{act.value} is not what the law of {person.region} asks for here",
                f"Send {wanted.value}." if wanted else "Nothing can be captured here.",
            )
        return shown

    def _append(
        self,
        tx: Tx,
        decision: Decision,
        person: Person,
        history: tuple[Decision, ...],
        actor: Actor,
        *,
        shown: Shown | None = None,
        body: Mapping[str, Json] | None = None,
        reason: str | None = None,
    ) -> Receipt:
        facts = encode(decision) | ({"reason": reason} if reason else {})
        kind = Kind(f"consent.{decision.act.value}")
        event = Event(kind, actor, facts, (person.id,), body=body)
        decision = replace(decision, event_id=self._log.append(tx, event, decision.decided_at))
        claims = receipt_claims(
            decision,
            person,
            pseudonym=self._log.pseudonym(tx, person.id),
            offer=shown.offer if shown else None,
            previous=history[-1].id if history else None,
            issuer=self._issuer,
            origin=self._log.origin,
        )
        token = sign_token(self._signer, RECEIPT_TYPE, claims)
        store.append(tx, decision, token)
        return receipt_of(decision, token)


def _names(notice: Notice) -> dict[str, Json]:
    return {
        "notice": notice.id,
        "version": notice.version,
        "language": notice.language,
        "digest": notice.digest,
    }
