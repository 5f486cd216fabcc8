"""Writers, integrators and a reader at once: what each of them does, in threads or processes."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path

from app.audit.entries import store
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import open_lock
from app.db.engine import Database, open_database
from app.kernel.clock import SystemClock
from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner
from tests.audit import make

ORIGIN = "audit.example.com/soak/2026"
SEED = b"s" * 32


class Rolled(Exception):
    """Ends a transaction."""


@dataclass(frozen=True)
class Party:
    """One process's view of the shared log."""

    database: Database
    log: AuditService
    integrator: Integrator

    def write(self, writer: int, until: float) -> list[str]:
        """Append as fast as it goes, now and then slowly, now and then in vain."""
        acknowledged, number = [], writer
        while time.monotonic() < until:
            number += 1
            event = ""
            # Too busy means that nothing was changed: once more.
            with suppress(Rolled, Unavailable), self.database.write() as tx:
                event = self.log.append(tx, make.decision(number), SystemClock().now())
                if number % 7 == 0:  # a number given now would be overtaken by others
                    time.sleep(0.005)
                if number % 5 == 0:
                    event = ""
                    raise Rolled
            if event and self._is_kept(event):
                acknowledged.append(event)
        return acknowledged

    def _is_kept(self, event: str) -> bool:
        """Whether the commit was confirmed, or taken all the same."""
        with self.database.read() as tx:
            return store.submission_of(tx, event) is not None

    @contextmanager
    def integrating(self) -> Iterator[None]:
        """Run the integrator's loop."""
        stop = threading.Event()
        loop = threading.Thread(target=self.integrator.run, args=(stop,))
        loop.start()
        try:
            yield
        finally:
            stop.set()
            loop.join(timeout=20)

    def close(self) -> None:
        self.database.engine.dispose()
        assert self.integrator.lock is not None
        self.integrator.lock.database.engine.dispose()


def party(url: str, lock_url: str) -> Party:
    database, signer = open_database(url), LocalSigner.from_seed(SEED)
    integrator = Integrator(
        database, signer, ORIGIN, SystemClock(), every_s=0.02, lock=open_lock(lock_url)
    )
    return Party(database, AuditService(Vault(SEED), ORIGIN, integrator.halt), integrator)


def process(
    url: str, lock_url: str, writer: int, seconds: float, begin: ProcessEvent, out: Path
) -> None:
    """A whole process: writes and integrates, then says what was acknowledged."""
    mine = party(url, lock_url)
    begin.wait(60)
    with mine.integrating():
        acknowledged = mine.write(writer, time.monotonic() + seconds)
    out.write_text(json.dumps(acknowledged), encoding="utf-8")
    mine.close()


class Tail(threading.Thread):
    """Reads the log by index while it grows, and never looks back."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.seen: list[tuple[int, str]] = []
        self._database = database
        self._last_round = threading.Event()

    def run(self) -> None:
        while True:
            last = self._last_round.is_set()
            with self._database.read() as tx:
                found = store.entries_between(tx, len(self.seen), len(self.seen) + 500)
            self.seen += [(entry.idx, entry.leaf["event"]) for entry in found]
            if last and not found:
                return
            time.sleep(0.01)

    def finish(self) -> list[tuple[int, str]]:
        self._last_round.set()
        self.join(timeout=30)
        return self.seen
