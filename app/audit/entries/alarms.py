"""Alarms: what the log says of rows that do not stand, and of who cleared it.

A dispute becomes an alarm as soon as somebody writes, before the entry of what they write. From
there on the chain does not stand, whatever its rows say, until two people have cleared the alarm.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from app.audit.entries.codes import is_code
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.recorded import Leaf
from app.audit.entries.records import AlarmRaised, AlarmStep
from app.db.ring import Dispute
from app.kernel.facts import decode, encode

UNNAMED = "unnamed"
"""The chain of a row that nothing can be called after."""


def coded(dispute: Dispute) -> Dispute:
    """A dispute whose chain an entry may hold: one that a row names badly is of its kind alone.

    >>> from app.db.ring import Flaw
    >>> coded(Dispute("stop:no code", Flaw.UNSEALED)).chain
    'stop'
    """
    return replace(dispute, chain=coded_chain(dispute.chain))


def coded_chain(chain: str) -> str:
    """The chain of the alarm about a chain that a row may name badly.

    >>> coded_chain("stop:DE"), coded_chain("stop:no code"), coded_chain("no code")
    ('stop:DE', 'stop', 'unnamed')
    """
    names = (name for name in (chain, chain.partition(":")[0]) if is_code(name))
    return next(names, UNNAMED)


def raised(dispute: Dispute) -> Event:
    """The event that raises an alarm about a dispute.

    A row that somebody wrote may be called anything: what is no code is left out.
    """
    row = dispute.row_key or ""
    facts = AlarmRaised(
        dispute.chain, dispute.why.value, dispute.table or "", row if is_code(row) else ""
    )
    subjects = () if dispute.person is None else (dispute.person,)
    return Event(Kind.ALARM_RAISED, SYSTEM, encode(facts), subjects=subjects)


class Proposal(NamedTuple):
    """That somebody proposed to clear an alarm: the entry's event, and the person's pseudonym."""

    event: str
    by: str


class OpenAlarms:
    """Which chains have an open alarm, folded from the entries in order.

    Attributes:
        by_chain: the event that raised it, by chain.
        proposals: who proposed to clear it last, by chain.
        size: how many entries were taken in.
    """

    def __init__(
        self,
        by_chain: Iterable[tuple[str, str]] = (),
        proposals: Iterable[tuple[str, Proposal]] = (),
        size: int = 0,
    ) -> None:
        self.by_chain, self.proposals, self.size = dict(by_chain), dict(proposals), size

    def copy(self) -> "OpenAlarms":
        """The same, to be taken further without changing this."""
        return OpenAlarms(self.by_chain.items(), self.proposals.items(), self.size)

    def take(self, leaf: Leaf) -> tuple[str, ...]:
        """Take in one entry; return the chains whose alarms it cleared.

        A step counts for the alarm that it names only: what was meant for an earlier alarm on the
        chain clears no later one. Sealing all rows again clears every alarm: two custodians signed
        for it, and what the log does not confirm is raised anew after it.

        Raises:
            ValueError: its facts cannot be read.
        """
        cleared = self._take(leaf)
        self.size += 1
        return cleared

    def _take(self, leaf: Leaf) -> tuple[str, ...]:
        if leaf["kind"] == Kind.ALARM_RAISED:
            chain = decode(AlarmRaised, leaf["facts"]).chain
            self.by_chain.setdefault(chain, leaf["event"])
        elif leaf["kind"] in {Kind.ALARM_CLEAR_PROPOSED, Kind.ALARM_CLEARED}:
            step = decode(AlarmStep, leaf["facts"])
            if self.by_chain.get(step.chain) != step.alarm:
                return ()
            if leaf["kind"] == Kind.ALARM_CLEARED:
                self.proposals.pop(step.chain, None)
                del self.by_chain[step.chain]
                return (step.chain,)
            self.proposals[step.chain] = Proposal(leaf["event"], leaf["actor"]["id"])
        elif leaf["kind"] == Kind.SEALS_REBUILT:
            cleared = tuple(self.by_chain)
            self.by_chain.clear()
            self.proposals.clear()
            return cleared
        return ()
