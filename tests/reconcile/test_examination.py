"""The whole database against the log: silent where all agrees, and naming what does not."""

import pytest
from sqlalchemy import select, update

from app.audit.entries.model import SYSTEM
from app.db.ring import Flaw
from app.db.seals import with_seal
from app.directory.tables import PEOPLE, person_table
from app.reconcile.examination import RowFindings
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import Story
from tests.tamper import sql


def examined(services: Services) -> RowFindings:
    return services.reconciler.examine(lambda *_: None)


def test_a_database_that_agrees_is_silent(sample: Services) -> None:
    findings = examined(sample)
    assert [one.sentence for one in findings.differences] == []
    assert findings.entries == sample.fold.tree.size
    assert findings.rows > findings.entries


def test_what_is_not_numbered_yet_counts_like_an_entry(sample: Services) -> None:
    with sample.database.write() as tx:
        person = sample.directory.people(tx)[0]
        sample.consent.revoke(tx, person, SYSTEM, "a reason", sample.clock.now())
    assert examined(sample).count == 0
    sample.integrator.integrate()
    assert examined(sample).count == 0


INSERTED = (
    "INSERT INTO audit_adopted (number, what, digest, adopted_at) "
    "SELECT 900, 'custodians', digest, adopted_at FROM audit_adopted WHERE number = 1"
)
TAMPERINGS = {
    "a decision is deleted": (
        ("DELETE FROM consent_decision WHERE seq = (SELECT max(seq) FROM consent_decision)",),
        "consent",
        Flaw.BEHIND,
    ),
    "a decision is changed": (
        ("UPDATE consent_decision SET act = 'given' WHERE act <> 'given'",),
        "consent",
        Flaw.UNSEALED,
    ),
    "a role is given": (
        ("UPDATE person SET roles = 'legal@DE' WHERE id = (SELECT max(id) FROM person)",),
        "person",
        Flaw.UNSEALED,
    ),
    "a version is changed": (
        ("UPDATE person_version SET region = 'NO' WHERE region = 'DE'",),
        "person",
        Flaw.UNSEALED,
    ),
    "a floor begins earlier": (
        ("UPDATE policy_floor SET valid_from = '2001-01-01 00:00:00'",),
        "floor",
        Flaw.UNSEALED,
    ),
    "a list is put into force": (
        (INSERTED,),
        "list",
        Flaw.UNSEALED,
    ),
}


@pytest.fixture(params=TAMPERINGS)
def tampered(request: pytest.FixtureRequest, sample: Services) -> tuple[Services, str, Flaw]:
    statements, chain, flaw = TAMPERINGS[request.param]
    with sample.database.write() as tx:
        person = next(one for one in sample.directory.people(tx) if one.active)
        sample.consent.revoke(tx, person, SYSTEM, "a reason", sample.clock.now())
    sample.integrator.integrate()
    assert sql(sample.database, *statements) > 0
    return sample, chain, flaw


def test_what_does_not_agree_is_named_and_becomes_an_alarm(
    tampered: tuple[Services, str, Flaw],
) -> None:
    services, chain, flaw = tampered
    findings = examined(services)
    kinds = {(one.chain.partition(":")[0], one.flaw) for one in findings.differences}
    assert (chain, flaw) in kinds
    services.integrator.integrate()
    open_on = {of.partition(":")[0] for of in services.database.seals.alarms}
    assert chain in open_on


def test_what_was_written_right_after_its_entry_is_seen_as_the_log_is_followed(
    sample: Services,
) -> None:
    sample.reconciler.follow()
    with sample.database.write() as tx:
        person = next(one for one in sample.directory.people(tx) if one.active)
        sample.consent.revoke(tx, person, SYSTEM, "a reason", sample.clock.now())
    sample.integrator.integrate()
    sql(sample.database, "UPDATE consent_decision SET act = 'given' WHERE act = 'revoked'")
    assert sample.reconciler.follow() > 0
    sample.integrator.integrate()
    assert any(of.startswith("consent:") for of in sample.database.seals.alarms)


def test_an_entry_that_is_kept_as_something_else_is_named(sample: Services) -> None:
    with sample.database.read() as tx:
        size = sample.log.size(tx)
    if sample.database.dialect == "sqlite":
        sql(sample.database, f"UPDATE audit_leaf SET entry = 'text' WHERE idx = {size - 1}")
    else:
        sql(sample.database, f"UPDATE audit_leaf SET entry = '\\x00' WHERE idx = {size - 1}")
    findings = examined(sample)
    assert (Flaw.SHAPE, size - 1) in {(one.flaw, one.idx) for one in findings.differences}


def test_a_row_that_is_called_what_no_entry_may_hold_keeps_no_alarm_back(sample: Services) -> None:
    sql(
        sample.database,
        "UPDATE audit_adopted SET what = 'no code at all' WHERE number = 1",
        "UPDATE policy_floor SET valid_from = '2001-01-01 00:00:00' WHERE region = 'DE'",
    )
    assert examined(sample).count > 1
    sample.integrator.integrate()
    assert {"list", "floor:DE"} <= sample.database.seals.alarms.keys()


@pytest.mark.parametrize("table", ["audit_document", "notice_text", "policy_document"])
def test_a_document_that_is_not_what_its_name_says_is_named(table: str, sample: Services) -> None:
    column = {"audit_document": "content", "notice_text": "source", "policy_document": "body"}
    garbled = {"sqlite": "x'00'", "postgresql": "'\\x00'"}[sample.database.dialect]
    one = f"digest = (SELECT max(digest) FROM {table})"
    assert sql(sample.database, f"UPDATE {table} SET {column[table]} = {garbled} WHERE {one}") == 1
    (difference,) = [of for of in examined(sample).differences if of.table == table]
    assert difference.flaw is Flaw.DIFFERS
    assert difference.chain == f"document:{difference.row_key}"


def test_an_offer_that_is_not_what_its_name_says_is_named(sample: Services) -> None:
    with sample.database.write() as tx:
        Story(sample, tx).given()
    sample.integrator.integrate()
    assert examined(sample).count == 0
    assert sql(sample.database, "UPDATE consent_offer SET offer = '{}'") == 1
    assert "consent_offer" in {of.table for of in examined(sample).differences}


LOOKUPS = {
    "kind": "'log.read'",
    "actor": "'person:p_0'",
    "purpose": "'audit.compliance'",
    "outcome": "'permit'",
    "event_id": "'another'",
    "occurred_at": "'2001-01-01 00:00:00+00:00'",
    "leaf_hash": "(SELECT leaf_hash FROM audit_leaf WHERE idx = 8)",
}


@pytest.mark.parametrize("column", LOOKUPS)
def test_a_leaf_that_is_found_under_something_else_is_named(column: str, sample: Services) -> None:
    sql(sample.database, f"UPDATE audit_leaf SET {column} = {LOOKUPS[column]} WHERE idx = 7")
    (difference,) = examined(sample).differences
    assert (difference.flaw, difference.idx) == (Flaw.DIFFERS, 7)
    assert difference.columns == (column,)


def test_a_session_that_somebody_wrote_puts_nobody_in_doubt(sample: Services) -> None:
    now = sample.clock.now()
    with sample.database.write() as tx:
        one, two = [one.id for one in sample.directory.people(tx) if one.active][:2]
        sample.sessions.start(tx, one, "https://idp.example", one, now)
    sample.integrator.integrate()
    assert sql(sample.database, f"UPDATE person_session SET person_id = '{two}'") == 1
    assert {of.chain.partition(":")[0] for of in examined(sample).differences} == {"session"}
    sample.integrator.integrate()
    with sample.database.read() as tx:
        assert not sample.directory.person(tx, two).disputed


def test_who_has_the_key_and_changes_a_person_is_named_by_what_was_recorded(
    sample: Services,
) -> None:
    with sample.database.write() as tx:
        row = tx.execute(select(person_table).limit(1)).one()._asdict()
        changed = with_seal(tx, PEOPLE, row | {"roles": "legal@DE"})
        tx.execute(update(person_table).where(person_table.c.id == row["id"]).values(**changed))
    assert [one.flaw for one in examined(sample).differences] == [Flaw.DIFFERS]
