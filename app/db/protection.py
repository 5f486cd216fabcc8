"""Which tables only grow, and the few that may change, each with its reason.

Rules:
1. A table is append-only unless it is in ``MAY_CHANGE``. A new table is therefore guarded, or
   the start-up self-test (app/db/selftest.py) refuses it.
2. ``UNIQUE`` groups are read from the schema: a REPLACE can hide behind each of them.
"""

from collections.abc import Mapping

from sqlalchemy import Table, UniqueConstraint

from app.db.metadata import metadata

MAY_CHANGE: Mapping[str, str] = {
    "access_decision": "a projection of the log that names people: erasable",
    "agent_pairing": "a pairing is approved, then used up",
    "agent_token": "a token is revoked",
    "agent_token_count": "tokens are counted, and said in the log",
    "assertion_jti": "a used assertion is forgotten once it has expired",
    "audit_head": "the one row of the log's head; it may only grow",
    "audit_pending": "a row leaves when its leaf exists, and only then",
    "audit_stream": "the last place of each stream",
    "audit_tally": "counts by hour, for charts; the log is the authority",
    "pairing_code": "a code is typed, gives way or expires",
    "pairing_guess": "wrong codes are counted, and forgotten",
    "person": "the directory as it is now; person_version keeps what was",
    "person_session": "a session is touched and ended",
}


def append_only() -> tuple[Table, ...]:
    """Every table that only grows, by name."""
    return tuple(table for name, table in sorted(metadata.tables.items()) if name not in MAY_CHANGE)


def unique_groups(table: Table) -> tuple[tuple[str, ...], ...]:
    """The column groups by which two rows of a table could collide; the primary key first.

    A group that contains another group is left out: who collides there collides in the smaller
    group.
    """
    groups = [
        tuple(column.name for column in table.primary_key),
        *sorted(
            tuple(column.name for column in constraint.columns)
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        ),
    ]
    return tuple(group for group in groups if not any(set(other) < set(group) for other in groups))
