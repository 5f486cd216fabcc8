"""The log's entrances: only what this service handed in is numbered and signed.

Whoever writes SQL could put a submission among those that wait, or a leaf after the last one and
move the head; both would be signed as if the service had said them. So both are sealed.

Rules:
1. A submission without its seal, or one that has its index already, is never integrated; it stays
   where it is, and an alarm names it (app/audit/entries/waiting.py).
2. A head without its seal halts the log, unless it is the very tree that was signed last: then
   nothing was added to it.
3. What was there before rows were sealed (``seals.adopted``) is taken as it is; where the log
   cannot be believed, nobody knows whether it was before.
"""

from sqlalchemy import select

from app.audit.entries import store
from app.audit.entries.halt import head_unsealed
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.audit.tree.merkle import CompactRange
from app.db import seals
from app.db.engine import Tx


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
