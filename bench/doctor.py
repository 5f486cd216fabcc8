"""How long ``habeas doctor`` looks at a large database, and how much memory it takes.

The reference, in the same run, is a plain reading of the same log: every entry parsed and hashed,
nothing compared. ``python bench/doctor.py 100000`` makes that many entries first (SQLite, some
minutes). Ends with status 1 where the database, which nobody tampered with, is not silent.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' clock and people

from app.audit.entries import store
from app.audit.entries.model import SYSTEM
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.kernel.private import private_folder
from app.settings import Settings
from app.wiring import Services, build
from tests.fakes import FakeClock
from tests.make import person

ENTRIES, PEOPLE, AT_ONCE = 20_000, 2_000, 500


def main() -> int:
    """Make a database, look at it, print the figures."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        private_folder(var)
        services = build(Settings(var=var, demo=True), clock=FakeClock())
        fill(services, wanted)
        plain = timed_reading(services)
        before = peak_mb()
        began = time.perf_counter()
        findings = services.reconciler.examine(lambda *_: None)
        whole = time.perf_counter() - began
        print(f"entries {findings.entries:,}, rows {findings.rows:,}")
        print(f"plain reading {plain:.1f} s; doctor {whole:.1f} s; ratio {whole / plain:.1f}")
        print(f"peak memory before {before:.0f} MB, after {peak_mb():.0f} MB")
        for difference in findings.differences:
            print(difference.sentence)
        services.close()
    return 1 if findings.count else 0


def fill(services: Services, wanted: int) -> None:
    """Let people decide again and again until the log has so many entries."""
    clock = services.clock
    with services.database.write() as tx:
        people = tuple(person(f"E-{number}") for number in range(min(PEOPLE, wanted // 4)))
        digest = "sha256:" + "0" * 64
        services.directory.import_people(
            tx, people, actor=SYSTEM, now=clock.now(), file_digest=digest
        )
    services.integrator.integrate()
    turn = 0
    while services.fold.tree.size < wanted:
        with services.database.write() as tx:
            for _ in range(min(AT_ONCE, wanted - services.fold.tree.size)):
                somebody = people[turn % len(people)]
                services.consent.revoke(tx, somebody, SYSTEM, "a reason", clock.now())
                turn += 1
        services.integrator.integrate()


def timed_reading(services: Services) -> float:
    """Parse and hash every entry."""
    began = time.perf_counter()
    with services.database.read() as tx:
        head, tree = store.head_of(tx), CompactRange()
        for start in range(0, head.size, 1_000):
            raws = store.raw_entries(tx, start, min(start + 1_000, head.size))
            for raw in raws:
                json.loads(raw)
            tree = tree.extend(leaf_hash(raw) for raw in raws)
    assert tree.root == head.root
    return time.perf_counter() - began


def peak_mb() -> float:
    """The most memory that this process has held, MB (getrusage: kilobytes on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
