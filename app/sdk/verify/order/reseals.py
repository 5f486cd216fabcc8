"""Seals of rows that were made again, which two custodians must have signed for.

``seals.rebuilt`` clears every alarm, so it is held against what was signed: the statement, a
document of the export, carries the signatures of two custodians of the list that was adopted last
before it, is about this log under the name that it had, names a tree that is the beginning of this
log, and the generation of seals that was next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.audit.entries.model import Kind
from app.audit.entries.records import CustodiansAdoption, LogOpening, SealsRebuilt
from app.audit.restore.custody import parse_custodians, read_statement, require_two
from app.audit.restore.record import RestoreRecord
from app.audit.tree.checkpoint import parse_note
from app.audit.tree.merkle import Node, root_at
from app.kernel.errors import Forbidden, HabeasError
from app.kernel.facts import decode
from app.sdk.verify.run import Run

_FIRST = 1
"""The generation of the seals that a database begins with."""


@dataclass
class _Before:
    """What the entries before one say.

    Attributes:
        listed: digest of the list of custodians in force.
        name: of the log.
        generation: of the seals.
    """

    listed: str | None = None
    name: str = ""
    generation: int = _FIRST


def check_reseals(run: Run, agreed: Iterable[tuple[int, Mapping[str, Any]]], node: Node) -> None:
    """Check each time that seals were made again.

    Args:
        run: takes the findings.
        agreed: position and leaf of every entry of ``AGREED_KINDS``, in order.
        node: reads the tree.
    """
    before = _Before()
    for position, leaf in agreed:
        facts = leaf["facts"]
        match Kind(leaf["kind"]):
            case Kind.LOG_CUSTODIANS_ADOPTED:
                before.listed = decode(CustodiansAdoption, facts).custodians
            case Kind.LOG_OPENED:
                before.name = decode(LogOpening, facts).origin
            case Kind.LOG_RESTORED:
                before.name = decode(RestoreRecord, facts).restored.origin
            case Kind.SEALS_REBUILT:
                _hold(run, position, decode(SealsRebuilt, facts), before, node)
                before.generation += 1
            case _:
                pass


def _hold(run: Run, position: int, record: SealsRebuilt, before: _Before, node: Node) -> None:
    try:
        _require_signed(run, position, record, before, node)
    except HabeasError as error:
        problem = error.problem
    except (ValueError, KeyError) as error:
        problem = f"it cannot be checked: {error}"
    else:
        run.notes.append(
            f"Entry {position} tells that rows were sealed again, by two custodians of the list "
            f"{record.custodians}: is it the one you know?"
        )
        return
    run.completeness.add(f"entry {position} seals rows again: {problem}", position)


def _require_signed(
    run: Run, position: int, record: SealsRebuilt, before: _Before, node: Node
) -> None:
    if record.custodians != before.listed:
        raise Forbidden(f"it rests on the list {record.custodians}; in force was {before.listed}")
    custodians = parse_custodians(run.document(record.custodians) or b"")
    note = run.document(record.statement) or b""
    text = parse_note(note).text
    require_two(note, text, custodians)
    action, facts = read_statement(text)
    size = int(facts["size"])
    expected = {
        "origin": before.name,
        "size": str(min(size, position)),
        "root": root_at(min(size, position), node).hex(),
        "generation": str(before.generation + 1),
        "custodians": custodians.digest,
    }
    if (action, facts) != ("seal-again", expected):
        raise Forbidden("what two custodians signed is something else")
