"""``habeas database …``: roles, schema and traces, for whoever administers PostgreSQL.

A password is never on the command line: it is asked for, or libpq finds it (PGPASSWORD,
~/.pgpass).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

import typer

from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.db.roles import APP, AUDITOR, INTEGRATOR, create_roles, grant, open_as_admin, role_name
from app.rights.service import scrub_erased
from app.settings import Settings

verbs = typer.Typer(
    name="database", no_args_is_help=True, help="The database: roles, schema, traces."
)

AdminUrl = Annotated[
    str, typer.Option("--admin-url", help="postgresql+psycopg://ADMIN@HOST/DB, no password in it.")
]
Prefix = Annotated[str, typer.Option(help="What the roles' names begin with.")]
Ask = Annotated[bool, typer.Option("--ask-password", help="Ask for the admin's password.")]


@verbs.command()
def roles(admin_url: AdminUrl, prefix: Prefix = "habeas", *, ask_password: Ask = False) -> None:
    """Make or mend the roles, hand the tables to the owner, grant; again is harmless."""
    with _admin(admin_url, ask=ask_password) as database:
        create_roles(database, prefix)
    names = {role: role_name(prefix, role) for role in (APP, INTEGRATOR, AUDITOR)}
    place = admin_url.rpartition("@")[2]
    print("Roles are made. Give each that logs in a password in psql:")
    for name in names.values():
        print(f"  \\password {name}")
    print("bring the schema up to date, now and at each release, with:")
    print(f"  habeas database upgrade --admin-url '{admin_url}' --prefix {prefix}")
    print("and start the service with:")
    print(f"  HABEAS_DATABASE_URL='postgresql+psycopg://{names[APP]}@{place}'")
    print(f"  HABEAS_INTEGRATOR_URL='postgresql+psycopg://{names[INTEGRATOR]}@{place}'")


@verbs.command()
def upgrade(admin_url: AdminUrl, prefix: Prefix = "habeas", *, ask_password: Ask = False) -> None:
    """Bring the schema to this program's, as the owner of the tables; then grant anew."""
    with _admin(admin_url, ask=ask_password, owner_of=prefix) as database:
        migrate(database)
        grant(database, prefix)
    print("The schema is that of this program.")


@verbs.command()
def scrub(
    admin_url: Annotated[
        str, typer.Option("--admin-url", help="PostgreSQL: as for roles. Empty: the settings'.")
    ] = "",
    prefix: Prefix = "habeas",
    *,
    ask_password: Ask = False,
) -> None:
    """Write the tables that name people anew, so that no erased row is left in their files."""
    with (
        _admin(admin_url, ask=ask_password, owner_of=prefix)
        if admin_url
        else _closing(open_database(Settings().database))
    ) as database:
        left = scrub_erased(database)
    if left is not None:
        print(f"habeas: not done: {left}.")
        raise typer.Exit(1)
    print("Nothing of deleted rows is left in the files of these tables.")


def _admin(url: str, *, ask: bool, owner_of: str | None = None) -> AbstractContextManager[Database]:
    password = typer.prompt("Password", hide_input=True) if ask else None
    return _closing(open_as_admin(url, password, owner_of))


@contextmanager
def _closing(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.engine.dispose()
