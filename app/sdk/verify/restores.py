"""Restores that the log tells of: each a new name, by the word of two custodians.

After a database was restored from a copy, entries that were signed are lost. The log then goes on
under the next name, and ``log.restored`` says which checkpoint was the last under the old one and
how many entries were left. What is checked: the names follow each other up to the checkpoint's, the
entries that were left are the beginning of this log, and the statement, a document of the export,
carries the signatures of two custodians of the list that the entry names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.audit.archive import policy_path
from app.audit.custody import parse_custodians, require_two, statement_text
from app.audit.epoch import base_of, next_origin
from app.audit.merkle import Node, root_at
from app.kernel.errors import HabeasError
from app.sdk.verify.run import Run

_ACTION = "acknowledge-restore"
_SIGNED = (
    "previous_origin",
    "previous_size",
    "previous_root",
    "restored_size",
    "restored_root",
    "origin",
)
_MAX_DOCUMENT_BYTES = 1_000_000


@dataclass(frozen=True)
class Restored:
    """One ``log.restored``: at which position, and its facts, not believed yet."""

    position: int
    facts: Mapping[str, Any]


def check_restores(run: Run, restores: list[Restored], node: Node) -> None:
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
        origin = restored.facts["origin"]
        lost = restored.facts["previous_size"] - restored.facts["restored_size"]
        run.notes.append(
            f"Entry {restored.position} tells of a restore by two custodians: {lost} entries from "
            f"index {restored.facts['restored_size']} on were lost."
        )
    if origin != run.signed.origin:
        run.completeness.add(f"no entry tells how the log came to be called {run.signed.origin}")


def _why_not(run: Run, restored: Restored, origin: str, node: Node) -> str | None:
    facts = restored.facts
    try:
        said = {name: str(facts[name]) for name in _SIGNED}
        kept, lost = facts["restored_size"], facts["previous_size"]
        if (facts["previous_origin"], facts["origin"]) != (origin, next_origin(origin)):
            return "its names do not follow each other"
        if not 0 <= kept <= min(restored.position, lost):
            return "its sizes do not follow each other"
        if root_at(kept, node).hex() != facts["restored_root"]:
            return f"the first {kept} entries are not those it names"
        custodians = parse_custodians(_document(run, facts["custodians"]))
        text = statement_text(_ACTION, {**said, "custodians": custodians.digest})
        require_two(_document(run, facts["statement"]), text, custodians)
    except HabeasError as error:
        return error.problem
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"it lacks what it must say: {error}"
    return None


def _document(run: Run, digest: str) -> bytes:
    return run.evidence.read(policy_path(digest), _MAX_DOCUMENT_BYTES) or b""
