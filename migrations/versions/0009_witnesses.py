"""Tables of cosignatures of witnesses.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect

revision = "0009_witnesses"
down_revision = "0008_sequencing"
branch_labels = None
depends_on = None

# Table, then its primary key (SQLite must guard it against REPLACE).
APPEND_ONLY = {
    "audit_cosignature": ("size", "witness", "time"),
    "audit_quorum": ("policy", "size"),
    "audit_witness_alarm": ("witness", "what", "size"),
}


def upgrade() -> None:
    op.create_table(
        "audit_cosignature",
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("time", RowNumber, autoincrement=False, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", "time", name=op.f("pk_audit_cosignature")),
    )
    op.create_index(
        op.f("ix_audit_cosignature_witness_size_time"),
        "audit_cosignature",
        ["witness", "size", "time"],
    )
    op.create_table(
        "audit_quorum",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("met_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "size", name=op.f("pk_audit_quorum")),
    )
    op.create_table(
        "audit_witness_alarm",
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("raised_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("witness", "what", "size", name=op.f("pk_audit_witness_alarm")),
    )
    for table, key in APPEND_ONLY.items():
        protect(table, key)


def downgrade() -> None:
    for table in APPEND_ONLY:
        unprotect(table)
        op.drop_table(table)
