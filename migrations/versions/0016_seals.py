"""Seals of rows: next to tables that only grow, in the rows of tables that change.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect, unprotect

revision = "0016_seals"
down_revision = "0015_excluded_places"
branch_labels = None
depends_on = None

_IN_ROW = (
    "agent_pairing",
    "agent_token",
    "audit_head",
    "audit_pending",
    "person",
    "person_session",
)
_KEY = ("table_name", "row_key", "key_id")


def upgrade() -> None:
    op.create_table(
        "row_seal",
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_row_seal")),
    )
    protect("row_seal", _KEY)
    for table in _IN_ROW:
        op.add_column(table, sa.Column("seal", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    for table in reversed(_IN_ROW):
        op.drop_column(table, "seal")
    unprotect("row_seal")
    op.drop_table("row_seal")
