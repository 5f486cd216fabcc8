"""Tables of sessions.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime

revision = "0007_sessions"
down_revision = "0006_access"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_session",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("csrf", sa.String(43), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_session_person_id_person"
        ),
        sa.PrimaryKeyConstraint("token_digest", name="pk_person_session"),
    )
    op.create_index("ix_person_session_person_id", "person_session", ["person_id"])


def downgrade() -> None:
    op.drop_index("ix_person_session_person_id", "person_session")
    op.drop_table("person_session")
