"""Roles of PostgreSQL: what each may do, and the whole program under them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.audit.restore.custody import read_private_key, sign_statement
from app.db.engine import Database, open_database
from app.db.metadata import metadata
from app.db.migrate import bring_up, migrate, newest
from app.db.protection import MAY_CHANGE, append_only
from app.db.roles import open_as_admin, rights, role_name
from app.db.selftest import require_guarded
from app.demo.custodians import NAMES, sample_custodians
from app.demo.seed import seed
from app.demo.server import SECRETS
from app.kernel.errors import InvalidInput, Unavailable
from app.rights.model import ErasureBasis
from app.rights.store import TABLES
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import (
    CHANGES,
    EMPLOYEE,
    ENTRY,
    Story,
    evaluate,
    lease,
    redeem,
    report,
    start_session,
)
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database
from tests.rights.test_erasure import traces
from tests.roles import Estate, dropping_roles, new_prefix
from tests.templates import Templates


@pytest.fixture
def estate(postgresql_server: str, templates: Templates) -> Iterator[Estate]:
    name = f"t_{uuid.uuid4().hex}"
    copy_database(postgresql_server, name, templates.database("empty"))
    found = Estate(postgresql_server.format(db=name))
    with dropping_roles(postgresql_server, found.prefix):
        found.make_roles()
        found.make_roles()  # again is harmless
        yield found
        drop_database(postgresql_server, name)


@pytest.fixture
def opened(estate: Estate) -> Iterator[Callable[[str], Database]]:
    found: list[Database] = []

    def open_(role: str) -> Database:
        found.append(estate.open(role))
        return found[-1]

    yield open_
    for one in found:
        one.engine.dispose()


Opened = Callable[[str], Database]
GRANTABLE = ("SELECT", "INSERT", "UPDATE", "DELETE")


def test_the_whole_program_runs_under_its_roles_and_erases(
    estate: Estate, tmp_path: Path, shipped: Shipped
) -> None:
    """Outside the demo: app and integrator, each with no more than it needs."""
    settings = Settings(
        var=tmp_path / "var",
        database_url=estate.as_role("app"),
        integrator_url=estate.as_role("integrator"),
        oidc_issuer="https://idp.example",
        custodians=sample_custodians(tmp_path / "custodians"),
    )
    services = build(settings, clock=FakeClock(), shipped=shipped)
    seed(services, settings.var / SECRETS)
    with services.database.write() as tx:
        day = Story(services, tx)
        for story in (lease, report, redeem, evaluate, start_session):
            story(day)
        services.directory.leave(tx, "E-0030", day_actor(), day.now)
    services.integrator.integrate()
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
        assert services.log.pending(tx) == 0
    erase_as_app(services, tmp_path)
    assert traces(services, person.id, person.name, person.email) == []
    services.database.engine.dispose()
    services.integrator.database.engine.dispose()


def day_actor() -> object:
    from app.audit.entries.model import SYSTEM

    return SYSTEM


def erase_as_app(services: Services, folder: Path) -> None:
    basis = ErasureBasis.GDPR_17_1_A
    with services.database.write() as tx:
        note = services.rights.statement(tx, EMPLOYEE, basis).encode()
    for name in NAMES:
        key = (folder / "custodians" / f"{name}.key").read_bytes()
        note = sign_statement(note, *read_private_key(key)).encode()
    with services.database.write() as tx:
        services.rights.erase(tx, EMPLOYEE, basis, note, services.clock.now())


@pytest.fixture(scope="module")
def roled(
    templates: Templates,
    postgresql_server: str,
    shipped: Shipped,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Services]:
    """The sample organisation, served by the app's role; nothing that is done to it is kept."""
    folder, prefix = tmp_path_factory.mktemp("roled"), new_prefix()
    with (
        dropping_roles(postgresql_server, prefix),
        templates.copy("postgresql", "sample", folder) as url,
    ):
        estate = Estate(url, prefix)
        estate.make_roles()
        settings = Settings(
            var=folder / "var",
            database_url=estate.as_role("app"),
            integrator_url=estate.as_role("integrator"),
            demo=True,
        )
        services = build(settings, clock=FakeClock(), shipped=shipped)
        yield services
        services.close()


class Undone(Exception):
    """Ends a transaction that is not to be kept."""


@pytest.mark.parametrize("method", ENTRY)
def test_the_apps_role_may_do_whatever_the_service_does(roled: Services, method: str) -> None:
    with pytest.raises(Undone), roled.database.write() as tx:
        CHANGES[method](Story(roled, tx))
        raise Undone


def test_app_and_integrator_pass_the_strict_self_test(opened: Opened) -> None:
    require_guarded(opened("app"), strict=True)
    require_guarded(opened("integrator"), strict=True)


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT UPDATE ON audit_leaf TO {app}",
        "GRANT DELETE ON consent_decision TO {app}",
        "GRANT TRUNCATE ON audit_tile TO {app}",
        "GRANT TRIGGER ON audit_leaf TO {app}",
        "GRANT {owner} TO {app}",
        "ALTER TABLE audit_leaf OWNER TO {app}",
        "ALTER ROLE {app} SUPERUSER",
        "ALTER ROLE {app} INHERIT",
    ],
)
def test_a_role_that_may_too_much_does_not_serve(
    estate: Estate, opened: Opened, grant: str
) -> None:
    admin = create_engine(estate.url)
    names = {role: f"{estate.prefix}_{role}" for role in ("app", "owner")}
    with admin.begin() as connection:
        connection.execute(text(grant.format(**names)))
        if "INHERIT" in grant:  # as if made anew: PostgreSQL 16 fixes it at the grant
            connection.execute(text(f"REVOKE {estate.prefix}_eraser FROM {names['app']}"))
            connection.execute(text(f"GRANT {estate.prefix}_eraser TO {names['app']}"))
    with pytest.raises(Unavailable) as caught:
        require_guarded(opened("app"), strict=True)
    assert caught.value.kind == "not-append-only"
    if "OWNER" in grant:
        with admin.begin() as connection:
            connection.execute(text(f"ALTER TABLE audit_leaf OWNER TO {names['owner']}"))
    admin.dispose()


def test_each_role_may_do_what_is_written_and_nothing_else(estate: Estate) -> None:
    admin = create_engine(estate.url)
    with admin.connect() as connection:
        for role in ("app", "integrator", "auditor", "eraser"):
            for table in sorted(metadata.tables):
                held = {
                    what
                    for what in (*GRANTABLE, "TRUNCATE", "TRIGGER", "REFERENCES")
                    if connection.execute(
                        text("SELECT has_table_privilege(:role, :table, :what)"),
                        {"role": f"{estate.prefix}_{role}", "table": table, "what": what},
                    ).scalar()
                }
                assert held == set(rights(table).get(role, ())), (role, table)
                if role not in {"integrator", "eraser"} and table not in MAY_CHANGE:
                    assert held <= {"SELECT", "INSERT"}, (role, table)
    admin.dispose()


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM audit_body", "SELECT * FROM audit_subject", "SELECT * FROM person",
     "SELECT * FROM consent_decision", "INSERT INTO audit_leaf_subject VALUES ('p', 1)"],
)  # fmt: skip
def test_an_auditor_reads_the_log_and_nobodys_detail(opened: Opened, statement: str) -> None:
    auditor = opened("auditor")
    with auditor.read() as tx:
        tx.execute(text("SELECT * FROM audit_leaf"))
    with pytest.raises(ProgrammingError, match="permission denied"), auditor.write() as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE evil (x int)", "CREATE TEMPORARY TABLE audit_erasure (x int)",
     "DROP TRIGGER audit_leaf_no_change ON audit_leaf", "SET session_replication_role = replica"],
)  # fmt: skip
def test_the_app_makes_and_unmakes_nothing(opened: Opened, statement: str) -> None:
    app = opened("app")
    refusal = r"permission denied|must be owner"
    with pytest.raises(DBAPIError, match=refusal), app.write() as tx:
        tx.execute(text(statement))


def test_the_erasers_role_deletes_nobody_who_is_not_being_erased(
    estate: Estate, opened: Opened
) -> None:
    owner = open_database(estate.url)
    with owner.write() as tx:
        tx.execute(text(
            "INSERT INTO person VALUES ('E-1','N','n@x','DE','DE','DE/X','D',NULL,'',true,1,1)"
        ))  # fmt: skip
        tx.execute(text(
            "INSERT INTO person_version VALUES "
            "('E-1',1,'DE','DE','DE/X','D',NULL,'',true,1,'2026-11-22')"
        ))  # fmt: skip
    owner.engine.dispose()
    with pytest.raises(DBAPIError, match="append-only"), opened("app").write() as tx:
        tx.execute(text(f"SET LOCAL ROLE {estate.prefix}_eraser"))
        tx.execute(text("DELETE FROM person_version"))


def test_a_role_that_owns_nothing_does_not_migrate_but_looks(
    estate: Estate, opened: Opened
) -> None:
    bring_up(opened("app"))
    owner = open_database(estate.url)
    with owner.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0009_witnesses'"))
    with pytest.raises(Unavailable) as caught:
        bring_up(opened("app"))
    assert caught.value.kind == "schema"
    with owner.write() as tx:  # as it was: the migrations after it are in place
        tx.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": newest()})
    upgraded = open_as_admin(estate.url, None, estate.prefix)
    migrate(upgraded)
    upgraded.engine.dispose()
    owner.engine.dispose()


def test_an_upgrade_makes_tables_that_the_owner_owns(postgresql_server: str) -> None:
    name = f"t_{uuid.uuid4().hex}"
    copy_database(postgresql_server, name, None)
    estate = Estate(postgresql_server.format(db=name))
    with dropping_roles(postgresql_server, estate.prefix):
        estate.make_roles()  # before there is any table
        owner = open_as_admin(estate.url, None, estate.prefix)
        migrate(owner)
        with owner.read() as tx:
            owners = set(tx.execute(text(
                "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace"
            )).scalars())  # fmt: skip
        owner.engine.dispose()
        assert owners == {f"{estate.prefix}_owner"}
        drop_database(postgresql_server, name)


def test_a_password_on_the_command_line_is_refused() -> None:
    with pytest.raises(InvalidInput, match="password"):
        open_as_admin("postgresql+psycopg://a:secret@localhost/db", None)


@pytest.mark.parametrize("prefix", ["", "x; DROP", 'a"b', "Habeas", "1a"])
def test_a_prefix_is_a_plain_word(prefix: str) -> None:
    with pytest.raises(InvalidInput):
        role_name(prefix, "app")


def test_what_the_eraser_may_touch_is_what_an_erasure_touches() -> None:
    from app.db.roles import ERASED

    assert set(ERASED) == set(TABLES) | {"audit_erasure"}


def test_every_append_only_table_is_insert_only_for_the_app() -> None:
    for table in append_only():
        assert set(rights(table.name)["app"]) <= {"SELECT", "INSERT"}
