"""Tables of agents.

Devices, revocations, recorded leases and reports are append-only. A pairing lives fifteen minutes
and moves (approved, redeemed, polled); an assertion's id is forgotten when the assertion has
expired; neither is evidence: the log is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Row,
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

from app.agents.model import Captured, Device, Report
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.kernel.vocabulary import Signal

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
    UniqueConstraint("device_code"),
    UniqueConstraint("user_code"),
    Index("ix_agent_pairing_expires_at", "expires_at"),
)

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

agent_token = Table(
    "agent_token",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256, hex
    Column("device_id", String(64), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
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

agent_report = Table(
    "agent_report",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("report_id", String(64), primary_key=True),
    Column("body", String(80), nullable=False),  # digest
    Column("event_id", String(64), nullable=False),
    Column("received_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
)

agent_report_allowed = Table(
    "agent_report_allowed",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("report_id", String(64), primary_key=True),
    Column("app", String(64), primary_key=True),
    Column("signal", String(32), primary_key=True),
    Column("events", RowNumber, nullable=False),
    ForeignKeyConstraint(
        ["device_id", "report_id"], ["agent_report.device_id", "agent_report.report_id"]
    ),
)

agent_report_refused = Table(
    "agent_report_refused",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("report_id", String(64), primary_key=True),
    Column("reason", String(32), primary_key=True),
    Column("events", RowNumber, nullable=False),
    ForeignKeyConstraint(
        ["device_id", "report_id"], ["agent_report.device_id", "agent_report.report_id"]
    ),
)


@dataclass(frozen=True)
class PairingRow:
    """A pairing as it stands."""

    device_id: str
    name: str
    public: bytes
    started_at: datetime
    expires_at: datetime
    interval_s: int
    polled_at: datetime | None = None
    approved_at: datetime | None = None
    redeemed_at: datetime | None = None


@dataclass(frozen=True)
class LeaseRow:
    """A recorded lease: its number for the device, and the digest of its content."""

    seq: int
    content: str


@dataclass(frozen=True)
class ReportRow:
    """A report that was taken: the digest of its body and the entry it made."""

    body: str
    event_id: str


# Pairing


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


# Devices


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
    row = tx.execute(_DEVICES.where(agent_device.c.device_id == device_id)).one_or_none()
    return None if row is None else _device(row)


def devices_of(tx: Tx, person_id: str) -> tuple[Device, ...]:
    """A person's devices, first paired first."""
    rows = tx.execute(
        _DEVICES.where(agent_device.c.person_id == person_id).order_by(
            agent_device.c.paired_at, agent_device.c.device_id
        )
    )
    return tuple(_device(row) for row in rows)


def insert_revocation(tx: Tx, device_id: str, now: datetime) -> None:
    """Revoke a device, for good."""
    tx.execute(insert(agent_revocation).values(device_id=device_id, revoked_at=now))


_DEVICES = select(
    agent_device.c.device_id,
    agent_device.c.person_id,
    agent_device.c.name,
    agent_device.c.public,
    agent_device.c.paired_at,
    agent_revocation.c.revoked_at,
).select_from(agent_device.outerjoin(agent_revocation))


def _device(row: Row[Any]) -> Device:
    return Device(
        id=row.device_id,
        person_id=row.person_id,
        name=row.name,
        public=bytes.fromhex(row.public),
        paired_at=row.paired_at,
        revoked_at=row.revoked_at,
    )


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
        _DEVICES.join(agent_token, agent_token.c.device_id == agent_device.c.device_id).where(
            agent_token.c.token == token, agent_token.c.expires_at > now
        )
    ).one_or_none()
    return None if row is None else _device(row)


# Leases


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


# Reports


def report(tx: Tx, device_id: str, report_id: str) -> ReportRow | None:
    """A report taken before under this id."""
    row = tx.execute(
        select(agent_report.c.body, agent_report.c.event_id).where(
            agent_report.c.device_id == device_id, agent_report.c.report_id == report_id
        )
    ).one_or_none()
    return None if row is None else ReportRow(row.body, row.event_id)


def insert_report(tx: Tx, device_id: str, report: Report, row: ReportRow, now: datetime) -> None:
    """Keep a report and its counts."""
    key = {"device_id": device_id, "report_id": report.id}
    tx.execute(
        insert(agent_report).values(**key, body=row.body, event_id=row.event_id, received_at=now)
    )
    allowed = [
        {**key, "app": item.app, "signal": item.signal.value, "events": item.events}
        for item in report.allowed
    ]
    if allowed:
        tx.execute(insert(agent_report_allowed), allowed)
    refused = [{**key, "reason": reason, "events": n} for reason, n in report.refused.items()]
    if refused:
        tx.execute(insert(agent_report_refused), refused)


def allowed_totals(tx: Tx, person_id: str) -> tuple[Captured, ...]:
    """Events by app and signal over all reports of a person's devices, sorted."""
    t = agent_report_allowed
    rows = tx.execute(
        select(t.c.app, t.c.signal, func.sum(t.c.events).label("events"))
        .join(agent_device, agent_device.c.device_id == t.c.device_id)
        .where(agent_device.c.person_id == person_id)
        .group_by(t.c.app, t.c.signal)
        .order_by(t.c.app, t.c.signal)
    )
    return tuple(Captured(row.app, Signal(row.signal), int(row.events)) for row in rows)


def refused_totals(tx: Tx, person_id: str) -> tuple[tuple[str, int], ...]:
    """(reason, events) over all reports of a person's devices, sorted."""
    t = agent_report_refused
    rows = tx.execute(
        select(t.c.reason, func.sum(t.c.events).label("events"))
        .join(agent_device, agent_device.c.device_id == t.c.device_id)
        .where(agent_device.c.person_id == person_id)
        .group_by(t.c.reason)
        .order_by(t.c.reason)
    )
    return tuple((row.reason, int(row.events)) for row in rows)
