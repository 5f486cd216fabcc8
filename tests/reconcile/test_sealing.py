"""Sealing what was there before: what the log confirms, and only with two custodians again."""

from app.audit.entries.subjects import SealedNames
from app.db.ring import Flaw
from app.kernel.signing import LocalSigner, jwk
from app.reconcile.sealing import SealedNow
from app.wiring import Services
from tests.tamper import sql

WIPE = ("DELETE FROM row_seal", "UPDATE person SET seal = NULL")


def as_before(services: Services, *statements: str) -> None:
    """Leave the database as a release without seals would have it."""
    sql(services.database, *WIPE, *statements)
    ring = services.database.seals
    ring.adopted = False
    ring._seals.clear()
    ring.names = SealedNames(services.log.vault)


def sealed_first(services: Services) -> SealedNow:
    with services.database.write() as tx:
        done = services.reconciler.seal_first(tx, lambda *_: None, services.clock.now())
    assert done is not None
    services.integrator.integrate()
    return done


def test_a_database_of_before_is_sealed_where_the_log_confirms_it(sample: Services) -> None:
    as_before(sample)
    with sample.database.read() as tx:
        assert all(person.disputed for person in sample.directory.people(tx))
    sample.database.seals.take_found()
    done = sealed_first(sample)
    assert done.findings.differences == []
    assert done.sealed > 100
    with sample.database.read() as tx:
        assert not any(person.disputed for person in sample.directory.people(tx))
    assert sample.reconciler.examine(lambda *_: None).count == 0


def test_it_is_done_once(sample: Services) -> None:
    with sample.database.write() as tx:
        assert sample.reconciler.seal_first(tx, lambda *_: None, sample.clock.now()) is None


def test_a_log_that_cannot_be_believed_confirms_nothing(sample: Services) -> None:
    """Whoever changes leaves would have rows sealed that they confirm, and put the leaves back."""
    as_before(sample)
    sample.database.seals.broken = "for this test"
    with sample.database.write() as tx:
        assert sample.reconciler.seal_first(tx, lambda *_: None, sample.clock.now()) is None


def test_swapped_pseudonyms_are_not_sealed(sample: Services) -> None:
    with sample.database.read() as tx:
        people = sample.directory.people(tx)
        leading = {one.manager for one in people}
        german, french = (
            next(one.id for one in people if one.region == region and one.id not in leading)
            for region in ("DE", "FR")
        )
    swap = "UPDATE audit_subject SET person_id = '{}' WHERE person_id = '{}'"
    as_before(
        sample,
        swap.format("~", german),
        swap.format(german, french),
        swap.format(french, "~"),
    )
    done = sealed_first(sample)
    assert {one.flaw for one in done.findings.differences} >= {Flaw.DIFFERS}
    with sample.database.read() as tx:
        disputed = {one.id for one in sample.directory.people(tx) if one.disputed}
    assert disputed >= {german, french}
    assert len(disputed) < 10


def test_a_person_whose_version_no_entry_recorded_stays_unsealed(sample: Services) -> None:
    with sample.database.read() as tx:
        one = next(one.id for one in sample.directory.people(tx) if one.region == "DE")
    as_before(
        sample,
        f"UPDATE person_version SET region = 'US-NY' WHERE person_id = '{one}'",
        f"UPDATE person SET region = 'US-NY' WHERE id = '{one}'",
    )
    sealed_first(sample)
    with sample.database.read() as tx:
        assert sample.directory.person(tx, one).disputed
    assert any(of.startswith("person:") for of in sample.database.seals.alarms)


def test_a_role_that_only_the_row_of_a_person_has_is_not_sealed(sample: Services) -> None:
    with sample.database.read() as tx:
        one = next(one.id for one in sample.directory.people(tx) if not one.roles and one.active)
    as_before(sample, f"UPDATE person SET roles = 'legal@DE' WHERE id = '{one}'")
    assert {of.flaw for of in sealed_first(sample).findings.differences} == {Flaw.DIFFERS}
    with sample.database.read() as tx:
        person = sample.directory.person(tx, one)
    assert person.disputed
    assert person.roles == ()


def test_sessions_tokens_and_pairings_end_with_it(sample: Services) -> None:
    now = sample.clock.now()
    with sample.database.write() as tx:
        one = next(one for one in sample.directory.people(tx) if one.active)
        token = sample.sessions.start(tx, one.id, "https://idp.example", one.id, now)
        sample.pairing.start(tx, "laptop", jwk(LocalSigner.generate().public), now)
    sample.integrator.integrate()
    as_before(sample)
    sample.database.seals.take_found()
    sealed_first(sample)
    assert sample.reconciler.examine(lambda *_: None).count == 0
    with sample.database.read() as tx:
        assert sample.sessions.find(tx, token, now) is None
        assert not sample.directory.person(tx, one.id).disputed


def test_one_bad_row_of_a_report_leaves_nobody_above_unsealed(sample: Services) -> None:
    with sample.database.read() as tx:
        people = sample.directory.people(tx)
        leading = {one.manager for one in people}
        one = next(one for one in people if one.manager and one.id not in leading)
    as_before(
        sample,
        f"UPDATE person_version SET region = 'NO' WHERE person_id = '{one.id}'",
    )
    sample.database.seals.take_found()
    sealed_first(sample)
    with sample.database.read() as tx:
        assert {of.id for of in sample.directory.people(tx) if of.disputed} == {one.id}
