"""Tables of grants and what was done with them.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime
from migrations.append_only import protect, unprotect

revision = "0012_grants"
down_revision = "0011_regions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_grant",
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("consumer_id", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name="pk_access_grant"),
    )
    protect("access_grant", ("grant_id",))
    op.create_table(
        "access_use",
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(71), nullable=True),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.grant_id"], name="fk_access_use_grant_id_access_grant"
        ),
        sa.PrimaryKeyConstraint("grant_id", name="pk_access_use"),
    )
    protect("access_use", ("grant_id",))


def downgrade() -> None:
    unprotect("access_use")
    op.drop_table("access_use")
    unprotect("access_grant")
    op.drop_table("access_grant")
