"""The state of the witnesses of a log, for pages and machines."""

from dataclasses import dataclass
from datetime import datetime

from app.audit.entries.cosigned import Alarm


@dataclass(frozen=True)
class Problem:
    """What is wrong with a witness now: a stable code, a sentence, and since when."""

    code: str
    sentence: str
    since: datetime


@dataclass(frozen=True)
class WitnessSeen:
    """One witness of the policy.

    Attributes:
        last_size: size of the largest checkpoint it cosigned; None before the first.
        last_at: when it cosigned that last, by its clock.
        problem: None while it answers as it should.
    """

    name: str
    vkey: str
    url: str | None
    last_size: int | None
    last_at: datetime | None
    problem: Problem | None


@dataclass(frozen=True)
class WitnessState:
    """The witnesses, for pages and machines.

    Attributes:
        has_policy: whether a witness policy is set.
        needs_quorum: whether it needs any witness.
        size: of the newest checkpoint; None before the first.
        quorum_size: of the newest checkpoint for which the quorum is met; None where there is none.
        quorum_at: the latest time at which the quorum was met for it, by the witnesses' clocks.
        alarms: the newest first.
    """

    has_policy: bool
    needs_quorum: bool
    size: int | None
    quorum_size: int | None
    quorum_at: datetime | None
    witnesses: tuple[WitnessSeen, ...]
    alarms: tuple[Alarm, ...]

    @property
    def met(self) -> bool:
        """Whether the newest checkpoint has all the cosignatures that it needs."""
        return not self.needs_quorum or (self.size is not None and self.quorum_size == self.size)
