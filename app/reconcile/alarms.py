"""Alarms that are open, and how two people clear them.

Rules:
1. Which alarms are open, and who proposed to clear them, the log says (the fold); no table of its
   own does, so there is nothing to tamper with.
2. Clearing takes two different people, each in a role for it, and a reason that the first of them
   gives. It changes no row. If the rows still do not agree with the log, whoever reads them next
   finds it, and the alarm is back.
3. Whoever is disputed has no role, so nobody clears the alarm about themselves while it is open.
"""

from dataclasses import dataclass
from datetime import datetime

from app.audit.entries.alarms import Proposal
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.records import AlarmStep
from app.audit.entries.service import AuditService
from app.audit.growing.fold import Fold
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.errors import Conflict, Forbidden, NotFound, wrong_field
from app.kernel.facts import encode

MAX_REASON = 2_000
"""Longest reason, characters."""


@dataclass(frozen=True)
class OpenAlarm:
    """One alarm that stands.

    Attributes:
        chain: what does not stand.
        event: the entry that raised it.
        idx: its index; None until it has one.
        proposal: who proposed to clear it last; None: nobody.
        own: the visitor made that proposal.
    """

    chain: str
    event: str
    idx: int | None
    proposal: Proposal | None
    own: bool = False


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
        """Every alarm that stands by the log, by what it is about."""
        name = self.log.pseudonym_of(tx, visitor.id)
        alarms = self.fold.alarms
        return tuple(
            OpenAlarm(
                chain,
                event,
                self.log.index_of(tx, event),
                proposal := alarms.proposals.get(chain),
                own=proposal is not None and proposal.by == name,
            )
            for chain, event in sorted(alarms.by_chain.items())
        )

    def propose(self, tx: Tx, actor: Person, chain: str, reason: str, now: datetime) -> None:
        """Propose to clear an alarm; another person decides.

        Raises:
            Conflict: the person proposed it already.
            Forbidden: the person may not.
            InvalidInput: the reason is empty or longer than 2,000 characters.
            NotFound: there is no such alarm.
        """
        self.authority.require(actor.roles, None, "alarm", "clear")
        event, proposal = self._open(chain)
        if proposal is not None and proposal.by == self.log.pseudonym(tx, actor.id):
            raise Conflict("you proposed this already", cure="Ask a second person to clear it.")
        if not 0 < len(reason.strip()) <= MAX_REASON:
            cure = f"Say what happened, in up to {MAX_REASON} characters."
            raise wrong_field("reason", "empty or too long", cure)
        self._append(tx, Kind.ALARM_CLEAR_PROPOSED, actor, AlarmStep(event, chain), now, reason)

    def clear(self, tx: Tx, actor: Person, chain: str, now: datetime) -> None:
        """Clear an alarm that another person proposed to clear.

        Raises:
            Conflict: nobody proposed it.
            Forbidden: the person may not, or made the proposal.
            NotFound: there is no such alarm.
        """
        self.authority.require(actor.roles, None, "alarm", "clear")
        event, proposal = self._open(chain)
        if proposal is None:
            raise Conflict("nobody has proposed to clear this", cure="Propose it, with a reason.")
        if proposal.by == self.log.pseudonym(tx, actor.id):
            raise Forbidden(
                "you proposed to clear this; two people must agree",
                cure="Ask a second person to clear it.",
            )
        step = AlarmStep(event, chain, proposer=proposal.by)
        self._append(tx, Kind.ALARM_CLEARED, actor, step, now)

    def _open(self, chain: str) -> tuple[str, Proposal | None]:
        alarms = self.fold.alarms
        event = alarms.by_chain.get(chain)
        if event is None:
            raise NotFound("there is no such alarm", cure="It may have been cleared meanwhile.")
        return event, alarms.proposals.get(chain)

    def _append(
        self, tx: Tx, kind: Kind, actor: Person, step: AlarmStep, now: datetime, reason: str = ""
    ) -> None:
        body = {"reason": reason.strip()} if reason else None
        event = Event(kind, Actor("person", actor.id), encode(step), body=body)
        self.log.append(tx, event, now)
