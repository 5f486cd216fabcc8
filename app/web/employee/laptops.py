"""A person's laptops: what each was last told, and when. Pure, over entries of the log.

A lease that says something new is an entry before it is sent, so the newest ``lease.changed`` of a
device is what it was last told. Telling is not doing: that a laptop did it, it says in its reports.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.agents.devices.model import Device
from app.agents.leases.record import LeaseRecord
from app.audit.entries.model import Entry
from app.capture.situation import Situation
from app.consent.model import State
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.knobs import LEASE_TTL_S


@dataclass(frozen=True)
class LastTold:
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
        reported: when it last reported what it did, and the entry's index.
        until: while it may still act on an older permission (``waiting``, or just unpaired): the
            instant at which the last one it can hold ends; else None.
    """

    device: Device
    state: str
    told: LastTold | None
    reported: tuple[datetime, int] | None
    until: datetime | None


def told(entry: Entry | None) -> LastTold | None:
    """Read a ``lease.changed`` entry."""
    if entry is None:
        return None
    record = decode(LeaseRecord, entry.leaf["facts"])
    return LastTold(
        capture=record.capture == "on",
        decision=record.decision,
        at=instant(entry.leaf["occurred_at"]),
        idx=entry.idx,
    )


def laptop_row(
    device: Device, situation: Situation, lease: Entry | None, report: Entry | None, now: datetime
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
        until=_until(device, situation, state, last, now),
    )


_OWN_END = frozenset({State.WITHDRAWN, State.REFUSED, State.PAUSED, State.REVOKED})


def _until(
    device: Device, situation: Situation, state: str, last: LastTold | None, now: datetime
) -> datetime | None:
    """When the last permission ends that the laptop can hold; renewals are not kept, so at most.

    Counted from what ended it: the unpairing, the person's own decision, or else from now.
    """
    if last is None or not last.capture or state not in {"waiting", "unpaired"}:
        return None
    decision = situation.standing.decision
    if device.revoked_at is not None:
        since = device.revoked_at
    elif decision is not None and situation.standing.state in _OWN_END:
        since = decision.decided_at
    else:
        since = now
    until = since + timedelta(seconds=situation.in_force.compiled[LEASE_TTL_S])
    return until if until > now else None
