"""How long the secret of a consumer before the newest opens, too: a column, empty until rotated.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime

revision = "0021_consumer_overlap"
down_revision = "0020_tokens_end"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_consumer", sa.Column("overlap_until", UtcTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("access_consumer", "overlap_until")
