"""Alarms that are open, and how two people clear them.

Rules:
1. Which alarms are open, and who proposed to clear them, the log says (the fold); no table of its
   own does, so there is nothing to tamper with.
2. Clearing takes two different people, each in a role for it, and a reason that the first of them
   gives. It changes no row. If the rows still do not agree with the log, whoever reads them next
   finds it, and the alarm is back.
3. Whoever is disputed has no role, so nobody clears the alarm about themselves while it is open.
4. A step is taken once. Steps are taken one after the other, under the log's lock, and what is
   committed counts, whether the fold knows it yet or not.
5. The reason is written for whoever may clear the alarm. They read it without an entry.
6. While the log cannot be believed, the alarm about it is shown, though the fold cannot have its
   entry yet, and no step is taken about any alarm.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from app.audit.entries import store
from app.audit.entries.alarms import OpenAlarms, Proposal
from app.audit.entries.halt import log_disputed
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.recorded import LOG_CHAIN
from app.audit.entries.records import AlarmRaised, AlarmStep
from app.audit.entries.service import AuditService
from app.audit.growing.ahead import alarms_ahead
from app.audit.growing.fold import Fold
from app.audit.reading.service import ReadingService
from app.db.engine import Tx
from app.db.ring import Flaw
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.clock import instant
from app.kernel.errors import Conflict, Forbidden, NotFound, Unavailable, wrong_field
from app.kernel.facts import decode, encode

MAX_REASON = 2_000
"""Longest reason, characters."""


@dataclass(frozen=True)
class ProposedClearing:
    """That somebody proposed to clear an alarm.

    Attributes:
        by: the pseudonym of the person.
        idx: the index of the entry; None until it has one.
        at: when.
        reason: why; None where it is not kept any more, or was altered.
        is_own: the visitor made it.
    """

    by: str
    idx: int | None
    at: datetime
    reason: str | None
    is_own: bool


@dataclass(frozen=True)
class OpenAlarm:
    """One alarm that stands.

    Attributes:
        chain: what does not stand.
        idx: the index of the entry that raised it; None where the database has no such entry.
        proposal: the last proposal to clear it; None: there is none.
        is_cleared: two people have cleared it; it ends as soon as the log has their entry.
        raised_at: when it was raised; None as for the index.
        why: what was wrong then; None as above.
        table, row: where; empty where it is about the whole chain, and as above.
        broken: why the log cannot be believed now; empty where it can, and of any other chain.
    """

    chain: str
    idx: int | None
    proposal: ProposedClearing | None = None
    is_cleared: bool = False
    raised_at: datetime | None = None
    why: Flaw | None = None
    table: str = ""
    row: str = ""
    broken: str = ""


@dataclass(frozen=True)
class AlarmService:
    """Lists alarms and lets two people clear them.

    Attributes:
        log: takes the entries.
        authority: says who may.
        fold: knows what the log says of alarms.
    """

    log: AuditService
    authority: Authority
    fold: Fold

    def listed(self, tx: Tx, visitor: Person) -> tuple[OpenAlarm, ...]:
        """Every alarm that stands by the log, by what it is about; first that about the log.

        Raises:
            Forbidden: the visitor may not clear alarms.
        """
        self.authority.require(visitor.roles, None, "alarm", "clear")
        folded, broken = self.fold.alarms, tx.seals.broken
        try:
            ahead = alarms_ahead(tx, folded)
        except (
            Unavailable,
            ValueError,
        ) as why:  # an entry cannot be read
            ahead, broken = folded, broken or str(why)
        listed = [
            self._shown(tx, chain, event, ahead, visitor)
            for chain, event in sorted(folded.by_chain.items())
            if broken is None or chain != LOG_CHAIN
        ]
        about_log = [] if broken is None else [OpenAlarm(LOG_CHAIN, None, broken=broken)]
        return (*about_log, *listed)

    def propose(self, tx: Tx, actor: Person, chain: str, reason: str, now: datetime) -> None:
        """Propose to clear an alarm; another person decides.

        Raises:
            Conflict: the person proposed it already, or it was cleared a moment ago.
            Forbidden: the person may not.
            InvalidInput: the reason is empty or longer than 2,000 characters.
            NotFound: there is no such alarm.
            Unavailable: the log cannot be believed.
        """
        self.authority.require(actor.roles, None, "alarm", "clear")
        event, proposal = self._locked(tx, chain)
        if proposal is not None and proposal.by == self.log.pseudonym(tx, actor.id):
            raise Conflict("you proposed this already", cure="Ask a second person to clear it.")
        why = reason.replace("\r\n", "\n").strip()
        if not 0 < len(why) <= MAX_REASON:
            cure = f"Say what happened, in up to {MAX_REASON:,} characters."
            raise wrong_field("reason", "empty or too long", cure)
        self._append(tx, Kind.ALARM_CLEAR_PROPOSED, actor, AlarmStep(event, chain), now, why)

    def clear(self, tx: Tx, actor: Person, chain: str, now: datetime) -> None:
        """Clear an alarm that another person proposed to clear.

        Raises:
            Conflict: nobody proposed it, or it was cleared a moment ago.
            Forbidden: the person may not, or made the proposal.
            NotFound: there is no such alarm.
            Unavailable: the log cannot be believed.
        """
        self.authority.require(actor.roles, None, "alarm", "clear")
        event, proposal = self._locked(tx, chain)
        if proposal is None:
            raise Conflict("nobody has proposed to clear this", cure="Propose it, with a reason.")
        if proposal.by == self.log.pseudonym(tx, actor.id):
            raise Forbidden(
                "you proposed to clear this; two people must agree",
                cure="Ask a second person to clear it.",
            )
        step = AlarmStep(event, chain, proposer=proposal.by)
        self._append(tx, Kind.ALARM_CLEARED, actor, step, now)

    def _locked(self, tx: Tx, chain: str) -> tuple[str, Proposal | None]:
        """The event of an alarm and the last proposal; nobody else takes a step meanwhile."""
        store.lock(tx)
        if tx.seals.broken is not None:
            raise log_disputed(tx.seals.broken)
        folded = self.fold.alarms
        ahead = alarms_ahead(tx, folded)
        event = ahead.by_chain.get(chain)
        if event is None and chain in folded.by_chain:
            raise Conflict(
                "two people have cleared this alarm already",
                cure="It ends in a moment, with the next entries of the log.",
            )
        if event is None:
            raise NotFound("there is no such alarm", cure="It may have been cleared meanwhile.")
        return event, ahead.proposals.get(chain)

    def _append(
        self, tx: Tx, kind: Kind, actor: Person, step: AlarmStep, now: datetime, reason: str = ""
    ) -> None:
        body = {"reason": reason} if reason else None
        event = Event(kind, Actor("person", actor.id), encode(step), body=body)
        self.log.append(tx, event, now)

    def _shown(
        self, tx: Tx, chain: str, event: str, ahead: OpenAlarms, visitor: Person
    ) -> OpenAlarm:
        proposal = ahead.proposals.get(chain)
        alarm = OpenAlarm(
            chain,
            self.log.index_of(tx, event),
            None if proposal is None else self._proposed(tx, proposal, visitor),
            is_cleared=ahead.by_chain.get(chain) != event,
        )
        leaf = store.submission_of(tx, event)
        if leaf is None:
            return alarm
        raised, at = decode(AlarmRaised, leaf["facts"]), instant(leaf["occurred_at"])
        return replace(
            alarm, raised_at=at, why=Flaw(raised.why), table=raised.table, row=raised.row
        )

    def _proposed(self, tx: Tx, proposal: Proposal, visitor: Person) -> ProposedClearing | None:
        said = store.submission_of(tx, proposal.event)
        if said is None:  # the copy of the database that is read is behind this process
            return None
        return ProposedClearing(
            proposal.by,
            self.log.index_of(tx, proposal.event),
            instant(said["occurred_at"]),
            self._reason(tx, proposal.event),
            is_own=proposal.by == self.log.pseudonym_of(tx, visitor.id),
        )

    def _reason(self, tx: Tx, event: str) -> str | None:
        try:
            body = ReadingService(self.log).body(tx, event) or {}
        except Unavailable:  # somebody altered it: the alarm is shown all the same
            return None
        return str(body["reason"]) if "reason" in body else None
