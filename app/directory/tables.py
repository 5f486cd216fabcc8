"""Tables of the directory, and how their rows are sealed (app/db/seals.py).

person          everybody as they are now; the seal is in the row and covers all but the name
person_version  append-only, a row for each ``directory.person`` entry: what was recorded. Without
                name and e-mail: what is erased one day must not live on there
directory_import  append-only, a row for each piece of an import: how far it came. Counts only
"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.seals import SealedTable

person_table = Table(
    "person",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String(320), nullable=False),
    Column("region", String(6), nullable=False),
    Column("place", String(6), nullable=False),
    Column("entity", Text, nullable=False),
    Column("department", Text, nullable=False),
    # Deferred to the commit: a file may name a manager on a later line.
    Column(
        "manager",
        String(64),
        ForeignKey("person.id", deferrable=True, initially="DEFERRED"),
    ),
    Column("roles", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("residence", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seal", LargeBinary),
    UniqueConstraint("email"),
    Index("ix_person_manager", "manager"),
)

version_table = Table(
    "person_version",
    metadata,
    Column("person_id", String(64), ForeignKey("person.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("region", String(6), nullable=False),
    Column("place", String(6), nullable=False),
    Column("entity", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("manager", String(64)),
    Column("roles", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("residence", Integer, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

import_table = Table(
    "directory_import",
    metadata,
    Column("run", RowNumber, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("file", String(128), nullable=False),
    Column("plan", String(128), nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
    Column("event_id", String(36)),  # of the import's own entry, in the row that ends it
)

PEOPLE = SealedTable(
    person_table, key=("id",), people=("id", "manager"), left_out=("name",), in_row=True
)
VERSIONS = SealedTable(version_table, key=("person_id", "version"), people=("person_id", "manager"))
