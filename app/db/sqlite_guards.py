"""The guards of append-only tables on SQLite: are they there, and do they hold?

A trigger on SQLite is its text. Each is compared with the text that was migrated: written out for
the plain guards, by digest for those that erasure passes through and those of the log's own tables.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping

from sqlalchemy import Engine, Table

from app.db.protection import append_only, unique_groups

MIGRATED: Mapping[str, str] = {
    "agent_device_no_delete": "1a7f9ef244dabbd4fee4932065eac2f9d789f0e5",
    "agent_lease_no_delete": "1537bb0b086ce470251ae65dd996dee00f2e2782",
    "agent_report_allowed_no_delete": "45cc8fde67f2a1f6e7d099dbcd6df3639fa99d8b",
    "agent_report_excluded_no_delete": "69f7049ed7f24aecd2e030c38ff504429aecc385",
    "agent_report_no_delete": "872a635588b734b202df7e0fc67ba8bb2778a856",
    "agent_report_refused_no_delete": "2d949ec51f2852b951f26bf7aa666c2754863ebd",
    "agent_revocation_no_delete": "780eaf1eecc6284e0135e98990f016d481aa9135",
    "audit_body_no_delete": "1e1b58365e308a73632e6a294d8a94acb925c617",
    "audit_erasure_is_entered": "c7ab7fd9196e3396b1bb71c1a9ac8116267cd508",
    "audit_head_grows": "cabcf3cadb692b48eb4e5c146fd28a039aed79a5",
    "audit_head_no_delete": "683ee4f696dc4fb34f3c2f2c5fe49f991340214a",
    "audit_head_no_replace": "f57e5a88d61ae0e974c993a35265d2c862ef9bc8",
    "audit_leaf_follows": "6902d81e44b6f7090ea9a0fd92fed9e4905156cc",
    "audit_pending_is_integrated": "a7c06cc4aa76aec01a6bb1cd7604205ba667c9bf",
    "audit_pending_no_replace": "15326abd831c026f776c2d173749dc3507c064d9",
    "audit_pending_no_update": "c42495a0a9d6321926ad8d3c61a9f653ce4688d8",
    "audit_subject_no_delete": "772e26d23ba8c9c09233f8dd1c0a64447ca71648",
    "consent_decision_no_delete": "cab1b9e7bedd5e476a0f69fec048d46a0355fa11",
    "notice_shown_no_delete": "3ab8f46334c6b134964368648b30da5da94fe4ae",
    "person_version_no_delete": "dacc6db8247bd9f45c64ae7371fdf12a49a6c2af",
    "person_version_no_update": "bc851b0e9d6c2fdfd634ab288fba67e0fb8db117",
    "policy_catalogue_step_no_delete": "91d6bbd7e7c1c7c54353af7a1ce61928c5412365",
    "policy_catalogue_step_no_update": "df95ed38d4abd4f925ef3377ca9a4b88df85bc8b",
    "policy_change_no_delete": "c03c9b088fb23091e88287325bb880fbf79e14fc",
    "policy_change_no_update": "1ac953f0f5e792a7b83bfe5f16a3dd373116f5a8",
    "policy_step_no_delete": "0eee8141b4734314d600b332c71322241c764762",
    "policy_stop_no_delete": "3769df6fd06a0a5a22cf453990ea774929c96e54",
    "policy_stop_no_update": "fc30ad2340890668cbb10cd01657e61ba4758397",
}
"""Forty letters of the SHA-256 of each guard that is not plain (0001, 0010, 0014, 0015, 0019)."""

_ALSO = ("audit_head", "audit_pending")


def problems(engine: Engine) -> Iterator[str]:
    """Say what is wrong with the guards, and try each."""
    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        missing = list(_missing(connection))
        yield from missing
        if not missing:  # a table may be missing with its triggers
            yield from _passed(connection)
    finally:
        pooled.close()


def digest_of(trigger: str) -> str:
    """What ``MIGRATED`` holds of a trigger's text."""
    return hashlib.sha256(" ".join(trigger.split()).encode()).hexdigest()[:40]


def _missing(connection: sqlite3.Connection) -> Iterator[str]:
    triggers = {
        name: " ".join(sql.split())
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        )
    }
    for name, wanted in MIGRATED.items():
        if name not in triggers or digest_of(triggers[name]) != wanted:
            yield f"the trigger {name} is missing or was changed"
    for table in append_only():
        for moment in ("update", "delete"):
            name = f"{table.name}_no_{moment}"
            if name not in MIGRATED and triggers.get(name) != _plain(table.name, moment):
                yield f"the trigger {name} is missing or was changed"
        if not _guards_replace(table, triggers.get(f"{table.name}_no_replace", "")):
            yield f"the trigger {table.name}_no_replace is missing or was changed"


def _plain(table: str, moment: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{moment} BEFORE {moment.upper()} ON {table} "
        f"BEGIN {_refusal(table)}; END"
    )


def _refusal(table: str) -> str:
    return f"SELECT RAISE(ABORT, '{table} is append-only')"


def _guards_replace(table: Table, sql: str) -> bool:
    """Whether a trigger refuses a collision with each unique group of a table, in any order."""
    name = table.name
    before = f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} WHEN "
    after = f" BEGIN {_refusal(name)}; END"
    wanted = {
        f"EXISTS (SELECT 1 FROM {name} WHERE "  # noqa: S608 - names of our own tables
        + " AND ".join(f"{column} = NEW.{column}" for column in group)
        + ")"
        for group in (("rowid",), *unique_groups(table))
    }
    return (
        sql.startswith(before)
        and sql.endswith(after)
        and set(sql[len(before) : -len(after)].split(" OR ")) >= wanted
    )


def _passed(connection: sqlite3.Connection) -> Iterator[str]:
    """Try everything on one row of each table; what was not refused, and all else, is undone."""
    names = [*(table.name for table in append_only()), *_ALSO]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in names:
            row = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]  # noqa: S608
            if row is None:
                continue
            column = connection.execute(f"PRAGMA table_info({table})").fetchone()[1]
            for attempt in (
                f"UPDATE {table} SET {column} = {column} WHERE rowid = ?",  # noqa: S608
                f"DELETE FROM {table} WHERE rowid = ?",  # noqa: S608
                f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE rowid = ?",  # noqa: S608
            ):
                if _holds(connection, attempt, row):
                    continue
                yield f"{attempt.partition('(')[0]} was not refused".replace(" ?", f" {row}")
    finally:
        connection.execute("ROLLBACK")


def _holds(connection: sqlite3.Connection, attempt: str, row: int) -> bool:
    connection.execute("SAVEPOINT attempt")
    try:
        connection.execute(attempt, (row,))
    except sqlite3.IntegrityError:
        return True
    else:
        return False
    finally:
        connection.execute("ROLLBACK TO attempt")
        connection.execute("RELEASE attempt")
