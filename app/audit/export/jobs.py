"""Exports written in the background: a folder each, so that every worker process can tell how far.

Rules:
1. A job is a folder with a random name that nobody but this program can read (0700). Its state is
   one small file, replaced whole; who reads it sees one moment of the job, never a half.
2. A job lives while the process that works on it holds a lock on a file in its folder. The kernel
   releases it when a process ends, however it ends; a job that has not ended and whose lock is
   free has crashed, and says so.
3. At most ``AT_ONCE`` are written at a time and at most ``KEPT`` folders kept, over all processes.
4. A job is there for whoever started it; for everybody else it does not exist.
5. ``KEPT_S`` after its end the folder is removed, whatever it holds.

All processes that serve one instance share the folder, on a disk of this machine.
"""

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.kernel.clock import Clock, instant, timestamp
from app.kernel.errors import Conflict, HabeasError, NotFound, Unavailable
from app.kernel.private import private_folder
from app.kernel.shapes import TOKEN_ID

AT_ONCE = 2
KEPT = 8
KEPT_S = 3_600

_WRITE_EVERY_S = 0.25
_logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Told how much is done of how much; raises where the job was cancelled."""

Work = Callable[[Path, Progress], str]
"""Writes the file at the path; returns the name under which it is given out."""


class JobState(StrEnum):
    """The state of a job."""

    RUNNING = "running"
    READY = "ready"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Job:
    """A job as its file says it.

    Attributes:
        id: random, 32 hexadecimal digits.
        owner: id of the person who started it.
        asked: what was asked for, as the form's fields.
        done: how much is written; total: of how much; 0 while that is not known.
        name: of the file that is given out; size: its bytes.
        problem: why it failed; cure: the way forward.
        ended_at: when it ended; None while it runs.
        cancelling: somebody asked it to stop, and it has not yet.
    """

    id: str
    owner: str
    asked: Mapping[str, str]
    state: JobState
    started_at: datetime
    done: int = 0
    total: int = 0
    name: str = ""
    size: int = 0
    problem: str = ""
    cure: str = ""
    ended_at: datetime | None = None
    cancelling: bool = False

    @property
    def percent(self) -> int:
        """How much is done, of 100; 100 only when the file is ready."""
        if self.state is JobState.READY:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0

    @property
    def removed_at(self) -> datetime | None:
        """When the folder goes; None while the job runs."""
        return None if self.ended_at is None else self.ended_at + timedelta(seconds=KEPT_S)


class Cancelled(Exception):
    """Whoever started the job asked it to stop."""


@dataclass(frozen=True)
class ExportJobs:
    """The jobs of an instance, under ``folder``."""

    folder: Path
    clock: Clock

    def start(self, owner: str, asked: Mapping[str, str], work: Work) -> Job:
        """Begin a job in a thread of this process and return it.

        Raises:
            Unavailable: as many are being written as may be at once.
            Conflict: as many are kept as may be.
        """
        private_folder(self.folder)
        self.sweep()
        if sum(1 for _ in self._folders()) >= KEPT:
            raise Conflict(
                f"{KEPT} exports are kept here already",
                cure="Remove one of yours, or wait: each goes an hour after it was written.",
                kind="exports-kept",
            )
        job = Job(secrets.token_hex(16), owner, asked, JobState.RUNNING, self.clock.now())
        with contextlib.ExitStack() as held:
            held.callback(os.close, self._slot())
            # Made under another name first: a folder that can be found has a state and a lock.
            draft = self.folder / f".{job.id}"
            draft.mkdir(mode=0o700)
            held.callback(os.close, _locked(draft / "lock", fcntl.LOCK_EX))
            _write(draft, job)
            draft.rename(self.folder / job.id)
            threading.Thread(
                target=self._run,
                args=(job, work, held.pop_all()),
                name=f"export-{job.id}",
                daemon=True,
            ).start()
        return job

    def find(self, job_id: str, owner: str) -> Job:
        """A job of this person.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        job = self._read(job_id)
        if job is None or job.owner != owner or self._is_over(job):
            raise NotFound(
                "there is no such export of yours",
                cure="An export is removed an hour after it was written. Start it anew.",
            )
        return job

    def mine(self, owner: str) -> tuple[Job, ...]:
        """The jobs of this person, the newest first."""
        jobs = [job for path in self._folders() if (job := self._read(path.name)) is not None]
        own = [job for job in jobs if job.owner == owner and not self._is_over(job)]
        return tuple(sorted(own, key=lambda job: job.started_at, reverse=True))

    def file(self, job_id: str, owner: str) -> Path:
        """The file of a job of this person that is ready.

        Raises:
            NotFound: there is no such job, or no file.
        """
        job = self.find(job_id, owner)
        if job.state is not JobState.READY:
            raise NotFound("this export has no file", cure="Look at its page for where it stands.")
        return self.folder / job.id / "file"

    def cancel(self, job_id: str, owner: str) -> None:
        """Ask a job of this person to stop; a job that has ended stays as it is."""
        job = self.find(job_id, owner)
        if job.state is JobState.RUNNING:
            (self.folder / job.id / "cancel").touch(mode=0o600)

    def remove(self, job_id: str, owner: str) -> None:
        """Remove a job of this person that has ended, and its file.

        Raises:
            Conflict: it runs.
        """
        job = self.find(job_id, owner)
        if job.state is JobState.RUNNING:
            raise Conflict("this export is being written", cure="Cancel it first.")
        shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what is over; give back the room of what crashed."""
        if not self.folder.is_dir():
            return
        for path in self._folders():
            job = self._read(path.name)
            if job is None or self._is_over(job):
                shutil.rmtree(path, ignore_errors=True)
        oldest = (self.clock.now() - timedelta(seconds=KEPT_S)).timestamp()
        for path in self.folder.glob(".*"):  # a process that ended between making and naming
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)

    def _folders(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if TOKEN_ID.fullmatch(path.name))

    def _is_over(self, job: Job) -> bool:
        return job.removed_at is not None and job.removed_at <= self.clock.now()

    def _slot(self) -> int:
        for number in range(AT_ONCE):
            with contextlib.suppress(BlockingIOError):
                return _locked(self.folder / f"slot-{number}", fcntl.LOCK_EX)
        raise Unavailable(
            f"{AT_ONCE} exports are being written now",
            cure="Nothing was exported. Try again when one of them is done.",
            kind="exports-busy",
        )

    def _read(self, job_id: str) -> Job | None:
        """A job as it is now; None where there is none (any more)."""
        if not TOKEN_ID.fullmatch(job_id):
            return None
        folder = self.folder / job_id
        try:
            # The lock first: a job that ends between the two looks is then seen ended, not crashed.
            lives = _is_locked(folder / "lock")
            fields = json.loads((folder / "state.json").read_bytes())
            cancelling = (folder / "cancel").exists()
        except FileNotFoundError:
            return None
        job = _job(fields)
        if job.state is not JobState.RUNNING:
            return job
        return replace(job, cancelling=cancelling) if lives else self._crashed(folder, job)

    def _crashed(self, folder: Path, job: Job) -> Job:
        """Write down that a job crashed; what it had written is of no use."""
        _clear(folder)
        crashed = replace(
            job,
            state=JobState.CRASHED,
            ended_at=self.clock.now(),
            problem="The program that wrote this export ended before it was done.",
            cure="Nothing is lost but the time. Start it anew.",
        )
        with contextlib.suppress(OSError):  # who looks is told; the next look writes it down
            _write(folder, crashed)
        return crashed

    def _run(self, job: Job, work: Work, held: contextlib.ExitStack) -> None:
        folder = self.folder / job.id
        reporter = _Reporter(folder, job)
        try:
            name = work(folder / "file", reporter)
            size = (folder / "file").stat().st_size
            ended = replace(reporter.job, state=JobState.READY, name=name, size=size)
        except Cancelled:
            ended = replace(reporter.job, state=JobState.CANCELLED)
        except HabeasError as error:
            problem = f"{error.problem[:1].upper()}{error.problem[1:]}."
            ended = replace(reporter.job, state=JobState.FAILED, problem=problem, cure=error.cure)
        except Exception:
            _logger.exception("an export was not written")
            ended = replace(
                reporter.job,
                state=JobState.FAILED,
                problem="The export could not be written.",
                cure="Start it anew. If it fails again, the server's own log says why.",
            )
        with held:
            try:
                if ended.state is not JobState.READY:
                    _clear(folder)
                _write(folder, replace(ended, ended_at=self.clock.now()))
            except OSError:
                _logger.exception("the end of an export could not be written down")
        later = threading.Timer(KEPT_S + 1, self.sweep)
        later.daemon = True
        later.start()


class _Reporter:
    """Writes down how far a job is, not more often than somebody can look."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.job = job
        self._folder = folder
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        self.job = replace(self.job, done=done, total=total)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _WRITE_EVERY_S
        if (self._folder / "cancel").exists():
            raise Cancelled
        _write(self._folder, self.job)


def _locked(path: Path, how: int) -> int:
    """Take a lock without waiting and return the descriptor that holds it.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_locked(path: Path) -> bool:
    """Whether somebody works on it; looking does not disturb others who look.

    Raises:
        FileNotFoundError: there is no such file.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _clear(folder: Path) -> None:
    """Remove what a job has written so far: half a file is of no use."""
    for left in folder.glob("file*"):
        left.unlink(missing_ok=True)


def _write(folder: Path, job: Job) -> None:
    fields = asdict(job) | {
        "started_at": timestamp(job.started_at),
        "ended_at": None if job.ended_at is None else timestamp(job.ended_at),
    }
    draft = folder / f"state.{secrets.token_hex(4)}"
    draft.write_bytes(json.dumps(fields).encode())
    draft.replace(folder / "state.json")


def _job(fields: dict[str, Any]) -> Job:
    ended = fields["ended_at"]
    return Job(
        **fields
        | {
            "state": JobState(fields["state"]),
            "started_at": instant(fields["started_at"]),
            "ended_at": None if ended is None else instant(ended),
        }
    )
