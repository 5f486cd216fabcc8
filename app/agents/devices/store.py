"""Tables of devices: who holds which key, and which were revoked. Append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, Row, String, Table, insert, select

from app.agents.devices.model import Device
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata

agent_device = Table(
    "agent_device",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("person_id", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("public", String(64), nullable=False),
    Column("paired_at", UtcTime, nullable=False),
    Index("ix_agent_device_person_id", "person_id"),
)

agent_revocation = Table(
    "agent_revocation",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("revoked_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
)

DEVICES = select(
    agent_device.c.device_id,
    agent_device.c.person_id,
    agent_device.c.name,
    agent_device.c.public,
    agent_device.c.paired_at,
    agent_revocation.c.revoked_at,
).select_from(agent_device.outerjoin(agent_revocation))
"""Every device, revoked or not; ``read_device`` reads a row of it."""


def insert_device(tx: Tx, device: Device) -> None:
    """Bind a device to its person."""
    tx.execute(
        insert(agent_device).values(
            device_id=device.id,
            person_id=device.person_id,
            name=device.name,
            public=device.public.hex(),
            paired_at=device.paired_at,
        )
    )


def device(tx: Tx, device_id: str) -> Device | None:
    """Find a device by its id."""
    row = tx.execute(DEVICES.where(agent_device.c.device_id == device_id)).one_or_none()
    return None if row is None else read_device(row)


def devices_of(tx: Tx, person_id: str) -> tuple[Device, ...]:
    """A person's devices, first paired first."""
    rows = tx.execute(
        DEVICES.where(agent_device.c.person_id == person_id).order_by(
            agent_device.c.paired_at, agent_device.c.device_id
        )
    )
    return tuple(read_device(row) for row in rows)


def insert_revocation(tx: Tx, device_id: str, now: datetime) -> None:
    """Revoke a device, for good."""
    tx.execute(insert(agent_revocation).values(device_id=device_id, revoked_at=now))


def read_device(row: Row[Any]) -> Device:
    """A device from a row of ``DEVICES``, or of a statement that joins to it."""
    return Device(
        id=row.device_id,
        person_id=row.person_id,
        name=row.name,
        public=bytes.fromhex(row.public),
        paired_at=row.paired_at,
        revoked_at=row.revoked_at,
    )
