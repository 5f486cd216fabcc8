"""The log leaves the system as a file or as a stream: who may, what becomes an entry, and the jobs.

Rules:
1. A person who exports needs the right, also to look at the job, to fetch its file, to end it.
2. A person's entries are taken out against a reason only. The reason is kept, encrypted, under that
   person's key, next to the entry about the export.
3. The entry about an export or a tail is committed before the first entry is read for it. Each
   fetching of its file is an entry of its own, and so is the answer that nobody has a pseudonym.
4. Who works at the command line of this machine holds its keys and its database: no role is asked
   there, and the entry says that the system did it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.audit.entries.model import SYSTEM, Actor, Entry, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.export.jobs import ExportJobs, Job, Progress, Work
from app.audit.export.projections import ExportForm
from app.audit.export.tail import Wait, begin_tail, tail
from app.audit.export.writing import Documents, Exported, export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading.lookup import is_known
from app.audit.reading.search import NOBODY, Search
from app.audit.reading.selection import Selection
from app.audit.reading.shown import Reader
from app.db.engine import Database, Tx
from app.kernel.authority import Authority
from app.kernel.clock import Clock
from app.kernel.errors import Fault, InvalidInput


@dataclass(frozen=True, kw_only=True)
class ExportService:
    """Exports and tails of the log of one instance."""

    authority: Authority
    clock: Clock
    database: Database
    log: AuditService
    integrator: Integrator
    documents: Documents
    jobs: ExportJobs

    def begin(self, tx: Tx, reader: Reader, search: Search, form: str, reason: str) -> Job:
        """Begin to write what a search chooses, in the background.

        Raises:
            Forbidden: the reader may not export the log.
            InvalidInput: a field is wrong, or no entry is about the person; nothing was begun.
            Conflict, Unavailable: as many are kept, or being written, as may be.
        """
        self._require(reader)
        faults = (*self._faults(tx, reader, search), *_form_faults(search, form, reason))
        if faults:
            raise InvalidInput("the export cannot be begun", faults=faults)
        asked = {name: value for name, value in vars(search).items() if value} | {"form": form}
        work = self._work(reader, search.selection(), ExportForm(form), reason.strip())
        return self.jobs.start(reader.id, asked, work)

    def find(self, reader: Reader, job_id: str) -> Job:
        """A job of the reader.

        Raises:
            Forbidden: the reader may not export the log.
            NotFound: there is none, or it is somebody else's.
        """
        self._require(reader)
        return self.jobs.find(job_id, reader.id)

    def jobs_of(self, reader: Reader) -> tuple[Job, ...]:
        """The jobs of the reader, the newest first.

        Raises:
            Forbidden: the reader may not export the log.
        """
        self._require(reader)
        return self.jobs.mine(reader.id)

    def file(self, tx: Tx, reader: Reader, job_id: str) -> Path:
        """The file of a job of the reader that is ready; that it is fetched is recorded.

        Raises:
            Forbidden, NotFound: as ``find``; also where there is no file.
        """
        self._require(reader)
        file = self.jobs.file(job_id, reader.id)
        asked = dict(self.jobs.find(job_id, reader.id).asked)
        form = asked.pop("form")
        self._record(tx, reader, Search(**asked), 1, {"as": "download", "form": form})
        return file

    def cancel(self, reader: Reader, job_id: str) -> None:
        """Ask a job to stop. The entry about the export stays: that it was begun is a fact.

        Raises:
            Forbidden, NotFound: as ``find``.
        """
        self._require(reader)
        self.jobs.cancel(job_id, reader.id)

    def remove(self, reader: Reader, job_id: str) -> None:
        """Remove the file of a job before its hour is over.

        Raises:
            Forbidden, NotFound: as ``find``.
            Conflict: it runs.
        """
        self._require(reader)
        self.jobs.remove(job_id, reader.id)

    def sweep(self) -> None:
        """Remove what an earlier process left behind; for the start of a process that serves."""
        self.jobs.sweep()

    def write(
        self, target: Path, form: ExportForm, selection: Selection, progress: Progress
    ) -> Exported:
        """Write the log, or a selection of it, at the command line (rule 4).

        Raises:
            InvalidInput, Unavailable: see ``export_log``.
        """
        return self._write(target, SYSTEM, form, selection, "", progress)

    def tail(
        self,
        start: int,
        form: ExportForm,
        *,
        limit: int | None = None,
        follow: Wait | None = None,
    ) -> Iterator[Entry]:
        """Yield published entries from an index on, at the command line (rule 4).

        Args:
            start: the first index.
            form: in which form they are handed on, for the entry about it.
            limit: at most so many entries.
            follow: called when there is nothing new; None ends the tail there.

        Raises:
            Conflict: the log has fewer entries, or was restored meanwhile.
        """
        begin_tail(
            self.database,
            self.log,
            self.integrator,
            actor=SYSTEM,
            now=self.clock.now(),
            start=start,
            form=form,
            follow=follow is not None,
        )
        return tail(self.database, start, limit=limit, wait=follow)

    def _require(self, reader: Reader) -> None:
        self.authority.require(reader.roles, None, "log", "export")

    def _faults(self, tx: Tx, reader: Reader, search: Search) -> tuple[Fault, ...]:
        faults = search.export_faults()
        if faults or not search.person or is_known(tx, search.person):
            return faults
        self._record(tx, reader, search, 0, {"as": "export"})
        return (NOBODY,)

    def _record(
        self, tx: Tx, reader: Reader, search: Search, count: int, asked: Mapping[str, str]
    ) -> None:
        whom = tuple(self.log.people(tx, {search.person} - {""}).values())
        facts = search.facts(count, **asked)
        event = Event(Kind.LOG_READ, Actor("person", reader.id), facts, subjects=whom)
        self.log.append(tx, event, self.clock.now())

    def _work(self, reader: Reader, selection: Selection, form: ExportForm, reason: str) -> Work:
        """What the thread of a job does; the request's own transaction is over by then."""

        def write(target: Path, progress: Progress) -> str:
            actor = Actor("person", reader.id)
            exported = self._write(target, actor, form, selection, reason, progress)
            return file_name(exported.size, form, whole=selection.is_whole)

        return write

    def _write(
        self,
        target: Path,
        actor: Actor,
        form: ExportForm,
        selection: Selection,
        reason: str,
        progress: Progress,
    ) -> Exported:
        return export_log(
            self.database,
            self.log,
            self.integrator,
            target,
            actor=actor,
            now=self.clock.now(),
            documents=self.documents,
            form=form,
            selection=selection,
            reason=reason,
            progress=progress,
        )


def file_name(size: int, form: ExportForm, *, whole: bool) -> str:
    """The name of a file: how many entries the log had, and whether it is a part of them."""
    return f"habeas-export-{size}{'' if whole else '-part'}{form.suffix}"


def _form_faults(search: Search, form: str, reason: str) -> Iterator[Fault]:
    if form not in set(ExportForm):
        yield Fault("form", "This is not one of the forms.", "Use the list.")
    if search.person and not reason.strip():
        yield Fault(
            "reason", "Say why this person's entries are taken out.", "It is kept with them."
        )
