"""The self-test at start sees every guard that is gone, off, replaced or weakened."""

import time

import pytest
from sqlalchemy import text

from app.db import pg_guards, sqlite_guards
from app.db.engine import Database
from app.db.migrate import migrate
from app.db.protection import append_only, unique_groups
from app.db.selftest import require_guarded
from app.kernel.errors import Unavailable
from app.wiring import Services, build
from app.wiring.shipped import Shipped

SQLITE = {
    "a dropped trigger": "DROP TRIGGER audit_leaf_no_update",
    "a dropped trigger of a table without rows": "DROP TRIGGER access_consumer_no_delete",
    "a dropped guard against REPLACE": "DROP TRIGGER audit_body_no_replace",
    "a dropped order of indices": "DROP TRIGGER audit_leaf_follows",
    "a submission that may go": "DROP TRIGGER audit_pending_is_integrated",
    "an erasure without its entry": "DROP TRIGGER audit_erasure_is_entered",
    "a trigger that never fires": (
        "DROP TRIGGER audit_tile_no_delete; CREATE TRIGGER audit_tile_no_delete "
        "BEFORE DELETE ON audit_tile WHEN 0 "
        "BEGIN SELECT RAISE(ABORT, 'audit_tile is append-only'); END"
    ),
    "a trigger that lets more through": (
        "DROP TRIGGER audit_subject_no_delete; CREATE TRIGGER audit_subject_no_delete "
        "BEFORE DELETE ON audit_subject WHEN OLD.person_id <> 'E-0042' "
        "BEGIN SELECT RAISE(ABORT, 'audit_subject is append-only'); END"
    ),
    "a trigger that guards one column": (
        "DROP TRIGGER audit_leaf_no_update; CREATE TRIGGER audit_leaf_no_update "
        "BEFORE UPDATE OF idx ON audit_leaf "
        "BEGIN SELECT RAISE(ABORT, 'audit_leaf is append-only'); END"
    ),
}
POSTGRESQL = {
    "a dropped trigger": "DROP TRIGGER audit_leaf_no_change ON audit_leaf",
    "a disabled trigger": "ALTER TABLE audit_leaf DISABLE TRIGGER audit_leaf_no_change",
    "a trigger that a replica skips": (
        "ALTER TABLE audit_leaf ENABLE TRIGGER audit_leaf_no_change"
    ),
    "a trigger that only a replica fires": (
        "ALTER TABLE audit_leaf ENABLE REPLICA TRIGGER audit_leaf_no_change"
    ),
    "a dropped guard against TRUNCATE": "DROP TRIGGER audit_tile_no_truncate ON audit_tile",
    "a replaced function": (
        "CREATE OR REPLACE FUNCTION habeas_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN OLD; END $$"
    ),
    "a replaced function of erasure": (
        "CREATE OR REPLACE FUNCTION habeas_pseudonym_of_erased(person text) RETURNS text "
        "LANGUAGE sql AS $$ SELECT 'p_0' $$"
    ),
    "a trigger that never fires": (
        "DROP TRIGGER audit_tile_no_change ON audit_tile; CREATE TRIGGER audit_tile_no_change "
        "BEFORE UPDATE OR DELETE ON audit_tile FOR EACH ROW WHEN (OLD.level < 0) "
        "EXECUTE FUNCTION habeas_refuse(); "
        "ALTER TABLE audit_tile ENABLE ALWAYS TRIGGER audit_tile_no_change"
    ),
    "a trigger that guards one column": (
        "DROP TRIGGER audit_tile_no_change ON audit_tile; CREATE TRIGGER audit_tile_no_change "
        "BEFORE UPDATE OF level OR DELETE ON audit_tile FOR EACH ROW "
        "EXECUTE FUNCTION habeas_refuse(); "
        "ALTER TABLE audit_tile ENABLE ALWAYS TRIGGER audit_tile_no_change"
    ),
    "a rule": "CREATE RULE quiet AS ON DELETE TO audit_leaf DO INSTEAD NOTHING",
    "a submission that may go": ("DROP TRIGGER audit_pending_is_integrated ON audit_pending"),
    "a head that may shrink": "ALTER TABLE audit_head DISABLE TRIGGER audit_head_grows",
}


def weaken(database: Database, statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements.split("; CREATE"):
            head = "" if statement.startswith(("DROP", "ALTER", "CREATE")) else "CREATE"
            for part in (head + statement).split("; ALTER"):
                begin = "" if part.startswith(("DROP", "ALTER", "CREATE")) else "ALTER"
                connection.execute(text(begin + part))


@pytest.mark.parametrize("weakness", [*SQLITE, *POSTGRESQL])
def test_a_weakened_guard_stops_the_start(request: pytest.FixtureRequest, weakness: str) -> None:
    for kind, weaknesses in (("sqlite", SQLITE), ("postgresql", POSTGRESQL)):
        if weakness in weaknesses:
            migrated = opened(request, kind)
            require_guarded(migrated, strict=False)
            weaken(migrated, weaknesses[weakness])
            with pytest.raises(Unavailable) as caught:
                require_guarded(migrated, strict=False)
            assert caught.value.kind == "not-append-only"


def opened(request: pytest.FixtureRequest, kind: str) -> Database:
    from app.db.engine import open_database

    found = open_database(request.getfixturevalue(f"{kind}_url"))
    request.addfinalizer(found.engine.dispose)
    return found


def test_what_the_catalogue_does_not_show_is_found_by_trying(sample: Services) -> None:
    """Should a guard look right and not hold, the attempt on a real row finds it."""
    database = sample.database
    if database.dialect == "sqlite":
        weaken(database, "DROP TRIGGER audit_leaf_no_update")
        pooled = database.engine.raw_connection()
        found = list(sqlite_guards._passed(pooled.driver_connection))  # type: ignore[arg-type]
        pooled.close()
    else:
        weaken(database, "ALTER TABLE audit_leaf DISABLE TRIGGER USER")
        with database.engine.connect() as connection:
            found = list(pg_guards._passed(connection, ["audit_leaf"]))
    assert any("UPDATE audit_leaf" in one for one in found)


def test_a_start_is_refused_and_nothing_was_written(sample: Services, shipped: Shipped) -> None:
    weaken(
        sample.database,
        "DROP TRIGGER audit_leaf_no_update"
        if sample.database.dialect == "sqlite"
        else "ALTER TABLE audit_leaf DISABLE TRIGGER audit_leaf_no_change",
    )
    with sample.database.read() as tx:
        before = sample.log.size(tx)
    with pytest.raises(Unavailable, match="could be rewritten"):
        build(sample.settings, clock=sample.clock, shipped=shipped)
    with sample.database.read() as tx:
        assert (sample.log.size(tx), sample.log.pending(tx)) == (before, 0)


def test_the_self_test_is_quick_and_changes_nothing(sample: Services) -> None:
    def everything() -> list[object]:
        with sample.database.read() as tx:
            return [
                sorted(map(str, tx.execute(text(f"SELECT * FROM {table.name}"))))
                for table in append_only()
            ]

    before = everything()
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        require_guarded(sample.database, strict=False)
        took.append(time.perf_counter() - begun)
    assert everything() == before
    assert min(took) < 0.5, took  # 0.1 s on PostgreSQL, 2 ms on SQLite, measured busy


def test_a_superuser_or_owner_may_not_serve_outside_the_demo(
    request: pytest.FixtureRequest,
) -> None:
    with pytest.raises(Unavailable, match=r"superuser|owns"):
        require_guarded(opened(request, "postgresql"), strict=True)
    require_guarded(opened(request, "sqlite"), strict=True)


def test_what_was_migrated_is_what_the_self_test_expects(
    request: pytest.FixtureRequest,
) -> None:
    """A migration that adds a guard of a new form writes its digest into the two tables."""
    migrated = opened(request, "sqlite")
    migrate(migrated)
    with migrated.engine.connect() as connection:
        found = {
            row.name: sqlite_guards.digest_of(row.sql)
            for row in connection.execute(
                text("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            )
        }
    assert found.items() >= sqlite_guards.MIGRATED.items()
    with opened(request, "postgresql").engine.connect() as connection:
        bodies = {
            row.proname: pg_guards.digest_of(row.prosrc)
            for row in connection.execute(
                text(
                    "SELECT proname, prosrc FROM pg_proc "
                    "WHERE pronamespace = 'public'::regnamespace"
                )
            )
        }
    assert bodies == pg_guards.MIGRATED


def test_a_group_that_contains_another_needs_no_guard_of_its_own() -> None:
    change = next(table for table in append_only() if table.name == "policy_change")
    assert unique_groups(change) == (("id",),)
