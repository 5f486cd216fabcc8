"""A process folds its log from several threads: each waits, and none takes the log for broken."""

from concurrent.futures import ThreadPoolExecutor

from app.audit.entries.model import SYSTEM, Event, Kind
from app.wiring import Services

THREADS, ROUNDS = 4, 10


def test_threads_that_fold_at_once_find_nothing_wrong(services: Services) -> None:
    ring = services.database.seals

    def go_on(_: int) -> list[str | None]:
        said = []
        for _ in range(ROUNDS):
            with services.database.write() as tx:
                services.log.append(tx, Event(Kind.SESSION_STARTED, SYSTEM), services.clock.now())
            services.integrator.integrate()
            said.append(ring.broken)
        return said

    with ThreadPoolExecutor(THREADS) as pool:
        said = [broken for answers in pool.map(go_on, range(THREADS)) for broken in answers]
    assert set(said) == {None}
    with services.database.read() as tx:
        assert services.fold.tree.size == services.log.size(tx)
