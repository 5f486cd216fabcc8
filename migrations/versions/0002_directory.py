"""Tables of directory.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime
from migrations.append_only import protect, unprotect

revision = "0002_directory"
down_revision = "0001_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("place", sa.String(6), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("manager", sa.String(64)),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("residence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["manager"],
            ["person.id"],
            name="fk_person_manager_person",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("email", name="uq_person_email"),
    )
    op.create_index("ix_person_manager", "person", ["manager"])
    op.create_table(
        "person_version",
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("place", sa.String(6), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("manager", sa.String(64)),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("residence", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_version_person_id_person"
        ),
        sa.PrimaryKeyConstraint("person_id", "version", name="pk_person_version"),
    )
    protect("person_version", ("person_id", "version"))


def downgrade() -> None:
    unprotect("person_version")
    op.drop_table("person_version")
    op.drop_index("ix_person_manager", "person")
    op.drop_table("person")
