"""Sealing what was there before: what the log confirms, and nothing else.

Rules:
1. A chain is sealed only if every row of it is as the entries say, and nobody in it is in doubt.
   The rest is named, counts as unsealed, and an alarm is raised about it.
2. Whom a pseudonym stands for no entry says. It is confirmed by the rows: all that are about the
   person agree with the entries about the pseudonym.
3. Sessions, tokens and pairings that wait are in no entry: they end.
4. All of it, with its entry, is one transaction under the log's lock: a crash leaves nothing, and
   the next start begins again. Whoever waited for the lock finds the entry, numbered or not, and
   seals nothing a second time.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, delete, select, update

from app.audit.entries import store
from app.audit.entries.model import Kind
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Names
from app.kernel.shapes import PSEUDONYM, fits
from app.reconcile.examination import Examination, Progress, RowFindings
from app.reconcile.held import HeldTable

_SHORT_LIVED = frozenset({"person_session", "agent_token", "agent_pairing"})
"""Rows that no entry confirms: they end, and people sign in anew."""


@dataclass(frozen=True)
class SealedNow:
    """What was done.

    Attributes:
        sealed: how many rows.
        findings: what the log did not confirm.
    """

    sealed: int
    findings: RowFindings


class _Unsealed(Names):
    """Pseudonyms as the table has them, before anybody has sealed it."""

    def known(self, tx: Tx, people: Collection[str], *, fresh: bool = False) -> Mapping[str, str]:
        """See ``Names``."""
        del fresh
        return store.pseudonyms(tx, sorted(people))

    def erased(self, tx: Tx, pseudonym: str) -> bool:
        """See ``Names``: whoever has no row any more."""
        return not store.people(tx, (pseudonym,))


def waits(tx: Tx, kind: Kind) -> bool:
    """Whether an entry of this kind waits for its index; only what this service handed in counts.

    Args:
        tx: the transaction, under the log's lock.
        kind: ``seals.adopted``, or ``seals.rebuilt`` in a ring that has turned to the next key.
    """
    waiting = tx.execute(select(store.pending)).all()
    return any(
        _kind_of(row.submission) == kind for row in seals.fitting(tx, store.PENDING, waiting)
    )


def _kind_of(submission: bytes) -> object:
    return json.loads(submission)["kind"]


def seal_confirmed(tx: Tx, examination: Examination, progress: Progress) -> SealedNow:
    """Seal every row that the log confirms (rules 1 and 2).

    Args:
        tx: the transaction, under the log's lock; it also appends the entry.
        examination: of this database.
        progress: is told how far it is.
    """
    ring, named = tx.seals, tx.seals.names
    ring.names = _Unsealed()
    try:
        findings = replace(examination, sealed=False).of(tx, progress, lambda *_: None)
    finally:
        ring.names = named
    _end(tx, examination)
    sealed = 0

    def confirmed(table: HeldTable, row: Row[Any]) -> None:
        nonlocal sealed
        if _stands(tx, table, row, findings):
            _seal(tx, table, row)
            sealed += 1

    replace(examination, sealed=False).of(tx, progress, confirmed)
    return SealedNow(sealed, findings)


def _stands(tx: Tx, table: HeldTable, row: Row[Any], findings: RowFindings) -> bool:
    cells = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    people = [cells[name] for name in table.sealed.people if isinstance(cells[name], str)]
    ids = {one for one in people if not fits(PSEUDONYM, one)} - table.sealed.programs
    names = tx.seals.names.known(tx, ids)
    if len(names) < len(ids):
        return False
    fields = table.fields(cells, names)
    involved = {*names.values(), str(fields.get("pseudonym"))}
    return table.chain(fields) not in findings.bad and findings.doubted.isdisjoint(involved)


def _end(tx: Tx, examination: Examination) -> None:
    for table in examination.tables:
        if table.name in _SHORT_LIVED:
            tx.execute(delete(table.sealed.table))


def _seal(tx: Tx, table: HeldTable, row: Row[Any]) -> None:
    if not table.sealed.in_row:
        seals.seal(tx, table.sealed, [row])
        return
    cells = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    whole = seals.with_seal(tx, table.sealed, cells)
    key = [column == cells[column.name] for column in table.sealed.table.primary_key]
    tx.execute(update(table.sealed.table).where(*key).values(seal=whole["seal"]))
