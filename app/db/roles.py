r"""Roles of PostgreSQL: who may do what to which table.

owner       owns schema, tables and functions; cannot log in; used by ``habeas database upgrade``
app         the service: reads, inserts; changes and deletes in the few tables that may change
integrator  gives entries their index: the only role that writes the log
auditor     reads the log and the documents it names; no body, no key, no directory
eraser      cannot log in; the service takes this role for the statements of an erasure only

Rules:
1. No role that logs in may UPDATE, DELETE or TRUNCATE an append-only table. What an erasure needs
   is granted to the eraser, whose rights the app does not inherit; triggers hold for it as well.
2. A table that is not named here is append-only: the app reads and inserts, nobody else.
3. Roles are made without a password. One is set in psql with ``\password``, which sends a hash; no
   password is on a command line here.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from app.db.engine import Database, Tx, open_database
from app.db.metadata import metadata
from app.kernel.errors import InvalidInput, Unavailable

OWNER, APP, INTEGRATOR, AUDITOR, ERASER = "owner", "app", "integrator", "auditor", "eraser"
ROLES: Mapping[str, str] = {
    OWNER: "NOLOGIN NOINHERIT",
    ERASER: "NOLOGIN NOINHERIT",
    APP: "LOGIN NOINHERIT",
    INTEGRATOR: "LOGIN NOINHERIT",
    AUDITOR: "LOGIN NOINHERIT",
}
_BARE = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_IS_BARE = (
    "SELECT NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls) "
    "FROM pg_roles WHERE rolname = :name"
)
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,40}")

_READ, _GROW = ("SELECT",), ("SELECT", "INSERT")
_LIVE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_APP: Mapping[str, tuple[str, ...]] = {
    "access_decision": _GROW,
    "agent_pairing": _LIVE,
    "agent_token": _LIVE,
    "agent_token_count": _LIVE,
    "assertion_jti": _LIVE,
    "pairing_code": _LIVE,
    "pairing_guess": _LIVE,
    "person": ("SELECT", "INSERT", "UPDATE"),
    "person_session": _LIVE,
    "audit_leaf": _READ,
    "audit_leaf_region": _READ,
    "audit_leaf_subject": _READ,
    "audit_tile": _READ,
    "audit_checkpoint": _READ,
    "audit_head": _READ,
    "audit_stream": _READ,
    "audit_tally": _READ,
    "audit_pending": _GROW,
}
_INTEGRATOR: Mapping[str, tuple[str, ...]] = {
    "audit_leaf": _GROW,
    "audit_leaf_region": _GROW,
    "audit_leaf_subject": _GROW,
    "audit_tile": _GROW,
    "audit_checkpoint": _GROW,
    "audit_head": ("SELECT", "UPDATE"),
    "audit_stream": ("SELECT", "INSERT", "UPDATE"),
    "audit_tally": ("SELECT", "INSERT", "UPDATE"),
    "audit_pending": ("SELECT", "DELETE"),
}
_AUDITOR = (
    "audit_leaf",
    "audit_leaf_region",
    "audit_leaf_subject",
    "audit_tile",
    "audit_checkpoint",
    "audit_head",
    "audit_stream",
    "audit_tally",
    "audit_document",
    "audit_adopted",
    "audit_erasure",
    "policy_document",
    "notice_text",
    "access_purposes",
    "consent_offer",
    "audit_cosignature",
    "audit_quorum",
    "audit_witness_alarm",
)
ERASED: Mapping[str, tuple[str, ...]] = {
    "audit_body": ("SELECT", "DELETE"),
    "audit_subject": ("SELECT", "DELETE"),
    "audit_erasure": _READ,
    "access_decision": ("SELECT", "DELETE"),
    "agent_device": ("SELECT", "DELETE"),
    "agent_lease": ("SELECT", "DELETE"),
    "agent_pairing": ("SELECT", "DELETE"),
    "agent_report": ("SELECT", "DELETE"),
    "agent_report_allowed": ("SELECT", "DELETE"),
    "agent_report_excluded": ("SELECT", "DELETE"),
    "agent_report_refused": ("SELECT", "DELETE"),
    "agent_revocation": ("SELECT", "DELETE"),
    "agent_token": ("SELECT", "DELETE"),
    "agent_token_count": ("SELECT", "DELETE"),
    "assertion_jti": ("SELECT", "DELETE"),
    "consent_decision": ("SELECT", "DELETE"),
    "notice_shown": ("SELECT", "DELETE"),
    "person": ("SELECT", "DELETE"),
    "person_session": ("SELECT", "DELETE"),
    "person_version": ("SELECT", "UPDATE", "DELETE"),
    "policy_catalogue_step": ("SELECT", "UPDATE"),
    "policy_change": ("SELECT", "UPDATE"),
    "policy_step": ("SELECT", "INSERT", "DELETE"),
    "policy_stop": ("SELECT", "UPDATE"),
}
"""What an erasure touches, and how; the triggers decide row by row whether it may."""


def rights(table: str) -> dict[str, tuple[str, ...]]:
    """What each role may do to a table (rule 2)."""
    granted = {APP: _APP.get(table, _GROW)}
    if table in _INTEGRATOR:
        granted[INTEGRATOR] = _INTEGRATOR[table]
    if table in _AUDITOR:
        granted[AUDITOR] = _READ
    if table in ERASED:
        granted[ERASER] = ERASED[table]
    return granted


def eraser_of(tx: Tx) -> str | None:
    """The role to take for an erasure; None where the session's own role must do.

    The eraser of ``habeas_app`` is ``habeas_eraser``.
    """
    if tx.dialect != "postgresql":
        return None
    eraser: str | None = tx.execute(
        text(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE current_user LIKE '%\\_app' "
            "AND rolname = regexp_replace(current_user, '_app$', '_eraser') "
            "AND pg_has_role(current_user, oid, 'MEMBER')"
        )
    ).scalar()
    return eraser


def open_as_admin(url: str, password: str | None, owner_of: str | None = None) -> Database:
    """Open PostgreSQL for ``habeas database …``.

    Args:
        url: without a password: it would be visible in the list of processes.
        password: as it was typed in; None where libpq finds one (PGPASSWORD, ~/.pgpass) or none is
            needed.
        owner_of: the prefix whose owner's role every connection takes; None: as who logs in.

    Raises:
        InvalidInput: the URL carries a password, or is not of PostgreSQL.
        Unavailable: the database cannot be reached, or the role cannot be taken.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        raise InvalidInput("this is for PostgreSQL", cure="SQLite has no roles: guard its file.")
    if parsed.password is not None:
        raise InvalidInput(
            "the URL carries a password, which every process on this machine can read",
            cure="Leave it away; use --ask-password, PGPASSWORD or ~/.pgpass.",
        )
    role = None if owner_of is None else role_name(owner_of, OWNER)
    database = open_database(_with(parsed, password).render_as_string(hide_password=False))
    if role is not None:

        def take(dbapi_connection: Any, _record: object) -> None:
            try:
                with dbapi_connection.cursor() as cursor:
                    cursor.execute(f"SET ROLE {role}")
            except database.engine.dialect.loaded_dbapi.Error as error:
                raise _not_allowed(error) from error
            dbapi_connection.commit()

        database.engine.dispose()
        event.listen(database.engine, "connect", take)
    return database


def role_name(prefix: str, role: str) -> str:
    """``habeas_app`` for the prefix ``habeas`` and the role ``app``.

    Raises:
        InvalidInput: the prefix cannot begin a name.
    """
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInput(
            f"{prefix!r} cannot begin the name of a role",
            cure="Use small letters, digits and _, beginning with a letter.",
        )
    return f"{prefix}_{role}"


def create_roles(database: Database, prefix: str) -> tuple[str, ...]:
    """Make the roles, hand the tables over to the owner, and grant; again is harmless.

    Returns:
        The names of the roles that log in.

    Raises:
        Unavailable: whoever logged in may not do this; nothing was changed.
    """
    names = {role: role_name(prefix, role) for role in ROLES}
    with _changing(database) as connection:
        for role, attributes in ROLES.items():
            bare = connection.execute(text(_IS_BARE), {"name": names[role]}).scalar()
            verb = "CREATE" if bare is None else "ALTER"
            # Only a superuser may as much as name these attributes of a role that is there.
            rest = "" if bare else _BARE
            connection.execute(text(f"{verb} ROLE {names[role]} {attributes} {rest}"))
        connection.execute(text(f"GRANT {names[ERASER]} TO {names[APP]}"))
        _let_admin_act_as(connection, names[OWNER])
        _hand_over(connection, names[OWNER])
        _grant(connection, names)
    return tuple(names[role] for role in ROLES if not ROLES[role].startswith("NOLOGIN"))


def grant(database: Database, prefix: str) -> None:
    """Grant what the roles need on the tables that are there now (after an upgrade).

    Raises:
        Unavailable: this role may not.
    """
    with _changing(database) as connection:
        _grant(connection, {role: role_name(prefix, role) for role in ROLES})


@contextmanager
def _changing(database: Database) -> Iterator[Connection]:
    try:
        with database.engine.begin() as connection:
            yield connection
    except ProgrammingError as error:
        raise _not_allowed(error.orig) from error


def _not_allowed(error: BaseException | None) -> Unavailable:
    return Unavailable(
        f"PostgreSQL refuses: {str(error).partition(chr(10))[0]}",
        cure="Log in as a superuser, or as the owner of the database with CREATEROLE who ran "
        "habeas database roles first. Nothing was changed.",
    )


def _with(url: URL, password: str | None) -> URL:
    return url if password is None else url.set(password=password)


def _let_admin_act_as(connection: Connection, owner: str) -> None:
    superuser = connection.execute(
        text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    ).scalar()
    if not superuser:
        connection.execute(text(f"GRANT {owner} TO CURRENT_USER"))


def _hand_over(connection: Connection, owner: str) -> None:
    """Give schema, tables and functions to the owner; let nobody else make anything in them."""
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    base = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    connection.execute(text(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"))
    connection.execute(text(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}"))
    connection.execute(text(f"REVOKE TEMPORARY ON DATABASE {base} FROM PUBLIC"))
    for kind, name in _things(connection):
        connection.execute(text(f"ALTER {kind} {name} OWNER TO {owner}"))


def _things(connection: Connection) -> Iterator[tuple[str, str]]:
    for name in connection.execute(
        text(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v') "
            "AND relnamespace = current_schema()::regnamespace ORDER BY 1"
        )
    ).scalars():
        yield "TABLE", name
    for name in connection.execute(
        text(
            "SELECT oid::regprocedure::text FROM pg_proc "
            "WHERE pronamespace = current_schema()::regnamespace ORDER BY 1"
        )
    ).scalars():
        yield "FUNCTION", name


def _grant(connection: Connection, names: Mapping[str, str]) -> None:
    everybody = ", ".join(names[role] for role in ROLES if role != OWNER)
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    present = {name for kind, name in _things(connection) if kind == "TABLE"}
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {everybody}"))
    for what in ("TABLES", "SEQUENCES"):
        connection.execute(
            text(f"REVOKE ALL ON ALL {what} IN SCHEMA {schema} FROM PUBLIC, {everybody}")
        )
    if "alembic_version" in present:
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {everybody}"))
    for table in sorted(present & set(metadata.tables)):
        for role, allowed in rights(table).items():
            connection.execute(text(f"GRANT {', '.join(allowed)} ON {table} TO {names[role]}"))
    for role in (APP, INTEGRATOR):  # a row number is drawn from a sequence
        connection.execute(
            text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {names[role]}")
        )
