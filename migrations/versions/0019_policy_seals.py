"""By the event of its entry a row of policy is called, and its seal with it.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from migrations.erasable import Erasable, close_for_erasure, open_for_erasure

revision = "0019_policy_seals"
down_revision = "0018_sessions_end"
branch_labels = None
depends_on = None

_TABLES = ("audit_adopted", "policy_catalogue_step", "policy_floor", "policy_step", "policy_stop")
_REST = {
    "policy_catalogue_step": ("id", "digest", "base", "step", "at"),
    "policy_stop": ("id", "stop", "seq", "region", "step", "at"),
}


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("event_id", sa.String(36), nullable=True))
    _open(("event_id",))


def downgrade() -> None:
    _open(())
    for table in reversed(_TABLES):
        op.drop_column(table, "event_id")


def _open(more: tuple[str, ...]) -> None:
    """Let erasure change people and notes in these rows, and nothing else."""
    for table, rest in _REST.items():
        close_for_erasure(table)
        renamed = ("actor", "proposer")
        open_for_erasure(table, Erasable(renamed=renamed, rest=(*rest, *more), note="note"))
