"""An alarm stands until two people have cleared it."""

import pytest
from starlette.testclient import TestClient

from app.directory.model import Person
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.main import create_app
from app.wiring import Services
from tests.tamper import sql


@pytest.fixture
def alarmed(sample: Services) -> tuple[Services, str, str]:
    """Somebody was given a role with SQL; then their row was put back as it was."""
    with sample.database.read() as tx:
        one = next(one.id for one in sample.directory.people(tx) if one.region == "DE")
    sql(sample.database, f"UPDATE person SET department = department || '!' WHERE id = '{one}'")
    with sample.database.read() as tx:
        assert sample.directory.person(tx, one).disputed
    sample.integrator.integrate()
    sql(
        sample.database,
        f"UPDATE person SET department = replace(department, '!', '') WHERE id = '{one}'",
    )
    with sample.database.read() as tx:
        assert sample.directory.person(tx, one).disputed
    (chain,) = sample.database.seals.alarms
    return sample, one, chain


def holders(services: Services, role: str) -> list[Person]:
    with services.database.read() as tx:
        people = services.directory.people(tx)
    return [one for one in people if role in one.functions]


def propose(
    services: Services, actor: Person, chain: str, reason: str = "a copy was put back"
) -> None:
    with services.database.write() as tx:
        services.alarms.propose(tx, actor, chain, reason, services.clock.now())
    services.integrator.integrate()


def clear(services: Services, actor: Person, chain: str) -> None:
    with services.database.write() as tx:
        services.alarms.clear(tx, actor, chain, services.clock.now())
    services.integrator.integrate()


def test_two_people_clear_an_alarm(alarmed: tuple[Services, str, str]) -> None:
    services, one, chain = alarmed
    first, second = holders(services, "auditor")[0], holders(services, "dpo")[0]
    propose(services, first, chain)
    clear(services, second, chain)
    assert services.database.seals.alarms == {}
    with services.database.read() as tx:
        assert not services.directory.person(tx, one).disputed


def test_one_person_alone_clears_nothing(alarmed: tuple[Services, str, str]) -> None:
    services, one, chain = alarmed
    first = holders(services, "auditor")[0]
    with pytest.raises(Conflict):
        clear(services, first, chain)
    propose(services, first, chain)
    with pytest.raises(Conflict):
        propose(services, first, chain)
    with pytest.raises(Forbidden):
        clear(services, first, chain)
    with services.database.read() as tx:
        assert services.directory.person(tx, one).disputed


def test_who_has_no_role_for_it_is_refused(alarmed: tuple[Services, str, str]) -> None:
    services, _, chain = alarmed
    admin = holders(services, "admin")[0]
    with pytest.raises(Forbidden):
        propose(services, admin, chain)
    propose(services, holders(services, "auditor")[0], chain)
    with pytest.raises(Forbidden):
        clear(services, admin, chain)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_a_reason_is_asked_for(alarmed: tuple[Services, str, str], reason: str) -> None:
    services, _, chain = alarmed
    with pytest.raises(InvalidInput):
        propose(services, holders(services, "auditor")[0], chain, reason)


def test_an_alarm_that_is_not_there_is_said_to_be_none(sample: Services) -> None:
    with pytest.raises(NotFound):
        propose(sample, holders(sample, "auditor")[0], "person:nobody")


def test_an_alarm_over_rows_that_still_disagree_comes_back(
    alarmed: tuple[Services, str, str],
) -> None:
    services, one, chain = alarmed
    sql(services.database, f"UPDATE person SET roles = 'legal@DE' WHERE id = '{one}'")
    propose(services, holders(services, "auditor")[0], chain)
    clear(services, holders(services, "dpo")[0], chain)
    with services.database.read() as tx:
        assert services.directory.person(tx, one).disputed
    services.integrator.integrate()
    assert chain in services.database.seals.alarms


def test_what_is_open_survives_a_new_start(alarmed: tuple[Services, str, str]) -> None:
    services, _, chain = alarmed
    propose(services, holders(services, "auditor")[0], chain)
    services.fold.save(services.settings.var / "fold.json")
    services.fold.restart()
    assert services.fold.load(services.settings.var / "fold.json")
    assert chain in services.fold.alarms.by_chain
    assert chain in services.fold.alarms.proposals
    assert chain in services.database.seals.alarms


def test_health_counts_alarms_and_names_nobody(alarmed: tuple[Services, str, str]) -> None:
    services, _, _ = alarmed
    with TestClient(create_app(services), base_url=services.settings.base_url) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["alarms"] == 1
