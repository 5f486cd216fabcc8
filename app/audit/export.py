"""The log as one file that anybody can verify without us (app/audit/archive.py says how it looks).

The export is an entry of the log it exports. It runs in one reading transaction: what is written is
the log at one checkpoint, however it grows meanwhile. Memory does not depend on the log's size.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.audit import archive, store
from app.audit.archive import ArchiveWriter
from app.audit.checkpoint import parse_checkpoint, parse_note
from app.audit.integrator import Integrator
from app.audit.merkle import HASH_BYTES
from app.audit.model import Actor, Event, Kind
from app.audit.named import named_documents
from app.audit.service import AuditService
from app.audit.store import Signed
from app.audit.tiles import TILE_WIDTH, tiles_of
from app.db.engine import Database, Tx
from app.kernel.canonical import Json

_PAGE = 1_000

Documents = Callable[[Tx], Iterable[tuple[str, bytes]]]
"""Gives every document there is, each with its digest, as a transaction sees them."""


@dataclass(frozen=True)
class Exported:
    """What was written: the log's first ``size`` entries, their root, and where."""

    size: int
    root: bytes
    path: Path


def export_log(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    target: Path,
    *,
    actor: Actor,
    now: datetime,
    documents: Documents,
) -> Exported:
    """Write the log to ``target``, replacing it only when the new file is complete.

    Args:
        database: where the log lies; no transaction of the caller may be open.
        log: appends the entry about this export.
        integrator: gives that entry its place.
        target: the file to write.
        actor: who exports.
        now: when.
        documents: read in the transaction of the export; those that its entries name are written.
            A document of an entry that is not integrated yet is left to the next export.
    """
    with database.write() as tx:
        tree = store.head_of(tx)
        facts: dict[str, Json] = {"size": tree.size, "root": tree.root.hex()}
        log.append(tx, Event(Kind.LOG_EXPORTED, actor, facts), now)
    integrator.integrate()
    draft = target.with_name(target.name + ".part")
    try:
        with database.read() as tx, draft.open("wb") as file:
            signed = store.last_checkpoint(tx)
            assert signed is not None, "an entry was integrated just now"
            writer = ArchiveWriter(file)
            _write(tx, writer, signed, integrator.vkey, documents)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Exported(signed.size, signed.root, target)


def _write(tx: Tx, writer: ArchiveWriter, signed: Signed, vkey: str, documents: Documents) -> None:
    note = signed.note.encode()
    writer.add_bytes(archive.CHECKPOINT, note)
    total = store.bytes_of_entries(tx, signed.size) + signed.size  # a newline each
    named: set[str] = set()
    writer.add(archive.ENTRIES, total, _lines(tx, signed.size, named))
    writer.add_bytes(archive.KEY, f"{vkey}\n".encode())
    for digest, document in sorted(set(documents(tx))):
        if digest in named:
            writer.add_bytes(archive.policy_path(digest), document)
    for tile in tiles_of(signed.size):
        start = tile.n * TILE_WIDTH
        hashes = store.row_hashes(tx, tile.level, start, start + tile.width)
        writer.add(tile.path, tile.width * HASH_BYTES, (hashes,))
    said = parse_checkpoint(parse_note(note).text)
    writer.add_bytes(archive.MANIFEST, archive.manifest(said, writer.files))
    writer.end()


def _lines(tx: Tx, size: int, named: set[str]) -> Iterator[bytes]:
    """Yield the entries; the digests of the documents that they name are added to ``named``."""
    for start in range(0, size, _PAGE):
        for raw in store.raw_entries(tx, start, min(start + _PAGE, size)):
            named |= named_documents(json.loads(raw))
            yield raw
            yield b"\n"
