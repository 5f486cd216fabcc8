"""The documented roles of PostgreSQL for one test, under names of its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import create_engine, make_url

from app.db.engine import Database, open_database
from app.db.roles import ROLES, create_roles, open_as_admin


def new_prefix() -> str:
    """What the roles of one test begin with: a server knows a role in all its databases."""
    return f"r{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Estate:
    """A database with roles of its own.

    Attributes:
        url: as the server's superuser, or whoever else owns the database.
        prefix: what the roles' names begin with.
    """

    url: str
    prefix: str = field(default_factory=new_prefix)

    def as_role(self, role: str) -> str:
        """The same database as one of the roles."""
        found = make_url(self.url).set(username=f"{self.prefix}_{role}")
        return found.render_as_string(hide_password=False)

    def open(self, role: str) -> Database:
        """Open it as one of the roles."""
        return open_database(self.as_role(role))

    def make_roles(self) -> None:
        """What ``habeas database roles`` does."""
        admin = open_as_admin(self.url, None)
        create_roles(admin, self.prefix)
        admin.engine.dispose()


@contextmanager
def dropping_roles(server: str, prefix: str, *more: str) -> Iterator[None]:
    """Drop the roles after the block, in which their databases must be dropped."""
    try:
        yield
    finally:
        postgres = create_engine(server.format(db="postgres"), isolation_level="AUTOCOMMIT")
        with postgres.connect() as connection:
            for role in (*ROLES, *more):
                connection.exec_driver_sql(f"DROP ROLE IF EXISTS {prefix}_{role}")
        postgres.dispose()
