"""Bring a database to the schema of this code (Alembic, run in process)."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.db.engine import Database

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def alembic_config(database: Database) -> Config:
    """Alembic's configuration for an open database."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = database.engine
    return config


def migrate(database: Database) -> None:
    """Upgrade to the newest schema; does nothing where it is in place."""
    command.upgrade(alembic_config(database), "head")
