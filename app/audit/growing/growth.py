"""The SQL by which the log grows; only the integrator runs it, under the lock of the head."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.audit.entries.model import Entry, outcome, refusal, regions_of
from app.audit.entries.store import (
    HEAD,
    checkpoint,
    chunks,
    head,
    leaf,
    leaf_region,
    leaf_subject,
    pending,
    stream,
    tally,
    tile,
)
from app.audit.entries.waiting import Pending
from app.audit.tree.merkle import CompactRange
from app.db import seals
from app.db.engine import Tx
from app.kernel.clock import instant


def move_head(tx: Tx, tree: CompactRange) -> None:
    """Let the head follow the tree."""
    row = {"id": 1, "size": tree.size, "root": tree.root, "frontier": b"".join(tree.frontier)}
    tx.execute(update(head).values(**seals.with_seal(tx, HEAD, row)))


def remove_pending(tx: Tx, done: Sequence[Pending]) -> None:
    """Forget submissions that are leaves now."""
    for some in chunks(done):
        tx.execute(delete(pending).where(pending.c.pid.in_([submitted.pid for submitted in some])))


def add_leaves(tx: Tx, entries: Sequence[Entry]) -> None:
    """Append to the log, in the order of the index."""
    tx.execute(insert(leaf), [leaf_row(entry) for entry in entries])
    subjects = [
        {"pseudonym": pseudonym, "idx": entry.idx}
        for entry in entries
        for pseudonym in entry.leaf["subjects"]
    ]
    if subjects:
        tx.execute(insert(leaf_subject), subjects)
    regions = [
        {"region": region, "idx": entry.idx}
        for entry in entries
        for region in sorted(regions_of(entry.leaf))
    ]
    if regions:
        tx.execute(insert(leaf_region), regions)
    _count(tx, entries)


def _count(tx: Tx, entries: Sequence[Entry]) -> None:
    """Add to the tally of the hour."""
    counts = Counter(
        (_hour(entry), str(entry.leaf["kind"]), refusal(entry.leaf) or "") for entry in entries
    )
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    statement = dialect.insert(tally)
    statement = statement.on_conflict_do_update(
        index_elements=["hour", "kind", "refusal"],
        set_={"entries": tally.c.entries + statement.excluded.entries},
    )
    rows = [
        {"hour": hour, "kind": kind, "refusal": why, "entries": count}
        for (hour, kind, why), count in sorted(counts.items())
    ]
    tx.execute(statement, rows)


def _hour(entry: Entry) -> datetime:
    return instant(entry.leaf["integrated_at"]).replace(minute=0, second=0, microsecond=0)


def leaf_row(entry: Entry) -> dict[str, Any]:
    """The row of an entry: its bytes, and under what it is found."""
    content = entry.leaf
    return {
        "idx": entry.idx,
        "event_id": content["event"],
        "entry": entry.raw,
        "leaf_hash": entry.leaf_hash,
        "kind": content["kind"],
        "actor": f"{content['actor']['kind']}:{content['actor']['id']}",
        "purpose": content["purpose"],
        "outcome": outcome(content),
        "occurred_at": instant(content["occurred_at"]),
    }


def stream_places(tx: Tx, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Number and index of the last entry of each stream that has one."""
    places: dict[str, tuple[int, int]] = {}
    for some in chunks(names):
        rows = tx.execute(select(stream).where(stream.c.stream.in_(some)))
        places.update((row.stream, (row.last_seq, row.last_idx)) for row in rows)
    return places


def move_streams(tx: Tx, places: Mapping[str, tuple[int, int]]) -> None:
    """Let streams follow their last entries."""
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    statement = dialect.insert(stream)
    statement = statement.on_conflict_do_update(
        index_elements=["stream"],
        set_={"last_seq": statement.excluded.last_seq, "last_idx": statement.excluded.last_idx},
    )
    rows = [
        {"stream": name, "last_seq": seq, "last_idx": idx} for name, (seq, idx) in places.items()
    ]
    tx.execute(statement, rows)


def add_tile(tx: Tx, level: int, n: int, hashes: bytes, root: bytes) -> None:
    """Keep a full tile."""
    tx.execute(insert(tile), {"level": level, "n": n, "hashes": hashes, "root": root})


def add_checkpoint(tx: Tx, tree: CompactRange, note: str, now: datetime) -> None:
    """Keep what was signed; another process may have done so just now, with the same bytes."""
    row = {"size": tree.size, "root": tree.root, "note": note, "created_at": now}
    if tx.dialect == "postgresql":
        tx.execute(postgresql.insert(checkpoint).on_conflict_do_nothing(), row)
        return
    # One writer at a time; the trigger against REPLACE would take a conflict for an attack.
    known = select(checkpoint.c.size).where(checkpoint.c.size == tree.size)
    if tx.execute(known).scalar() is None:
        tx.execute(insert(checkpoint), row)
