"""Whether what was known of the log before is its beginning (RFC 6962 §2.1.2, on the whole tree).

Known before: what entries about earlier exports say, and checkpoints that somebody kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.audit.export.record import ExportRecord
from app.audit.tree.checkpoint import BadNote, Checkpoint
from app.audit.tree.merkle import Node, root_at
from app.kernel.facts import decode
from app.sdk.verify.order.restores import RestoreEntry
from app.sdk.verify.run import Run
from app.sdk.verify.tree.trust import earlier_checkpoint


def check_remembered(
    run: Run, earlier: Iterable[tuple[int, Mapping[str, Any]]], node: Node
) -> None:
    """Hold what entries about exports say of the log's past against the tree.

    Args:
        run: takes the findings.
        earlier: position and facts of each ``log.exported``.
        node: the tree's.
    """
    for position, facts in earlier:
        problem = _why_denied(position, facts, node)
        if problem is not None:
            run.completeness.add(f"entry {position} {problem}", position)


def _why_denied(position: int, facts: Mapping[str, Any], node: Node) -> str | None:
    try:
        export = decode(ExportRecord, facts)
    except ValueError as error:
        return f"lacks what its kind must say: {error}"
    if 0 <= export.size <= position and root_at(export.size, node).hex() == export.root:
        return None
    return f"says the log had {export.size} entries and root {export.root}: it had not"


def check_since(run: Run, node: Node, restores: Sequence[RestoreEntry] = ()) -> None:
    """Hold the kept checkpoints against the tree."""
    assert run.signed is not None
    assert run.key is not None
    for name, note in run.ask.since:
        try:
            before = earlier_checkpoint(note, run.key)
        except BadNote as error:
            run.completeness.add(f"the kept checkpoint {name!r} is not this log's: {error}")
            continue
        if not _is_excused(run, name, before, restores):
            _hold(run, name, before, node)


def _hold(run: Run, name: str, before: Checkpoint, node: Node) -> None:
    assert run.signed is not None
    if before.size > run.signed.size:
        run.completeness.add(
            f"the log had {before.size} entries when the kept checkpoint {name!r} was signed, "
            f"now fewer",
            run.signed.size,
        )
    elif root_at(before.size, node) != before.root:
        run.completeness.add(
            f"the first {before.size} entries are not those of the kept checkpoint {name!r}"
        )


def _is_excused(run: Run, name: str, before: Checkpoint, restores: Sequence[RestoreEntry]) -> bool:
    """Whether a checkpoint is of entries that a restore lost, as two custodians have signed."""
    for restored in restores:
        state = restored.record.restored
        if (
            state.previous_origin != before.origin
            or not state.restored_size < before.size <= state.previous_size
        ):
            continue
        is_last = before.size == state.previous_size
        if is_last and before.root.hex() != state.previous_root:
            return False
        run.notes.append(
            f"The kept checkpoint {name!r} is of {before.size} entries, of which those from index "
            f"{state.restored_size} on were lost at the restore that entry {restored.position} "
            f"tells of" + ("." if is_last else "; whether it fits can no longer be known.")
        )
        return True
    return False
