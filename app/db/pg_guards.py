"""The guards of append-only tables on PostgreSQL: are they there, are they on, and do they hold?"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.db.protection import append_only

MIGRATED: Mapping[str, str] = {
    "audit_erasure_is_entered": "694c1bd815f1960b51bb792933f6fa846130eb0e",
    "audit_head_grows": "f179ef40ac95ba97b007b1cb47907d579c5c30ad",
    "audit_leaf_follows": "f74de04d745959c1b1914e92a7259644be307b1f",
    "audit_pending_is_integrated": "42493da1337b6801f5ff28d7319f34aee6278995",
    "habeas_only_erased": "f3facceaeefdb05dac585bb83960f682c50b188b",
    "habeas_only_erased_device": "73142b756af35fde02672bd6cfa35fe9832bbdbd",
    "habeas_only_erased_pseudonym": "d3b8447a7c4607783aadf168f0f512d3e0d8b31b",
    "habeas_only_renamed": "120a0ef043a365b066c84a95c0df11e1156cb53c",
    "habeas_pseudonym_of_erased": "295e7a332defffcdfc71e6e4762e020499b30f94",
    "habeas_refuse": "f49cf7477d3afefdc22d8b7175cd7b4b20caac41",
}
"""Forty letters of the SHA-256 of each guarding function's body (migrations 0001 and 0010)."""

_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32  # pg_trigger.tgtype
_REFUSED = {"42501", "23000"}  # insufficient_privilege, and what our triggers raise
_UNDECIDED = {"55P03", "40P01"}  # somebody else holds the table; the catalogue must do

# In addition to the refusals of every append-only table: what keeps the log's own tables in order.
_LOG = (
    ("audit_leaf", _INSERT, "audit_leaf_follows"),
    ("audit_pending", _UPDATE, "habeas_refuse"),
    ("audit_pending", _DELETE, "audit_pending_is_integrated"),
    ("audit_pending", _TRUNCATE, "habeas_refuse"),
    ("audit_head", _UPDATE, "audit_head_grows"),
    ("audit_head", _DELETE, "habeas_refuse"),
    ("audit_head", _TRUNCATE, "habeas_refuse"),
    ("audit_erasure", _INSERT, "audit_erasure_is_entered"),
)

_TRIGGERS = """
SELECT c.relname, t.tgtype, p.proname, p.prosrc, t.tgenabled::text = 'A' AS always,
       t.tgqual IS NULL AND array_length(t.tgattr::int[], 1) IS NULL AS whole,
       NOT p.prosecdef AND p.pronamespace = c.relnamespace AS ours
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
"""
_RIGHTS = """
SELECT c.relname, pg_has_role(current_user, c.relowner, 'MEMBER') AS owner,
       has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')
       OR has_table_privilege(c.oid, 'TRUNCATE') OR has_table_privilege(c.oid, 'TRIGGER')
       AS too_much
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
ORDER BY c.relname
"""
_READABLE = """
SELECT c.relname, quote_ident(a.attname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
WHERE c.relname = ANY(:names) AND c.relnamespace = current_schema()::regnamespace
      AND has_table_privilege(c.oid, 'SELECT')
ORDER BY c.relname
"""


def problems(engine: Engine, *, strict: bool) -> Iterator[str]:
    """Say what is wrong with the guards, and try each."""
    names = [table.name for table in append_only()]
    with engine.connect() as connection:
        if strict:
            yield from _too_mighty(connection, names)
        yield from _missing(connection, names)
        connection.rollback()
        yield from _passed(connection, names)
        connection.rollback()


def digest_of(body: str) -> str:
    """What ``MIGRATED`` holds of a function's body."""
    return hashlib.sha256(body.encode()).hexdigest()[:40]


def _too_mighty(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    me = connection.execute(
        text("SELECT rolname, rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user")
    ).one()
    if me.rolsuper or me.rolreplication:
        yield f"the role {me.rolname} is a superuser, or may replicate"
    for row in connection.execute(text(_RIGHTS), {"names": list(names)}):
        if row.owner:
            yield f"the role {me.rolname} owns {row.relname}, or may become its owner"
        if row.too_much:
            yield f"the role {me.rolname} may change {row.relname}"


def _missing(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    triggers = connection.execute(text(_TRIGGERS)).all()
    for name in names:
        for moment in (_UPDATE, _DELETE, _TRUNCATE):
            if not any(_guards(row, name, moment) for row in triggers):
                yield f"{_WORD[moment]} on {name} is not guarded"
    for name, moment, function in _LOG:
        if not any(_guards(row, name, moment) and row.proname == function for row in triggers):
            yield f"{_WORD[moment]} on {name} is not guarded by {function}"
    bodies = connection.execute(
        text(
            "SELECT proname, prosrc FROM pg_proc "
            "WHERE pronamespace = current_schema()::regnamespace AND proname = ANY(:names)"
        ),
        {"names": list(MIGRATED)},
    )
    changed = dict(MIGRATED) | {row.proname: digest_of(row.prosrc) for row in bodies}
    yield from (
        f"the function {name} was changed" for name in MIGRATED if changed[name] != MIGRATED[name]
    )
    ruled = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names) "
            "AND EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = c.oid)"
        ),
        {"names": [*names, "audit_pending", "audit_head"]},
    )
    yield from (f"{name} has a rule that rewrites statements" for name in ruled.scalars())


_WORD = {_INSERT: "INSERT", _UPDATE: "UPDATE", _DELETE: "DELETE", _TRUNCATE: "TRUNCATE"}


def _guards(row: Any, table: str, moment: int) -> bool:
    each_row = 0 if moment == _TRUNCATE else _ROW
    return bool(
        row.relname == table
        and row.tgtype & moment
        and row.tgtype & _BEFORE
        and row.tgtype & _ROW == each_row
        and row.always
        and row.whole
        and row.ours
        and digest_of(row.prosrc) == MIGRATED.get(row.proname)
    )


def _passed(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Try everything on one row of each table; what was not refused, and all else, is undone."""
    connection.execute(text("SET LOCAL lock_timeout = '200ms'"))
    readable = connection.execute(
        text(_READABLE), {"names": [*names, "audit_pending", "audit_head"]}
    )
    for table, column in readable.all():
        row = connection.execute(text(f"SELECT ctid FROM {table} LIMIT 1")).scalar()  # noqa: S608
        if row is None:
            continue
        for attempt in (
            f"UPDATE {table} SET {column} = {column} WHERE ctid = '{row}'",  # noqa: S608
            f"DELETE FROM {table} WHERE ctid = '{row}'",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
            (
                f"INSERT INTO {table} SELECT * FROM {table} WHERE ctid = '{row}' "  # noqa: S608
                f"ON CONFLICT ON CONSTRAINT pk_{table} DO UPDATE SET {column} = EXCLUDED.{column}"
            ),
        ):
            if not _holds(connection, attempt):
                yield f"{attempt.partition(' WHERE')[0]} was not refused"


def _holds(connection: Connection, attempt: str) -> bool:
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(attempt))
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _REFUSED | _UNDECIDED:
            return True
        raise
    else:
        return False
    finally:
        savepoint.rollback()
