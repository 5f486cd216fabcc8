"""Tables of policy, all append-only: what was adopted, published and stopped, in order.

What was proposed and who approved it is in ``changes.store``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.kernel.errors import Conflict
from app.policy.catalogue.model import NO_CATALOGUE, Catalogue, CatalogueStep
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.law.layer import CompanyPolicy, Floor
from app.policy.notes import unstorable
from app.policy.timeline import CompanyRow, FloorRow, History, StopRow

document_table = Table(
    "policy_document",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

# Numbers every change of what can be in force. Written under a lock, so that a higher number is
# never seen before a lower one: an agent takes a falling number for an old policy.
event_table = Table(
    "policy_event",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("event", String(36), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("region", String(6)),
    Column("digest", String(71)),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("event"),
)

floor_table = Table(
    "policy_floor",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("region", String(6), nullable=False),
    Column("digest", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("parent", String(6)),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_to", UtcTime),
    Column("recorded_at", UtcTime, nullable=False),
)

company_table = Table(
    "policy_company",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("region", String(6), nullable=False),
    Column("digest", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("change_id", String(36), ForeignKey("policy_change.id"), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("change_id"),
)

stop_table = Table(
    "policy_stop",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("stop", String(36), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("region", String(6), nullable=False),
    Column("step", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("proposer", String(64)),
    Column("note", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("stop", "seq"),
    CheckConstraint(
        "step <> 'resumed' OR (proposer IS NOT NULL AND actor <> proposer)", name="two_people"
    ),
)

# A catalogue on its way: what the files have, and what people did about it. Two people, also for
# whoever writes rows by hand.
catalogue_table = Table(
    "policy_catalogue_step",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("digest", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("base", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("step", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("proposer", String(64)),
    Column("note", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint(
        "step <> 'approved' OR (proposer IS NOT NULL AND actor <> proposer)", name="two_people"
    ),
)


_LOCK = 4_841_026  # the number after that of the log


@dataclass(frozen=True)
class Head:
    """The last policy event: its number, and the id that no other event ever has."""

    seq: int
    event: str


def lock(tx: Tx) -> None:
    """Let one transaction at a time change policy, until it ends; waits for all who ``hold`` it.

    SQLite has one writer anyway, once a writing transaction has begun; it begins here.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    else:
        tx.execute(text("SELECT 1"))


def hold(tx: Tx) -> None:
    """Keep policy as it is until this transaction ends; others may hold it at the same time.

    An advisory lock, not one on the table: a table lock that keeps writers out also keeps vacuum
    out, and is dear to take for every lease.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})
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
    """Return the bytes of this digest."""
    if unstorable(name) is not None:
        return None
    body = tx.execute(
        select(document_table.c.body).where(document_table.c.digest == name)
    ).scalar_one_or_none()
    return None if body is None else bytes(body)


def is_kept(tx: Tx, name: str, kind: str) -> bool:
    """Say whether a document of a kind has this digest."""
    column = document_table.c
    return (
        tx.execute(select(column.digest).where(column.digest == name, column.kind == kind)).first()
        is not None
    )


def documents(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Yield every document, by digest."""
    rows = tx.execute(select(document_table).order_by(document_table.c.digest))
    for row in rows:
        yield row.digest, bytes(row.body)


def add_event(
    tx: Tx, event: str, kind: str, region: str | None, name: str | None, at: datetime
) -> None:
    """Number a change of what can be in force; ``event`` is the id of its entry in the log."""
    row = {"event": event, "kind": kind, "region": region, "digest": name, "at": at}
    tx.execute(insert(event_table).values(**row))


_NEWEST = select(event_table.c.id, event_table.c.event).order_by(event_table.c.id.desc()).limit(1)


def head(tx: Tx, known_at: datetime | None = None) -> Head:
    """Return the last policy event (by then); number 0 if there was none."""
    statement = _NEWEST if known_at is None else _NEWEST.where(event_table.c.at <= known_at)
    row = tx.execute(statement).first()
    return Head(0, "") if row is None else Head(row.id, row.event)


def changed_at(tx: Tx, regions: Iterable[str]) -> datetime | None:
    """Return when what can be in force in regions last changed; the catalogue is in all of them."""
    column = event_table.c
    concerned = or_(column.region.is_(None), column.region.in_(sorted(regions)))
    return tx.execute(select(func.max(column.at)).where(concerned)).scalar_one_or_none()


def last_digest(tx: Tx, kind: str) -> str | None:
    """Return what the last event of a kind named."""
    statement = (
        select(event_table.c.digest)
        .where(event_table.c.kind == kind)
        .order_by(event_table.c.id.desc())
        .limit(1)
    )
    return tx.execute(statement).scalar_one_or_none()


def adopted_catalogues(tx: Tx) -> tuple[tuple[datetime, str], ...]:
    """When each catalogue was adopted, and its digest, in the order of adoption."""
    statement = (
        select(event_table.c.at, event_table.c.digest)
        .where(event_table.c.kind == "catalogue")
        .order_by(event_table.c.id)
    )
    return tuple((row.at, row.digest) for row in tx.execute(statement))


def catalogue(tx: Tx, at: datetime | None = None) -> Catalogue | None:
    """Return the catalogue that was adopted last, or last by an instant; None if none was."""
    statement = (
        select(document_table.c.body)
        .join(event_table, event_table.c.digest == document_table.c.digest)
        .where(event_table.c.kind == "catalogue")
        .order_by(event_table.c.id.desc())
        .limit(1)
    )
    if at is not None:
        statement = statement.where(event_table.c.at <= at)
    body = tx.execute(statement).scalar_one_or_none()
    return None if body is None else Catalogue.read(bytes(body))


def add_floor(tx: Tx, floor: Floor, at: datetime) -> None:
    """Record that a floor was taken in."""
    row = {
        "region": floor.region,
        "digest": floor.digest,
        "parent": floor.parent,
        "valid_from": floor.valid_from,
        "valid_to": floor.valid_to,
        "recorded_at": at,
    }
    tx.execute(insert(floor_table).values(**row))


def history(
    tx: Tx, seq: int, registry: KnobRegistry = REGISTRY, at: datetime | None = None
) -> History:
    """Read every row that bears on what is in force.

    Args:
        tx: the transaction.
        seq: number of the last policy event.
        registry: the knobs that there are.
        at: which catalogue; the rows are all there, as ``History.known`` wants them.
    """
    return History(
        _floors(tx, registry),
        _company(tx, registry),
        stop_rows(tx),
        seq,
        catalogue(tx, at) or NO_CATALOGUE,
    )


def _floors(tx: Tx, registry: KnobRegistry) -> tuple[FloorRow, ...]:
    rows = tx.execute(
        select(floor_table.c.id, floor_table.c.recorded_at, document_table.c.body)
        .join(document_table, floor_table.c.digest == document_table.c.digest)
        .order_by(floor_table.c.id)
    )
    return tuple(
        FloorRow(row.id, Floor.read(bytes(row.body), registry), row.recorded_at) for row in rows
    )


def _company(tx: Tx, registry: KnobRegistry) -> tuple[CompanyRow, ...]:
    rows = tx.execute(
        select(company_table, document_table.c.body)
        .join(document_table, company_table.c.digest == document_table.c.digest)
        .order_by(company_table.c.id)
    )
    return tuple(
        CompanyRow(
            id=row.id,
            region=row.region,
            policy=CompanyPolicy.read(bytes(row.body), registry),
            change_id=row.change_id,
            direction=row.direction,
            valid_from=row.valid_from,
            recorded_at=row.recorded_at,
        )
        for row in rows
    )


def stop_rows(tx: Tx) -> tuple[StopRow, ...]:
    """Return every step about stops, in order."""
    rows = tx.execute(select(stop_table).order_by(stop_table.c.id))
    return tuple(
        StopRow(row.id, row.stop, row.seq, row.region, row.step, row.actor, row.note, row.at)
        for row in rows
    )


def add_stop(tx: Tx, row: StopRow, proposer: str | None = None) -> None:
    """Append a step about a stop (its ``id`` is given by the database).

    Raises:
        Conflict: somebody took this number at the same moment.
    """
    values = {name: value for name, value in vars(row).items() if name != "id"}
    try:
        tx.execute(insert(stop_table).values(proposer=proposer, **values))
    except IntegrityError as error:
        raise Conflict(
            "the stop moved on at the same moment", cure="Load it again and look."
        ) from error


def catalogue_steps(tx: Tx) -> tuple[CatalogueStep, ...]:
    """Return every step of catalogues on their way, oldest first."""
    rows = tx.execute(select(catalogue_table).order_by(catalogue_table.c.id))
    return tuple(
        CatalogueStep(row.digest, row.base, row.step, row.actor, row.proposer, row.note, row.at)
        for row in rows
    )


def add_catalogue_step(tx: Tx, step: CatalogueStep) -> None:
    """Append a step."""
    tx.execute(insert(catalogue_table).values(**vars(step)))
