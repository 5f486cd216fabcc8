"""Table of leases: the last recorded content of each device counts. Append-only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Row,
    String,
    Table,
    and_,
    bindparam,
    func,
    insert,
    select,
)

from app.agents.devices.model import Device
from app.agents.devices.store import DEVICES, agent_device, read_device
from app.agents.pairing.store import agent_token
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.directory.model import Person
from app.directory.store import PERSON, read_person
from app.directory.tables import person_table

agent_lease = Table(
    "agent_lease",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("seq", RowNumber, primary_key=True, autoincrement=False),
    Column("content", String(80), nullable=False),  # digest
    Column("event_id", String(64), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
)


@dataclass(frozen=True)
class LeaseRow:
    """A recorded lease: its number for the device, and the digest of its content."""

    seq: int
    content: str


@dataclass(frozen=True)
class Holder:
    """Whose lease it is: the device, its person, and the last recorded lease."""

    device: Device
    person: Person
    last: LeaseRow | None

    def holds(self, content: str) -> bool:
        """Whether the last recorded lease has this content."""
        return self.last is not None and self.last.content == content

    def next(self, content: str) -> LeaseRow:
        """The row after the last row."""
        return LeaseRow(self.last.seq + 1 if self.last else 1, content)


_last = agent_lease.alias()
_HOLDERS = (
    DEVICES.join(person_table, person_table.c.id == agent_device.c.person_id)
    .outerjoin(
        agent_lease,
        and_(
            agent_lease.c.device_id == agent_device.c.device_id,
            agent_lease.c.seq
            == select(func.max(_last.c.seq))
            .where(_last.c.device_id == agent_device.c.device_id)
            .scalar_subquery(),
        ),
    )
    .add_columns(*PERSON, agent_lease.c.seq.label("seq"), agent_lease.c.content.label("content"))
)
_BY_DEVICE = _HOLDERS.where(agent_device.c.device_id == bindparam("device"))
_BY_TOKEN = _HOLDERS.join(agent_token, agent_token.c.device_id == agent_device.c.device_id).where(
    agent_token.c.token == bindparam("token"), agent_token.c.expires_at > bindparam("now")
)


def holder(tx: Tx, device_id: str) -> Holder | None:
    """A device with its person and last lease."""
    return _holder(tx, tx.execute(_BY_DEVICE, {"device": device_id}).one_or_none())


def holder_by_token(tx: Tx, token: str, now: datetime) -> Holder | None:
    """The same by a living token (hashed); the device may be revoked."""
    return _holder(tx, tx.execute(_BY_TOKEN, {"token": token, "now": now}).one_or_none())


def _holder(tx: Tx, row: Row[Any] | None) -> Holder | None:
    if row is None:
        return None
    last = None if row.seq is None else LeaseRow(row.seq, row.content)
    return Holder(read_device(row), read_person(tx, row), last)


def last_event(tx: Tx, device_id: str) -> str | None:
    """The event of the last recorded lease of a device."""
    last = select(agent_lease.c.event_id).where(agent_lease.c.device_id == device_id)
    return tx.execute(last.order_by(agent_lease.c.seq.desc()).limit(1)).scalar_one_or_none()


def leases_since(tx: Tx, device_id: str, since: datetime) -> int:
    """How many leases of a device were recorded after an instant."""
    counted = select(func.count()).where(
        agent_lease.c.device_id == device_id, agent_lease.c.recorded_at > since
    )
    return int(tx.execute(counted).scalar_one())


def insert_lease(tx: Tx, device_id: str, row: LeaseRow, event_id: str, now: datetime) -> None:
    """Record that a device is being given another content."""
    tx.execute(
        insert(agent_lease).values(
            device_id=device_id,
            seq=row.seq,
            content=row.content,
            event_id=event_id,
            recorded_at=now,
        )
    )
