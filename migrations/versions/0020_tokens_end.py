"""Tokens of devices end once, and so do pairings that wait: from here on their rows are sealed.

An agent asks for another token with its key; whoever was about to pair a laptop begins again.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

from alembic import op

revision = "0020_tokens_end"
down_revision = "0019_policy_seals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _end()


def downgrade() -> None:
    _end()


def _end() -> None:
    for table in ("agent_token", "agent_pairing"):
        op.execute(f"DELETE FROM {table}")
