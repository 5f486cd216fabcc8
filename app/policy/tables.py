"""Tables of policy, all append-only, and how their rows are sealed (app/db/seals.py).

Rules:
1. Numbers of rows say in which order things happened, so they are sealed, too: ``store.add`` gives
   them. They name no row: a row is called by the event of its entry or by an id of its own.
2. A row of before seals has no event; its number names it.
3. Notes are left out: they decide nothing, and an erasure empties them.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.audit.entries.model import SYSTEM
from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.seals import SealedTable

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
    Column("event_id", String(36)),
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
    Column("event_id", String(36)),
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
    Column("event_id", String(36)),
    CheckConstraint(
        "step <> 'approved' OR (proposer IS NOT NULL AND actor <> proposer)", name="two_people"
    ),
)

change_table = Table(
    "policy_change",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("region", String(6), nullable=False),
    Column("digest", String(71), ForeignKey("policy_document.digest"), nullable=False),
    Column("base", String(71), ForeignKey("policy_document.digest")),
    Column("direction", String(8), nullable=False),
    Column("author", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("id", "author", "digest"),
    Index("ix_policy_change_region", "region"),
)

# Two people, one digest, also for whoever writes rows by hand: author and digest are tied to the
# change by a foreign key, and an approval by the author breaks a CHECK.
step_table = Table(
    "policy_step",
    metadata,
    Column("change_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("step", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("author", String(64), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("event_id", String(36)),
    ForeignKeyConstraint(
        ["change_id", "author", "digest"],
        ["policy_change.id", "policy_change.author", "policy_change.digest"],
    ),
    UniqueConstraint("change_id", "step", "actor"),
    UniqueConstraint("change_id", "step", "role"),
    CheckConstraint("step <> 'approved' OR actor <> author", name="two_people"),
)

EVENT = SealedTable(event_table, key=("event",))
FLOOR = SealedTable(floor_table, key=("event_id",), older_key=("id",))
COMPANY = SealedTable(company_table, key=("change_id",))
STOP = SealedTable(
    stop_table,
    key=("event_id",),
    older_key=("id",),
    people=("actor", "proposer"),
    left_out=("note",),
)
CATALOGUE_STEP = SealedTable(
    catalogue_table,
    key=("event_id",),
    older_key=("id",),
    people=("actor", "proposer"),
    programs=frozenset({SYSTEM.id}),
    left_out=("note",),
)
CHANGE = SealedTable(change_table, key=("id",), people=("author",), left_out=("note",))
STEP = SealedTable(
    step_table,
    key=("event_id",),
    older_key=("change_id", "seq"),
    people=("actor", "author"),
)
