"""Alarms: what the log says of rows that do not stand, and of who cleared it.

A dispute becomes an alarm as soon as somebody writes, before the entry of what they write. From
there on the chain does not stand, whatever its rows say, until two people have cleared the alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.audit.entries.codes import is_code
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.recorded import Leaf
from app.db.ring import Dispute
from app.kernel.facts import decode, encode, fact


@dataclass(frozen=True)
class SealsAdoption:
    """``seals.adopted``: from here on rows are sealed.

    Attributes:
        key: id of the key.
        sealed: how many rows of before the log confirmed.
        unsealed: how many it did not; they do not stand.
    """

    key: str
    sealed: int
    unsealed: int


@dataclass(frozen=True)
class AlarmRaised:
    """``alarm.raised``: a chain does not stand.

    Attributes:
        chain: what the rows are about.
        why: a code of ``app.db.ring.Flaw``.
        table: where it was found; empty where it is about the whole chain.
        row: the row's key; empty as above.
    """

    chain: str
    why: str
    table: str = field(default="", metadata=fact(sparse=True))
    row: str = field(default="", metadata=fact(sparse=True))


@dataclass(frozen=True)
class AlarmStep:
    """``alarm.clear_proposed`` and ``alarm.cleared``.

    Attributes:
        alarm: the event that raised it.
        chain: what it was raised on.
        proposer: pseudonym of who proposed it; empty in a proposal.
    """

    alarm: str
    chain: str
    proposer: str = field(default="", metadata=fact(sparse=True))


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


class OpenAlarms:
    """Which chains have an open alarm, folded from the entries in order.

    Attributes:
        by_chain: the event that raised it, by chain.
    """

    def __init__(self, by_chain: Iterable[tuple[str, str]] = ()) -> None:
        self.by_chain = dict(by_chain)

    def take(self, leaf: Leaf) -> str | None:
        """Take in one entry; return the chain that it cleared, if it cleared one.

        Raises:
            ValueError: its facts cannot be read.
        """
        if leaf["kind"] == Kind.ALARM_RAISED:
            chain = decode(AlarmRaised, leaf["facts"]).chain
            self.by_chain.setdefault(chain, leaf["event"])
        elif leaf["kind"] == Kind.ALARM_CLEARED:
            step = decode(AlarmStep, leaf["facts"])
            return step.chain if self.by_chain.pop(step.chain, None) is not None else None
        return None
