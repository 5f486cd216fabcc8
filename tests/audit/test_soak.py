"""Everybody at once: gap-free, nothing missed, nothing twice, whoever reads meanwhile."""

import json
import multiprocessing
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.audit.entries.store import entries_between
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import open_checkpoint
from app.audit.tree.merkle import leaf_hash, verify_inclusion
from tests.audit.soak import Party, Tail, party, process

pytestmark = pytest.mark.slow

SECONDS = 4.0
WRITERS = 8


def check(mine: Party, seen: list[tuple[int, str]], acknowledged: list[str]) -> None:
    assert len(acknowledged) > 100, "the soak hardly wrote anything"
    assert [idx for idx, _ in seen] == list(range(len(seen)))
    assert Counter(event for _, event in seen) == Counter(acknowledged)
    with mine.database.read() as tx:
        note = mine.log.checkpoint(tx)
        assert note is not None
        signed = open_checkpoint(note.encode(), mine.integrator.key)
        assert signed.size == len(seen)
        times = [entry.leaf["integrated_at"] for entry in entries_between(tx, 0, len(seen))]
        assert times == sorted(times)
        for idx in range(0, len(seen), 97):
            entry, proof = (
                ReadingService(mine.log).entry(tx, idx),
                ReadingService(mine.log).proof(tx, idx),
            )
            verify_inclusion(idx, signed.size, leaf_hash(entry.raw), proof.path, signed.root)
    assert mine.integrator.lock is not None
    assert mine.integrator.lock.read() == note.encode()
    assert mine.integrator.halt.state is None


def test_eight_writers_and_two_integrators_on_postgresql(
    postgresql_url: str, tmp_path: Path
) -> None:
    parties = [party(postgresql_url, f"sqlite:///{tmp_path / 'lock.sqlite'}") for _ in range(2)]
    tail = Tail(parties[0].database)
    tail.start()
    with ExitStack() as stack, ThreadPoolExecutor(WRITERS) as pool:
        for one in parties:
            stack.enter_context(one.integrating())
        until = time.monotonic() + SECONDS
        writing = [
            pool.submit(parties[writer % 2].write, 1_000 * writer, until)
            for writer in range(WRITERS)
        ]
        acknowledged = [event for one in writing for event in one.result()]
    parties[0].integrator.integrate()
    check(parties[0], tail.finish(), acknowledged)
    for one in parties:
        one.close()


def test_two_processes_that_both_integrate_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    lock_url = f"sqlite:///{tmp_path / 'lock.sqlite'}"
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Event()
    outs = [tmp_path / f"{number}.json" for number in range(2)]
    running = [
        spawn.Process(
            target=process, args=(sqlite_url, lock_url, 1_000 * number, SECONDS, begin, out)
        )
        for number, out in enumerate(outs)
    ]
    mine = party(sqlite_url, lock_url)
    tail = Tail(mine.database)
    tail.start()
    for job in running:
        job.start()
    begin.set()
    for job in running:
        job.join(60)
        assert job.exitcode == 0
    mine.integrator.integrate()
    acknowledged = [event for out in outs for event in json.loads(out.read_text("utf-8"))]
    check(mine, tail.finish(), acknowledged)
    mine.close()
