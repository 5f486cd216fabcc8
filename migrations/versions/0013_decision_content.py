"""What a decision says besides: a column of decisions, empty for those that there are.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_decision_content"
down_revision = "0012_grants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consent_decision", sa.Column("content", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("consent_decision", "content")
