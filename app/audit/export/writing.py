"""Writing the log as one file: the export that verifies, and projections of it for other programs.

Rules:
1. An export is an entry of the log it exports; that entry says in which form and which selection.
2. It runs in one reading transaction: what is written is the log at one checkpoint, however it
   grows meanwhile.
3. A page of entries is in memory at once. What grows with the log is the manifest: a line for each
   tile, that is, for 256 entries.
4. The file appears under its name when it is complete and on the disk, not before. Until then it
   has a name of its own that nobody can foresee: two exports to one name do not meet, and a link
   that somebody laid there is not followed.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from app.audit.entries import cosigned, store
from app.audit.entries.model import Actor, Entry, Event, Kind
from app.audit.entries.named import named_documents
from app.audit.entries.service import AuditService
from app.audit.entries.store import Signed
from app.audit.export import archive
from app.audit.export.archive import ArchiveWriter
from app.audit.export.projections import LINES, ExportForm
from app.audit.export.record import ExportRecord
from app.audit.growing.integrator import Integrator
from app.audit.reading import lookup
from app.audit.reading.lookup import Chosen
from app.audit.reading.selection import WHOLE, Selection
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.audit.tree.tiles import tiles_of
from app.db.engine import Database, Tx
from app.kernel.errors import Fault, InvalidInput, Unavailable
from app.kernel.facts import encode

WITNESSES_WITHIN_S = 3.0
"""How long an export waits until enough witnesses have cosigned its checkpoint, seconds."""

_LOOK_EVERY_S = 0.1

Documents = Callable[[Tx], Iterable[tuple[str, bytes]]]
"""Gives every document there is, each with its digest, as a transaction sees them."""

Progress = Callable[[int, int], None]
"""Told now and then how many lines and tiles are written, of how many; at last that all are.

What it raises ends the export and leaves no file.
"""

_TELL_EVERY = 100


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        size: how many entries the log had.
        root: their root.
        path: the file.
        entries: how many entries the file holds.
    """

    size: int
    root: bytes
    path: Path
    entries: int


def export_log(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    target: Path,
    *,
    actor: Actor,
    now: datetime,
    documents: Documents,
    form: ExportForm = ExportForm.TAR,
    selection: Selection | None = None,
    reason: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write the log to ``target``, replacing it only when the new file is complete.

    Args:
        database: where the log is; no transaction of the caller may be open.
        log: appends the entry about this export.
        integrator: gives that entry its place.
        target: the file to write.
        actor: who exports.
        now: when.
        documents: read in the transaction of the export; those that its entries name are written.
            A document of an entry that is not integrated yet is left to the next export.
        form: ``tar`` is the export that verifies; the others are projections.
        selection: which entries; None for all.
        reason: why; kept encrypted next to the entry about this export, under the key of the person
            it is about, else of the person who exports. Only with one of the two.
        progress: told about each line and tile, for a bar.

    Raises:
        InvalidInput: nobody is in the log under the person's pseudonym.
        Unavailable: the form needs a program that is missing, the file cannot be written, or the
            export's own entry is not published.
    """
    wanted = selection or WHOLE
    if target.is_dir() or not target.parent.is_dir():  # reported before there is an entry
        raise _unwritable(target, NotADirectoryError(None, "there is no such place for a file"))
    write_parquet = _parquet() if form is ExportForm.PARQUET else None
    event_id = announce(database, log, actor, now, form, selection=wanted, reason=reason)
    integrator.integrate()
    _await_witnesses(database, event_id)
    with _complete(target) as file, database.read() as tx:
        anchor, signed = _covering(tx, event_id)
        whole = wanted.is_whole
        chosen = lookup.everything(signed.size) if whole else lookup.choose(tx, wanted, anchor)
        told = _Told(progress)
        if form is ExportForm.TAR:
            _write_archive(tx, file, signed, integrator.vkey, documents, chosen, told)
        elif write_parquet is not None:
            told.total = lookup.count(tx, chosen)
            write_parquet(file, told.each(lookup.read_chosen(tx, chosen)))
        else:
            _write_lines(tx, file, form, log.origin, chosen, told)
    return Exported(signed.size, signed.root, target, told.lines)


def announce(
    database: Database,
    log: AuditService,
    actor: Actor,
    now: datetime,
    form: ExportForm,
    *,
    start: int | None = None,
    follow: bool | None = None,
    selection: Selection = WHOLE,
    reason: str = "",
) -> str:
    """Append the entry about entries leaving the system; return its event id.

    Raises:
        InvalidInput: nobody is in the log under the selection's person.
    """
    with database.write() as tx:
        tree = store.head_of(tx)
        whom: tuple[str, ...] = ()
        if selection.person is not None:
            # Somebody erased has entries but no mapping; then the entry is about nobody.
            whom = tuple(log.people(tx, (selection.person,)).values())
            if not whom and not lookup.is_known(tx, selection.person):
                fault = Fault("person", "Nobody stands in the log under this pseudonym")
                raise InvalidInput("the selection cannot be used", faults=(fault,))
        record = ExportRecord(
            format=form.value,
            size=tree.size,
            root=tree.root.hex(),
            selection=None if selection.is_whole else selection,
            start=start,
            follow=follow,
        )
        event = Event(
            Kind.LOG_EXPORTED,
            actor,
            encode(record),
            subjects=whom,
            purpose=selection.purpose,
            body={"reason": reason} if reason else None,
        )
        return log.append(tx, event, now)


def _covering(tx: Tx, event_id: str) -> tuple[int, Signed]:
    """The index of the export's entry, and the checkpoint that covers it, cosigned where one is."""
    anchor, newest = store.index_of(tx, event_id), cosigned.newest(tx)
    if anchor is None or newest is None or anchor >= newest.size:
        raise Unavailable(
            "the entry about this export is not published yet",
            cure="Look at the log's health, then export again.",
        )
    served = cosigned.served(tx)
    return anchor, served if served is not None and anchor < served.size else newest


def _await_witnesses(database: Database, event_id: str) -> None:
    """Give witnesses a moment; an export without their lines is still an export."""
    end = time.monotonic() + WITNESSES_WITHIN_S
    while time.monotonic() < end:
        with database.read() as tx:
            anchor, served = store.index_of(tx, event_id), cosigned.served(tx)
        if anchor is not None and served is not None and anchor < served.size:
            return
        time.sleep(_LOOK_EVERY_S)


class _Told:
    """Counts what is written and tells whoever wants to know."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self.total = 0
        self.lines = 0

    def step(self) -> None:
        """One line or tile more."""
        self._done += 1
        due = self._done % _TELL_EVERY == 0 or self._done == self.total
        if due and self._progress is not None:
            self._progress(self._done, self.total)

    def each(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Count entries that pass."""
        for entry in entries:
            yield entry
            self.lines += 1
            self.step()


@contextmanager
def _complete(target: Path) -> Iterator[BinaryIO]:
    """A file that its owner alone reads, and that takes its name when it is complete."""
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}.part")
    try:
        # What is there already is not written into (O_EXCL).
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _keep_name(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _unwritable(target: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"{target} cannot be written: {error.strerror}",
        cure="Name a file in a folder that is there and has room.",
    )


def _keep_name(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _readable(documents: Iterable[tuple[object, object]]) -> Iterator[tuple[str, bytes]]:
    """All but what somebody wrote in a document's place: whoever verifies misses it by name."""
    for name, document in documents:
        if isinstance(name, str) and isinstance(document, bytes):
            yield name, document


def _write_archive(
    tx: Tx,
    file: BinaryIO,
    signed: Signed,
    vkey: str,
    documents: Documents,
    chosen: Chosen,
    told: _Told,
) -> None:
    writer = ArchiveWriter(file)
    note = cosigned.note_of(tx, signed).encode()
    writer.add_bytes(archive.CHECKPOINT, note)
    if not chosen.wanted.is_whole:
        writer.add_bytes(archive.SELECTION, chosen.wanted.canonical)
    lines, size = lookup.measure(tx, chosen)
    told.total = lines + sum(1 for _ in tiles_of(signed.size))
    named: set[str] = set()
    writer.add(archive.ENTRIES, size + lines, _lines(tx, chosen, named, told))  # a newline each
    writer.add_bytes(archive.KEY, f"{vkey}\n".encode())
    for digest, document in sorted(set(_readable(documents(tx)))):
        if digest in named:
            writer.add_bytes(archive.policy_path(digest), document)
    for tile in tiles_of(signed.size):
        hashes = store.hashes_of(tx, tile.level, tile.n, tile.width)
        writer.add(tile.path, len(hashes), (hashes,))
        told.step()
    checkpoint = parse_checkpoint(parse_note(note).text)
    writer.add_bytes(archive.MANIFEST, archive.manifest(checkpoint, writer.files))
    writer.end()


def _lines(tx: Tx, chosen: Chosen, named: set[str], told: _Told) -> Iterator[bytes]:
    """Yield the entries; the digests of the documents that they name are added to ``named``."""
    for entry in told.each(lookup.read_chosen(tx, chosen)):
        named |= named_documents(entry.leaf)
        yield entry.raw
        yield b"\n"


def _write_lines(
    tx: Tx, file: BinaryIO, form: ExportForm, origin: str, chosen: Chosen, told: _Told
) -> None:
    told.total = lookup.count(tx, chosen)
    lines = LINES[form]
    file.write(lines.header)
    entries = told.each(lookup.read_chosen(tx, chosen))
    file.writelines(lines.line(entry, origin) for entry in entries)


def _parquet() -> Callable[[BinaryIO, Iterable[Entry]], None]:
    try:
        from app.audit.export.parquet import write_parquet  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise Unavailable(
            "the Parquet form needs pyarrow, which is not installed",
            cure="Install it: pip install 'habeas[parquet]'. Or choose csv or jsonl.",
        ) from error
    return write_parquet
