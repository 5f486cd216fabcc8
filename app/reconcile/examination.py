"""Holds the whole database against the log: every entry, every sealed row, both ways.

Rules:
1. All of it is read in one snapshot, so that a running service disturbs nothing.
2. The log first: the entries must give the root of the head. What cannot be read is named, and the
   rest is looked at all the same.
3. Every row carries its seal, and an entry recorded it as it is; every row that an entry recorded
   is there. What the service handed in and is not numbered yet counts like an entry; what somebody
   else put there is named as what it is.
4. Memory is bounded, whatever the size of the log (``ledger``).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select

from app.audit.entries import store
from app.audit.entries.model import Kind
from app.audit.entries.recorded import LOG_CHAIN, Leaf, Recording
from app.audit.entries.waiting import PENDING_CHAIN, judged, name_of
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Flaw
from app.kernel.shapes import PSEUDONYM, fits
from app.reconcile.difference import Difference
from app.reconcile.held import Fields, HeldTable, same
from app.reconcile.kept import KeptDocuments, differing_leaves
from app.reconcile.ledger import Ledger, Said

Progress = Callable[[str, int, int], None]
"""Told what is read, how many of it, and how many there are; 0: not known."""

_BATCH = 1_000
MOST = 1_000
"""How many differences are named; the others are counted."""


@dataclass
class RowFindings:
    """What was looked at, and what is wrong.

    Attributes:
        entries, rows: how many were read.
        differences: the first of them, in the order of the tables.
        count: how many there are.
        bad: the chains that they are of, and how many are of each.
        doubted: the pseudonyms that a difference is about: of its chain, and of every column that
            differs, by the row and by its entry. Whoever else it names is not in doubt by it.
    """

    entries: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    count: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    doubted: set[str] = field(default_factory=set)

    def add(self, difference: Difference, *who: Fields) -> None:
        """Take one in; ``who``: what is in doubt, of the row and of its entry."""
        mentioned = (value for fields in who for value in fields.values())
        self.doubted.update(str(name) for name in mentioned if fits(PSEUDONYM, name))
        self.doubted.add(difference.chain.partition(":")[2])
        self.count += 1
        self.bad[difference.chain] += 1
        if len(self.differences) < MOST:
            self.differences.append(difference)

    def add_all(self, differences: Iterable[Difference]) -> None:
        """Take in differences of what names nobody."""
        for difference in differences:
            self.add(difference)


@dataclass(frozen=True)
class Examination:
    """Looks at one database.

    Attributes:
        recording: what entries of each kind say about rows.
        tables: what is held against them.
        documents: what is held against its own name.
        sealed: rows without a seal are differences; not before rows are sealed at all.
    """

    recording: Mapping[Kind, Recording]
    tables: Sequence[HeldTable]
    documents: Sequence[KeptDocuments] = ()
    sealed: bool = True

    def of(
        self, tx: Tx, progress: Progress, confirmed: Callable[[HeldTable, Row[Any]], None]
    ) -> RowFindings:
        """Look at everything that one transaction sees.

        Args:
            tx: the snapshot.
            progress: is told how far it is.
            confirmed: is given each row that its entry confirms, or that none need confirm.
        """
        findings = RowFindings()
        with Ledger() as ledger:
            self._entries(tx, ledger, findings, progress)
            for table in self.tables:
                self._rows(tx, table, ledger, findings, progress, confirmed)
            for kept in self.documents:
                findings.add_all(kept.differing(tx))
            for name, key, said in ledger.missing():
                findings.add(Difference(said.chain, Flaw.BEHIND, name, key, idx=said.idx))
        return findings

    # Entries

    def _entries(self, tx: Tx, ledger: Ledger, findings: RowFindings, progress: Progress) -> None:
        head, tree = store.head_of(tx), CompactRange()
        counts: dict[str, int] = {}
        for start in range(0, head.size, _BATCH):
            raws = store.raw_entries(tx, start, min(start + _BATCH, head.size))
            readable = [raw if isinstance(raw, bytes) else b"" for raw in raws]
            tree = tree.extend(leaf_hash(raw) for raw in readable)
            leaves = [
                self._entry(raw, idx, ledger, findings, counts)
                for idx, raw in enumerate(readable, start=start)
            ]
            findings.add_all(differing_leaves(tx, start, leaves))
            findings.entries += len(raws)
            progress("entries", findings.entries, head.size)
        if tree.size != head.size or tree.root != head.root:
            findings.add(Difference(LOG_CHAIN, Flaw.LOG, store.leaf.name))
        for waiting, flaw in judged(tx):
            if flaw is not None and self.sealed:
                findings.add(Difference(PENDING_CHAIN, flaw, store.pending.name, name_of(waiting)))
            else:
                self._entry(waiting.submission, None, ledger, findings, counts)

    def _entry(
        self,
        raw: object,
        idx: int | None,
        ledger: Ledger,
        findings: RowFindings,
        counts: dict[str, int],
    ) -> Leaf | None:
        try:
            leaf = _leaf(raw)
            reading = self.recording.get(Kind(leaf["kind"]))
            rows = () if reading is None else tuple(reading(leaf, lambda of: counts.get(of, 0)))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            of = (PENDING_CHAIN, store.pending) if idx is None else (LOG_CHAIN, store.leaf)
            findings.add(Difference(of[0], Flaw.SHAPE, of[1].name, idx=idx))
            return None
        for row in rows:
            counts[row.chain] = counts.get(row.chain, 0) + 1
        ledger.take(idx, (row for row in rows if row.table))  # without one: it ended something
        if leaf["kind"] == Kind.ALARM_CLEARED:
            ledger.cleared(str(leaf["facts"]["chain"]))
        if leaf["kind"] == Kind.SUBJECT_ERASED:
            for pseudonym in leaf["subjects"]:
                ledger.erased(pseudonym)
        return leaf

    # Rows

    def _rows(
        self,
        tx: Tx,
        table: HeldTable,
        ledger: Ledger,
        findings: RowFindings,
        progress: Progress,
        confirmed: Callable[[HeldTable, Row[Any]], None],
    ) -> None:
        for rows in _batches(tx, table):
            names = _names(tx, table, rows)
            good = {id(row) for row in seals.fitting(tx, table.sealed, rows)}
            astray = {id(row) for row in table.astray(tx, rows)}
            for row in rows:
                flaw = self._flaw(row, good, astray)
                if self._row(table, row, names, ledger, findings, flaw):
                    confirmed(table, row)
            findings.rows += len(rows)
            progress(f"rows of {table.name}", findings.rows, 0)

    def _flaw(self, row: Row[Any], good: AbstractSet[int], astray: AbstractSet[int]) -> Flaw | None:
        if self.sealed and id(row) not in good:
            return Flaw.UNSEALED
        return Flaw.DIFFERS if id(row) in astray else None

    def _row(
        self,
        table: HeldTable,
        row: Row[Any],
        names: Mapping[str, str],
        ledger: Ledger,
        findings: RowFindings,
        flaw: Flaw | None,
    ) -> bool:
        try:
            fields = table.fields(row._mapping, names)  # noqa: SLF001 - SQLAlchemy's public name
            chain, key = table.chain(fields), table.sealed.key_of(row, names)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            findings.add(Difference(f"table:{table.name}", Flaw.SHAPE, table.name))
            return False
        if flaw is not None:
            findings.add(Difference(chain, flaw, table.name, key))
        if not table.recorded:
            return flaw is None
        said = ledger.find(table.name, key) or _like(ledger, table, chain, fields)
        if said is None:
            findings.add(Difference(chain, Flaw.UNRECORDED, table.name, key))
            return False
        columns = differing(said.fields, fields)
        if columns:
            differs = Difference(chain, Flaw.DIFFERS, table.name, key, columns, said.idx)
            findings.add(
                differs, *({name: of.get(name) for name in columns} for of in (fields, said.fields))
            )
        return not columns


def _like(ledger: Ledger, table: HeldTable, chain: str, fields: Fields) -> Said | None:
    """The first entry that nobody found and that says just this: rows of before name no event."""
    for said in ledger.candidates(table.name, chain):
        if not differing(said.fields, {**fields, "event_id": said.fields.get("event_id")}):
            ledger.found(said)
            return said
    return None


def differing(said: Fields, fields: Fields) -> tuple[str, ...]:
    """The columns in which a row is not what an entry shows of it."""
    return tuple(
        sorted(name for name in said if name not in fields or not same(said[name], fields[name]))
    )


def _leaf(raw: object) -> Leaf:
    if not isinstance(raw, bytes | memoryview):
        raise TypeError("it is not kept as bytes")
    leaf: Leaf = json.loads(bytes(raw))
    return leaf


def _names(tx: Tx, table: HeldTable, rows: Sequence[Row[Any]]) -> Mapping[str, str]:
    people = {
        value
        for row in rows
        for column in table.sealed.people
        if isinstance(value := row._mapping[column], str)  # noqa: SLF001 - SQLAlchemy's public name
    }
    return tx.seals.names.known(tx, people)


def _batches(tx: Tx, table: HeldTable) -> Iterator[Sequence[Row[Any]]]:
    """All rows of a table by its primary key, a batch at a time, without holding them."""
    key = list(table.sealed.table.primary_key)
    query = select(table.sealed.table).order_by(*key)
    # Else PostgreSQL hands over the whole table at once (rule 4).
    yield from tx.execute(query.execution_options(yield_per=_BATCH)).partitions()
