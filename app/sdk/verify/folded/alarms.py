"""Alarms, folded from the log: which chains of rows do not stand, and who cleared them.

Rules:
1. An alarm stands on a chain from its entry on. Another on the same chain adds nothing to it.
2. One person proposes to clear it, another clears it; both name the alarm and its chain.
3. Whoever is refused because rows do not agree with the log (``record_disputed``) is refused by an
   alarm on them. A process learns from the log that an alarm was cleared, and what it finds while
   it only reads it raises a moment later: so an alarm explains refusals for a few minutes after it
   was cleared, and before it was raised, by the time of integration. While the log itself cannot be
   believed, everybody is refused, and one alarm on the log says why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.audit.entries.recorded import LOG_CHAIN
from app.audit.entries.records import AlarmRaised, AlarmStep, SealsAdoption, SealsRebuilt
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.timeline import SKEW


@dataclass
class _Open:
    """An alarm, and who proposed to clear it."""

    event: str
    proposers: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class DisputedEntry:
    """An entry that refuses because rows do not agree with the log.

    Attributes:
        what: rows about what, in words.
        chains: an alarm on one of these explains it; a name that ends with a colon stands for all
            chains that begin so.
        at: when it was integrated.
    """

    position: int
    what: str
    chains: frozenset[str]
    at: datetime

    def is_about(self, chain: str) -> bool:
        """Whether an alarm on a chain explains it; one on the log itself explains every refusal."""
        return (
            chain == LOG_CHAIN
            or chain in self.chains
            or f"{chain.partition(':')[0]}:" in self.chains
        )


@dataclass
class Alarms:
    """Folds ``seals.adopted`` and ``alarm.*``.

    Attributes:
        raised, cleared: how many alarms there were, and how many of them two people cleared.
        refused: how many entries refuse because rows do not agree with the log.
    """

    raised: int = 0
    cleared: int = 0
    refused: int = 0
    _open: dict[str, _Open] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)
    _unexplained: list[DisputedEntry] = field(default_factory=list)

    @property
    def open(self) -> tuple[str, ...]:
        """The chains that do not stand, sorted."""
        return tuple(sorted(self._open))

    def is_on(self, name: str) -> bool:
        """Whether an alarm is open on a chain, or on one that begins so (``change:``)."""
        return name in self._open or any(
            f"{chain.partition(':')[0]}:" == name for chain in self._open
        )

    def was_on(self, chain: str) -> bool:
        """Whether an alarm is or was on a chain."""
        return chain in self._open or chain in self._until

    def refuse(self, refusal: DisputedEntry) -> None:
        """Take an entry that refuses because rows do not agree with the log (rule 3)."""
        ended = (chain for chain, until in self._until.items() if refusal.at <= until)
        if not any(map(refusal.is_about, (*self._open, *ended))):
            self._unexplained.append(refusal)

    def unexplained(self, last: datetime) -> Iterator[tuple[int, str]]:
        """What refuses without an alarm, by position; ``last``: the end of the log."""
        for refusal in self._unexplained:
            if last > refusal.at + SKEW:
                problem = f"says that what is recorded of {refusal.what} is disputed; no alarm is"
                yield refusal.position, problem

    def adopted(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``seals.adopted``."""
        decode(SealsAdoption, leaf["facts"])
        yield from _by_the_program(leaf)

    def rebuilt(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``seals.rebuilt``: two custodians signed, and every alarm is cleared by it."""
        decode(SealsRebuilt, leaf["facts"])
        until = instant(leaf["integrated_at"]) + SKEW
        self._until |= dict.fromkeys(self._open, until)
        self.cleared += len(self._open)
        self._open.clear()
        yield from _by_the_program(leaf)

    def raise_(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``alarm.raised``."""
        stated = decode(AlarmRaised, leaf["facts"])
        if stated.chain not in self._open:
            self.raised += 1
            self._open[stated.chain] = _Open(leaf["event"])
        since = instant(leaf["integrated_at"]) - SKEW
        self._unexplained = [
            refusal
            for refusal in self._unexplained
            if refusal.at < since or not refusal.is_about(stated.chain)
        ]
        yield from _by_the_program(leaf)

    def proposed(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``alarm.clear_proposed``."""
        step = decode(AlarmStep, leaf["facts"])
        alarm = self._open.get(step.chain)
        if alarm is None or alarm.event != step.alarm:
            yield f"proposes to clear an alarm on {step.chain} that is not open"
        else:
            alarm.proposers.add(leaf["actor"]["id"])

    def clear(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``alarm.cleared``."""
        step = decode(AlarmStep, leaf["facts"])
        alarm, person = self._open.get(step.chain), leaf["actor"]["id"]
        if alarm is None or alarm.event != step.alarm:
            yield f"clears an alarm on {step.chain} that is not open"
            return
        if step.proposer not in alarm.proposers or step.proposer == person:
            yield f"clears the alarm on {step.chain} without two people"
            return
        del self._open[step.chain]
        self._until[step.chain] = instant(leaf["integrated_at"]) + SKEW
        self.cleared += 1

    @property
    def notices(self) -> Iterator[str]:
        """How many alarms there were, and which are open at the end, as sentences."""
        if self.raised:
            alarms = "1 alarm" if self.raised == 1 else f"{self.raised} alarms"
            yield (
                f"The log tells of {alarms} about rows that do not agree with it; "
                f"{self.cleared or 'none'} of them two people cleared."
            )
        if self.refused:
            one = self.refused == 1
            what = (
                "lease or access decision refuses" if one else "leases and access decisions refuse"
            )
            yield (
                f"{self.refused} {what} because of such rows: {'it was' if one else 'they were'} "
                "held against the alarms, and not against the rest of the log."
            )
        for chain in self.open[:_LISTED]:
            yield f"An alarm is open at the end of the log: {chain}."


_LISTED = 20


def _by_the_program(leaf: Mapping[str, Any]) -> Iterator[str]:
    actor = leaf["actor"]
    if actor["kind"] != "system":
        yield f"is by {actor['kind']}:{actor['id']}, where only the program can"
