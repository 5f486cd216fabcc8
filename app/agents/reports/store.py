"""Tables of reports: what agents reported that they applied and did. Append-only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, String, Table, func, insert, select

from app.agents.devices.store import agent_device
from app.agents.reports.model import AgentReport, Captured, ExcludedEvents
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.kernel.vocabulary import Signal

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

agent_report_excluded = Table(
    "agent_report_excluded",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("report_id", String(64), primary_key=True),
    Column("exclusion", String(80), primary_key=True),
    Column("events", RowNumber, nullable=False),
    ForeignKeyConstraint(
        ["device_id", "report_id"], ["agent_report.device_id", "agent_report.report_id"]
    ),
)


@dataclass(frozen=True)
class ReportRow:
    """A report that was taken: the digest of its body and the entry it made."""

    body: str
    event_id: str


def report(tx: Tx, device_id: str, report_id: str) -> ReportRow | None:
    """A report taken before under this id."""
    row = tx.execute(
        select(agent_report.c.body, agent_report.c.event_id).where(
            agent_report.c.device_id == device_id, agent_report.c.report_id == report_id
        )
    ).one_or_none()
    return None if row is None else ReportRow(row.body, row.event_id)


def insert_report(
    tx: Tx, device_id: str, report: AgentReport, row: ReportRow, now: datetime
) -> None:
    """Keep a report and its counts."""
    key = {"device_id": device_id, "report_id": report.id}
    tx.execute(
        insert(agent_report).values(**key, body=row.body, event_id=row.event_id, received_at=now)
    )
    counts: dict[Table, list[dict[str, object]]] = {
        agent_report_allowed: [
            {"app": row.app, "signal": row.signal.value, "events": row.events}
            for row in report.allowed
        ],
        agent_report_refused: [
            {"reason": reason, "events": events} for reason, events in report.refused.items()
        ],
        agent_report_excluded: [row._asdict() for row in report.excluded],
    }
    for table, rows in counts.items():
        if rows:
            tx.execute(insert(table), [key | row for row in rows])


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


def excluded_totals(tx: Tx, person_id: str) -> tuple[ExcludedEvents, ...]:
    """Events by excluded place over all reports of a person's devices, sorted."""
    t = agent_report_excluded
    rows = tx.execute(
        select(t.c.exclusion, func.sum(t.c.events).label("events"))
        .join(agent_device, agent_device.c.device_id == t.c.device_id)
        .where(agent_device.c.person_id == person_id)
        .group_by(t.c.exclusion)
        .order_by(t.c.exclusion)
    )
    return tuple(ExcludedEvents(row.exclusion, int(row.events)) for row in rows)


def received_span(tx: Tx, person_id: str) -> tuple[datetime, datetime] | None:
    """When the first and the last report of a person's devices was received; None: never."""
    at = agent_report.c.received_at
    row = tx.execute(
        select(func.min(at).label("first"), func.max(at).label("last"))
        .join(agent_device, agent_device.c.device_id == agent_report.c.device_id)
        .where(agent_device.c.person_id == person_id)
    ).one()
    return None if row.first is None else (row.first, row.last)
