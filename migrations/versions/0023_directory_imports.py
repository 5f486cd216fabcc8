"""How far an import of people came: a row for each piece.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect

revision = "0023_directory_imports"
down_revision = "0022_strangers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_import",
        sa.Column("run", RowNumber, autoincrement=False, nullable=False),
        sa.Column("piece", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file", sa.String(128), nullable=False),
        sa.Column("plan", sa.String(128), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("applied_at", UtcTime(), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("run", "piece", name=op.f("pk_directory_import")),
    )
    protect("directory_import", ("run", "piece"))


def downgrade() -> None:
    unprotect("directory_import")
    op.drop_table("directory_import")
