"""Erasing a person: everything that names them goes, the log stays and verifies."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError

from app.audit.entries.model import SYSTEM, Entry
from app.audit.export.writing import export_log
from app.audit.reading.service import ReadingService
from app.audit.restore.custody import read_private_key, sign_statement
from app.audit.tree.checkpoint import open_checkpoint
from app.audit.tree.merkle import verify_inclusion
from app.db.metadata import metadata
from app.db.scrub import scrub
from app.demo.custodians import NAMES, sample_custodians
from app.demo.seed import DATA
from app.directory.packs import read_people
from app.kernel.errors import Forbidden, NotFound, Unauthenticated
from app.kernel.signing import read_token
from app.kernel.tokens import ERASURE_TYPE, keys_for
from app.rights.model import GROUNDS, Erased, ErasureBasis
from app.rights.store import TABLES
from app.sdk.verify import verify
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import (
    EMPLOYEE,
    Story,
    evaluate,
    lease,
    propose_catalogue,
    redeem,
    report,
    revoke_consent,
    start_session,
)
from tests.fakes import FakeClock
from tests.tamper import sql
from tests.templates import Templates

BASIS = ErasureBasis.GDPR_17_1_B


def with_custodians(settings: Settings) -> Settings:
    listed = sample_custodians(settings.var / "custodians")
    return settings.model_copy(update={"custodians": listed})


def copied(
    kind: str, templates: Templates, shipped: Shipped, folder: Path
) -> AbstractContextManager[str]:
    """A copy of the sample organisation with two custodians, after a day on which much was done."""

    def spend_a_day(settings: Settings) -> None:
        services = build(with_custodians(settings), clock=FakeClock(), shipped=shipped)
        with services.database.write() as tx:
            day = Story(services, tx)
            for story in (lease, report, redeem, revoke_consent, evaluate, start_session):
                story(day)
        services.integrator.integrate()
        services.close()

    templates.add("office", "sample", spend_a_day)
    return templates.copy(kind, "office", folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest,
    templates: Templates,
    tmp_path: Path,
    clock: FakeClock,
    shipped: Shipped,
) -> Iterator[Services]:
    """The office after that day, for one test."""
    with copied(request.param, templates, shipped, tmp_path) as url:
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        services = build(with_custodians(settings), clock=clock, shipped=shipped)
        yield services
        services.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def one_erased(
    request: pytest.FixtureRequest,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    shipped: Shipped,
) -> Iterator[Services]:
    """The office after somebody was erased, for all the tests in which everything is refused."""
    folder = tmp_path_factory.mktemp("erased")
    with copied(request.param, templates, shipped, folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(with_custodians(settings), clock=FakeClock(), shipped=shipped)
        with services.database.write() as tx:
            day = Story(services, tx)
            day.given()
            day.services.leases.lease(tx, day.paired().device, day.now)
        erase(services, "E-0026")
        yield services
        services.close()


def signed(
    services: Services, person_id: str, basis: ErasureBasis = BASIS, names: tuple[str, ...] = NAMES
) -> bytes:
    with services.database.write() as tx:
        note = services.rights.statement(tx, person_id, basis).encode()
    for name in names:
        key = (services.settings.var / "custodians" / f"{name}.key").read_bytes()
        note = sign_statement(note, *read_private_key(key)).encode()
    return note


def erase(services: Services, person_id: str) -> Erased:
    note = signed(services, person_id)
    with services.database.write() as tx:
        erased = services.rights.erase(tx, person_id, BASIS, note, services.clock.now())
    services.integrator.integrate()
    return erased


def traces(services: Services, *words: str) -> list[str]:
    """Where any of the words stands, in any column of any table."""
    found = []
    with services.database.read() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(select(table)).mappings():
                for column, value in row.items():
                    binary = isinstance(value, bytes | memoryview)
                    seen = bytes(value) if binary else str(value).encode()
                    found += [f"{table.name}.{column}" for word in words if word.encode() in seen]
    return found


@pytest.mark.parametrize("person_id", [EMPLOYEE, "E-0008"])
def test_no_column_of_any_table_names_an_erased_person(opened: Services, person_id: str) -> None:
    with opened.database.read() as tx:
        person = opened.directory.person(tx, person_id)
    words = (person.id, person.name, person.email)
    assert traces(opened, *words)
    erase(opened, person_id)
    assert traces(opened, *words) == []


@pytest.mark.parametrize("raised", ["before", "after"])
def test_whose_decisions_somebody_changed_with_sql_is_erased_all_the_same(
    raised: str, opened: Services, tmp_path: Path
) -> None:
    opened.integrator.integrate()
    changed = f"UPDATE consent_decision SET signals = '{{' WHERE person_id = '{EMPLOYEE}'"
    assert sql(opened.database, changed)
    with opened.database.read() as tx:
        person = opened.directory.person(tx, EMPLOYEE)
        assert opened.consent.standing(tx, person, opened.clock.now()).disputed
    if raised == "before":
        opened.integrator.integrate()
    erase(opened, EMPLOYEE)
    assert traces(opened, person.id, person.name, person.email) == []
    export(opened, tmp_path / "log.tar")
    found = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert found.exit_code == 0, found


def test_the_receipts_that_name_a_person_are_erased_with_them(opened: Services) -> None:
    """A token is base64: a search for the name alone would not find it in there."""
    with opened.database.read() as tx:
        person = opened.directory.person(tx, EMPLOYEE)
        receipts = opened.consent.receipts(tx, EMPLOYEE)
    tokens = [receipt.token for receipt in receipts]
    assert {receipt.claims["name"] for receipt in receipts} == {person.name}
    assert set(traces(opened, *tokens)) == {"consent_decision.token"}
    erase(opened, EMPLOYEE)
    assert traces(opened, *tokens) == []


def test_the_person_whom_others_report_to_and_who_made_policy_leaves_no_trace(
    opened: Services,
) -> None:
    """Whoever is named most: reports, policy proposed and approved, a stop, a note next to it."""
    with opened.database.write() as tx:
        day = Story(opened, tx)
        author, change = day.proposed()
        second = day.holder("legal@US", but=author.id)
        opened.policy.stops.stop(tx, second, "US", f"ask {second.name}", day.now)
        opened.policy.stops.propose_resume(tx, author, "US", day.now)
        opened.policy.stops.approve_resume(tx, second, "US", day.now)
    for person in (author, second):
        erase(opened, person.id)
        assert traces(opened, person.id, person.name, person.email) == []
    with opened.database.read() as tx:
        found = opened.policy.workflow.change(tx, change.id)
        assert found.author.startswith("p_")
        assert [step.actor for step in found.steps] == [found.author]


def test_whoever_agreed_to_a_catalogue_leaves_no_trace_and_it_stays_agreed_to(
    opened: Services,
) -> None:
    """Two proposals, one declined and one approved, each with a note that names its writer."""
    catalogues = opened.policy.catalogues
    with opened.database.write() as tx:
        day = Story(opened, tx)
        shown, author = propose_catalogue(day)
        second = day.holder("legal@GLOBAL", but=author.id)
        seen = (shown.digest, shown.base)
        catalogues.decline(tx, second, *seen, f"ask {second.name}", day.now)
        catalogues.propose(tx, author, *seen, f"ask {author.name}", day.now)
        catalogues.approve(tx, second, *seen, f"ask {second.email}", day.now)
    for person in (author, second):
        erase(opened, person.id)
        assert traces(opened, person.id, person.name, person.email) == []
    with opened.database.read() as tx:
        newest = catalogues.told(tx)[0]
        assert opened.policy.catalogue(tx).digest == newest.digest == shown.digest
    assert newest.actor != newest.proposer
    assert all(name and name.startswith("p_") for name in (newest.actor, newest.proposer))


def test_reports_are_handed_to_the_managers_manager(opened: Services) -> None:
    """Nobody's line becomes shorter above the one who left: nobody may ask more than before."""
    with opened.database.read() as tx:
        people = opened.directory.people(tx)
        middle = next(
            one for one in people
            if one.manager and any(other.manager == one.id for other in people)
        )  # fmt: skip
        reports = [one.id for one in people if one.manager == middle.id]
        before = ReadingService(opened.log).counts_by_kind(tx)["directory.person"]
    erase(opened, middle.id)
    with opened.database.read() as tx:
        assert {opened.directory.person(tx, one).manager for one in reports} == {middle.manager}
        assert ReadingService(opened.log).counts_by_kind(tx)["directory.person"] == before + len(
            reports
        )


def test_everything_in_the_log_still_proves_and_an_export_verifies(
    opened: Services, tmp_path: Path
) -> None:
    erase(opened, EMPLOYEE)
    with opened.database.read() as tx:
        size = opened.log.size(tx)
        reading = ReadingService(opened.log)
        proofs = [reading.proof(tx, idx) for idx in range(size)]
    assert size > 40
    for idx, proof in enumerate(proofs):
        signed = open_checkpoint(proof.checkpoint.encode(), opened.integrator.key)
        assert (proof.index, proof.size) == (idx, signed.size)
        verify_inclusion(idx, signed.size, proof.leaf_hash, proof.path, signed.root)
    export(opened, tmp_path / "log.tar")
    found = verify(tmp_path / "log.tar", opened.integrator.vkey, None)
    assert found.exit_code == 0, found


def export(services: Services, file: Path) -> None:
    export_log(
        services.database,
        services.log,
        services.integrator,
        file,
        actor=SYSTEM,
        now=services.clock.now(),
        documents=services.exports.documents,
    )


def test_the_entry_names_pseudonym_ground_counts_and_what_was_signed(opened: Services) -> None:
    note = signed(opened, EMPLOYEE)
    with opened.database.read() as tx:
        pseudonym = opened.log.pseudonyms(tx, [EMPLOYEE])[EMPLOYEE]
    erased = erase(opened, EMPLOYEE)
    entry = entry_of(opened, erased.event_id)
    assert entry.leaf["kind"] == "subject.erased"
    assert entry.leaf["subjects"] == [pseudonym]
    facts = entry.leaf["facts"]
    assert (facts["basis"], facts["keys"], facts["again"]) == (BASIS.value, 1, False)
    assert facts["bodies"] >= 1
    with opened.database.read() as tx:
        kept = dict(opened.exports.documents(tx))[facts["statement"]]
    assert kept == note
    assert EMPLOYEE.encode() not in kept


def entry_of(services: Services, event_id: str) -> Entry:
    with services.database.read() as tx:
        idx = services.log.index_of(tx, event_id)
        assert idx is not None
        return ReadingService(services.log).entry(tx, idx)


def test_the_receipt_is_signed_by_a_published_key_and_names_nobody(opened: Services) -> None:
    erased = erase(opened, EMPLOYEE)
    token = opened.rights.receipt(erased)
    claims = read_token(token, ERASURE_TYPE, keys_for(opened.jwks, ERASURE_TYPE))
    assert claims["sub"] == erased.pseudonym
    assert claims["log"]["event"] == erased.event_id
    assert claims["rows"] == erased.rows > 5
    assert EMPLOYEE not in json.dumps(claims)


def test_a_body_once_readable_is_gone_and_says_so(opened: Services) -> None:
    with opened.database.read() as tx:
        bodies = [
            row.event_id
            for row in tx.execute(text("SELECT event_id, owner FROM audit_body"))
            if row.owner == opened.log.pseudonyms(tx, [EMPLOYEE])[EMPLOYEE]
        ]
        assert all(ReadingService(opened.log).body(tx, event_id) for event_id in bodies)
    assert bodies
    erase(opened, EMPLOYEE)
    with opened.database.read() as tx:
        assert [ReadingService(opened.log).body(tx, event_id) for event_id in bodies] == [
            None
        ] * len(bodies)


def test_a_running_laptop_is_told_off_at_once(opened: Services) -> None:
    with opened.database.write() as tx:
        day = Story(opened, tx)
        started = day.paired()
        code = started.pairing.device_code
        token = opened.pairing.redeem(tx, code, day.assertion(started), day.now).value
        assert opened.leases.holder(tx, token, day.now).device.id == started.id
    erase(opened, EMPLOYEE)
    with opened.database.read() as tx:
        with pytest.raises(Unauthenticated):
            opened.leases.holder(tx, token, opened.clock.now())
        assert ReadingService(opened.log).counts_by_kind(tx)["device.revoked"] >= 1


def test_coming_back_is_a_new_person_to_the_log(opened: Services) -> None:
    erased = erase(opened, EMPLOYEE)
    with opened.database.write() as tx:
        people = read_people((DATA / "people.csv").read_bytes(), frozenset())
        opened.directory.import_people(
            tx, people, actor=SYSTEM, now=opened.clock.now(), file_digest="sha256:" + "0" * 64
        )
        assert opened.log.pseudonym(tx, EMPLOYEE) != erased.pseudonym
        assert opened.consent.history(tx, EMPLOYEE) == ()


@pytest.mark.parametrize("names", [(), NAMES[:1], NAMES[:1] * 2])
def test_fewer_than_two_custodians_erase_nobody(opened: Services, names: tuple[str, ...]) -> None:
    note = signed(opened, EMPLOYEE, names=names)
    refused(opened, note)


def test_a_statement_about_another_ground_or_person_erases_nobody(opened: Services) -> None:
    refused(opened, signed(opened, EMPLOYEE, ErasureBasis.CCPA_1798_105))
    refused(opened, signed(opened, "E-0026"))


def refused(services: Services, note: bytes) -> None:
    with pytest.raises(Forbidden), services.database.write() as tx:
        services.rights.erase(tx, EMPLOYEE, BASIS, note, services.clock.now())
    with services.database.read() as tx:
        assert services.directory.person(tx, EMPLOYEE).id == EMPLOYEE
    assert services.lock.erased() == frozenset()


def test_nobody_is_erased_twice(opened: Services) -> None:
    note = signed(opened, EMPLOYEE)
    erase(opened, EMPLOYEE)
    with pytest.raises(NotFound), opened.database.write() as tx:
        opened.rights.erase(tx, EMPLOYEE, BASIS, note, opened.clock.now())


def test_a_crash_before_the_commit_is_finished_by_the_next_start(
    opened: Services, shipped: Shipped
) -> None:
    """So is a database restored from a copy: the lock store knows, the database does not."""
    with opened.database.read() as tx:
        person = opened.directory.person(tx, EMPLOYEE)
    note = signed(opened, EMPLOYEE)

    class Crash(Exception):
        pass

    with pytest.raises(Crash), opened.database.write() as tx:
        opened.rights.erase(tx, EMPLOYEE, BASIS, note, opened.clock.now())
        raise Crash
    assert traces(opened, person.name)
    again = build(opened.settings, clock=opened.clock, shipped=shipped)
    assert traces(again, person.id, person.name, person.email) == []
    with again.database.read() as tx:
        assert ReadingService(again.log).counts_by_kind(tx)["subject.erased"] == 1
    again.adopt()
    with again.database.read() as tx:
        assert ReadingService(again.log).counts_by_kind(tx)["subject.erased"] == 1
    again.database.engine.dispose()


# What the triggers let through, and nothing more --------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consent_decision",
        "DELETE FROM person_version",
        "DELETE FROM audit_body",
        "DELETE FROM audit_subject",
        "DELETE FROM agent_lease",
        "DELETE FROM policy_step",
        "DELETE FROM audit_erasure",
        "UPDATE policy_change SET author = 'p_0'",
        "UPDATE policy_change SET note = ''",
        "UPDATE person_version SET manager = NULL",
        "UPDATE person_version SET manager = 'E-0001'",
        "UPDATE audit_subject SET wrapped_key = wrapped_key",
        "UPDATE audit_erasure SET basis = 'x'",
    ],
)
def test_a_stray_statement_is_refused_also_after_somebody_was_erased(
    one_erased: Services, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="append-only"), one_erased.database.write() as tx:
        tx.execute(text(statement))


def test_an_erasure_without_its_entry_is_refused(opened: Services) -> None:
    """So whoever opens the triggers by hand leaves an entry in the log, naming the pseudonym."""
    with opened.database.read() as tx:
        pseudonym = opened.log.pseudonyms(tx, [EMPLOYEE])[EMPLOYEE]
        other = tx.execute(text("SELECT event_id FROM audit_leaf LIMIT 1")).scalar()
    with pytest.raises(DBAPIError, match="has its entry"), opened.database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO audit_erasure (pseudonym, event_id, keys, bodies, erased_at) "
                f"VALUES ('{pseudonym}', '{other}', 1, 1, '2026-11-22')"
            )
        )


def test_while_one_is_being_erased_nobody_else_can_be_deleted_or_renamed(
    opened: Services,
) -> None:
    note = signed(opened, "E-0026")
    for statement in (
        "DELETE FROM person_version",
        "UPDATE policy_change SET author = 'p_00000000000000000000000000000000'",
    ):
        with pytest.raises(DBAPIError, match="append-only"), opened.database.write() as tx:
            opened.rights.erase(tx, "E-0026", BASIS, note, opened.clock.now())
            tx.execute(text(statement))


def test_a_temporary_table_does_not_replace_the_real_table(
    request: pytest.FixtureRequest, opened: Services
) -> None:
    """A session that makes its own audit_erasure and audit_subject opens nothing with it."""
    create = "CREATE TEMPORARY TABLE"
    with pytest.raises(DBAPIError, match="append-only"), opened.database.write() as tx:
        for table in ("audit_erasure", "audit_subject"):
            schema = "main." if opened.database.dialect == "sqlite" else "public."
            tx.execute(text(f"{create} {table} AS SELECT * FROM {schema}{table}"))
        tx.execute(
            text(
                "INSERT INTO audit_erasure (pseudonym, event_id, keys, bodies, erased_at) "
                "SELECT pseudonym, 'x', 1, 1, '2026-11-22' FROM audit_subject"
            )
        )
        schema = "main." if opened.database.dialect == "sqlite" else "public."
        tx.execute(text(f"DELETE FROM {schema}person_version"))


# Bytes in files ----------------------------------------------------------------------------------


def test_no_file_holds_a_trace_afterwards(opened: Services, tmp_path: Path) -> None:
    """Database, write-ahead log, lock store, export, copy: every file of the folder."""
    with opened.database.read() as tx:
        person = opened.directory.person(tx, EMPLOYEE)
    erase(opened, EMPLOYEE)
    assert scrub(opened.database, TABLES) is None
    export(opened, tmp_path / "log.tar")
    words = [one.encode() for one in (person.name, person.email, person.id)]
    if opened.database.dialect == "sqlite":
        path = make_url(str(opened.database.engine.url)).database
        with sqlite3.connect(str(path)) as copy:
            copy.execute(f"VACUUM INTO '{tmp_path / 'copy.sqlite'}'")
    else:
        (tmp_path / "tables").mkdir()
        for file in table_files(opened):
            shutil.copyfile(file, tmp_path / "tables" / file.name)
        assert list((tmp_path / "tables").iterdir())
    looked = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(looked) > 5
    found = [(file.name, word) for file in looked for word in words if word in file.read_bytes()]
    assert found == []


def table_files(services: Services) -> list[Path]:
    """The files of this database's tables, indexes and statistics on PostgreSQL."""
    with services.database.read() as tx:
        tx.execute(text("SELECT 1"))
        folder = Path(tx.execute(text("SHOW data_directory")).scalar_one())
        base = tx.execute(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        ).scalar_one()
    with services.database.engine.connect().execution_options(
        isolation_level="AUTOCOMMIT"
    ) as connection:
        connection.execute(text("CHECKPOINT"))
    return [file for file in (folder / "base" / str(base)).iterdir() if file.is_file()]


def test_every_ground_is_explained_with_the_section_of_its_law() -> None:
    assert set(GROUNDS) == set(ErasureBasis)
    for basis, words in GROUNDS.items():
        assert re.findall("[0-9]+", words) == re.findall("[0-9]+", basis), basis
