"""Where laptops report that they dropped what was excluded.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber
from migrations.append_only import protect, unprotect
from migrations.erasable import Erasable, close_for_erasure, open_for_erasure

revision = "0015_excluded_places"
down_revision = "0014_catalogue"
branch_labels = None
depends_on = None

_TABLE = "agent_report_excluded"
_KEY = ("device_id", "report_id", "exclusion")


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("exclusion", sa.String(80), nullable=False),
        sa.Column("events", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f(f"pk_{_TABLE}")),
        sa.ForeignKeyConstraint(
            ["device_id", "report_id"],
            ["agent_report.device_id", "agent_report.report_id"],
            name=op.f(f"fk_{_TABLE}_device_id_agent_report"),
        ),
    )
    protect(_TABLE, _KEY)
    open_for_erasure(_TABLE, Erasable(device=True))


def downgrade() -> None:
    close_for_erasure(_TABLE)
    unprotect(_TABLE)
    op.drop_table(_TABLE)
