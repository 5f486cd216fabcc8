"""Tables of pairing: codes, tokens and used assertions.

A pairing lives fifteen minutes and moves (approved, redeemed, polled); a token lives an hour; an
assertion's id is forgotten when the assertion has expired. None of them is evidence: the log is.

Rules:
1. A pairing is sealed as a whole, again with each change. One whose seal does not fit is none.
2. A token is found by a keyed digest of its secret, and its row is sealed: whoever writes SQL makes
   none, moves none to another device and lets none live longer. It opens nothing, and the device
   gets another one with its key.
3. Used assertions are not sealed. A row only refuses; without it, whoever also overheard an
   assertion could use it again for five minutes, and that would be an entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Row,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.agents.devices.model import Device
from app.agents.devices.recorded import chain_of
from app.agents.devices.store import DEVICES, agent_device, read_device
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable

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
PAIRING = SealedTable(agent_pairing, key=("device_id",), in_row=True)

agent_token = Table(
    "agent_token",
    metadata,
    Column("token", String(64), primary_key=True),  # keyed digest, hex
    Column("device_id", String(64), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("seal", LargeBinary),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
    Index("ix_agent_token_expires_at", "expires_at"),
)
TOKEN = SealedTable(agent_token, key=("token",), in_row=True)

assertion_jti = Table(
    "assertion_jti",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("jti", String(64), primary_key=True),  # SHA-256, hex
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_assertion_jti_expires_at", "expires_at"),
)

Cells = Mapping[str, Any] | RowMapping


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
    cells = {
        "device_id": row.device_id,
        "device_code": device_code,
        "user_code": user_code,
        "name": row.name,
        "public": row.public.hex(),
        "started_at": row.started_at,
        "expires_at": row.expires_at,
        "interval_s": row.interval_s,
    }
    seals.insert(tx, PAIRING, [cells])


def pairing_by_user_code(tx: Tx, user_code: str) -> PairingRow | None:
    """Find a pairing by the hash of the code that a person typed."""
    return _pairing(_row(tx, agent_pairing.c.user_code == user_code))


def pairing_by_device_code(tx: Tx, device_code: str) -> PairingRow | None:
    """Find a pairing by the hash of the code that the device holds."""
    return _pairing(_row(tx, agent_pairing.c.device_code == device_code))


def mark_approved(tx: Tx, device_id: str, now: datetime) -> PairingRow | None:
    """Approve an open pairing and return it; None if it was approved before or has expired."""
    row = _row(tx, agent_pairing.c.device_id == device_id, to_change=True)
    if row is None or row["approved_at"] is not None or row["expires_at"] <= now:
        return None
    return _change(tx, row, approved_at=now)


def mark_redeemed(tx: Tx, device_id: str, now: datetime) -> bool:
    """Use up an approved pairing; False if it was used up before."""
    row = _row(tx, agent_pairing.c.device_id == device_id, to_change=True)
    if row is None or row["approved_at"] is None or row["redeemed_at"] is not None:
        return False
    _change(tx, row, redeemed_at=now)
    return True


def mark_polled(tx: Tx, device_id: str, now: datetime, interval_s: int) -> None:
    """Remember when the device asked, and how long it must wait before it asks again."""
    row = _row(tx, agent_pairing.c.device_id == device_id, to_change=True)
    if row is not None:
        _change(tx, row, polled_at=now, interval_s=interval_s)


def _row(tx: Tx, where: ColumnElement[bool], *, to_change: bool = False) -> Cells | None:
    """Read a pairing that stands; ``to_change``: nobody else changes it until the end."""
    query = select(agent_pairing).where(where)
    row = tx.execute(query.with_for_update() if to_change else query).mappings().one_or_none()
    if row is None or not seals.stands(tx, chain_of(row["device_id"], "pairing"), PAIRING, [row]):
        return None
    return row


def _pairing(row: Cells | None) -> PairingRow | None:
    if row is None:
        return None
    cells = {each.name: row[each.name] for each in fields(PairingRow)}
    return PairingRow(**{**cells, "public": bytes.fromhex(row["public"])})


def _change(tx: Tx, row: Cells, **values: object) -> PairingRow | None:
    """Replace a row by itself with other values, sealed anew (rule 1)."""
    changed = {**row, **values}
    whole = seals.with_seal(tx, PAIRING, changed)
    where = agent_pairing.c.device_id == row["device_id"]
    tx.execute(update(agent_pairing).where(where).values(**whole))
    return _pairing(changed)


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


def insert_token(tx: Tx, bearer: str, device_id: str, expires_at: datetime) -> None:
    """Keep a token under its digest."""
    row = {"token": digest_of(tx, bearer), "device_id": device_id, "expires_at": expires_at}
    seals.insert(tx, TOKEN, [row])


def digest_of(tx: Tx, bearer: str) -> str:
    """Under what a token is kept (rule 2)."""
    return tx.seals.digest("agent_token", bearer)


def device_by_token(tx: Tx, bearer: str, now: datetime) -> Device | None:
    """The device of a living token, revoked or not."""
    row = tx.execute(
        DEVICES.join(agent_token, agent_token.c.device_id == agent_device.c.device_id)
        .add_columns(*TOKEN_CELLS)
        .where(agent_token.c.token == digest_of(tx, bearer), agent_token.c.expires_at > now)
    ).one_or_none()
    return None if row is None or not token_stands(tx, row) else read_device(tx, row)


TOKEN_CELLS = tuple(column.label(f"token_{column.name}") for column in agent_token.c)
"""What a statement that joins to tokens selects; see ``token_stands``."""


def token_stands(tx: Tx, row: Row[Any]) -> bool:
    """Whether the token in a row with ``TOKEN_CELLS`` can be believed; else notes that (rule 2)."""
    cells = {column.name: row._mapping[f"token_{column.name}"] for column in agent_token.c}  # noqa: SLF001 - SQLAlchemy's public name for it
    if seals.first_bad(tx, TOKEN, [cells]) is None:
        return True
    # A chain of its own: the device's next token is as good as its key.
    chain = chain_of(cells["device_id"], "token")
    seals.note(tx, Dispute(chain, Flaw.UNSEALED, agent_token.name, cells["token"]))
    return False
