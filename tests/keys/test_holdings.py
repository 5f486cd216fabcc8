"""What an instance says of its keys: since when each is in use, and nothing that is private."""

from datetime import timedelta

import pytest

from app.db.engine import Database
from app.directory.model import Person
from app.kernel.signing import b64u
from app.keys.listing import KeyRow, KeyState, Listing, SetState, Todo
from app.keys.model import KeySet
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests import make
from tests.fakes import FakeClock
from tests.tamper import sql

DAY = timedelta(days=1)
ADMIN: Person = make.person("E-7", "admin")


def listing(services: Services) -> Listing:
    services.integrator.integrate()
    with services.database.read() as tx:
        return services.listed_keys(tx, services.clock.now())


def publish(services: Services, proposed: KeySet) -> KeySet:
    services.key_sets.publish(proposed.text.encode(), services.clock.now())
    services.integrator.integrate()
    services.key_sets.follow()
    return proposed


def leases(services: Services) -> list[tuple[KeyState, timedelta | None]]:
    now = services.clock.now()
    return [(row.state, row.age(now)) for row in listing(services).keys if row.use == "lease"]


def test_the_first_keys_are_as_old_as_the_log(services: Services, clock: FakeClock) -> None:
    clock.advance(DAY)
    made = listing(services)
    with services.database.read() as tx:
        began = services.log.began_at(tx)
    assert began is not None
    assert {row.since for row in made.keys if row.use != "sign-in"} == {began}
    assert made.due(clock.now()) == ()
    assert {row.id for row in made.keys} >= {key["kid"] for key in services.jwks["keys"]}


def test_a_rotated_key_is_as_old_as_its_begin(services: Services, clock: FakeClock) -> None:
    clock.advance(10 * DAY)
    sets = services.key_sets
    publish(services, sets.propose_rotation("lease", clock.now(), timedelta(hours=1)))
    assert leases(services) == [(KeyState.SIGNS, 10 * DAY), (KeyState.WAITS, None)]
    clock.advance(DAY)
    signs, verifies = leases(services)
    assert signs == (KeyState.SIGNS, DAY - timedelta(hours=1))
    assert verifies == (KeyState.VERIFIES, 11 * DAY)


def test_a_key_that_signs_at_once_is_as_old_as_the_set_that_named_it_first(
    services: Services, clock: FakeClock
) -> None:
    clock.advance(10 * DAY)
    publish(services, services.key_sets.propose_rotation("lease", clock.now(), revoke=True))
    clock.advance(DAY)
    publish(services, services.key_sets.propose_renewal(clock.now()))
    clock.advance(DAY)
    assert leases(services) == [(KeyState.SIGNS, 2 * DAY), (KeyState.REVOKED, 12 * DAY)]
    made = listing(services).key_set
    assert (made.version, made.since) == (3, clock.now() - DAY)


def test_a_consumers_secret_is_as_old_as_its_newest_registration(
    services: Services, clock: FakeClock
) -> None:
    with services.database.write() as tx:
        services.consumers.register(tx, ADMIN, "lake", "Data lake", [], ["storage"], clock.now())
    clock.advance(3 * DAY)
    with services.database.write() as tx:
        services.consumers.rotate(tx, ADMIN, "lake", clock.now(), 2 * DAY)
    clock.advance(DAY)
    rows = [row for row in listing(services).keys if row.use == "consumer"]
    assert rows == [
        KeyRow(
            "consumer", "lake", KeyState.IN_USE, "Data lake", clock.now() - DAY,
            todo=Todo.ROTATE, due=clock.now() + 364 * DAY,
        ),
        KeyRow("consumer", "lake", KeyState.VERIFIES, "Data lake", ends=clock.now() + DAY),
    ]  # fmt: skip


def test_no_private_key_is_in_the_list(services: Services) -> None:
    told = repr(listing(services))
    files = tuple((services.settings.var / "keys").glob("*.key"))
    assert len(files) > 7
    for file in files:
        secret = file.read_bytes()
        assert not any(said in told for said in (secret.hex(), b64u(secret), repr(secret)))


def test_a_set_that_was_taken_away_is_said_and_the_keys_in_use_stay_listed(
    services: Services,
) -> None:
    before = {row.id for row in listing(services).keys}
    sql(services.database, "DELETE FROM audit_adopted WHERE what = 'keys'")
    made = listing(services)
    assert (made.key_set.state, made.key_set.todo) == (SetState.DISPUTED, Todo.ALARM)
    assert {row.id for row in made.keys} == before


@pytest.mark.parametrize("damage", ["missing", "no key"])
def test_a_key_whose_file_is_damaged_while_it_signs_is_urgent(
    services: Services, clock: FakeClock, damage: str
) -> None:
    file = services.settings.var / "keys" / "grant.key"
    file.unlink()
    if damage == "no key":
        file.write_bytes(b"short")
    urgent = listing(services).urgent(clock.now())
    assert [(row.todo, isinstance(row, KeyRow) and row.use) for row in urgent] == [
        (Todo.PUT_BACK, "grant")
    ]


def test_the_keys_of_an_earlier_release_are_as_old_as_its_log(
    settings: Settings, database: Database, clock: FakeClock, shipped: Shipped
) -> None:
    """The log says of them only when the first set is published, which may be much later."""
    fresh = settings.model_copy(update={"var": settings.var / "fresh"})
    build(fresh, clock=clock, database=database, serving=False, shipped=shipped)
    clock.advance(100 * DAY)
    served = build(fresh, clock=clock, database=database, shipped=shipped)
    assert leases(served) == [(KeyState.SIGNS, 100 * DAY)]
    made = listing(served)
    assert made.key_set.since == clock.now()
    assert [row.since for row in made.keys if row.use == "root"] == [clock.now()]
