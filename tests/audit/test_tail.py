"""The tail: every entry in order, at least once, none before it is published."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.audit.entries.model import SYSTEM, Actor, Entry, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.export.projections import LINES, ExportForm
from app.audit.export.tail import begin_tail, tail
from app.audit.export.writing import export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading.service import ReadingService
from app.cli.audit import FLUSH_EVERY, print_lines
from app.db.engine import Database
from app.kernel.errors import Conflict
from app.wiring import Services
from tests import typed
from tests.audit import make
from tests.audit.conftest import ORIGIN
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow


def test_a_tail_gives_every_entry_once_and_ends(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 700)
    assert [entry.idx for entry in tail(database, 0)] == list(range(700))
    assert [entry.idx for entry in tail(database, 650)] == list(range(650, 700))
    assert [entry.idx for entry in tail(database, 10, limit=3)] == [10, 11, 12]
    assert list(tail(database, 700)) == []


def test_what_is_not_published_does_not_leave(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """Neither what is committed only, nor what has its index but no signed checkpoint yet."""
    assert list(tail(database, 0)) == []
    make.fill(database, log, integrator, clock, 20)
    with database.write() as tx:
        log.append(tx, make.withdrawal(1), clock.now())
    assert len(list(tail(database, 0))) == 20
    with database.write() as tx:
        integrator._integrate_batch(tx)
    with database.read() as tx:
        assert ReadingService(log).entry(tx, 20).idx == 20
    assert len(list(tail(database, 0))) == 20
    integrator.publish()
    assert len(list(tail(database, 0))) == 21


def test_a_tail_is_an_entry_that_says_from_where_and_how(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, 20)
    begin_tail(
        database, log, integrator,
        actor=SYSTEM, now=clock.now(), start=5, form=ExportForm.OCSF, follow=True,
    )  # fmt: skip
    *_, last = tail(database, 5)
    assert last.leaf["kind"] == "log.exported"
    said = last.leaf["facts"]
    assert (said["from"], said["format"], said["follow"], said["size"]) == (5, "ocsf", True, 20)


def test_a_reader_that_is_ahead_of_the_log_is_told(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """A log that was restored to an earlier state must not look like one where nothing happens."""
    make.fill(database, log, integrator, clock, 20)
    with pytest.raises(Conflict, match="20 published entries"):
        begin_tail(
            database, log, integrator,
            actor=SYSTEM, now=clock.now(), start=21, form=ExportForm.JSONL, follow=True,
        )  # fmt: skip
    with database.read() as tx:
        assert log.size(tx) == 20


def test_a_log_that_is_restored_under_a_reader_ends_its_tail(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """It would skip what the restored log has under the indices that the reader has passed."""
    make.fill(database, log, integrator, clock, 20)
    with pytest.raises(Conflict, match="20 published entries"):
        next(tail(database, 21))

    def go_on_as_another_epoch(_seconds: float) -> bool:
        with database.write() as tx:
            log.append(tx, make.withdrawal(1), clock.now())
        replace(integrator, origin=f"{ORIGIN}/e2").integrate()
        return False

    reading = tail(database, 0, wait=go_on_as_another_epoch)
    assert [next(reading).idx for _ in range(20)] == list(range(20))
    with pytest.raises(Conflict, match="/e2 since a restore"):
        next(reading)


def test_a_tail_misses_nothing_and_repeats_nothing_while_two_write(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """Writers commit in any order, and one in seven of their transactions is undone."""
    make.fill(database, log, integrator, clock, 2)
    stop, written, lock = threading.Event(), set[str](), threading.Lock()

    class Undone(Exception):
        pass

    def write(writer: int) -> None:
        for number in range(150):
            event = Event(Kind.DEVICE_PAIRED, Actor("device", f"d-{writer}"), {"number": number})
            try:
                with database.write() as tx:
                    event_id = log.append(tx, event, clock.now())
                    if number % 7 == writer:
                        raise Undone  # noqa: TRY301 - the block is what must be undone
            except Undone:
                continue
            with lock:
                written.add(event_id)

    integrating = threading.Thread(target=integrator.run, args=(stop,))
    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in (integrating, *writers):
        thread.start()

    def wait(seconds: float) -> bool:
        time.sleep(0.01)
        with lock:
            return not any(writer.is_alive() for writer in writers) and len(got) - 2 >= len(written)

    got: list[Entry] = []
    for entry in tail(database, 0, wait=wait):
        got.append(entry)  # noqa: PERF402 - ``wait`` looks at what has come so far
    for thread in writers:
        thread.join()
    stop.set()
    integrating.join()
    assert [entry.idx for entry in got] == list(range(len(got)))
    assert {entry.leaf["event"] for entry in got[2:]} == written


@pytest.mark.parametrize("form", sorted(LINES))
def test_a_tail_and_an_export_have_the_same_lines(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    form: ExportForm,
) -> None:
    make.fill(database, log, integrator, clock, 60)
    done = export_log(
        database,
        log,
        integrator,
        tmp_path / "log",
        actor=SYSTEM,
        now=clock.now(),
        documents=make.documents,
        form=form,
    )
    out = io.BytesIO()
    assert print_lines(out, tail(database, 0), LINES[form], ORIGIN, 0) == 61
    assert out.getvalue() == done.path.read_bytes()


class Gone(io.BytesIO):
    """A pipe whose reader goes away after so many flushes."""

    def __init__(self, flushes: int) -> None:
        super().__init__()
        self.left = flushes

    def flush(self) -> None:
        if self.left == 0:
            raise BrokenPipeError
        self.left -= 1


def test_the_index_to_go_on_with_is_after_what_was_handed_over(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What lay in a buffer when the reader went comes again: at least once, never not at all."""
    make.fill(database, log, integrator, clock, 700)
    silenced: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _source, target: silenced.append(target))
    lines = LINES[ExportForm.JSONL]
    assert print_lines(Gone(2), tail(database, 0), lines, ORIGIN, 0) == 2 * FLUSH_EVERY
    assert print_lines(Gone(0), tail(database, 40), lines, ORIGIN, 40) == 40
    assert len(silenced) == 2

    def interrupted() -> Iterator[Entry]:
        yield from tail(database, 0, limit=5)
        raise KeyboardInterrupt

    out = io.BytesIO()
    assert print_lines(out, interrupted(), lines, ORIGIN, 0) == 5
    assert out.getvalue().count(b"\n") == 5


# The command ------------------------------------------------------------------------------------


@pytest.fixture
def command(sample: Services) -> tuple[list[str], dict[str, str]]:
    environment = {
        **os.environ,
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }
    return [str(Path(sys.executable).with_name("habeas")), "audit", "tail"], environment


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_the_verb_prints_lines_and_where_to_go_on(
    command: tuple[list[str], dict[str, str]],
) -> None:
    def tailed(*words: str) -> typed.Done:
        return typed.habeas("audit", "tail", *words, settings=command[1])

    first = tailed("--limit", "10", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(first.stdout, newline="")))
    assert [int(row["idx"]) for row in rows] == list(range(10))
    assert "go on with --from 10" in first.stderr
    rest = tailed("--from", "10")
    assert rest.returncode == 0
    indices = [json.loads(line)["idx"] for line in rest.stdout.splitlines()]
    assert indices == list(range(10, 10 + len(indices)))
    assert json.loads(rest.stdout.splitlines()[-1])["entry"]["kind"] == "log.exported"
    ahead = tailed("--from", "100000")
    assert ahead.returncode == 2
    assert "published entries" in ahead.stderr
    assert tailed("--format", "parquet").returncode == 2


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_a_following_tail_ends_cleanly_on_control_c_and_when_nobody_reads(
    command: tuple[list[str], dict[str, str]],
) -> None:
    words, environment = command
    with subprocess.Popen(
        [*words, "--follow"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as following:  # fmt: skip
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["idx"] == 0
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=60)
    assert following.returncode == 0
    assert "go on with --from" in said
    assert "Traceback" not in said
    with subprocess.Popen(
        [*words, "--follow"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, bufsize=1,
    ) as unread:  # fmt: skip
        assert unread.stdout is not None
        assert unread.stdout.readline()
        unread.stdout.close()
        assert unread.stderr is not None
        said = unread.stderr.read()
        assert unread.wait(timeout=60) == 0
    assert "Traceback" not in said
    assert "Exception ignored" not in said
