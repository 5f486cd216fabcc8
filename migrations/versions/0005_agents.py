"""Tables of agents.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect

revision = "0005_agents"
down_revision = "0004_consent"
branch_labels = None
depends_on = None

_APPEND_ONLY = {
    "agent_device": ("device_id",),
    "agent_revocation": ("device_id",),
    "agent_lease": ("device_id", "seq"),
    "agent_report": ("device_id", "report_id"),
    "agent_report_allowed": ("device_id", "report_id", "app", "signal"),
    "agent_report_refused": ("device_id", "report_id", "reason"),
}


def upgrade() -> None:
    _create_doors()
    _create_ledger()
    for table, key in _APPEND_ONLY.items():
        protect(table, key)


def downgrade() -> None:
    for table in reversed(_APPEND_ONLY):
        unprotect(table)
    for table in (
        "agent_report_refused",
        "agent_report_allowed",
        "agent_report",
        "agent_lease",
        "assertion_jti",
        "agent_token",
        "agent_revocation",
        "agent_device",
        "agent_pairing",
    ):
        op.drop_table(table)


def _create_doors() -> None:
    op.create_table(
        "agent_pairing",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("device_code", sa.String(64), nullable=False),
        sa.Column("user_code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("public", sa.String(64), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("polled_at", UtcTime(), nullable=True),
        sa.Column("approved_at", UtcTime(), nullable=True),
        sa.Column("redeemed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_agent_pairing")),
        sa.UniqueConstraint("device_code", name=op.f("uq_agent_pairing_device_code")),
        sa.UniqueConstraint("user_code", name=op.f("uq_agent_pairing_user_code")),
    )
    op.create_index("ix_agent_pairing_expires_at", "agent_pairing", ["expires_at"])
    op.create_table(
        "agent_device",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("public", sa.String(64), nullable=False),
        sa.Column("paired_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_agent_device")),
    )
    op.create_index("ix_agent_device_person_id", "agent_device", ["person_id"])
    op.create_table(
        "agent_revocation",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_agent_revocation")),
        _of_device("agent_revocation"),
    )
    op.create_table(
        "agent_token",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_agent_token")),
        _of_device("agent_token"),
    )
    op.create_index("ix_agent_token_expires_at", "agent_token", ["expires_at"])
    op.create_table(
        "assertion_jti",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("jti", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "jti", name=op.f("pk_assertion_jti")),
    )
    op.create_index("ix_assertion_jti_expires_at", "assertion_jti", ["expires_at"])


def _create_ledger() -> None:
    op.create_table(
        "agent_lease",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("seq", RowNumber, autoincrement=False, nullable=False),
        sa.Column("content", sa.String(80), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "seq", name=op.f("pk_agent_lease")),
        _of_device("agent_lease"),
    )
    op.create_table(
        "agent_report",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("body", sa.String(80), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "report_id", name=op.f("pk_agent_report")),
        _of_device("agent_report"),
    )
    op.create_table(
        "agent_report_allowed",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("app", sa.String(64), nullable=False),
        sa.Column("signal", sa.String(32), nullable=False),
        sa.Column("events", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint(
            "device_id", "report_id", "app", "signal", name=op.f("pk_agent_report_allowed")
        ),
        _of_report("agent_report_allowed"),
    )
    op.create_table(
        "agent_report_refused",
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("report_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("events", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint(
            "device_id", "report_id", "reason", name=op.f("pk_agent_report_refused")
        ),
        _of_report("agent_report_refused"),
    )


def _of_device(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["device_id"],
        ["agent_device.device_id"],
        name=op.f(f"fk_{table}_device_id_agent_device"),
    )


def _of_report(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["device_id", "report_id"],
        ["agent_report.device_id", "agent_report.report_id"],
        name=op.f(f"fk_{table}_device_id_agent_report"),
    )
