"""Statements about policy: what was adopted, published and stopped, in order.

The tables are in ``tables``; what is read of them is judged in ``rows``. What was proposed and who
approved it is in ``changes.store``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add as add_up
from typing import Any

from sqlalchemy import Table, func, insert, or_, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from app.db import seals
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.db.readable import readable
from app.db.seals import SealedTable
from app.kernel.errors import Conflict
from app.policy.catalogue.model import CatalogueStep
from app.policy.kept import documents_of
from app.policy.law.layer import Floor
from app.policy.notes import unstorable
from app.policy.rows import (
    WAITING_CHAIN,
    catalogue_rows,
)
from app.policy.tables import (
    CATALOGUE_STEP,
    EVENT,
    FLOOR,
    STOP,
    catalogue_table,
    company_table,
    document_table,
    event_table,
    floor_table,
    stop_table,
)
from app.policy.timeline import StopRow


@dataclass(frozen=True)
class Head:
    """The last policy event: its number, and the id that no other event ever has.

    Attributes:
        rows: how many floors, policies and stops there are; whoever adds or takes away one of them
            without an event shows by it.
    """

    seq: int
    event: str
    rows: int = 0


def lock(tx: Tx) -> None:
    """Let one transaction at a time change policy, until it ends; waits for all who ``hold`` it.

    SQLite has one writer anyway, once a writing transaction has begun; it begins here.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LockNumber.POLICY})
    else:
        tx.execute(text("SELECT 1"))


def hold(tx: Tx) -> None:
    """Keep policy as it is until this transaction ends; others may hold it at the same time.

    An advisory lock, not one on the table: a table lock that keeps writers out also keeps vacuum
    out, and is dear to take for every lease.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": LockNumber.POLICY})
    else:
        tx.execute(text("SELECT 1"))


def add_document(tx: Tx, kind: str, name: str, body: bytes, at: datetime) -> None:
    """Keep bytes under their digest, once."""
    table = document_table
    if tx.execute(select(table.c.digest).where(table.c.digest == name)).first() is not None:
        return
    row = {"digest": name, "kind": kind, "body": body, "recorded_at": at}
    if tx.dialect == "postgresql":  # another transaction may be keeping the same bytes
        tx.execute(postgresql.insert(table).values(**row).on_conflict_do_nothing())
    else:
        tx.execute(insert(table).values(**row))


def document(tx: Tx, name: str) -> bytes | None:
    """Return the bytes of this digest; None where there are none, or others."""
    return None if unstorable(name) is not None else documents_of(tx, {name}).get(name)


def is_kept(tx: Tx, name: str, kind: str) -> bool:
    """Say whether a document of a kind has this digest."""
    column = document_table.c
    return (
        tx.execute(select(column.digest).where(column.digest == name, column.kind == kind)).first()
        is not None
    )


def documents(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Yield every document that is what its digest names, by digest."""
    names = tx.execute(select(document_table.c.digest).order_by(document_table.c.digest)).scalars()
    for name in names.all():
        yield from documents_of(tx, {name}).items()


def add(tx: Tx, sealed: SealedTable, row: Mapping[str, Any]) -> None:
    """Add a row with the next number of its table, under the lock of policy, and seal it."""
    seals.insert(tx, sealed, [{"id": _next_number(tx, sealed.table), **row}])


def _next_number(tx: Tx, table: Table) -> int:
    """The number that the database would give: it is part of what is sealed."""
    if tx.dialect == "postgresql":
        query = select(func.nextval(func.pg_get_serial_sequence(table.name, "id")))
    else:
        query = select(func.coalesce(func.max(table.c.id), 0) + 1)
    return int(tx.execute(query).scalar_one())


def add_event(
    tx: Tx, event: str, kind: str, region: str | None, name: str | None, at: datetime
) -> None:
    """Number a change of what can be in force; ``event`` is the id of its entry in the log."""
    row = {"event": event, "kind": kind, "region": region, "digest": name, "at": at}
    add(tx, EVENT, row)


_COUNTED = (floor_table, company_table, stop_table)
_COUNTS = [select(func.count()).select_from(table).scalar_subquery() for table in _COUNTED]
_NEWEST = (
    select(event_table.c.id, event_table.c.event, reduce(add_up, _COUNTS).label("rows"))
    .order_by(event_table.c.id.desc())
    .limit(1)
)


def head(tx: Tx, known_at: datetime | None = None) -> Head:
    """Return the last policy event (by then); number 0 if there was none."""
    statement = _NEWEST if known_at is None else _NEWEST.where(event_table.c.at <= known_at)
    row = tx.execute(statement).first()
    return Head(0, "") if row is None else Head(row.id, row.event, row.rows)


def changed_at(tx: Tx, regions: Iterable[str]) -> tuple[datetime | None, bool]:
    """Return when what can be in force in regions last changed, and whether that is believed.

    The catalogue is in force in all of them.
    """
    column = event_table.c
    concerned = or_(column.region.is_(None), column.region.in_(sorted(regions)))
    rows = tx.execute(select(event_table).where(concerned)).all()
    times = (row.at for row in rows if readable(event_table, row))
    return max(times, default=None), seals.first_bad(tx, EVENT, rows) is None


def adopted_catalogues(tx: Tx) -> tuple[tuple[datetime, str], ...]:
    """When each catalogue was adopted, and its digest, in the order of adoption."""
    return tuple((row.at, row.digest) for row in catalogue_rows(tx) or ())


def add_floor(tx: Tx, floor: Floor, event: str, at: datetime) -> None:
    """Record that a floor was taken in; ``event`` is the id of its entry."""
    row = {
        "region": floor.region,
        "digest": floor.digest,
        "parent": floor.parent,
        "valid_from": floor.valid_from,
        "valid_to": floor.valid_to,
        "recorded_at": at,
        "event_id": event,
    }
    add(tx, FLOOR, row)


def add_stop(tx: Tx, row: StopRow, event: str, proposer: str | None = None) -> None:
    """Append a step about a stop (its ``id`` is given here); ``event`` is the id of its entry.

    Raises:
        Conflict: somebody took this number at the same moment.
    """
    values = {name: value for name, value in vars(row).items() if name != "id"}
    try:
        add(tx, STOP, {**values, "proposer": proposer, "event_id": event})
    except IntegrityError as error:
        raise Conflict(
            "the stop moved on at the same moment", cure="Load it again and look."
        ) from error


def catalogue_steps(tx: Tx) -> tuple[tuple[CatalogueStep, ...], bool]:
    """Return the steps of catalogues on their way, oldest first, and whether they all stand.

    Those of which the seal does not fit are left out.
    """
    rows = tx.execute(select(catalogue_table).order_by(catalogue_table.c.id)).all()
    stands = seals.stands(tx, WAITING_CHAIN, CATALOGUE_STEP, rows, len(rows))
    steps = tuple(
        CatalogueStep(row.digest, row.base, row.step, row.actor, row.proposer, row.note, row.at)
        for row in seals.fitting(tx, CATALOGUE_STEP, rows)
    )
    return steps, stands


def add_catalogue_step(tx: Tx, step: CatalogueStep, event: str) -> None:
    """Append a step; ``event`` is the id of its entry."""
    add(tx, CATALOGUE_STEP, {**vars(step), "event_id": event})
