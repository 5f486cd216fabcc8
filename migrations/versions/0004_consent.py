"""Tables of consent.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import sqlalchemy as sa
from alembic import op

from app.db.metadata import UtcTime
from migrations.append_only import protect, unprotect

revision = "0004_consent"
down_revision = "0003_policy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_notice_text()
    _create_notice_shown()
    _create_consent_decision()


def downgrade() -> None:
    for table in ("consent_decision", "notice_shown", "notice_text"):
        unprotect(table)
        op.drop_table(table)


def _create_notice_text() -> None:
    op.create_table(
        "notice_text",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("notice_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("adopted_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_notice_text"),
        sa.UniqueConstraint(
            "notice_id", "version", "language", name="uq_notice_text_notice_id_version_language"
        ),
    )
    protect("notice_text", ("digest",), ("notice_id", "version", "language"))


def _create_notice_shown() -> None:
    op.create_table(
        "notice_shown",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("notice_digest", sa.String(71), nullable=False),
        sa.Column("offer_digest", sa.String(71), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("shown_at", UtcTime(), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_notice_shown_person_id_person"
        ),
        sa.ForeignKeyConstraint(
            ["notice_digest"],
            ["notice_text.digest"],
            name="fk_notice_shown_notice_digest_notice_text",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice_shown"),
        sa.UniqueConstraint(
            "person_id",
            "notice_digest",
            "offer_digest",
            name="uq_notice_shown_person_id_notice_digest_offer_digest",
        ),
    )
    protect("notice_shown", ("id",), ("person_id", "notice_digest", "offer_digest"))


def _create_consent_decision() -> None:
    op.create_table(
        "consent_decision",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("residence", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.String(64)),
        sa.Column("notice_version", sa.Integer()),
        sa.Column("notice_language", sa.String(2)),
        sa.Column("notice_digest", sa.String(71)),
        sa.Column("shown_id", sa.String(36)),
        sa.Column("offer_digest", sa.String(71)),
        sa.Column("signals", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("apps", sa.Text(), nullable=False),
        sa.Column("until", UtcTime()),
        sa.Column("valid_until", UtcTime()),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_consent_decision_person_id_person"
        ),
        sa.ForeignKeyConstraint(
            ["shown_id"], ["notice_shown.id"], name="fk_consent_decision_shown_id_notice_shown"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_decision"),
        sa.UniqueConstraint("person_id", "seq", name="uq_consent_decision_person_id_seq"),
    )
    protect("consent_decision", ("id",), ("person_id", "seq"))
