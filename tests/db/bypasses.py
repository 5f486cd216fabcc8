"""The ways around an append-only table, as data: who tries what, on which database.

``cover`` puts the guards back afterwards, as somebody would who does not want to be noticed: then
the self-test at start sees nothing, and the signed tree has to.
"""

from dataclasses import dataclass

_CHANGE = "UPDATE audit_leaf SET entry = (SELECT entry FROM audit_leaf WHERE idx = 2) WHERE idx = 3"
_GUARD_PG = (
    (
        "CREATE TRIGGER audit_leaf_no_change BEFORE UPDATE OR DELETE ON audit_leaf "
        "FOR EACH ROW EXECUTE FUNCTION habeas_refuse()"
    ),
    "ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_no_change",
)
_NOTHING = (
    "CREATE OR REPLACE FUNCTION habeas_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
)
_REFUSE = (
    "CREATE OR REPLACE FUNCTION habeas_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME "
    "USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
_NEXT = "(SELECT max(idx) FROM audit_leaf)"
_COPY = (
    "SELECT {idx}, 'x', entry, leaf_hash, kind, actor, purpose, outcome, occurred_at "
    "FROM audit_leaf WHERE idx = 0"
)


@dataclass(frozen=True)
class Bypass:
    """One way, and its statements on each database; empty where it does not exist there."""

    name: str
    postgresql: tuple[str, ...] = ()
    sqlite: tuple[str, ...] = ()


def both(name: str, *statements: str) -> Bypass:
    return Bypass(name, statements, statements)


def guard(table: str, moment: str) -> str:
    """The plain trigger of SQLite, to drop and to put back."""
    return (
        f"CREATE TRIGGER {table}_no_{moment} BEFORE {moment.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


BYPASSES = (
    both("UPDATE an entry", _CHANGE),
    both("DELETE an entry", "DELETE FROM audit_leaf WHERE idx = 3"),
    both("DELETE the newest entries", "DELETE FROM audit_leaf WHERE idx > 10"),
    Bypass("TRUNCATE the log", ("TRUNCATE audit_leaf CASCADE",), ("DELETE FROM audit_leaf",)),
    both("UPDATE a checkpoint", "UPDATE audit_checkpoint SET note = 'x'"),
    Bypass(
        "REPLACE an entry",
        (),
        (
            "PRAGMA recursive_triggers = OFF",
            (
                "INSERT OR REPLACE INTO audit_leaf "
                "SELECT idx, event_id, entry || entry, leaf_hash, kind, actor, purpose, outcome, "
                "occurred_at FROM audit_leaf WHERE idx = 3"
            ),
        ),
    ),
    both(
        "Upsert over an entry",
        "INSERT INTO audit_leaf (idx, event_id, entry, leaf_hash, kind, actor, occurred_at) "
        "SELECT idx, event_id, entry, leaf_hash, kind, actor, occurred_at FROM audit_leaf "
        "WHERE idx = 3 ON CONFLICT (idx) DO UPDATE SET kind = 'log.read'",
    ),
    both(
        "Leave a gap in the index",
        f"INSERT INTO audit_leaf {_COPY.format(idx=_NEXT + ' + 2')}",
    ),
    both("Number an entry out of order", f"INSERT INTO audit_leaf {_COPY.format(idx='-1')}"),
    both(
        "Append an entry by hand",
        f"INSERT INTO audit_leaf {_COPY.format(idx=_NEXT + ' + 1')}",
    ),
    both("DELETE a submission that waits", "DELETE FROM audit_pending"),
    both("UPDATE a submission that waits", "UPDATE audit_pending SET submission = 'x'"),
    both("Set the head back", "UPDATE audit_head SET size = 5 WHERE id = 1"),
    both("DELETE somebody's decisions", "DELETE FROM consent_decision"),
    both(
        "Pretend an erasure",
        "INSERT INTO audit_erasure (pseudonym, event_id, keys, bodies, erased_at) "
        "SELECT pseudonym, 'x', 1, 1, '2026-11-22' FROM audit_subject",
        "DELETE FROM consent_decision",
    ),
    Bypass(
        "Shadow a table by a temporary one",
        (
            "CREATE TEMPORARY TABLE audit_leaf AS SELECT event_id FROM audit_pending",
            "DELETE FROM public.audit_pending",
        ),
        (
            "CREATE TEMPORARY TABLE audit_leaf AS SELECT event_id FROM audit_pending",
            "DELETE FROM main.audit_pending",
        ),
    ),
    Bypass(
        "Drop a trigger, change an entry",
        ("DROP TRIGGER audit_leaf_no_change ON audit_leaf", _CHANGE),
        ("DROP TRIGGER audit_leaf_no_update", _CHANGE),
    ),
    Bypass(
        "Drop a trigger, change an entry, put the trigger back",
        ("DROP TRIGGER audit_leaf_no_change ON audit_leaf", _CHANGE, *_GUARD_PG),
        ("DROP TRIGGER audit_leaf_no_update", _CHANGE, guard("audit_leaf", "update")),
    ),
    Bypass(
        "Disable a trigger, change an entry, enable it again",
        (
            "ALTER TABLE audit_leaf DISABLE TRIGGER USER",
            _CHANGE,
            "ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_no_change",
            "ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_no_truncate",
            "ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_follows",
        ),
    ),
    Bypass("Replace the trigger's function, change an entry", (_NOTHING, _CHANGE)),
    Bypass(
        "Replace the trigger's function, change an entry, put the function back",
        (_NOTHING, _CHANGE, _REFUSE),
    ),
    Bypass(
        "Change an entry as a replica (session_replication_role)",
        ("SET session_replication_role = replica", _CHANGE),
    ),
    Bypass(
        "Add a rule that swallows statements",
        ("CREATE RULE quiet AS ON INSERT TO audit_tile DO INSTEAD NOTHING",),
    ),
    Bypass(
        "ALTER COLUMN TYPE … USING another value",
        (
            (
                "ALTER TABLE audit_leaf ALTER COLUMN entry TYPE bytea "
                "USING convert_to(replace(convert_from(entry, 'UTF8'), '2026-', '2025-'), 'UTF8')"
            ),
        ),
    ),
    Bypass(
        "Grant the app the right to UPDATE",
        ("GRANT UPDATE ON audit_leaf TO {prefix}_app",),
    ),
    Bypass(
        "Drop the table",
        ("DROP TABLE audit_leaf CASCADE",),
        ("DROP TABLE audit_leaf",),
    ),
    Bypass(
        "Rename the table, put a changed copy in its place",
        (
            "ALTER TABLE audit_leaf RENAME TO aside",
            "CREATE TABLE audit_leaf AS SELECT * FROM aside WHERE idx <> 3",
        ),
        (
            "ALTER TABLE audit_leaf RENAME TO aside",
            "CREATE TABLE audit_leaf AS SELECT * FROM aside WHERE idx <> 3",
        ),
    ),
    Bypass(
        "Drop a trigger and delete a submission, put the trigger back",
        (
            "ALTER TABLE audit_pending DISABLE TRIGGER USER",
            "DELETE FROM audit_pending",
            "ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_pending_is_integrated",
            "ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_pending_no_update",
            "ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_pending_no_truncate",
        ),
        (
            "DROP TRIGGER audit_pending_is_integrated",
            "DELETE FROM audit_pending",
            (
                "CREATE TRIGGER audit_pending_is_integrated BEFORE DELETE ON audit_pending "
                "WHEN NOT EXISTS (SELECT 1 FROM audit_leaf WHERE event_id = OLD.event_id) "
                "BEGIN SELECT RAISE(ABORT, 'a submission leaves only as a leaf'); END"
            ),
        ),
    ),
    Bypass(
        "Cut the tail off consistently: leaves, head, checkpoints, and put the triggers back",
        (
            *(
                f"ALTER TABLE {table} DISABLE TRIGGER USER"
                for table in ("audit_leaf", "audit_checkpoint", "audit_head")
            ),
            "DELETE FROM audit_checkpoint WHERE size > {cut}",
            "DELETE FROM audit_leaf WHERE idx >= {cut}",
            "UPDATE audit_head SET size = {cut}, root = {root}, frontier = {frontier}",
            *(
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}"
                for table, names in (
                    ("audit_leaf", ("no_change", "no_truncate", "follows")),
                    ("audit_checkpoint", ("no_change", "no_truncate")),
                    ("audit_head", ("grows", "no_delete", "no_truncate")),
                )
                for name in names
            ),
        ),
        (
            "DROP TRIGGER audit_leaf_no_delete",
            "DROP TRIGGER audit_checkpoint_no_delete",
            "DROP TRIGGER audit_head_grows",
            "DELETE FROM audit_checkpoint WHERE size > {cut}",
            "DELETE FROM audit_leaf WHERE idx >= {cut}",
            "UPDATE audit_head SET size = {cut}, root = {root}, frontier = {frontier}",
            guard("audit_leaf", "delete"),
            guard("audit_checkpoint", "delete"),
            (
                "CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head "
                "WHEN NEW.id <> OLD.id OR NEW.size <= OLD.size "
                "BEGIN SELECT RAISE(ABORT, 'the log only grows'); END"
            ),
        ),
    ),
    Bypass(
        "Take a trigger out of the schema table",
        (),
        (
            "PRAGMA writable_schema = ON",
            "DELETE FROM sqlite_schema WHERE name = 'audit_leaf_no_update'",
        ),
    ),
    Bypass("Edit the file's bytes", (), ("bytes",)),
    Bypass("Put an older copy of the database in its place", ("copy",), ("copy",)),
    Bypass("Put an older copy of database and lock store in their place", ("both",), ("both",)),
)
