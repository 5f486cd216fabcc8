"""How much memory an export takes, and how little of a large log a proof reads.

A log is made by the program's own integrator from submissions that are written in bulk: one access
decision to three reports, of five hundred people. Then, each in a process of its own:

- the log is exported, in each form asked for; the process reports its largest resident size itself
  (getrusage), which holds the interpreter and every library too;
- entries all over the log are proved, each on a fresh connection; statements are counted, and the
  bytes that the process read.

    python bench/export_memory.py [ENTRIES [FORM …]]
"""

import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, select

from app.audit.entries import store
from app.audit.entries.model import FORMAT, SYSTEM, Actor, Event, Kind, submission
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.export.projections import ExportForm
from app.audit.export.writing import export_log
from app.audit.growing.integrator import BATCH, Integrator
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.audit.tree.merkle import verify_inclusion
from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.kernel.canonical import Json
from app.kernel.clock import SystemClock
from app.kernel.signing import LocalSigner

ENTRIES, PEOPLE, PROOFS, MOST_MB = 1_000_000, 500, 25, 300
ORIGIN = "audit.example.com/bench/2026"
PURPOSE = "ai_training.computer_use"
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
REGIONS = ("DE", "FR", "US-NY", "US-CA")
SECRET = bytes(32)


def decision(number: int) -> Event:
    """An access decision about one person, shorter than a real one but of its shape."""
    person = f"p_{number % PEOPLE:032x}"
    permit = number % 12 != 0
    facts: dict[str, Json] = {
        "consumer": "pipeline",
        "purpose": PURPOSE,
        "dataset": "ui-events",
        "signals": ["click", "keystroke"],
        "people": [{"person": person, "region": REGIONS[number % 4], "standing": "given"}],
        "outcome": "permit" if permit else "deny",
        "reasons": [] if permit else ["consent.missing"],
    }
    return Event(Kind.ACCESS_DECIDED, Actor("consumer", "pipeline"), facts, (person,), PURPOSE)


def report(number: int) -> Event:
    """What a device did."""
    facts: dict[str, Json] = {"device": str(number % PEOPLE), "report": str(number), "allowed": 7}
    actor = Actor("device", str(number % PEOPLE))
    return Event(Kind.AGENT_REPORTED, actor, facts, (f"p_{number % PEOPLE:032x}",))


def submissions(count: int) -> Iterator[dict[str, object]]:
    """Rows of ``audit_pending``."""
    for number in range(count):
        if number == 0:
            said = Event(Kind.LOG_OPENED, SYSTEM, {"origin": ORIGIN, "format": FORMAT})
        else:
            said = decision(number) if number % 4 == 0 else report(number)
        event_id = str(uuid.UUID(int=number))
        at = START + timedelta(seconds=number)
        written = submission(
            said,
            event_id=event_id,
            occurred_at=at,
            actor=said.actor,
            subjects=said.subjects,
            commitment=None,
        )
        yield {"event_id": event_id, "submission": written, "created_at": at}


def fill(folder: Path, count: int) -> dict[str, float]:
    """Make the log."""
    start = time.perf_counter()
    database, _, integrator = opened(folder)
    migrate(database)
    rows = submissions(count)
    while page := list(islice(rows, 20 * BATCH)):
        with database.write() as tx:
            tx.execute(insert(store.pending), page)
        integrator.integrate()
    database.engine.dispose()
    return {"seconds": time.perf_counter() - start}


def opened(folder: Path) -> tuple[Database, AuditService, Integrator]:
    """The log, with a key that is made once."""
    key = folder / "log.key"
    if not key.exists():
        key.write_bytes(secrets.token_bytes(32))
    database = open_database(f"sqlite:///{folder / 'log.sqlite'}")
    signer = LocalSigner.from_seed(key.read_bytes())
    log = AuditService(Vault(SECRET), ORIGIN)
    return database, log, Integrator(database, signer, ORIGIN, SystemClock())


def resident_mb() -> float:
    """The largest resident size of this process so far, in 10**6 bytes (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def export(folder: Path, form: ExportForm) -> dict[str, float]:
    """Export in this process."""
    database, log, integrator = opened(folder)
    before, start = resident_mb(), time.perf_counter()
    done = export_log(
        database,
        log,
        integrator,
        folder / "export",
        actor=SYSTEM,
        now=SystemClock().now(),
        documents=lambda _tx: (),
        form=form,
    )
    return {
        "entries": done.entries,
        "seconds": time.perf_counter() - start,
        "bytes": done.path.stat().st_size,
        "before_mb": before,
        "resident_mb": resident_mb(),
    }


def prove(folder: Path, count: int) -> dict[str, float]:
    """Prove entries all over the log, each on a fresh connection."""
    statements, read, longest = [0], 0, 0
    for place in range(PROOFS):
        database, log, _ = opened(folder)

        def counted(*_: object) -> None:
            statements[0] += 1

        with database.read() as tx:
            tx.execute(select(1))  # the connection's own questions are not the proof's
            sqlalchemy_event.listen(database.engine, "before_cursor_execute", counted)
            start = bytes_read()
            found = ReadingService(log).proof(tx, place * (count - 1) // (PROOFS - 1))
            read += bytes_read() - start
        signed = parse_checkpoint(parse_note(found.checkpoint.encode()).text)
        verify_inclusion(found.index, signed.size, found.leaf_hash, found.path, signed.root)
        longest = max(longest, len(found.path))
        database.engine.dispose()
    return {
        "statements": statements[0] / PROOFS,
        "bytes": read / PROOFS,
        "hashes": longest,
    }


def bytes_read() -> int:
    """What this process has asked the system to read so far (Linux only)."""
    said = Path("/proc/self/io").read_text(encoding="ascii")
    return int(said.split("rchar: ")[1].split("\n")[0])


def child(*words: object) -> dict[str, float]:
    """Run a part of this program in a process of its own.

    This process stays small: on Linux a child's largest size begins with its parent's.
    """
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(count: int, forms: Iterable[ExportForm]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = child("--fill", folder, count)["seconds"]
        size = (folder / "log.sqlite").stat().st_size
        print(f"{count:,} entries made in {made:,.0f} s: {count / made:,.0f} a second")
        print(f"database {size / 1e6:,.0f} MB")
        for form in forms:
            done = child("--export", folder, form.value)
            print(
                f"{form.value:12} {done['seconds']:8.1f} s  {done['bytes'] / 1e6:9,.1f} MB  "
                f"resident at most {done['resident_mb']:5.0f} MB "
                f"({done['before_mb']:.0f} MB before it began, bar {MOST_MB} MB)"
            )
            assert done["resident_mb"] < MOST_MB, "the export's memory grows with the log"
        proof = child("--prove", folder, count)
        print(
            f"proof: {proof['hashes']:.0f} hashes at most, {proof['statements']:.1f} statements "
            f"and {proof['bytes'] / 1e3:,.0f} kB read on average"
        )
        assert proof["statements"] <= 20, "a proof must not read much of the log"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", folder, count]:
            print(json.dumps(fill(Path(folder), int(count))))
        case ["--export", folder, form]:
            print(json.dumps(export(Path(folder), ExportForm(form))))
        case ["--prove", folder, count]:
            print(json.dumps(prove(Path(folder), int(count))))
        case [count, *chosen] if count:
            main(int(count), [ExportForm(one) for one in chosen] or [ExportForm.TAR])
        case _:
            main(ENTRIES, [ExportForm.TAR])
