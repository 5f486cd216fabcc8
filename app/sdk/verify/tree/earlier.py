"""Whether what was known of the log before is its beginning (RFC 6962 §2.1.2, on the whole tree).

Known before: what entries about earlier exports say, and checkpoints that somebody kept.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from app.audit.tree.checkpoint import BadNote, Checkpoint
from app.audit.tree.merkle import Node, root_at
from app.sdk.verify.order.restores import RestoreEntry
from app.sdk.verify.run import Run
from app.sdk.verify.tree.trust import earlier_checkpoint


def check_remembered(run: Run, earlier: Iterable[tuple[int, Any, Any]], node: Node) -> None:
    """Hold what entries say about the log's past (position, size, root) against the tree."""
    for position, size, root in earlier:
        fits = isinstance(size, int) and 0 <= size <= position
        if not fits or root_at(size, node).hex() != root:
            run.completeness.add(
                f"entry {position} says the log had {size} entries and root {root}: it had not",
                position,
            )


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
        facts = restored.facts
        if (
            facts["previous_origin"] != before.origin
            or not facts["restored_size"] < before.size <= facts["previous_size"]
        ):
            continue
        is_last = before.size == facts["previous_size"]
        if is_last and before.root.hex() != facts["previous_root"]:
            return False
        run.notes.append(
            f"The kept checkpoint {name!r} is of {before.size} entries, of which those from index "
            f"{facts['restored_size']} on were lost at the restore that entry {restored.position} "
            f"tells of" + ("." if is_last else "; whether it fits can no longer be known.")
        )
        return True
    return False
