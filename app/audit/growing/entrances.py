"""The log's entrances: only what this service handed in is numbered and signed.

Whoever writes SQL could put a submission among those that wait, or a leaf after the last one and
move the head; both would be signed as if the service had said them. So both are sealed.

Rules:
1. A submission without its seal is never integrated; it stays where it is, and an alarm names it.
2. A head without its seal halts the log, unless it is the very tree that was signed last: then
   nothing was added to it.
3. What was there before rows were sealed (``seals.adopted``) is taken as it is; where the log
   cannot be believed, nobody knows whether it was before.
4. A submission that has its index already stays where it is, too: somebody put it back.
"""

from collections.abc import Set as AbstractSet

from sqlalchemy import select

from app.audit.entries import store
from app.audit.entries.halt import head_unsealed
from app.audit.growing import growth
from app.audit.growing.growth import Pending
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.audit.tree.merkle import CompactRange
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw

PENDING_CHAIN = "log:pending"
"""The chain of what waits; an alarm on it stops nothing but what it is about."""


def handed_in(tx: Tx, limit: int) -> tuple[Pending, ...]:
    """The submissions of this service that wait longest, at most so many (rule 1)."""
    taken: list[Pending] = []
    after = 0
    while len(taken) < limit:
        waiting = growth.oldest_pending(tx, limit, after)
        if not waiting:
            break
        after = waiting[-1].pid
        numbered = growth.numbered(tx, [row.event_id for row in waiting])
        taken += (row for row in waiting if _is_ours(tx, row, numbered))
    return tuple(taken[:limit])


def _is_ours(tx: Tx, row: Pending, numbered: AbstractSet[str]) -> bool:
    if row.event_id in numbered:
        seals.note(tx, Dispute(PENDING_CHAIN, Flaw.UNRECORDED, store.pending.name))
        return False
    if tx.seals.key is None or not tx.seals.required:
        return True
    if seals.first_bad(tx, store.PENDING, [vars(row)]) is None:
        return True
    seals.note(tx, Dispute(PENDING_CHAIN, Flaw.UNSEALED, store.pending.name))
    return False


def require_head(tx: Tx, tree: CompactRange, kept: bytes | None) -> None:
    """Refuse a head that somebody else moved (rule 2).

    Args:
        tx: the transaction that read the head.
        tree: the head, which continues what was signed.
        kept: the newest signed checkpoint; None where there is none.

    Raises:
        Unavailable: it was (kind ``head-unsealed``).
    """
    if tx.seals.key is None or not tx.seals.required or tree.size == 0:
        return
    signed = 0 if kept is None else parse_checkpoint(parse_note(kept).text).size
    if tree.size == signed:
        return
    row = tx.execute(select(store.head)).one()
    if seals.first_bad(tx, store.HEAD, [row]) is not None:
        raise head_unsealed(f"was moved from {signed} to {tree.size} entries")
