"""What a device will report: counts of what its guard allowed and refused."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.kernel.canonical import Json


@dataclass
class Tally:
    """Counts of what the guard allowed and refused, for the next report.

    Attributes:
        allowed: events by (app, signal).
        refused: events by reason.
        lease: ``jti`` of the lease applied; None if there was none.
        policy: digest of the policy document applied; None if there was none.
        excluded: of those refused as ``excluded``, events by the id of the exclusion.
    """

    allowed: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    lease: str | None = None
    policy: str | None = None
    excluded: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.allowed or self.refused)

    def capture(self, app: str, signal: str) -> None:
        """Count an event that was allowed."""
        self.allowed[app, signal] = self.allowed.get((app, signal), 0) + 1

    def refuse(self, reason: str, exclusion: str | None = None) -> None:
        """Count an event that was refused; ``exclusion`` is the id of the place, where it is one.

        >>> tally = Tally()
        >>> tally.refuse("excluded", "hr_payroll")
        >>> tally.refused, tally.excluded
        ({'excluded': 1}, {'hr_payroll': 1})
        """
        self.refused[reason] = self.refused.get(reason, 0) + 1
        if exclusion is not None:
            self.excluded[exclusion] = self.excluded.get(exclusion, 0) + 1

    def clear(self) -> None:
        """Forget all of it: it was handed over."""
        self.allowed, self.refused, self.excluded = {}, {}, {}
        self.lease = self.policy = None

    def add(self, other: "Tally") -> None:
        """Add the counts of a later tally."""
        if other.lease is not None:
            self.lease, self.policy = other.lease, other.policy
        for place, events in other.allowed.items():
            self.allowed[place] = self.allowed.get(place, 0) + events
        for reason, events in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + events
        for exclusion, events in other.excluded.items():
            self.excluded[exclusion] = self.excluded.get(exclusion, 0) + events


def report_of(tally: Tally) -> dict[str, Json]:
    """A report, under an id of its own."""
    return {
        "report": uuid.uuid4().hex,
        "lease": tally.lease,
        "policy": tally.policy,
        "allowed": [
            {"app": app, "signal": signal, "events": events}
            for (app, signal), events in sorted(tally.allowed.items())
        ],
        "refused": dict(sorted(tally.refused.items())),
        "excluded": dict(sorted(tally.excluded.items())),
    }


def tally_of(report: Mapping[str, Any]) -> Tally:
    """The counts of a report.

    >>> tally = Tally({("vscode", "click"): 3}, {"excluded": 1}, excluded={"banking": 1})
    >>> tally_of(report_of(tally)) == tally
    True

    Raises:
        KeyError, TypeError, AttributeError: it is no report.
    """
    return Tally(
        {(row["app"], row["signal"]): row["events"] for row in report["allowed"]},
        dict(report["refused"].items()),
        report["lease"],
        report["policy"],
        dict(report["excluded"].items()),
    )


def without_places(report: Mapping[str, Json]) -> dict[str, Json] | None:
    """What is left to say where a report was refused for good: its totals, under another id.

    None if it named no place: it would be refused again.

    >>> report = report_of(Tally(refused={"excluded": 1}, excluded={"gone": 1}))
    >>> again = without_places(report)
    >>> again["refused"], again["excluded"], again["report"] == report["report"]
    ({'excluded': 1}, {}, False)
    >>> without_places(again) is None
    True
    """
    if not report["excluded"]:
        return None
    return {**report, "report": uuid.uuid4().hex, "excluded": {}}
