"""Tables of erasure, and what the triggers of tables that name people let through for it.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect
from migrations.erasable import (
    Erasable,
    close_for_erasure,
    create_functions,
    drop_functions,
    open_for_erasure,
    pin,
    require_entry,
    unpin,
)

revision = "0010_erasure"
down_revision = "0009_witnesses"
branch_labels = None
depends_on = None

_ERASABLE = {
    "audit_body": Erasable(pseudonym="owner"),
    "audit_subject": Erasable(pseudonym="pseudonym"),
    "person_version": Erasable(
        people=("person_id",),
        renamed=("manager",),
        rest=(
            "person_id", "version", "region", "place", "entity", "department", "roles", "active",
            "residence", "recorded_at",
        ),
    ),
    "notice_shown": Erasable(people=("person_id",)),
    "consent_decision": Erasable(people=("person_id",)),
    "agent_device": Erasable(people=("person_id",)),
    "agent_revocation": Erasable(device=True),
    "agent_lease": Erasable(device=True),
    "agent_report": Erasable(device=True),
    "agent_report_allowed": Erasable(device=True),
    "agent_report_refused": Erasable(device=True),
    "policy_change": Erasable(
        renamed=("author",),
        rest=("id", "region", "digest", "base", "direction", "created_at"),
        note="note",
    ),
    # Its author is tied to the change's: a step is taken out, and written again under a pseudonym.
    "policy_step": Erasable(people=("actor", "author")),
    "policy_stop": Erasable(
        renamed=("actor", "proposer"),
        rest=("id", "stop", "seq", "region", "step", "at"),
        note="note",
    ),
}  # fmt: skip
_OLDER_FUNCTIONS = ("leaf_follows", "pending_is_integrated", "head_grows")


def upgrade() -> None:
    op.create_table(
        "audit_erasure",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("keys", RowNumber, nullable=False),
        sa.Column("bodies", RowNumber, nullable=False),
        sa.Column("erased_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_audit_erasure")),
    )
    protect("audit_erasure", ("pseudonym",))
    op.create_table(
        "consent_offer",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_consent_offer")),
    )
    protect("consent_offer", ("digest",))
    protect("audit_subject", ("person_id",), ("pseudonym",))
    create_functions()
    require_entry()
    for table, what in _ERASABLE.items():
        open_for_erasure(table, what)
    if op.get_bind().dialect.name == "postgresql":
        for function in _OLDER_FUNCTIONS:
            pin(f"audit_{function}()")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for function in _OLDER_FUNCTIONS:
            unpin(f"audit_{function}()")
    for table in _ERASABLE:
        close_for_erasure(table)
    unprotect("audit_subject")
    for table in ("consent_offer", "audit_erasure"):
        unprotect(table)
        op.drop_table(table)
    drop_functions()
