"""Sessions end once: from here on they are found by a keyed digest, and each row has its seal.

The rows of before are found by nobody any more; people sign in again. A session knows the event by
which it began, so that the log's entry about its end can name it.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_sessions_end"
down_revision = "0016_seals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM person_session")
    op.add_column("person_session", sa.Column("event_id", sa.String(64), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM person_session")
    op.drop_column("person_session", "event_id")
