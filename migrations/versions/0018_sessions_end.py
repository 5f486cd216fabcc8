"""Sessions end once: from here on they are found by a keyed digest, and each row has its seal.

The rows of before are found by nobody any more; people sign in again.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

from alembic import op

revision = "0018_sessions_end"
down_revision = "0016_seals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM person_session")


def downgrade() -> None:
    op.execute("DELETE FROM person_session")
