"""Tables of access: consumers, decisions as people see them, grants and their uses, purposes."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.seals import SealedTable

access_consumer = Table(
    "access_consumer",
    metadata,
    Column("row", RowNumber, primary_key=True),
    Column("consumer_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("functions", Text, nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("registered_at", UtcTime, nullable=False),
    Column("overlap_until", UtcTime, nullable=True),
    UniqueConstraint("consumer_id", "version"),
    UniqueConstraint("secret_sha256"),
)
"""Append-only. The newest version of a consumer counts; older secrets do not open.

Only that of the version before does, until ``overlap_until``.
"""
CONSUMER = SealedTable(access_consumer, key=("consumer_id", "version"), left_out=("row",))

access_decision = Table(
    "access_decision",
    metadata,
    Column("row", RowNumber, primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("consumer_id", String(64), nullable=False),
    Column("purpose", String(64), nullable=True),
    Column("outcome", String(8), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    UniqueConstraint("event_id", "person_id"),
    Index("ix_access_decision_person_id_row", "person_id", "row"),
)
"""A projection of the log for the person asked about. Names people, so it can be erased.

Not sealed: it opens nothing, and what it shows is in the log.
"""

access_grant = Table(
    "access_grant",
    metadata,
    Column("grant_id", String(36), primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("consumer_id", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("decided_at", UtcTime, nullable=False),
)
"""Append-only. Each grant that was issued; names nobody."""
GRANT = SealedTable(access_grant, key=("grant_id",))

access_use = Table(
    "access_use",
    metadata,
    Column("grant_id", String(36), ForeignKey("access_grant.grant_id"), primary_key=True),
    Column("outcome", String(8), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("result", String(71), nullable=True),
    Column("event_id", String(36), nullable=False),
    Column("used_at", UtcTime, nullable=False),
)
"""Append-only. What a consumer did with a grant, once."""
USE = SealedTable(access_use, key=("grant_id",))

access_purposes = Table(
    "access_purposes",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("document", Text, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
)
"""Append-only. Each content of policies/purposes.yaml that was ever in force here."""
PURPOSES = SealedTable(access_purposes, key=("digest",))
