"""Table of leases: the last recorded content of each device counts. Append-only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, String, Table, func, insert, select

from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata

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


def last_lease(tx: Tx, device_id: str) -> LeaseRow | None:
    """The last recorded lease of a device."""
    row = tx.execute(
        select(agent_lease.c.seq, agent_lease.c.content)
        .where(agent_lease.c.device_id == device_id)
        .order_by(agent_lease.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else LeaseRow(row.seq, row.content)


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
