"""What a person decided, as far as it is believed: the one place that judges rows of decisions.

Rules:
1. What counts is the unbroken run of sealed rows that ends with the newest number the log knows.
   What is before it counts for nothing, so that a row that is lost or forged only narrows; only an
   act that stands by itself can begin the run.
2. While the newest rows are not sound, or an alarm is open, nothing opens: only refusals,
   withdrawals, revocations and pauses count, sealed or not.
3. An early row that is lost is an alarm once; when two people have cleared it, the run stands.
4. Total: a row of any shape is a row that is not sound. Who is in it can opt out.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row

from app.consent.model import Act, DecidedSoFar, Decision
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable, fitting, note

_CHAIN = "consent:"

UNNAMED = f"{_CHAIN}unnamed"
"""The chain of whoever has no pseudonym that stands: nobody can say whom the log means."""

_NARROWING = frozenset({Act.REFUSED, Act.WITHDRAWN, Act.REVOKED, Act.PAUSED})
_LEANING = frozenset({Act.PAUSED, Act.RESUMED})
"""Acts that say something only over an act before them."""


def told(tx: Tx) -> frozenset[str]:
    """The pseudonyms of everybody who decided something, as the log tells it."""
    chains = (chain for chain in tx.seals.positions if chain.startswith(_CHAIN))
    return frozenset(chain.removeprefix(_CHAIN) for chain in chains)


def decided(
    tx: Tx,
    person_id: str,
    sealed: SealedTable,
    rows: Sequence[Row[Any]],
    read: Callable[[Row[Any]], Decision],
) -> DecidedSoFar:
    """Judge a person's rows; note it where they do not stand.

    Args:
        tx: the transaction that read the rows.
        person_id: whose they are.
        sealed: their table.
        rows: all of them, by ``seq``.
        read: makes a decision of a row; may raise for a row of another shape.
    """
    name = tx.seals.names.known(tx, (person_id,)).get(person_id)
    chain = UNNAMED if name is None else f"{_CHAIN}{name}"
    readable = [_tried(row, read) for row in rows]
    run = _run(tx, sealed, rows, readable)
    flaw = _flaw(tx, chain, rows, run)
    if flaw is not None and flaw is not Flaw.LOG:  # that is told once, of the log
        note(tx, Dispute(chain, flaw, sealed.table.name, None, person_id))
    last = max([_last(tx, chain), *(one.seq for one in readable if one)])
    if flaw is not None or tx.seals.alarm_on(chain):
        held = tuple(one for one in readable if one and one.act in _NARROWING)
        return DecidedSoFar(held, disputed=True, last=last)
    return DecidedSoFar(run, last=last)


def _run(
    tx: Tx, sealed: SealedTable, rows: Sequence[Row[Any]], readable: Sequence[Decision | None]
) -> tuple[Decision, ...]:
    """The sound rows at the end, without a gap, from an act that stands by itself (rule 1)."""
    good = {id(row) for row in fitting(tx, sealed, rows)}
    run: list[Decision] = []
    for row, one in zip(reversed(rows), reversed(readable), strict=True):
        if one is None or id(row) not in good or (run and run[0].seq != one.seq + 1):
            break
        run.insert(0, one)
    while run and run[0].act in _LEANING and run[0].seq != 1:
        del run[0]
    return tuple(run)


def _flaw(tx: Tx, chain: str, rows: Sequence[Row[Any]], run: Sequence[Decision]) -> Flaw | None:
    if tx.seals.broken is not None:
        return Flaw.LOG
    if chain == UNNAMED:
        return Flaw.UNSEALED if rows else None
    if rows and not run:
        return Flaw.UNSEALED
    if tx.seals.behind(chain, run[-1].seq if run else 0, tx.folded):
        return Flaw.BEHIND
    if run and run[0].seq != 1 and not tx.seals.was_cleared(chain):
        return Flaw.UNSEALED if len(rows) >= run[-1].seq else Flaw.BEHIND
    return None


def _last(tx: Tx, chain: str) -> int:
    """How many decisions the log knows, whatever the rows are."""
    known = tx.seals.positions.get(chain)
    return 0 if known is None else known.rows


def _tried(row: Row[Any], read: Callable[[Row[Any]], Decision]) -> Decision | None:
    try:
        return read(row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
