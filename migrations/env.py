"""Alembic's entry: one metadata, the URL given by the caller, one transaction per migration run."""

from alembic import context
from sqlalchemy import Engine

import app.access.tables
import app.agents.devices.store
import app.agents.leases.store
import app.agents.pairing.open_codes
import app.agents.pairing.store
import app.agents.reports.store
import app.audit.entries.cosigned
import app.audit.entries.documents
import app.audit.entries.erasure
import app.audit.entries.store
import app.consent.store
import app.directory.sessions
import app.directory.store
import app.policy.changes.store
import app.policy.store  # noqa: F401 - each import adds its tables to the metadata
from app.db.metadata import metadata


def run(engine: Engine) -> None:
    """Run the migrations; on PostgreSQL under a lock so that two starting processes take turns."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET lock_timeout = '30s'")
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_lock(4841024)")
        try:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                render_as_batch=connection.dialect.name == "sqlite",
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
        finally:
            if connection.dialect.name == "postgresql":
                connection.rollback()
                connection.exec_driver_sql("SELECT pg_advisory_unlock(4841024)")
                # The connection goes back to the pool: it takes its own limits along again.
                connection.exec_driver_sql("RESET lock_timeout")
                connection.exec_driver_sql("RESET statement_timeout")
                connection.commit()


run(context.config.attributes["engine"])
