"""A person's laptops: what each was last told, and when. Pure, over entries of the log.

A lease that says something new is an entry before it is sent, so the newest ``lease.changed`` of a
device is what it was last told. Telling is not doing: that a laptop did it, it says in its reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.agents.leases import Situation
from app.agents.model import Device
from app.audit.model import Entry
from app.kernel.clock import instant
from app.web.policy_words import duration_in_words


@dataclass(frozen=True)
class Told:
    """What a laptop was told: on or off, under which decision, when, and where in the log."""

    capture: bool
    decision: str | None
    at: datetime
    idx: int


@dataclass(frozen=True)
class LaptopRow:
    """One laptop.

    Attributes:
        state: ``on``, ``off``, ``waiting`` (has not asked since something changed), ``new`` (has
            never asked), ``unpaired``.
        told: what it was last told; None if it never asked.
        reported: when it last said what it did, and the entry's index.
        within: how long it may take until it asks or its permission ends, in words.
    """

    device: Device
    state: str
    told: Told | None
    reported: tuple[datetime, int] | None
    within: str


def told(entry: Entry | None) -> Told | None:
    """Read a ``lease.changed`` entry."""
    if entry is None:
        return None
    facts: Mapping[str, object] = entry.leaf["facts"]
    decision = facts.get("decision")
    return Told(
        capture=facts.get("capture") == "on",
        decision=decision if isinstance(decision, str) else None,
        at=instant(entry.leaf["occurred_at"]),
        idx=entry.idx,
    )


def laptop_row(
    device: Device, situation: Situation, lease: Entry | None, report: Entry | None
) -> LaptopRow:
    """Compare what a laptop was last told with what holds now."""
    last = told(lease)
    decision = situation.standing.decision
    current = (situation.directive.capture, decision.id if decision else None)
    if not device.active:
        state = "unpaired"
    elif last is None:
        state = "new"
    elif last.capture != current[0] or (last.capture and last.decision != current[1]):
        state = "waiting"
    else:
        state = "on" if last.capture else "off"
    return LaptopRow(
        device=device,
        state=state,
        told=last,
        reported=(instant(report.leaf["occurred_at"]), report.idx) if report else None,
        within=duration_in_words(situation.in_force.compiled.lease_ttl_s),
    )
