"""Tables of policy.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import protect, unprotect

revision = "0003_policy"
down_revision = "0002_directory"
branch_labels = None
depends_on = None

_DIGEST = sa.String(71)
_UUID = sa.String(36)
_REGION = sa.String(6)
_PERSON = sa.String(64)

_TABLES = (
    "policy_document",
    "policy_event",
    "policy_floor",
    "policy_change",
    "policy_step",
    "policy_company",
    "policy_stop",
)


def upgrade() -> None:
    _documents_and_events()
    _floors()
    _changes()
    _company()
    _stops()
    protect("policy_document", ("digest",))
    protect("policy_event", ("id",), ("event",))
    protect("policy_floor", ("id",))
    protect("policy_change", ("id",))
    protect(
        "policy_step",
        ("change_id", "seq"),
        ("change_id", "step", "actor"),
        ("change_id", "step", "role"),
    )
    protect("policy_company", ("id",), ("change_id",))
    protect("policy_stop", ("id",), ("stop", "seq"))


def downgrade() -> None:
    for table in reversed(_TABLES):
        unprotect(table)
        if table == "policy_change":
            op.drop_index("ix_policy_change_region", table)
        op.drop_table(table)


def _documents_and_events() -> None:
    op.create_table(
        "policy_document",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_policy_document"),
    )
    op.create_table(
        "policy_event",
        sa.Column("id", RowNumber, nullable=False, autoincrement=True),
        sa.Column("event", _UUID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("region", _REGION),
        sa.Column("digest", _DIGEST),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_event"),
        sa.UniqueConstraint("event", name="uq_policy_event_event"),
    )


def _floors() -> None:
    op.create_table(
        "policy_floor",
        sa.Column("id", RowNumber, nullable=False, autoincrement=True),
        sa.Column("region", _REGION, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("parent", _REGION),
        sa.Column("valid_from", UtcTime(), nullable=False),
        sa.Column("valid_to", UtcTime()),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["policy_document.digest"], name="fk_policy_floor_digest_policy_document"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_floor"),
    )


def _changes() -> None:
    op.create_table(
        "policy_change",
        sa.Column("id", _UUID, nullable=False),
        sa.Column("region", _REGION, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("base", _DIGEST),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("author", _PERSON, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["policy_document.digest"], name="fk_policy_change_digest_policy_document"
        ),
        sa.ForeignKeyConstraint(
            ["base"], ["policy_document.digest"], name="fk_policy_change_base_policy_document"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_change"),
        sa.UniqueConstraint("id", "author", "digest", name="uq_policy_change_id_author_digest"),
    )
    op.create_index("ix_policy_change_region", "policy_change", ["region"])
    op.create_table(
        "policy_step",
        sa.Column("change_id", _UUID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("actor", _PERSON, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("author", _PERSON, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "step <> 'approved' OR actor <> author", name=op.f("ck_policy_step_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["change_id", "author", "digest"],
            ["policy_change.id", "policy_change.author", "policy_change.digest"],
            name="fk_policy_step_change_id_author_digest_policy_change",
        ),
        sa.PrimaryKeyConstraint("change_id", "seq", name="pk_policy_step"),
        sa.UniqueConstraint(
            "change_id", "step", "actor", name="uq_policy_step_change_id_step_actor"
        ),
        sa.UniqueConstraint("change_id", "step", "role", name="uq_policy_step_change_id_step_role"),
    )


def _company() -> None:
    op.create_table(
        "policy_company",
        sa.Column("id", RowNumber, nullable=False, autoincrement=True),
        sa.Column("region", _REGION, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("change_id", _UUID, nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("valid_from", UtcTime(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["policy_document.digest"], name="fk_policy_company_digest_policy_document"
        ),
        sa.ForeignKeyConstraint(
            ["change_id"], ["policy_change.id"], name="fk_policy_company_change_id_policy_change"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_company"),
        sa.UniqueConstraint("change_id", name="uq_policy_company_change_id"),
    )


def _stops() -> None:
    op.create_table(
        "policy_stop",
        sa.Column("id", RowNumber, nullable=False, autoincrement=True),
        sa.Column("stop", _UUID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("region", _REGION, nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("actor", _PERSON, nullable=False),
        sa.Column("proposer", _PERSON),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "step <> 'resumed' OR (proposer IS NOT NULL AND actor <> proposer)",
            name=op.f("ck_policy_stop_two_people"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_policy_stop"),
        sa.UniqueConstraint("stop", "seq", name="uq_policy_stop_stop_seq"),
    )
