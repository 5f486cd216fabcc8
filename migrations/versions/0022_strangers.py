"""Codes that wait to be typed, wrong codes, counts of tokens; a pairing has a row when approved.

Pairings that wait end once: whoever was about to pair a laptop begins again.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime

revision = "0022_strangers"
down_revision = "0021_consumer_overlap"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM agent_pairing")
    _codes()
    op.create_table(
        "pairing_guess",
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_pairing_guess")),
    )
    op.create_index("ix_pairing_guess_last_at", "pairing_guess", ["last_at"])
    op.create_table(
        "agent_token_count",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("said_at", UtcTime(), nullable=True),
        sa.Column("unsaid", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["agent_device.device_id"],
            name=op.f("fk_agent_token_count_device_id_agent_device"),
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_agent_token_count")),
    )
    op.create_index("ix_agent_token_count_said_at", "agent_token_count", ["said_at"])


def _codes() -> None:
    op.create_table(
        "pairing_code",
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("code_start", sa.String(64), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(800), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_pairing_code")),
    )
    for column in ("code_start", "bucket", "expires_at"):
        op.create_index(f"ix_pairing_code_{column}", "pairing_code", [column])


def downgrade() -> None:
    op.execute("DELETE FROM agent_pairing")
    for table in ("agent_token_count", "pairing_guess", "pairing_code"):
        op.drop_table(table)
