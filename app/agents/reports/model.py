"""What agents say they applied and did, and what that adds up to (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.kernel.canonical import canonical, digest
from app.kernel.facts import encode, fact
from app.kernel.vocabulary import Signal


class Captured(NamedTuple):
    """How many events of a signal were captured in an app (an id of the catalogue)."""

    app: str
    signal: Signal
    events: int


class ExcludedEvents(NamedTuple):
    """How many events were dropped in an excluded place (an id of the catalogue, or ``own.…``)."""

    exclusion: str
    events: int


@dataclass(frozen=True)
class AgentReport:
    """What an agent says it applied and did since its last report.

    Attributes:
        id: the agent's own name for this report; the same again is the same report.
        lease: ``jti`` of the lease applied; None if it had none.
        policy: digest of the policy document applied; None if it had none.
        refused: events by reason, a code of ``refusals.REPORTABLE``.
        excluded: of the events refused as ``excluded``, those of which the agent says where; each
            place once. A report from before there was this field, or without such events, has the
            digest that it always had.
    """

    id: str
    lease: str | None
    policy: str | None
    allowed: tuple[Captured, ...] = field(metadata=fact(unordered=True))
    refused: Mapping[str, int]
    excluded: tuple[ExcludedEvents, ...] = field(
        default=(), metadata=fact(unordered=True, sparse=True)
    )

    @property
    def digest(self) -> str:
        """Tells reports under one id apart; the order of rows carries no meaning."""
        return digest(canonical(encode(self)))


@dataclass(frozen=True)
class ReportRecord:
    """``agent.reported``: totals only. Who used which app, or was where, is not kept for ever.

    Attributes:
        report: the agent's own name for the report.
        allowed: events captured.
        unleased: some were, under no lease; law 1 forbids it, so the log shows it.
    """

    device: str
    report: str
    lease: str | None
    policy: str | None
    allowed: int
    refused: Mapping[str, int]
    unleased: bool = field(default=False, metadata=fact(sparse=True))

    @classmethod
    def of(cls, device: str, report: AgentReport) -> "ReportRecord":
        """Add up a device's report."""
        allowed = sum(row.events for row in report.allowed)
        return cls(
            device=device,
            report=report.id,
            lease=report.lease,
            policy=report.policy,
            allowed=allowed,
            refused=report.refused,
            unleased=allowed > 0 and report.lease is None,
        )


@dataclass(frozen=True)
class Totals:
    """What all reports about one person add up to; each sorted.

    Attributes:
        allowed: events by app and signal.
        refused: (reason, events).
        excluded: of those refused as ``excluded``, where the agents said it.
        span: when the first and the last report was received; None where there is none.
    """

    allowed: tuple[Captured, ...]
    refused: tuple[tuple[str, int], ...]
    excluded: tuple[ExcludedEvents, ...]
    span: tuple[datetime, datetime] | None = None

    @property
    def by_app(self) -> dict[str, int]:
        """Events captured, by app."""
        counts: dict[str, int] = {}
        for row in self.allowed:
            counts[row.app] = counts.get(row.app, 0) + row.events
        return counts

    @property
    def by_signal(self) -> dict[Signal, int]:
        """Events captured, by signal."""
        counts: dict[Signal, int] = {}
        for row in self.allowed:
            counts[row.signal] = counts.get(row.signal, 0) + row.events
        return counts
