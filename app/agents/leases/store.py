"""Table of leases: the last recorded content of each device counts. Append-only.

A lease whose row does not stand, or that others followed by what the log knows, was recorded for
nobody: it makes no poll a renewal, and the device is disputed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    select,
)

from app.agents.devices.model import Device
from app.agents.devices.recorded import chain_of
from app.agents.devices.store import DEVICES, agent_device, read_device, seals_of
from app.agents.leases.recorded import LEASES
from app.agents.pairing.store import TOKEN_CELLS, agent_token, digest_of, token_stands
from app.audit.entries.model import outcome
from app.audit.entries.store import submission_of
from app.audit.entries.subjects import read_ahead
from app.consent import store as consents
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable
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
LEASE = SealedTable(agent_lease, key=("event_id",))


@dataclass(frozen=True)
class LeaseRow:
    """A recorded lease: its number for the device, and the digest of its content."""

    seq: int
    content: str


@dataclass(frozen=True)
class Holder:
    """Whose lease it is.

    Attributes:
        last: the last recorded lease; None where there is none, or none that stands.
        next_seq: the number of the next one.
    """

    device: Device
    person: Person
    last: LeaseRow | None
    next_seq: int

    def holds(self, content: str) -> bool:
        """Whether the last recorded lease has this content."""
        return self.last is not None and self.last.content == content

    def next(self, content: str) -> LeaseRow:
        """The row after the last row."""
        return LeaseRow(self.next_seq, content)


_MOST_LEASES = 2**53
"""A higher number was never given, nor was a text, which SQLite would put above all numbers."""

_last = agent_lease.alias()
_LEASE_CELLS = tuple(column.label(f"lease_{column.name}") for column in agent_lease.c)
_HOLDERS = (
    DEVICES.join(person_table, person_table.c.id == agent_device.c.person_id)
    .outerjoin(
        agent_lease,
        and_(
            agent_lease.c.device_id == agent_device.c.device_id,
            agent_lease.c.seq
            == select(func.max(_last.c.seq))
            .where(_last.c.device_id == agent_device.c.device_id, _last.c.seq <= _MOST_LEASES)
            .scalar_subquery(),
        ),
    )
    .add_columns(*PERSON, *_LEASE_CELLS)
)
_BY_DEVICE = _HOLDERS.where(agent_device.c.device_id == bindparam("device"))
_BY_TOKEN = (
    _HOLDERS.join(agent_token, agent_token.c.device_id == agent_device.c.device_id)
    .add_columns(*TOKEN_CELLS)
    .where(agent_token.c.token == bindparam("token"), agent_token.c.expires_at > bindparam("now"))
)


def holder(tx: Tx, device_id: str) -> Holder | None:
    """A device with its person and last lease."""
    row = tx.execute(_BY_DEVICE, {"device": device_id}).one_or_none()
    return None if row is None else _holder(tx, row)


def holder_by_token(tx: Tx, bearer: str, now: datetime) -> Holder | None:
    """The same by a living token; the device may be revoked, or disputed."""
    asked = {"token": digest_of(tx, bearer), "now": now}
    row = tx.execute(_BY_TOKEN, asked).one_or_none()
    return None if row is None or not token_stands(tx, row) else _holder(tx, row)


def _holder(tx: Tx, row: Row[Any]) -> Holder:
    cells = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    lease = {column.name: cells[f"lease_{column.name}"] for column in agent_lease.c}
    newest = [lease] if lease["seq"] is not None else []
    _read_ahead(tx, row, newest)
    device, person = read_device(tx, row), read_person(tx, row)
    chain = chain_of(device.id, LEASES)
    sound = _sound(tx, chain, newest)
    known = tx.seals.positions.get(chain)
    return Holder(
        replace(device, disputed=device.disputed or not sound or tx.seals.alarm_on(chain)),
        person,
        LeaseRow(lease["seq"], lease["content"]) if newest and sound else None,
        next_seq=1 + max(lease["seq"] or 0, known.rows if known else 0),
    )


def _read_ahead(tx: Tx, row: Row[Any], newest: Sequence[Mapping[str, Any]]) -> None:
    """Read what judging this poll needs in one statement, where not all of it is remembered."""
    of_leases = [(LEASE, lease) for lease in newest]
    wanted = [(sealed, sealed.key_of(cells)) for sealed, cells in [*seals_of(row), *of_leases]]
    if all(seals.remembered(tx, sealed, key) for sealed, key in wanted):
        return
    people = [name for name in (row.person_id, row.directory_manager) if name is not None]
    of_devices = (seals.select_seals(tx, sealed, [key]) for sealed, key in wanted)
    read_ahead(tx, people, [*of_devices, *consents.select_seals(tx, row.person_id)])


def _sound(tx: Tx, chain: str, newest: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the newest lease is the one that was recorded last; else notes why not.

    An open alarm is not looked at: what is recorded under it, the device's polls can renew.
    """
    bad = seals.first_bad(tx, LEASE, newest)
    if bad is not None:
        seals.note(tx, Dispute(chain, Flaw.UNSEALED, agent_lease.name, bad))
        return False
    if tx.seals.behind(chain, newest[0]["seq"] if newest else 0, tx.folded):
        seals.note(tx, Dispute(chain, Flaw.BEHIND, agent_lease.name))
        return False
    return True


def last_event(tx: Tx, device_id: str) -> str | None:
    """The event of the last recorded lease of a device."""
    last = select(agent_lease.c.event_id).where(agent_lease.c.device_id == device_id)
    return tx.execute(last.order_by(agent_lease.c.seq.desc()).limit(1)).scalar_one_or_none()


def said_on(tx: Tx, device_id: str) -> bool:
    """Whether the last recorded lease of a device said on, as its entry tells, merged or not."""
    event = last_event(tx, device_id)
    told = None if event is None else submission_of(tx, event)
    return told is not None and outcome(told) == "on"


def leases_since(tx: Tx, device_id: str, since: datetime) -> int:
    """How many leases of a device were recorded after an instant."""
    counted = select(func.count()).where(
        agent_lease.c.device_id == device_id, agent_lease.c.recorded_at > since
    )
    return int(tx.execute(counted).scalar_one())


def insert_lease(tx: Tx, device_id: str, row: LeaseRow, event_id: str, now: datetime) -> None:
    """Record that a device is being given another content."""
    cells = {
        "device_id": device_id,
        "seq": row.seq,
        "content": row.content,
        "event_id": event_id,
        "recorded_at": now,
    }
    seals.insert(tx, LEASE, [cells])
