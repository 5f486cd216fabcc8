"""Steps of catalogues on their way into force.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect
from migrations.erasable import Erasable, close_for_erasure, open_for_erasure

revision = "0014_catalogue"
down_revision = "0013_decision_content"
branch_labels = None
depends_on = None

_TABLE = "policy_catalogue_step"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", RowNumber, nullable=False, autoincrement=True),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("base", sa.String(71), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("proposer", sa.String(64)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "step <> 'approved' OR (proposer IS NOT NULL AND actor <> proposer)",
            name=op.f("ck_policy_catalogue_step_two_people"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["policy_document.digest"],
                name=f"fk_{_TABLE}_{column}_policy_document",
            )
            for column in ("digest", "base")
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
    )
    protect(_TABLE, ("id",))
    open_for_erasure(
        _TABLE,
        Erasable(
            renamed=("actor", "proposer"),
            rest=("id", "digest", "base", "step", "at"),
            note="note",
        ),
    )


def downgrade() -> None:
    close_for_erasure(_TABLE)
    unprotect(_TABLE)
    op.drop_table(_TABLE)
