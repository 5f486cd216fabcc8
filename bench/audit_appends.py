"""How many changes a second eight writers record on PostgreSQL, next to a counter row taken first.

A change is what a decision of a person does: a row locked, two rows read, a row inserted, and the
entry of the log, in one transaction that is durable when it is acknowledged. The reference does the
very same, but takes the number of its entry first, from a counter row, as logs in databases often
do. In both the integrator runs, and the time ends when everything written is integrated and
published. Interleaved rounds in one run; medians.

In addition, how long the world waits under this load: for every entry the time from the return of
its commit to the creation of the first checkpoint that covers it, over all rounds of ours.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import create_engine, select, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' PostgreSQL

from app.audit.entries import store
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import open_lock
from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.kernel.clock import SystemClock
from app.kernel.signing import LocalSigner
from tests import postgresql

WRITERS, ROUNDS, SECONDS = 8, 3, 4.0
ORIGIN, SEED = "audit.example.com/bench/2026", b"b" * 32
WANTED = 2.0
_TABLES = (
    "CREATE TABLE bench_person (id integer PRIMARY KEY, changed integer NOT NULL)",
    "CREATE TABLE bench_state (id bigserial PRIMARY KEY, person integer, said text)",
    "CREATE TABLE bench_counter (id integer PRIMARY KEY, n bigint NOT NULL)",
    "INSERT INTO bench_counter VALUES (1, 0)",
    "INSERT INTO bench_person SELECT g, 0 FROM generate_series(0, 999) g",
)


def change(database: Database, log: AuditService, person: int, *, counter_first: bool) -> str:
    """One change and its entry; return the event."""
    event = Event(
        Kind.CONSENT_PAUSED,
        Actor("consumer", f"bench-{person % 7}"),
        {"decision": f"d-{person}", "seq": person, "region": "DE", "signals": ["click", "type"]},
    )
    with database.write() as tx:
        if counter_first:
            tx.execute(text("UPDATE bench_counter SET n = n + 1 WHERE id = 1 RETURNING n"))
        row = {"person": person}
        tx.execute(text("SELECT changed FROM bench_person WHERE id = :person FOR UPDATE"), row)
        tx.execute(text("SELECT count(*) FROM bench_state WHERE id < 10 AND person = :person"), row)
        tx.execute(text("INSERT INTO bench_state (person, said) VALUES (:person, 'paused')"), row)
        return log.append(tx, event, SystemClock().now())


def writer(url: str, number: int, counter_first: bool, begin: Barrier, done: object) -> None:
    """One process: as many changes as it can in the time."""
    database, log = open_database(url), AuditService(Vault(SEED), ORIGIN)
    change(database, log, number, counter_first=counter_first)
    begin.wait(60)
    committed: list[tuple[str, float]] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        person = (number * 125 + len(committed)) % 1000
        event_id = change(database, log, person, counter_first=counter_first)
        committed.append((event_id, time.time()))
    done.put(committed)  # type: ignore[attr-defined]
    database.engine.dispose()


def measure(
    url: str, integrator: Integrator, *, counter_first: bool
) -> tuple[float, dict[str, float]]:
    """Changes per second, from the first to the moment when the last is published.

    Returns:
        That, and when each event was committed (POSIX).
    """
    spawn = multiprocessing.get_context("spawn")
    begin, done = spawn.Barrier(WRITERS + 1), spawn.Queue()
    writers = [
        spawn.Process(target=writer, args=(url, number, counter_first, begin, done))
        for number in range(WRITERS)
    ]
    for one in writers:
        one.start()
    begin.wait(60)
    start = time.perf_counter()
    stop = threading.Event()
    loop = threading.Thread(target=integrator.run, args=(stop,))
    loop.start()
    committed = {event_id: at for _ in writers for event_id, at in done.get(timeout=120)}
    stop.set()
    loop.join()
    integrator.integrate()
    taken = time.perf_counter() - start
    for one in writers:
        one.join()
    return len(committed) / taken, committed


def waits(database: Database, committed: dict[str, float]) -> list[float]:
    """From each event's commit to the first checkpoint that covers it: seconds, sorted."""
    at = store.checkpoint.c
    with database.read() as tx:
        published = tx.execute(select(at.size, at.created_at).order_by(at.size)).all()
        places = tx.execute(select(store.leaf.c.event_id, store.leaf.c.idx)).all()
    sizes = [row.size for row in published]
    return sorted(
        published[bisect_right(sizes, idx)].created_at.timestamp() - committed[event_id]
        for event_id, idx in places
        if event_id in committed
    )


def main() -> None:
    """Measure and print; ends with 1 where the ratio is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = options.parse_args().rounds
    with postgresql.server() as server, tempfile.TemporaryDirectory() as folder:
        admin = create_engine(server.format(db="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE bench_appends")
        admin.dispose()
        url = server.format(db="bench_appends")
        database = open_database(url)
        migrate(database)
        with database.write() as tx:
            for statement in _TABLES:
                tx.execute(text(statement))
        lock = open_lock(f"sqlite:///{Path(folder) / 'lock.sqlite'}")
        signer = LocalSigner.from_seed(SEED)
        integrator = Integrator(database, signer, ORIGIN, SystemClock(), lock=lock)
        found: dict[bool, list[float]] = {True: [], False: []}
        ours_committed: dict[str, float] = {}
        for _ in range(rounds):
            for counter_first in (True, False):
                rate, committed = measure(url, integrator, counter_first=counter_first)
                found[counter_first].append(rate)
                ours_committed |= {} if counter_first else committed
        delays = waits(database, ours_committed)
        lock.database.engine.dispose()
        database.engine.dispose()
    ours, reference = (statistics.median(found[key]) for key in (False, True))
    print(f"changes with their entries, {WRITERS} writers   {ours:8.0f} a second")
    print(f"the same, a counter row taken first   {reference:8.0f} a second")
    p50, p99 = (delays[int(len(delays) * share)] for share in (0.5, 0.99))
    print(
        f"from commit to a checkpoint that covers it, {len(delays)} entries: "
        f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {delays[-1]:.2f} s"
    )
    print(f"ratio {ours / reference:.2f} (wanted: at least {WANTED})")
    sys.exit(0 if ours >= WANTED * reference else 1)


if __name__ == "__main__":
    main()
