"""Tables of pairing: codes, tokens and used assertions.

A pairing lives fifteen minutes and moves (approved, redeemed, polled); a token lives an hour; an
assertion's id is forgotten when the assertion has expired. None of them is evidence: the log is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.agents.devices.model import Device
from app.agents.devices.store import DEVICES, agent_device, read_device
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata

agent_pairing = Table(
    "agent_pairing",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("device_code", String(64), nullable=False),  # SHA-256, hex
    Column("user_code", String(64), nullable=False),  # SHA-256, hex
    Column("name", String(120), nullable=False),
    Column("public", String(64), nullable=False),  # hex of 32 bytes
    Column("started_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("polled_at", UtcTime),
    Column("approved_at", UtcTime),
    Column("redeemed_at", UtcTime),
    Column("seal", LargeBinary),
    UniqueConstraint("device_code"),
    UniqueConstraint("user_code"),
    Index("ix_agent_pairing_expires_at", "expires_at"),
)

agent_token = Table(
    "agent_token",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256, hex
    Column("device_id", String(64), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("seal", LargeBinary),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
    Index("ix_agent_token_expires_at", "expires_at"),
)

assertion_jti = Table(
    "assertion_jti",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("jti", String(64), primary_key=True),  # SHA-256, hex
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_assertion_jti_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class PairingRow:
    """A pairing as it is now."""

    device_id: str
    name: str
    public: bytes
    started_at: datetime
    expires_at: datetime
    interval_s: int
    polled_at: datetime | None = None
    approved_at: datetime | None = None
    redeemed_at: datetime | None = None


def pending_pairings(tx: Tx, now: datetime) -> int:
    """How many pairings wait for somebody's approval."""
    counted = select(func.count()).where(
        agent_pairing.c.expires_at > now, agent_pairing.c.approved_at.is_(None)
    )
    return int(tx.execute(counted).scalar_one())


def forget_expired_pairings(tx: Tx, before: datetime) -> None:
    """Delete pairings that nobody can use any more."""
    tx.execute(delete(agent_pairing).where(agent_pairing.c.expires_at <= before))


def forget_oldest_pairings(tx: Tx, how_many: int) -> None:
    """Delete so many pairings that nobody has approved, the first begun first."""
    if how_many <= 0:
        return
    oldest = (
        select(agent_pairing.c.device_id)
        .where(agent_pairing.c.approved_at.is_(None))
        .order_by(agent_pairing.c.started_at, agent_pairing.c.device_id)
        .limit(how_many)
    )
    tx.execute(delete(agent_pairing).where(agent_pairing.c.device_id.in_(oldest)))


def insert_pairing(tx: Tx, row: PairingRow, device_code: str, user_code: str) -> None:
    """Keep a new pairing; both codes as SHA-256 in hex."""
    tx.execute(
        insert(agent_pairing).values(
            device_id=row.device_id,
            device_code=device_code,
            user_code=user_code,
            name=row.name,
            public=row.public.hex(),
            started_at=row.started_at,
            expires_at=row.expires_at,
            interval_s=row.interval_s,
        )
    )


def pairing_by_user_code(tx: Tx, user_code: str) -> PairingRow | None:
    """Find a pairing by the hash of the code that a person typed."""
    return _pairing(tx, agent_pairing.c.user_code == user_code)


def pairing_by_device_code(tx: Tx, device_code: str) -> PairingRow | None:
    """Find a pairing by the hash of the code that the device holds."""
    return _pairing(tx, agent_pairing.c.device_code == device_code)


def _pairing(tx: Tx, where: Any) -> PairingRow | None:
    c = agent_pairing.c
    columns = (c.device_id, c.name, c.public, c.started_at, c.expires_at, c.interval_s)
    row = tx.execute(
        select(*columns, c.polled_at, c.approved_at, c.redeemed_at).where(where)
    ).one_or_none()
    if row is None:
        return None
    return PairingRow(**{**row._asdict(), "public": bytes.fromhex(row.public)})


def mark_approved(tx: Tx, device_id: str, now: datetime) -> bool:
    """Approve an open pairing; False if it was approved before or has expired."""
    c = agent_pairing.c
    return _changed(
        tx,
        update(agent_pairing)
        .where(c.device_id == device_id, c.approved_at.is_(None), c.expires_at > now)
        .values(approved_at=now),
    )


def mark_redeemed(tx: Tx, device_id: str, now: datetime) -> bool:
    """Use up an approved pairing; False if it was used up before."""
    c = agent_pairing.c
    return _changed(
        tx,
        update(agent_pairing)
        .where(c.device_id == device_id, c.approved_at.is_not(None), c.redeemed_at.is_(None))
        .values(redeemed_at=now),
    )


def mark_polled(tx: Tx, device_id: str, now: datetime, interval_s: int) -> None:
    """Remember when the device asked, and how long it must wait before it asks again."""
    tx.execute(
        update(agent_pairing)
        .where(agent_pairing.c.device_id == device_id)
        .values(polled_at=now, interval_s=interval_s)
    )


def _changed(tx: Tx, statement: Any) -> bool:
    return tx.execute(statement).rowcount == 1


# Tokens


def use_jti(tx: Tx, device_id: str, jti: str, expires_at: datetime) -> bool:
    """Use an assertion's id (hashed) once; False if it was used before."""
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    statement = (
        dialect.insert(assertion_jti)
        .values(device_id=device_id, jti=jti, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(assertion_jti.c.jti)
    )
    return tx.execute(statement).one_or_none() is not None


def forget_expired_tokens(tx: Tx, before: datetime) -> None:
    """Delete assertion ids and tokens that have expired by themselves."""
    for table in (assertion_jti, agent_token):
        tx.execute(delete(table).where(table.c.expires_at <= before))


def insert_token(tx: Tx, token: str, device_id: str, expires_at: datetime) -> None:
    """Keep a token (hashed)."""
    tx.execute(insert(agent_token).values(token=token, device_id=device_id, expires_at=expires_at))


def device_by_token(tx: Tx, token: str, now: datetime) -> Device | None:
    """The device of a living token (hashed), revoked or not."""
    row = tx.execute(
        DEVICES.join(agent_token, agent_token.c.device_id == agent_device.c.device_id).where(
            agent_token.c.token == token, agent_token.c.expires_at > now
        )
    ).one_or_none()
    return None if row is None else read_device(row)
