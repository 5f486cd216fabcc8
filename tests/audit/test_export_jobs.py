"""Exports in the background: seen from every process, by their owner alone, and never for long."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from app.audit.export.jobs import AT_ONCE, KEPT, KEPT_S, ExportJobs, Job, JobState, Progress
from app.kernel.errors import Conflict, NotFound, Unavailable
from tests.fakes import FakeClock

OWNER = "E-1"


@pytest.fixture
def jobs(tmp_path: Path, clock: FakeClock) -> ExportJobs:
    return ExportJobs(tmp_path / "exports", clock)


class Held:
    """Work that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, target: Path, progress: Progress) -> str:
        progress(1, 4)
        self.begun.set()
        assert self.go.wait(20)
        progress(4, 4)
        target.write_bytes(b"the file")
        return "habeas-export-4.tar"


def _ended(jobs: ExportJobs, job: Job) -> Job:
    for _ in range(400):
        found = jobs.find(job.id, OWNER)
        if found.state is not JobState.RUNNING:
            return found
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def _write(target: Path, _progress: Progress) -> str:
    target.write_bytes(b"x")
    return "one.csv"


def test_a_job_says_how_far_it_is_and_gives_its_file(jobs: ExportJobs) -> None:
    work = Held()
    job = jobs.start(OWNER, {"kind": "log.read"}, work)
    assert work.begun.wait(20)
    running = jobs.find(job.id, OWNER)
    assert (running.state, running.done, running.total, running.percent) == (
        JobState.RUNNING, 1, 4, 25,
    )  # fmt: skip
    with pytest.raises(NotFound):
        jobs.file(job.id, OWNER)
    work.go.set()
    ready = _ended(jobs, job)
    assert (ready.state, ready.name, ready.size, ready.percent) == (
        JobState.READY, "habeas-export-4.tar", 8, 100,
    )  # fmt: skip
    assert jobs.file(job.id, OWNER).read_bytes() == b"the file"
    assert ready.asked == {"kind": "log.read"}


def test_another_process_sees_the_same(jobs: ExportJobs, clock: FakeClock) -> None:
    work = Held()
    job = jobs.start(OWNER, {}, work)
    assert work.begun.wait(20)
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from app.audit.export.jobs import ExportJobs\n"
        "class At:\n"
        "    def now(self): return datetime.fromisoformat(sys.argv[3])\n"
        "jobs = ExportJobs(Path(sys.argv[1]), At())\n"
        "print(jobs.find(sys.argv[2], 'E-1').state, len(jobs.mine('E-1')))\n"
        "jobs.cancel(sys.argv[2], 'E-1')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(jobs.folder), job.id, clock.now().isoformat()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.split() == ["running", "1"]
    assert jobs.find(job.id, OWNER).cancelling
    time.sleep(0.3)  # the next report looks whether it was cancelled
    work.go.set()
    assert _ended(jobs, job).state is JobState.CANCELLED


def test_nobody_else_can_find_out_that_there_is_a_job(jobs: ExportJobs) -> None:
    job = jobs.start(OWNER, {}, _write)
    _ended(jobs, job)
    for attempt in (jobs.find, jobs.file, jobs.cancel, jobs.remove):
        with pytest.raises(NotFound) as theirs:
            attempt(job.id, "E-2")
        with pytest.raises(NotFound) as nobodys:
            attempt("0" * 32, "E-2")
        assert theirs.value.problem == nobodys.value.problem
    assert jobs.mine("E-2") == ()
    assert [one.id for one in jobs.mine(OWNER)] == [job.id]


@pytest.mark.parametrize("name", ["..", "../keys", "slot-0", "", "A" * 32, "0" * 31, "0" * 33])
def test_a_name_that_is_no_job_reaches_no_file(jobs: ExportJobs, name: str) -> None:
    _ended(jobs, jobs.start(OWNER, {}, _write))
    (jobs.folder.parent / "state.json").write_text("{}")
    with pytest.raises(NotFound):
        jobs.find(name, OWNER)


def test_only_this_program_can_look_into_the_folders(jobs: ExportJobs) -> None:
    job = jobs.start(OWNER, {}, _write)
    _ended(jobs, job)
    for folder in (jobs.folder, jobs.folder / job.id):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_so_many_are_written_at_once_and_one_more_is_told_to_wait(jobs: ExportJobs) -> None:
    works = [Held() for _ in range(AT_ONCE)]
    begun = [jobs.start(OWNER, {}, work) for work in works]
    assert all(work.begun.wait(20) for work in works)
    with pytest.raises(Unavailable) as refused:
        jobs.start("E-2", {}, _write)
    assert refused.value.kind == "exports-busy"
    works[0].go.set()
    _ended(jobs, begun[0])
    for _ in range(100):  # the slot is given back right after the end is written down
        try:
            _ended(jobs, jobs.start(OWNER, {}, _write))
            break
        except Unavailable:
            time.sleep(0.02)
    works[1].go.set()
    assert _ended(jobs, begun[1]).state is JobState.READY


def test_no_more_are_kept_than_there_is_room_for(jobs: ExportJobs) -> None:
    for _ in range(KEPT):
        job = jobs.start(OWNER, {}, _write)
        _ended(jobs, job)
        time.sleep(0.02)
    with pytest.raises(Conflict) as refused:
        jobs.start("E-2", {}, _write)
    assert refused.value.kind == "exports-kept"
    jobs.remove(job.id, OWNER)
    assert len(jobs.mine(OWNER)) == KEPT - 1
    _ended(jobs, jobs.start(OWNER, {}, _write))


def test_an_hour_after_its_end_a_file_is_gone(jobs: ExportJobs, clock: FakeClock) -> None:
    job = jobs.start(OWNER, {}, _write)
    _ended(jobs, job)
    clock.advance(KEPT_S - 1)
    assert jobs.file(job.id, OWNER).exists()
    clock.advance(1)
    with pytest.raises(NotFound):
        jobs.file(job.id, OWNER)
    assert jobs.mine(OWNER) == ()
    jobs.sweep()
    assert not (jobs.folder / job.id).exists()


def test_a_running_job_is_neither_swept_nor_removed(jobs: ExportJobs, clock: FakeClock) -> None:
    work = Held()
    job = jobs.start(OWNER, {}, work)
    assert work.begun.wait(20)
    clock.advance(10 * KEPT_S)
    jobs.sweep()
    with pytest.raises(Conflict):
        jobs.remove(job.id, OWNER)
    work.go.set()
    assert _ended(jobs, job).state is JobState.READY


def test_a_job_whose_process_ended_says_so_and_leaves_nothing(
    jobs: ExportJobs, clock: FakeClock
) -> None:
    code = (
        "import os, sys; from pathlib import Path; from datetime import datetime\n"
        "from app.audit.export.jobs import ExportJobs\n"
        "class At:\n"
        "    def now(self): return datetime.fromisoformat(sys.argv[2])\n"
        "def work(target, progress):\n"
        "    progress(1, 9)\n"
        "    target.with_name('file.part').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), 9)\n"
        "print(ExportJobs(Path(sys.argv[1]), At()).start('E-1', {}, work).id, flush=True)\n"
        "import time; time.sleep(20)\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, str(jobs.folder), clock.now().isoformat()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -9
    (job,) = jobs.mine(OWNER)
    assert job.state is JobState.CRASHED
    assert "ended before it was done" in job.problem
    assert list((jobs.folder / job.id).glob("file*")) == []
    assert jobs.find(job.id, OWNER).ended_at == clock.now()
    # What it held is free again.
    for _ in range(AT_ONCE):
        _ended(jobs, jobs.start(OWNER, {}, _write))


def test_a_job_that_fails_says_what_and_how_to_go_on(jobs: ExportJobs) -> None:
    def refused(target: Path, _progress: Progress) -> str:
        target.write_bytes(b"half")
        raise Unavailable("the disk is full", cure="Make room.")

    job = _ended(jobs, jobs.start(OWNER, {}, refused))
    assert (job.state, job.problem, job.cure) == (
        JobState.FAILED,
        "The disk is full.",
        "Make room.",
    )
    assert not (jobs.folder / job.id / "file").exists()


def test_a_defect_is_not_shown_to_people(
    jobs: ExportJobs, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_target: Path, _progress: Progress) -> str:
        raise RuntimeError("a secret path")

    job = _ended(jobs, jobs.start(OWNER, {}, broken))
    assert job.state is JobState.FAILED
    assert "secret" not in job.problem + job.cure
    assert "a secret path" in caplog.text


def test_a_job_that_cannot_begin_gives_its_slot_back(tmp_path: Path) -> None:
    broken = ExportJobs(tmp_path / "exports", FakeClock(datetime(2026, 11, 16)))  # noqa: DTZ001
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="time zone"):
            broken.start(OWNER, {}, _write)
    jobs = ExportJobs(tmp_path / "exports", FakeClock())
    assert jobs.mine(OWNER) == ()
    assert _ended(jobs, jobs.start(OWNER, {}, _write)).state is JobState.READY


def test_a_folder_taken_away_while_it_is_written_ends_the_job(
    jobs: ExportJobs, caplog: pytest.LogCaptureFixture
) -> None:
    def robbed(target: Path, _progress: Progress) -> str:
        shutil.rmtree(target.parent)
        raise Unavailable("the folder is gone")

    job = jobs.start(OWNER, {}, robbed)
    for _ in range(400):
        if "could not be written down" in caplog.text:
            break
        time.sleep(0.02)
    with pytest.raises(NotFound):
        jobs.find(job.id, OWNER)
    _ended(jobs, jobs.start(OWNER, {}, _write))


def test_cancelling_what_has_ended_changes_nothing(jobs: ExportJobs) -> None:
    job = jobs.start(OWNER, {}, _write)
    _ended(jobs, job)
    jobs.cancel(job.id, OWNER)
    assert jobs.find(job.id, OWNER).state is JobState.READY


def test_what_a_process_left_before_it_had_a_name_is_removed(
    jobs: ExportJobs, clock: FakeClock
) -> None:
    draft = jobs.folder / f".{'a' * 32}"
    draft.mkdir(parents=True)
    jobs.sweep()
    assert draft.exists()  # another process may be about to name it
    old = clock.now().timestamp() - KEPT_S - 1
    os.utime(draft, (old, old))
    jobs.sweep()
    assert not draft.exists()


def test_a_state_is_never_read_by_halves(jobs: ExportJobs) -> None:
    """Whoever opened a state reads it whole, though the next is written meanwhile."""
    work = Held()
    job = jobs.start(OWNER, {}, work)
    assert work.begun.wait(20)
    state = jobs.folder / job.id / "state.json"
    with state.open("rb", buffering=0) as opened:
        begun = opened.read(10)
        work.go.set()
        assert _ended(jobs, job).state is JobState.READY
        earlier = json.loads(begun + opened.read())
    assert (earlier["state"], earlier["done"]) == ("running", 1)
    assert json.loads(state.read_bytes())["state"] == "ready"


def test_the_lock_and_the_state_are_all_there_is_to_a_folder(jobs: ExportJobs) -> None:
    job = jobs.start(OWNER, {}, _write)
    _ended(jobs, job)
    assert {path.name for path in (jobs.folder / job.id).iterdir()} == {
        "file", "lock", "state.json",
    }  # fmt: skip
    body = json.loads((jobs.folder / job.id / "state.json").read_bytes())
    assert body["owner"] == OWNER
    with (jobs.folder / job.id / "lock").open("rb") as lock:
        time.sleep(0.1)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
