"""The self-test at start: the guards of append-only tables are in place, and they hold.

Rules:
1. Two looks. The catalogue: each guard is there, is on, and is what was migrated. The
   attempt: UPDATE, DELETE, TRUNCATE and REPLACE on a row of every table, each rolled back. Either
   alone could be deceived: a table without rows refuses nothing, a name is not what it calls.
2. Strictly (outside the demo) the role must not be able to take the guards away either: no
   superuser, no owner, no right to change or delete what only grows.
3. Nothing is kept of it, and whoever else writes is waited for shortly, if at all.

It shows what this role can do now. What the owner of the file or of the tables did in between, and
put back, only the signed tree shows.
"""

from app.db import pg_guards, sqlite_guards
from app.db.engine import Database
from app.kernel.errors import Unavailable


def require_guarded(database: Database, *, strict: bool) -> None:
    """Return if the tables that only grow are guarded against this role.

    Raises:
        Unavailable: a guard is missing, off, or does not hold (kind ``not-append-only``).
    """
    gaps = problems(database, strict=strict)
    if gaps:
        database.engine.dispose()  # nothing more is done with it
        more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        raise Unavailable(
            f"the log could be rewritten here: {gaps[0]}{more}",
            cure="Serve with the role that habeas database roles made, on guarded tables; "
            "see docs/operate.md, Roles.",
            kind="not-append-only",
        )


def problems(database: Database, *, strict: bool) -> tuple[str, ...]:
    """Everything that is wrong, one sentence each; empty where all is well."""
    if database.dialect == "sqlite":
        return tuple(sqlite_guards.problems(database.engine))
    return tuple(pg_guards.problems(database.engine, strict=strict))
