"""Alarms, folded from the log: which chains of rows do not stand, and who cleared them.

Rules:
1. An alarm stands on a chain from its entry on. Another on the same chain adds nothing to it.
2. One person proposes to clear it, another clears it; both name the alarm and its chain.
3. A process learns from the log that an alarm was cleared, a moment later; until then it may still
   refuse. By the time of integration, a cleared alarm explains a refusal for a few minutes more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.audit.entries.records import AlarmRaised, AlarmStep, SealsAdoption
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.timeline import SKEW


@dataclass
class _Open:
    """An alarm, and who proposed to clear it."""

    event: str
    proposers: set[str] = field(default_factory=set)


@dataclass
class Alarms:
    """Folds ``seals.adopted`` and ``alarm.*``.

    Attributes:
        raised, cleared: how many alarms there were, and how many of them two people cleared.
    """

    raised: int = 0
    cleared: int = 0
    _open: dict[str, _Open] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The chains that do not stand, sorted."""
        return tuple(sorted(self._open))

    def explain(self, chains: Iterable[str], at: datetime) -> bool:
        """Whether an alarm on one of these chains explains that something was refused.

        Args:
            chains: such as ``consent:p_…``.
            at: when the entry of the refusal was integrated.
        """
        return any(
            chain in self._open or (chain in self._until and at <= self._until[chain])
            for chain in chains
        )

    def adopted(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``seals.adopted``."""
        decode(SealsAdoption, leaf["facts"])
        yield from _by_the_program(leaf)

    def raise_(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``alarm.raised``."""
        stated = decode(AlarmRaised, leaf["facts"])
        if stated.chain not in self._open:
            self.raised += 1
            self._open[stated.chain] = _Open(leaf["event"])
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
            were = "alarm says" if self.raised == 1 else "alarms say"
            yield (
                f"{self.raised} {were} that rows of the service's tables were changed by somebody "
                f"else; {self.cleared} of them two people cleared."
            )
        for chain in self.open[:_LISTED]:
            yield f"An alarm is open at the end of the log: {chain}."


_LISTED = 20


def _by_the_program(leaf: Mapping[str, Any]) -> Iterator[str]:
    actor = leaf["actor"]
    if actor["kind"] != "system":
        yield f"is by {actor['kind']}:{actor['id']}, where only the program can"
