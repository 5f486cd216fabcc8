"""The guards of append-only tables on PostgreSQL: are they there, are they on, and do they hold?"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from json import loads
from typing import Any

from sqlalchemy import Connection, Engine, text

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
_REFUSED = ("42501", "23000")  # insufficient_privilege, and what our triggers raise
_UNDECIDED = ("55P03", "40P01")  # somebody else holds the table; the catalogue must do
_UNDO = "HB000"  # of a class that PostgreSQL leaves to programs

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
_PREPARED = (
    "SELECT set_config('lock_timeout', '200ms', true), set_config('habeas.tried', :names, true)"
)
# One statement for the server, as nearly four hundred are tried at each start. Each attempt is in a
# block of its own, which is a savepoint: what passes raises ``_UNDO``. Variables outlive that.
_TRIES = 100
_ATTEMPTS = f"""
DO $$
DECLARE
    tried record;
    place tid;
    attempt text;
    hit bigint;
    passed text[] := '{{}}';
BEGIN
    FOR tried IN
        SELECT c.relname AS name, quote_ident(a.attname) AS first
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
        WHERE c.relname = ANY(string_to_array(current_setting('habeas.tried'), ','))
              AND c.relnamespace = current_schema()::regnamespace
              AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY c.relname
    LOOP
        EXECUTE concat('SELECT ctid FROM ', tried.name, ' LIMIT 1') INTO place;
        CONTINUE WHEN place IS NULL;
        FOREACH attempt IN ARRAY ARRAY[
            concat('UPDATE ', tried.name, ' SET ', tried.first, ' = ', tried.first,
                   ' WHERE ctid = $1'),
            concat('DELETE FROM ', tried.name, ' WHERE ctid = $1'),
            concat('TRUNCATE ', tried.name, ' CASCADE'),
            concat('INSERT INTO ', tried.name, ' SELECT * FROM ', tried.name,
                   ' WHERE ctid = $1 ON CONFLICT ON CONSTRAINT pk_', tried.name,
                   ' DO UPDATE SET ', tried.first, ' = EXCLUDED.', tried.first)]
        LOOP
            BEGIN
                FOR again IN 1..{_TRIES} LOOP
                    EXECUTE attempt USING place;
                    GET DIAGNOSTICS hit = ROW_COUNT;
                    EXIT WHEN hit > 0 OR starts_with(attempt, 'TRUNCATE');
                    -- The row has moved meanwhile (the head does while the log grows): what
                    -- changed nothing was neither refused nor let pass.
                    EXECUTE concat('SELECT ctid FROM ', tried.name, ' LIMIT 1') INTO place;
                END LOOP;
                RAISE EXCEPTION USING ERRCODE = '{_UNDO}';
            EXCEPTION WHEN OTHERS THEN
                IF SQLSTATE = '{_UNDO}' THEN
                    passed := passed || attempt;
                ELSIF SQLSTATE NOT IN ('{"', '".join(_REFUSED + _UNDECIDED)}') THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    END LOOP;
    PERFORM set_config('habeas.passed', to_json(passed)::text, true);
END $$
"""  # noqa: S608 - of constants


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
    guards = {guard for row in connection.execute(text(_TRIGGERS)) for guard in _guards(row)}
    guarded = {(table, moment) for table, moment, _ in guards}
    for name in names:
        for moment in (_UPDATE, _DELETE, _TRUNCATE):
            if (name, moment) not in guarded:
                yield f"{_WORD[moment]} on {name} is not guarded"
    for name, moment, function in _LOG:
        if (name, moment, function) not in guards:
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


def _guards(trigger: Any) -> Iterator[tuple[str, int, str]]:
    """Table, moment and function of what a trigger guards; nothing if it is off or altered."""
    if not (trigger.tgtype & _BEFORE and trigger.always and trigger.whole and trigger.ours):
        return
    if digest_of(trigger.prosrc) != MIGRATED.get(trigger.proname):
        return
    for moment in _WORD:
        each_row = 0 if moment == _TRUNCATE else _ROW
        if trigger.tgtype & moment and trigger.tgtype & _ROW == each_row:
            yield trigger.relname, moment, trigger.proname


def _passed(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Try everything on one row of each table; what was not refused, and all else, is undone."""
    tried = ",".join([*names, "audit_pending", "audit_head"])
    connection.execute(text(_PREPARED), {"names": tried})
    connection.exec_driver_sql(_ATTEMPTS)
    passed = connection.execute(text("SELECT current_setting('habeas.passed')")).scalar_one()
    yield from (f"{attempt.partition(' WHERE')[0]} was not refused" for attempt in loads(passed))
