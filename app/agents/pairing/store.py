"""Tables of pairing: what was approved, tokens, used assertions, counts of tokens.

A pairing is kept for half an hour at most, from its approval on; a token lives an hour; an
assertion's id is forgotten when the assertion has expired. None of them is evidence: the log is.

Rules:
1. A pairing is sealed as a whole, again with each change. One whose seal does not fit is disputed.
2. A token is found by a keyed digest of its secret, and its row is sealed: whoever writes SQL makes
   none, moves none to another device and lets none live longer. It opens nothing, and the device
   gets another one with its key.
3. Used assertions are not sealed. A row only refuses; without it, whoever also overheard an
   assertion could use it again for five minutes, and that would be an entry.
4. Counts of tokens are not sealed. A row only refuses; without it, the next token is an entry.
"""

from dataclasses import dataclass
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
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.agents.devices.model import Device
from app.agents.devices.recorded import chain_of
from app.agents.devices.store import DEVICES, agent_device, read_device
from app.agents.pairing.codes import PAIRING_LIFE
from app.agents.pairing.model import PendingPairing
from app.agents.pairing.pace import INTERVAL_S, TokenCount
from app.db import seals
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.db.metadata import UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable

agent_pairing = Table(
    "agent_pairing",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("device_code", String(64), nullable=False),  # SHA-256, hex
    Column("user_code", String(64), nullable=False),  # keyed digest, hex
    Column("name", String(120), nullable=False),
    Column("public", String(64), nullable=False),  # hex of 32 bytes
    Column("started_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("polled_at", UtcTime),  # of releases before: asking leaves no trace now
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

agent_token_count = Table(
    "agent_token_count",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("said_at", UtcTime),
    Column("unsaid", Integer, nullable=False),
    Column("due_at", UtcTime),
    ForeignKeyConstraint(["device_id"], ["agent_device.device_id"]),
    Index("ix_agent_token_count_said_at", "said_at"),
)

_AT_ONCE = 20
"""Of how many other devices one token request says what is unsaid."""


@dataclass(frozen=True)
class ApprovedPairing:
    """A pairing that somebody approved.

    Attributes:
        device_code: SHA-256 of the code that redeems it, hex.
        disputed: its row does not stand: it is redeemed by nobody.
    """

    device_id: str
    device_code: str
    redeemed_at: datetime | None = None
    disputed: bool = False


def lock_approvals(tx: Tx) -> None:
    """Let approvals take turns, so that a request is approved once."""
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LockNumber.APPROVALS})


def insert_approved(tx: Tx, pending: PendingPairing, now: datetime) -> None:
    """Keep that somebody approved a pairing; forget those that have expired."""
    expired = agent_pairing.c.expires_at <= now - PAIRING_LIFE
    tx.execute(delete(agent_pairing).where(expired))
    cells = {
        "device_id": pending.device_id,
        "device_code": pending.device_code,
        "user_code": tx.seals.digest("agent_pairing", pending.user_code),
        "name": pending.name,
        "public": pending.public.hex(),
        "started_at": pending.started_at,
        "expires_at": pending.expires_at,
        "interval_s": INTERVAL_S,
        "approved_at": now,
    }
    seals.insert(tx, PAIRING, [cells])


def approved(tx: Tx, device_id: str) -> ApprovedPairing | None:
    """Find the approved pairing of a device."""
    row = _row(tx, device_id)
    if row is None:
        return None
    disputed = not _stands(tx, row) or row["approved_at"] is None
    return ApprovedPairing(row["device_id"], row["device_code"], row["redeemed_at"], disputed)


def mark_redeemed(tx: Tx, device_id: str, now: datetime) -> bool:
    """Use up an approved pairing; False if it was used up before."""
    row = _row(tx, device_id, to_change=True)
    if row is None or not _stands(tx, row) or row["redeemed_at"] is not None:
        return False
    whole = seals.with_seal(tx, PAIRING, {**row, "redeemed_at": now})
    tx.execute(update(agent_pairing).where(agent_pairing.c.device_id == device_id).values(**whole))
    return True


def _row(tx: Tx, device_id: str, *, to_change: bool = False) -> RowMapping | None:
    """Read a pairing; ``to_change``: nobody else changes it until the end."""
    query = select(agent_pairing).where(agent_pairing.c.device_id == device_id)
    return tx.execute(query.with_for_update() if to_change else query).mappings().one_or_none()


def _stands(tx: Tx, row: RowMapping) -> bool:
    return seals.stands(tx, chain_of(row["device_id"], "pairing"), PAIRING, [row])


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


# Counts of tokens


def token_count(tx: Tx, device_id: str) -> TokenCount:
    """The tokens of a device, to look at."""
    row = tx.execute(select(agent_token_count).where(_of(device_id))).one_or_none()
    return TokenCount(device_id) if row is None else TokenCount(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def own_token_count(tx: Tx, device_id: str) -> TokenCount:
    """The tokens of a device, which nobody else counts until the end."""
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    first = dialect.insert(agent_token_count).values(device_id=device_id, unsaid=0)
    tx.execute(first.on_conflict_do_nothing())
    row = tx.execute(select(agent_token_count).where(_of(device_id)).with_for_update()).one()
    return TokenCount(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def keep_token_count(tx: Tx, count: TokenCount) -> None:
    """Keep what was counted."""
    values = {"said_at": count.said_at, "unsaid": count.unsaid, "due_at": count.due_at}
    tx.execute(update(agent_token_count).where(_of(count.device_id)).values(**values))


def unsaid_counts(tx: Tx, before: datetime) -> list[TokenCount]:
    """Some of the counts of which an entry is due, but for those that others count just now."""
    counts = agent_token_count.c
    due = (
        select(agent_token_count)
        .where(counts.unsaid > 0, counts.said_at <= before)
        .order_by(counts.said_at, counts.device_id)
        .limit(_AT_ONCE)
    )
    return [
        TokenCount(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        for row in tx.execute(due.with_for_update(skip_locked=True))
    ]


def _of(device_id: str) -> ColumnElement[bool]:
    return agent_token_count.c.device_id == device_id


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
