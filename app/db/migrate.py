"""Bring a database to the schema of this code (Alembic, run in process)."""

from collections.abc import Iterable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.db.engine import Database
from app.kernel.errors import Unavailable

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def alembic_config(database: Database) -> Config:
    """Alembic's configuration for an open database."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = database.engine
    return config


def migrate(database: Database) -> None:
    """Upgrade to the newest schema; does nothing where it is in place.

    Raises:
        Unavailable: a newer program has brought the database up to its schema (kind ``schema``).
    """
    _require_known(_revisions(database))
    command.upgrade(alembic_config(database), "head")


def newest() -> str:
    """The newest revision of this program: files of migrations are called by their revisions."""
    return max(_known())


def _known() -> frozenset[str]:
    return frozenset(file.stem for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revisions(database: Database) -> tuple[str, ...]:
    with database.engine.connect() as connection:
        return tuple(MigrationContext.configure(connection).get_current_heads())


def _require_known(revisions: Iterable[str]) -> None:
    """Refuse a schema that this program is older than: it would misread the tables."""
    newer = sorted(set(revisions) - _known())
    if newer:
        raise Unavailable(
            f"this program is older than the database: it knows schemas up to {newest()}, the "
            f"database has {', '.join(newer)}",
            cure="Start the newer program again. To go back to this one, see docs/operate.md, "
            "Roll back. Nothing was changed.",
            kind="schema",
        )


def bring_up(database: Database) -> None:
    """Upgrade where this role owns the tables; else see that somebody did.

    No migration is loaded where the schema is in place, as it is at nearly every start.

    Raises:
        Unavailable: the schema is newer than this code, or older and this role may not change it
            (kind ``schema``).
    """
    revisions = _revisions(database)
    if revisions == (newest(),):
        return
    _require_known(revisions)
    if not _may_migrate(database):
        raise Unavailable(
            f"the database has the schema {', '.join(revisions) or 'of nothing'}, "
            f"this program needs {newest()}",
            cure="Run habeas database upgrade, which migrates as the owner of the tables.",
            kind="schema",
        )
    migrate(database)


def _may_migrate(database: Database) -> bool:
    """Whether this role owns the tables, or may make them where there are none."""
    if database.dialect == "sqlite":
        return True
    with database.engine.connect() as connection:
        owns = connection.execute(
            text(
                "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class "
                "WHERE relname = 'alembic_version' "
                "AND relnamespace = current_schema()::regnamespace"
            )
        ).scalar()
        if owns is None:
            owns = connection.execute(
                text("SELECT has_schema_privilege(current_schema(), 'CREATE')")
            ).scalar()
    return bool(owns)
