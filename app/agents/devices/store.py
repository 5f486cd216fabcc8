"""Tables of devices: who holds which key, and which were revoked. Append-only.

Rules:
1. Whoever comes out of here was judged: a device whose rows do not stand is disputed, and has no
   key that anything could be signed with.
2. A revocation holds, whatever its seal. One that was deleted shows: the log counts it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, Row, String, Table, select

from app.agents.devices.model import Device
from app.agents.devices.recorded import chain_of
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.db.seals import SealedTable

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
DEVICE = SealedTable(agent_device, key=("device_id",), people=("person_id",))

agent_revocation = Table(
    "agent_revocation",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("revoked_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
)
# With the instant: whoever finds a revocation deleted revokes again, and is never refused.
REVOCATION = SealedTable(agent_revocation, key=("device_id", "revoked_at"))

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
    row = {
        "device_id": device.id,
        "person_id": device.person_id,
        "name": device.name,
        "public": device.public.hex(),
        "paired_at": device.paired_at,
    }
    seals.insert(tx, DEVICE, [row])


def device(tx: Tx, device_id: str) -> Device | None:
    """Find a device by its id."""
    row = tx.execute(DEVICES.where(agent_device.c.device_id == device_id)).one_or_none()
    return None if row is None else read_device(tx, row)


def devices_of(tx: Tx, person_id: str) -> tuple[Device, ...]:
    """A person's devices, first paired first."""
    rows = tx.execute(
        DEVICES.where(agent_device.c.person_id == person_id).order_by(
            agent_device.c.paired_at, agent_device.c.device_id
        )
    ).all()
    seals.fetch(tx, *((sealed, [cells]) for row in rows for sealed, cells in seals_of(row)))
    return tuple(read_device(tx, row) for row in rows)


def insert_revocation(tx: Tx, device_id: str, now: datetime) -> None:
    """Revoke a device, for good."""
    seals.insert(tx, REVOCATION, [{"device_id": device_id, "revoked_at": now}])


def seals_of(row: Row[Any]) -> list[tuple[SealedTable, dict[str, Any]]]:
    """Which rows of which tables are in a row of ``DEVICES``."""
    device = {name: getattr(row, name) for name in DEVICE.covered}
    if row.revoked_at is None:
        return [(DEVICE, device)]
    return [(DEVICE, device), (REVOCATION, {name: getattr(row, name) for name in REVOCATION.key})]


def read_device(tx: Tx, row: Row[Any]) -> Device:
    """Judge the device in a row of ``DEVICES``, or of a statement that joins to it (rule 1)."""
    stands = _stands(tx, row)
    return Device(
        id=row.device_id,
        person_id=row.person_id,
        name=row.name if isinstance(row.name, str) else "",
        public=bytes.fromhex(row.public) if stands else b"",
        paired_at=row.paired_at,
        revoked_at=row.revoked_at,
        disputed=not stands,
    )


def _stands(tx: Tx, row: Row[Any]) -> bool:
    chain, person = chain_of(row.device_id), row.person_id
    about = person if person in tx.seals.names.known(tx, (person,)) else None
    parts = seals_of(row)
    return all(
        seals.stands(tx, chain, sealed, [cells], position=len(parts), person=about)
        for sealed, cells in parts
    )
