"""Two processes that seal the rows of a database of before at the same moment."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import func, select

from app.audit.entries.model import Kind
from app.audit.entries.store import leaf
from app.wiring import Services, build
from tests.fakes import FakeClock
from tests.reconcile.test_sealing import as_before


@pytest.fixture
def second(sample: Services, clock: FakeClock) -> Iterator[Services]:
    """Another process over the same database, as it was before rows were sealed, for both."""
    with closing(build(sample.settings, clock=clock, serving=False)) as other:
        for services in (other, sample):
            as_before(services)
        with sample.database.read() as tx:
            sample.directory.people(tx)
        yield other


def seal(services: Services) -> int | None:
    with services.database.write() as tx:
        services.log.open(tx, services.clock.now())  # takes the log's lock
        done = services.reconciler.seal_first(tx, lambda *_: None, services.clock.now())
    return None if done is None else done.sealed


def adoptions(services: Services) -> int:
    query = select(func.count()).where(leaf.c.kind == Kind.SEALS_ADOPTED)
    with services.database.read() as tx:
        return int(tx.execute(query).scalar_one())


def test_what_another_process_has_sealed_is_not_sealed_again(
    sample: Services, second: Services
) -> None:
    before = adoptions(sample)
    sealed = seal(sample)
    assert sealed is not None
    assert sealed > 100
    assert seal(second) is None
    second.integrator.integrate()
    assert second.database.seals.adopted
    assert adoptions(sample) == before + 1
    assert second.reconciler.examine(lambda *_: None).count == 0


def test_of_two_at_the_same_moment_one_seals(sample: Services, second: Services) -> None:
    before = adoptions(sample)
    done: list[int | None] = []
    begin = threading.Barrier(2)

    def one(services: Services) -> None:
        begin.wait()
        done.append(seal(services))

    threads = [threading.Thread(target=one, args=(of,)) for of in (sample, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sealed is None for sealed in done) == 1
    sample.integrator.integrate()
    second.integrator.integrate()
    assert adoptions(sample) == before + 1
