"""How far imports came: one row for each piece, written with it.

The rows open nothing. If somebody changes them, an import counts wrongly what it did; what it does
follows from the file and the directory alone.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, exists, func, insert, select

from app.audit.entries.erasure import erasure
from app.db.engine import Tx
from app.directory.model import ImportResult
from app.directory.plan import ImportPlan
from app.directory.tables import import_table as table
from app.directory.tables import version_table


@dataclass(frozen=True)
class ImportRun:
    """One import, as far as it has come.

    Attributes:
        file, plan: commitments, as the first piece had them.
        pieces: how many are done.
        result: what they did; ``unchanged`` is what it was when the import began.
        event: the event of its own entry; None: it has not ended.
    """

    number: int
    file: str
    plan: str
    pieces: int
    result: ImportResult
    event: str | None


def newest(tx: Tx) -> ImportRun | None:
    """The import that began last."""
    number = tx.execute(select(func.max(table.c.run))).scalar()
    return None if number is None else run(tx, number)


def stopped(tx: Tx, file: str) -> ImportRun | None:
    """The import that began last, if it is of this file and has not ended.

    Args:
        tx: a reading transaction is enough.
        file: commitment to the file.
    """
    begun = newest(tx)
    return begun if begun is not None and begun.event is None and begun.file == file else None


def left_since(tx: Tx, number: int) -> frozenset[str]:
    """Who left since the first piece of an import, by what was recorded of them last."""
    newer = version_table.alias()
    later = exists().where(
        newer.c.person_id == version_table.c.person_id, newer.c.version > version_table.c.version
    )
    query = select(version_table.c.person_id).where(
        version_table.c.recorded_at >= _began(number), ~version_table.c.active, ~later
    )
    return frozenset(tx.execute(query).scalars())


def erased_since(tx: Tx, number: int) -> int:
    """How many people were erased since the first piece of an import; who is not kept."""
    query = select(func.count()).select_from(erasure).where(erasure.c.erased_at >= _began(number))
    return int(tx.execute(query).scalar_one())


def _began(number: int) -> ScalarSelect[datetime]:
    return select(func.min(table.c.applied_at)).where(table.c.run == number).scalar_subquery()


def run(tx: Tx, number: int) -> ImportRun:
    """One import by its number."""
    columns = table.c
    row = tx.execute(
        select(
            func.max(columns.file).label("file"),  # each row says the same
            func.max(columns.plan).label("plan"),
            func.max(columns.unchanged).label("unchanged"),
            func.sum(columns.added).label("added"),
            func.sum(columns.changed).label("changed"),
            func.sum(columns.returned).label("returned"),
            func.max(columns.event_id).label("event"),
            func.count().label("rows"),
        ).where(columns.run == number)
    ).one()
    done = ImportResult(int(row.added), int(row.changed), row.unchanged, int(row.returned))
    pieces = row.rows - (row.event is not None)
    return ImportRun(number, row.file, row.plan, pieces, done, row.event)


def run_of(tx: Tx, plan: ImportPlan) -> ImportRun:
    """The import that a plan is part of; a new one where it is part of none.

    Args:
        tx: holds the lock of imports.
        plan: of an import that begins, or goes on.
    """
    if plan.run is not None:
        return run(tx, plan.run)
    last = newest(tx)
    if last is not None and last.event is None and last.plan == plan.digest:
        return last  # a first piece of which nobody knew whether it was kept
    number = 1 if last is None else last.number + 1
    begins = ImportResult(0, 0, plan.result.unchanged)
    return ImportRun(number, plan.file, plan.digest, 0, begins, None)


def keep(
    tx: Tx, before: ImportRun, did: ImportResult, at: datetime, event: str | None = None
) -> None:
    """Write what one piece did, or with an event that the import has ended.

    Args:
        tx: holds the lock of imports.
        before: the import without this piece.
        did: what the piece did.
        at: the present instant.
        event: of the import's own entry.
    """
    row = {
        "run": before.number,
        "piece": before.pieces + 1,
        "file": before.file,
        "plan": before.plan,
        "added": did.added,
        "changed": did.changed,
        "unchanged": before.result.unchanged,
        "returned": did.returned,
        "applied_at": at,
        "event_id": event,
    }
    tx.execute(insert(table), row)
