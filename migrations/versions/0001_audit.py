"""Tables of audit, and the triggers that let the log only grow.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from migrations.append_only import create_refusal, drop_refusal, protect, unprotect

revision = "0001_audit"
down_revision = None
branch_labels = None
depends_on = None

# Table, then its primary key and every other unique group (SQLite must guard each against REPLACE).
APPEND_ONLY: dict[str, tuple[tuple[str, ...], ...]] = {
    "audit_leaf": (("idx",), ("event_id",)),
    "audit_leaf_subject": (("pseudonym", "idx"),),
    "audit_tile": (("level", "n"),),
    "audit_checkpoint": (("size",),),
    "audit_body": (("event_id",),),
}
TABLES = (*APPEND_ONLY, "audit_pending", "audit_head", "audit_stream", "audit_subject")


def upgrade() -> None:
    create_refusal()
    _create_log()
    _create_state()
    for table, unique in APPEND_ONLY.items():
        protect(table, *unique)
    if op.get_bind().dialect.name == "sqlite":
        _grow_only_sqlite()
    else:
        _grow_only_postgresql()


def downgrade() -> None:
    for table in APPEND_ONLY:
        unprotect(table)
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("leaf_follows", "pending_is_integrated", "head_grows"):
            op.execute(f"DROP FUNCTION audit_{function}()")
    drop_refusal()


def _create_log() -> None:
    op.create_table(
        "audit_leaf",
        sa.Column("idx", RowNumber, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_audit_leaf")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_leaf_event_id")),
    )
    for column in ("kind", "actor", "purpose", "outcome"):
        op.create_index(op.f(f"ix_audit_leaf_{column}_idx"), "audit_leaf", [column, "idx"])
    op.create_table(
        "audit_leaf_subject",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("idx", RowNumber, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "idx", name=op.f("pk_audit_leaf_subject")),
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", RowNumber, autoincrement=False, nullable=False),
        sa.Column("n", RowNumber, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name=op.f("pk_audit_tile")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_body",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_body")),
    )


def _create_state() -> None:
    op.create_table(
        "audit_pending",
        sa.Column("pid", RowNumber, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint("pid > 0", name=op.f("ck_audit_pending_pid")),
        sa.PrimaryKeyConstraint("pid", name=op.f("pk_audit_pending")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_pending_event_id")),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", RowNumber, autoincrement=False, nullable=False),
        sa.Column("size", RowNumber, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    empty_root = hashlib.sha256(b"").digest()  # RFC 6962 §2.1
    op.bulk_insert(head, [{"id": 1, "size": 0, "root": empty_root, "frontier": b""}])
    op.create_table(
        "audit_stream",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("last_seq", RowNumber, nullable=False),
        sa.Column("last_idx", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_audit_stream")),
    )
    op.create_table(
        "audit_subject",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_audit_subject")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_audit_subject_pseudonym")),
    )


def _grow_only_sqlite() -> None:
    for name, moment, condition, problem in (
        (
            "audit_leaf_follows",
            "INSERT ON audit_leaf",
            "NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf)",
            "an entry takes the next index",
        ),
        ("audit_pending_no_update", "UPDATE ON audit_pending", "1", "a submission stands"),
        (
            "audit_pending_is_integrated",
            "DELETE ON audit_pending",
            "NOT EXISTS (SELECT 1 FROM audit_leaf WHERE event_id = OLD.event_id)",
            "a submission leaves only as a leaf",
        ),
        (
            "audit_pending_no_replace",
            "INSERT ON audit_pending",
            "EXISTS (SELECT 1 FROM audit_pending WHERE event_id = NEW.event_id OR pid = NEW.pid)",
            "a submission stands",
        ),
        (
            "audit_head_grows",
            "UPDATE ON audit_head",
            "NEW.id <> OLD.id OR NEW.size <= OLD.size",
            "the log only grows",
        ),
        ("audit_head_no_delete", "DELETE ON audit_head", "1", "the log only grows"),
        (
            "audit_head_no_replace",
            "INSERT ON audit_head",
            "EXISTS (SELECT 1 FROM audit_head)",
            "the log has one head",
        ),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {moment} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{problem}'); END"
        )


def _grow_only_postgresql() -> None:
    for name, condition, problem in (
        (
            "leaf_follows",
            "NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf)",
            "an entry takes the next index",
        ),
        (
            "pending_is_integrated",
            "NOT EXISTS (SELECT 1 FROM audit_leaf WHERE event_id = OLD.event_id)",
            "a submission leaves only as a leaf",
        ),
        ("head_grows", "NEW.id <> OLD.id OR NEW.size <= OLD.size", "the log only grows"),
    ):
        op.execute(
            f"CREATE FUNCTION audit_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{problem}' "
            "USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        )
    for table, name, moment, each, function in (
        ("audit_leaf", "follows", "INSERT", "ROW", "audit_leaf_follows"),
        ("audit_pending", "no_update", "UPDATE", "ROW", "habeas_refuse"),
        ("audit_pending", "is_integrated", "DELETE", "ROW", "audit_pending_is_integrated"),
        ("audit_pending", "no_truncate", "TRUNCATE", "STATEMENT", "habeas_refuse"),
        ("audit_head", "grows", "UPDATE", "ROW", "audit_head_grows"),
        ("audit_head", "no_delete", "DELETE", "ROW", "habeas_refuse"),
        ("audit_head", "no_truncate", "TRUNCATE", "STATEMENT", "habeas_refuse"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {moment} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION {function}()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}")
