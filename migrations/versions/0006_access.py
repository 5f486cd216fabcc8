"""Tables of access.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect

revision = "0006_access"
down_revision = "0005_agents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_consumer",
        sa.Column("row", RowNumber, nullable=False),
        sa.Column("consumer_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("purposes", sa.Text, nullable=False),
        sa.Column("functions", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("registered_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_access_consumer")),
        sa.UniqueConstraint(
            "consumer_id", "version", name=op.f("uq_access_consumer_consumer_id_version")
        ),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_access_consumer_secret_sha256")),
    )
    protect("access_consumer", ("row",), ("consumer_id", "version"), ("secret_sha256",))
    op.create_table(
        "access_decision",
        sa.Column("row", RowNumber, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("consumer_id", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=True),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("decided_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_access_decision")),
        sa.UniqueConstraint(
            "event_id", "person_id", name=op.f("uq_access_decision_event_id_person_id")
        ),
    )
    op.create_index("ix_access_decision_person_id_row", "access_decision", ["person_id", "row"])
    op.create_table(
        "access_purposes",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("adopted_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_purposes")),
    )
    protect("access_purposes", ("digest",))


def downgrade() -> None:
    unprotect("access_purposes")
    op.drop_table("access_purposes")
    op.drop_index("ix_access_decision_person_id_row", "access_decision")
    op.drop_table("access_decision")
    unprotect("access_consumer")
    op.drop_table("access_consumer")
