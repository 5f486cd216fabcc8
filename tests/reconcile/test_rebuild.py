"""All rows sealed again, with a new key, on the word of two custodians."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from app.audit.restore.custody import read_private_key, sign_statement
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.errors import Forbidden
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.tamper import sql


@pytest.fixture
def guarded(sample: Services, clock: FakeClock, shipped: Shipped) -> Iterator[Services]:
    """The sample organisation with custodians."""
    settings = sample.settings
    listed = sample_custodians(settings.var / "custodians")
    settings = settings.model_copy(update={"custodians": listed})
    with closing(build(settings, clock=clock, shipped=shipped)) as services:
        yield services


def statement_of(services: Services) -> str:
    with services.database.read() as tx:
        return services.reconciler.statement(tx)


def signed_by(settings: Settings, statement: str, *names: str) -> bytes:
    note = statement
    for name in names:
        key = (settings.var / "custodians" / f"{name}.key").read_bytes()
        note = sign_statement(note.encode(), *read_private_key(key))
    return note.encode()


def disputed(services: Services) -> int:
    with services.database.read() as tx:
        return sum(person.disputed for person in services.directory.people(tx))


def again(services: Services, clock: FakeClock) -> Iterator[Services]:
    with closing(build(services.settings, clock=clock)) as opened:
        yield opened


def test_where_every_seal_is_gone_nothing_opens_until_two_custodians_seal_again(
    guarded: Services, clock: FakeClock
) -> None:
    sql(guarded.database, "DELETE FROM row_seal")
    for opened in again(guarded, clock):
        assert disputed(opened) > 20
        note = signed_by(opened.settings, statement_of(opened), *NAMES[:2])
        done = opened.reconciler.rebuild(note, lambda *_: None, clock.now())
        opened.integrator.integrate()
        assert done.sealed > 100
        assert done.findings.count == 0
        assert disputed(opened) == 0
    for opened in again(guarded, clock):
        assert opened.database.seals.generation == 2
        findings = opened.reconciler.examine(lambda *_: None)
        assert [one.sentence for one in findings.differences] == []


def test_one_custodian_or_another_statement_seals_nothing(
    guarded: Services, clock: FakeClock
) -> None:
    statement = statement_of(guarded)
    alone = signed_by(guarded.settings, statement, NAMES[0])
    other = signed_by(guarded.settings, statement.replace("size ", "size 1"), *NAMES[:2])
    for note in (alone, other):
        with pytest.raises(Forbidden):
            guarded.reconciler.rebuild(note, lambda *_: None, clock.now())
    assert guarded.database.seals.generation == 1
    assert disputed(guarded) == 0


def test_what_the_log_does_not_confirm_stays_unsealed(guarded: Services, clock: FakeClock) -> None:
    with guarded.database.read() as tx:
        one = next(one.id for one in guarded.directory.people(tx) if one.region == "DE")
    sql(
        guarded.database,
        "DELETE FROM row_seal",
        f"UPDATE person_version SET region = 'NO' WHERE person_id = '{one}'",
    )
    for opened in again(guarded, clock):
        note = signed_by(opened.settings, statement_of(opened), *NAMES[:2])
        done = opened.reconciler.rebuild(note, lambda *_: None, clock.now())
        opened.integrator.integrate()
        assert done.findings.count > 0
        with opened.database.read() as tx:
            assert opened.directory.person(tx, one).disputed
