"""A person's laptops: what each was last told, and what it can hold. Pure, over entries of the log.

Rules:
1. A lease that says something new is an entry before it is sent, so the newest ``lease.changed`` of
   a device is what it was last told. Telling is not doing: that a laptop did it, it says in its
   reports.
2. Renewals make no entry. A laptop whose last lease says what it would be told now may hold that
   lease. Any other may hold one that was renewed until the last instant at which anything changed
   that leases rest on; when that lease ends, it holds nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.agents.devices.model import Device
from app.agents.leases.record import LeaseRecord
from app.agents.leases.service import Holding
from app.agents.leases.terms import MIN_AGENT
from app.audit.entries.model import Entry
from app.capture.service import LastChange
from app.capture.situation import Situation
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.kernel.forms import AGENT_FORM
from app.web.employee.state.phase import Permissions


@dataclass(frozen=True)
class LastTold:
    """What a laptop was told: on or off, for how long at most, when, and where in the log.

    Attributes:
        place: where the laptop said it was; None: it did not say.
        form: of the document that it was answered in.
        idx: None while the entry is on its way to the log.
    """

    capture: bool
    ttl_s: int
    place: str | None
    form: int
    at: datetime
    idx: int | None


@dataclass(frozen=True)
class LaptopRow:
    """One laptop.

    Attributes:
        state: ``on``, ``off``, ``outdated`` (told that its agent is too old), ``waiting`` (has not
            asked since something changed), ``new`` (has never asked), ``unpaired``.
        told: what it was last told; None if it never asked.
        reported: when it last reported what it did, and the entry's index.
        until: while it may still act on an older permission (``waiting``, or just unpaired): the
            instant at which the last one it can hold ends; else None.
        situation: of the person where the laptop is; None if it never asked.
        own: what changed since it asked is a decision of the person.
    """

    device: Device
    state: str
    told: LastTold | None
    reported: tuple[datetime, int] | None
    until: datetime | None
    situation: Situation | None = None
    own: bool = False

    @property
    def disputed(self) -> bool:
        """Its own record does not agree with the log: it captures nothing, whatever else is so."""
        in_doubt = self.situation.circumstances.disputed if self.situation else ()
        return self.device.active and (self.device.disputed or "device" in in_doubt)

    @property
    def needs(self) -> str:
        """The oldest version of the agent that may capture."""
        return MIN_AGENT


def told(leaf: Mapping[str, Any], idx: int | None) -> LastTold:
    """Read a ``lease.changed`` entry."""
    record = decode(LeaseRecord, leaf["facts"])
    return LastTold(
        capture=record.capture == "on",
        ttl_s=record.ttl_s,
        place=record.regions.device,
        form=record.form,
        at=instant(leaf["occurred_at"]),
        idx=idx,
    )


def laptop_row(
    device: Device,
    last: LastTold | None,
    holding: Holding | None,
    changed: LastChange,
    report: Entry | None,
    now: datetime,
) -> LaptopRow:
    """Say what a laptop can hold (rule 2).

    Args:
        device: the laptop.
        last: what it was last told.
        holding: the same against what it would be told now; None if it never asked.
        changed: when what its lease rests on last changed.
        report: its newest report.
        now: the present instant.
    """
    state = state_of(device, last, holding)
    return LaptopRow(
        device=device,
        state=state,
        told=last,
        reported=(instant(report.leaf["occurred_at"]), report.idx) if report else None,
        until=_until(device, state, last, holding, changed, now),
        situation=holding.situation if holding else None,
        own=changed.own,
    )


def state_of(device: Device, last: LastTold | None, holding: Holding | None) -> str:
    """Compare what a laptop was last told with what it would be told now."""
    if not device.active:
        return "unpaired"
    if last is None or holding is None:
        return "new"
    if not holding.current:
        return "waiting"
    # A lease may say on and name a document in which nothing is listed.
    if holding.situation.obstacles:
        return "off"
    # Every lease of now says which agents it is for, and those of older forms are of before.
    return "outdated" if last.form < AGENT_FORM else "on"


def _until(
    device: Device,
    state: str,
    last: LastTold | None,
    holding: Holding | None,
    changed: LastChange,
    now: datetime,
) -> datetime | None:
    """When the last permission ends that the laptop can hold; renewals are not kept, so at most."""
    if last is None or holding is None or not last.capture:
        return None
    if state not in {"waiting", "unpaired"}:
        return None
    # When somebody changed the record of a laptop, nobody can say.
    since = device.revoked_at or (now if device.disputed else changed.at)
    # A renewal lives as long as policy lets leases live then, which needs no entry of its own.
    until = since + timedelta(seconds=max(last.ttl_s, holding.ttl_s))
    return until if until > now else None


def permissions(rows: Iterable[LaptopRow]) -> Permissions:
    """Count what laptops can hold.

    >>> permissions(())
    Permissions(paired=0, current=0, ends=(), off=0, outdated=0, disputed=0)
    """
    known = tuple(rows)
    return Permissions(
        paired=sum(row.device.active for row in known),
        current=sum(row.state == "on" for row in known),
        ends=tuple(row.until for row in known if row.until is not None),
        off=sum(row.state == "off" for row in known),
        outdated=sum(row.state == "outdated" for row in known),
        disputed=sum(row.state == "off" and row.disputed for row in known),
    )


def told_of(situation: Situation, rows: Iterable[LaptopRow]) -> Situation:
    """The situation that pages tell: that of the laptops which capture, where they agree.

    A laptop in another place captures less than the person's own regions allow.

    Args:
        situation: of the person, wherever a laptop is.
        rows: the person's laptops.
    """
    telling = [row.situation for row in rows if row.state == "on" and row.situation is not None]
    documents = {each.policy_digest for each in telling}
    return telling[0] if len(documents) == 1 else situation
