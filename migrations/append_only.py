"""Triggers for append-only tables, on both databases.

They are prevention: the owner of the file or of the table can drop them. Detection is the signed
tree. Frozen like a migration: a changed rule is a new function, used by a new migration.
"""

from alembic import op


def protect(table: str, *unique: tuple[str, ...]) -> None:
    """Refuse UPDATE, DELETE, TRUNCATE and REPLACE on a table.

    Args:
        table: the table's name.
        unique: the column groups of its primary key and of every other UNIQUE constraint. On SQLite
            an insert that collides with one of them, or with a rowid, is refused before it can
            replace a row, also on a connection that left recursive_triggers off.
    """
    if op.get_bind().dialect.name == "sqlite":
        _protect_sqlite(table, unique)
    else:
        _protect_postgresql(table)


def unprotect(table: str) -> None:
    """Drop what ``protect`` made (for downgrades only)."""
    if op.get_bind().dialect.name == "sqlite":
        for what in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER IF EXISTS {table}_no_{what}")
    else:
        for what in ("change", "truncate"):
            op.execute(f"DROP TRIGGER IF EXISTS {table}_no_{what} ON {table}")


def create_refusal() -> None:
    """Create the function that PostgreSQL's triggers call."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION habeas_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )


def drop_refusal() -> None:
    """Drop it (for downgrades only)."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION habeas_refuse()")


def _protect_sqlite(table: str, unique: tuple[tuple[str, ...], ...]) -> None:
    refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            f"BEGIN {refusal}; END"
        )
    collisions = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE "
        + " AND ".join(f"{column} = NEW.{column}" for column in columns)
        + ")"
        for columns in (("rowid",), *unique)  # rowid: -1 while it is still to be assigned
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {collisions} "
        f"BEGIN {refusal}; END"
    )


def _protect_postgresql(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION habeas_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION habeas_refuse()"
    )
    for what in ("change", "truncate"):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{what}")
