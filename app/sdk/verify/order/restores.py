"""Restores that the log records: each a new name, signed by two custodians.

After a database was restored from a copy, entries that were signed are lost. The log then goes on
under the next name, and ``log.restored`` says which checkpoint was the last under the old name and
how many entries were left. What is checked: the names follow each other up to the checkpoint's, the
entries that were left are the beginning of this log, and the statement, a document of the export,
carries the signatures of two custodians of the list that the entry names. It is the list that was
adopted last before it. Where none was, custodians were named only afterwards; the report
names the list either way, because whoever holds the log's key can adopt one.
"""

from dataclasses import dataclass

from app.audit.export.archive import policy_path
from app.audit.restore.custody import Custodians, parse_custodians, require_two
from app.audit.restore.record import RestoreRecord
from app.audit.tree.epoch import base_of, next_origin
from app.audit.tree.merkle import Node, root_at
from app.kernel.errors import Forbidden, HabeasError
from app.sdk.verify.run import Run

_MAX_DOCUMENT_BYTES = 1_000_000


@dataclass(frozen=True)
class RestoreEntry:
    """One ``log.restored``, not believed yet.

    Attributes:
        position: where it stands.
        record: what it says.
        listed: digest of the list of custodians adopted last before it; None: none was.
    """

    position: int
    record: RestoreRecord
    listed: str | None = None


def check_restores(run: Run, restores: list[RestoreEntry], node: Node) -> None:
    """Check each restore, and that they explain the name under which the log is signed."""
    assert run.signed is not None, "asked only of a log whose checkpoint holds"
    origin = base_of(run.signed.origin)
    for restored in restores:
        problem = _why_not(run, restored, origin, node)
        if problem is not None:
            run.completeness.add(
                f"entry {restored.position} tells of a restore: {problem}", restored.position
            )
            return
        state = restored.record.restored
        origin, lost = state.origin, state.previous_size - state.restored_size
        run.notes.append(
            f"Entry {restored.position} tells of a restore by two custodians: {lost} entries from "
            f"index {state.restored_size} on were lost. {_whose(restored)}"
        )
    if origin != run.signed.origin:
        run.completeness.add(f"no entry tells how the log came to be called {run.signed.origin}")


def _why_not(run: Run, restored: RestoreEntry, origin: str, node: Node) -> str | None:
    state = restored.record.restored
    kept, lost = state.restored_size, state.previous_size
    try:
        if (state.previous_origin, state.origin) != (origin, next_origin(origin)):
            return "its names do not follow each other"
        if not 0 <= kept <= min(restored.position, lost):
            return "its sizes do not follow each other"
        if root_at(kept, node).hex() != state.restored_root:
            return f"the first {kept} entries are not those it names"
        custodians = _custodians(run, restored)
        note = _document(run, restored.record.statement)
        require_two(note, state.statement(custodians), custodians)
    except HabeasError as error:
        return error.problem
    except ValueError as error:
        return f"it cannot be checked: {error}"
    return None


def _custodians(run: Run, restored: RestoreEntry) -> Custodians:
    named = restored.record.custodians
    if restored.listed not in {None, named}:
        raise Forbidden(f"it rests on the list {named}; in force was {restored.listed}")
    return parse_custodians(_document(run, named))


def _whose(restored: RestoreEntry) -> str:
    listed = f"They are of the list {restored.record.custodians}"
    known = "" if restored.listed else ", which no entry before adopted"
    return f"{listed}{known}: is it the one you know?"


def _document(run: Run, digest: str) -> bytes:
    return run.evidence.read(policy_path(digest), _MAX_DOCUMENT_BYTES) or b""
