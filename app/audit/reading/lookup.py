"""The SQL by which entries are looked for: searches of a page, selections of an export, counts.

``integrated_at`` never decreases along the index, so a time is found by halving the log: no index
of times is kept, and a bound costs as many small reads as the size has binary digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, func, select

from app.audit.entries.halt import leaf_unreadable
from app.audit.entries.leaves import entry_of, read_leaf
from app.audit.entries.model import Entry, EntryFilter
from app.audit.entries.store import leaf, leaf_region, leaf_subject, size_of, tally
from app.audit.reading.selection import INDEX, WHOLE, Selection
from app.db.engine import Tx
from app.kernel.clock import instant

PAGE = 250
"""Entries read at once: 16 MB where each is as large as an entry can be."""

_LARGEST_PAGE = 500
_ROW = (leaf.c.idx, leaf.c.entry, leaf.c.leaf_hash)


@dataclass(frozen=True)
class Source:
    """Where rows come from, and the column of the index that the database goes along."""

    table: FromClause
    key: Column[int]
    conditions: tuple[ColumnElement[bool], ...]


def source(person: str | None, region: str | None) -> Source:
    """All entries, or those about a person, or those of a region, or both."""
    table: FromClause = leaf
    key = leaf.c.idx
    conditions: list[ColumnElement[bool]] = []
    for joined, column, value in (
        (leaf_region, leaf_region.c.region, region),
        (leaf_subject, leaf_subject.c.pseudonym, person),
    ):
        if value is not None:
            table = table.join(joined, joined.c.idx == leaf.c.idx)
            key = joined.c.idx
            conditions.append(column == value)
    return Source(table, key, tuple(conditions))


def entries(tx: Tx, wanted: EntryFilter) -> tuple[Entry, ...]:
    """Entries that match, the newest first."""
    rows = source(wanted.subject, wanted.region)
    upward = wanted.after is not None
    query = (
        select(*_ROW)
        .select_from(rows.table)
        .where(*rows.conditions, *_conditions(tx, wanted, rows.key))
        .order_by(rows.key.asc() if upward else rows.key.desc())
        .limit(max(1, min(wanted.limit, _LARGEST_PAGE)))
    )
    page = tuple(_read(tx, query))
    return page[::-1] if upward else page


def _conditions(tx: Tx, wanted: EntryFilter, key: Column[int]) -> Iterator[ColumnElement[bool]]:
    exact = {
        leaf.c.kind: wanted.kind,
        leaf.c.actor: wanted.actor,
        leaf.c.purpose: wanted.purpose,
        leaf.c.outcome: wanted.outcome,
    }
    yield from (column == value for column, value in exact.items() if value is not None)
    if wanted.kinds:
        yield leaf.c.kind.in_(wanted.kinds)
    if wanted.before is not None:
        yield key < wanted.before
    if wanted.after is not None:
        yield key > wanted.after
    if wanted.since is not None:
        yield key >= first_at(tx, wanted.since, size_of(tx))
    if wanted.until is not None:
        yield key < first_at(tx, wanted.until, size_of(tx))


def _read(tx: Tx, query: Select[Any]) -> Iterator[Entry]:
    for row in tx.execute(query):
        yield entry_of(row)


def first_at(tx: Tx, at: datetime, size: int, start: int = 0) -> int:
    """The first index from ``start`` on that was integrated at or after an instant, else ``size``.

    Every entry before ``start`` is known to be older.
    """
    low, high = start, size
    while low < high:
        middle = (low + high) // 2
        raw = tx.execute(select(leaf.c.entry).where(leaf.c.idx == middle)).scalar_one()
        if _integrated_at(middle, raw) < at:
            low = middle + 1
        else:
            high = middle
    return low


def _integrated_at(idx: int, raw: object) -> datetime:
    try:
        return instant(read_leaf(idx, raw)["integrated_at"])
    except (ValueError, TypeError, KeyError) as error:
        raise leaf_unreadable(idx) from error


# Selections -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """The entries of an export: those within a stretch of the index that match, and single entries.

    Attributes:
        wanted: what must match.
        start: the first index of the stretch.
        end: the index after its last.
        before: the neighbour on its left.
        after: the neighbour on its right, then the anchor.
    """

    wanted: Selection
    start: int
    end: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


def everything(size: int) -> Chosen:
    """The first ``size`` entries."""
    return Chosen(WHOLE, 0, size)


def choose(tx: Tx, wanted: Selection, anchor: int) -> Chosen:
    """The entries of a selection as of its anchor, with neighbours (see selection.py)."""
    start = 0 if wanted.since is None else first_at(tx, wanted.since, anchor)
    end = anchor if wanted.until is None else first_at(tx, wanted.until, anchor, start)
    older = newer = None
    if wanted.sequence is not None and wanted.since is not None:
        older = _nearest(tx, wanted, 0, start, newest=True)
    if wanted.sequence is not None and wanted.until is not None:
        newer = _nearest(tx, wanted, end, anchor, newest=False)
    return Chosen(
        wanted,
        start,
        end,
        () if older is None else (older,),
        (anchor,) if newer is None else (newer, anchor),
    )


def _nearest(tx: Tx, wanted: Selection, start: int, end: int, *, newest: bool) -> int | None:
    """The newest or the oldest member of the sequence within a stretch."""
    rows, conditions = _matching(wanted, start, end)
    order = rows.key.desc() if newest else rows.key.asc()
    query = select(rows.key).select_from(rows.table).where(*conditions).order_by(order).limit(1)
    nearest: int | None = tx.execute(query).scalar()
    return nearest


def _matching(
    wanted: Selection, start: int, end: int
) -> tuple[Source, tuple[ColumnElement[bool], ...]]:
    rows = source(wanted.person, wanted.region)
    conditions = [*rows.conditions, rows.key >= start, rows.key < end]
    if wanted.kinds:
        conditions.append(leaf.c.kind.in_(wanted.kinds))
    if wanted.purpose is not None:
        conditions.append(leaf.c.purpose == wanted.purpose)
    return rows, tuple(conditions)


def count(tx: Tx, chosen: Chosen) -> int:
    """How many entries were chosen; none of them is read."""
    stretch = chosen.end - chosen.start
    if chosen.wanted.sequence != INDEX:  # the index itself has no gaps
        rows, conditions = _matching(chosen.wanted, chosen.start, chosen.end)
        lines = select(func.count()).select_from(rows.table).where(*conditions)
        stretch = int(tx.execute(lines).scalar_one())
    return stretch + len(chosen.before) + len(chosen.after)


def measure(tx: Tx, chosen: Chosen) -> tuple[int, int]:
    """How many entries were chosen, and how many bytes they have together."""
    size = func.coalesce(func.sum(func.length(leaf.c.entry)), 0).label("size")
    sums = select(func.count().label("lines"), size)
    rows, conditions = _matching(chosen.wanted, chosen.start, chosen.end)
    stretch = tx.execute(sums.select_from(rows.table).where(*conditions)).one()
    single = leaf.c.idx.in_((*chosen.before, *chosen.after))
    singles = tx.execute(sums.select_from(leaf).where(single)).one()
    return stretch.lines + singles.lines, int(stretch.size + singles.size)


def read_chosen(tx: Tx, chosen: Chosen) -> Iterator[Entry]:
    """The chosen entries in the order of the index; a page of them is in memory at once."""
    for idx in chosen.before:
        yield from _read(tx, select(*_ROW).where(leaf.c.idx == idx))
    at = chosen.start
    while True:
        rows, conditions = _matching(chosen.wanted, at, chosen.end)
        query = select(*_ROW).select_from(rows.table).where(*conditions)
        page = tuple(_read(tx, query.order_by(rows.key).limit(PAGE)))
        yield from page
        if len(page) < PAGE:
            break
        at = page[-1].idx + 1
    for idx in chosen.after:
        yield from _read(tx, select(*_ROW).where(leaf.c.idx == idx))


def is_known(tx: Tx, pseudonym: str) -> bool:
    """Whether any entry is about this person."""
    query = select(leaf_subject.c.idx).where(leaf_subject.c.pseudonym == pseudonym).limit(1)
    return tx.execute(query).scalar() is not None


# Counts -----------------------------------------------------------------------------------------


def counts_by_kind(tx: Tx) -> dict[str, int]:
    """How many entries of each kind there are, from the tally: no pass over the log."""
    total = func.sum(tally.c.entries).label("total")
    query = select(tally.c.kind, total).group_by(tally.c.kind).order_by(tally.c.kind)
    return {row.kind: int(row.total) for row in tx.execute(query)}


def tallies(tx: Tx, since: datetime, until: datetime) -> Iterator[tuple[datetime, str, int]]:
    """Entries by hour of integration and kind, for the hours that begin within a time."""
    total = func.sum(tally.c.entries).label("total")
    query = (
        select(tally.c.hour, tally.c.kind, total)
        .where(tally.c.hour >= since, tally.c.hour < until)
        .group_by(tally.c.hour, tally.c.kind)
        .order_by(tally.c.hour, tally.c.kind)
    )
    for row in tx.execute(query):
        yield row.hour, row.kind, int(row.total)


def refusals(tx: Tx, since: datetime) -> dict[tuple[str, str], int]:
    """Refusals by kind and first reason, in the hours that begin at or after an instant."""
    total = func.sum(tally.c.entries).label("total")
    query = (
        select(tally.c.kind, tally.c.refusal, total)
        .where(tally.c.hour >= since, tally.c.refusal != "")
        .group_by(tally.c.kind, tally.c.refusal)
        .order_by(total.desc(), tally.c.kind, tally.c.refusal)
    )
    return {(row.kind, row.refusal): int(row.total) for row in tx.execute(query)}
