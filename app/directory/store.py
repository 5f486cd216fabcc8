"""SQL of the directory. Whoever comes out of here was judged (judging.py)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text, update

from app.db import seals
from app.db.engine import Tx
from app.db.locks import LockNumber
from app.directory import judging
from app.directory.model import Past, Person
from app.directory.tables import PEOPLE, VERSIONS, person_table, version_table

PERSON = tuple(column.label(f"directory_{column.name}") for column in person_table.c)
"""What a statement of a room above selects that joins the person; see ``read_person``."""

_BATCH = 500
"""How many ids one statement names; SQLite and PostgreSQL both limit their number."""


def person(tx: Tx, person_id: str) -> Person | None:
    """Return one person."""
    rows = tx.execute(select(person_table).where(person_table.c.id == person_id)).all()
    return next(iter(judging.people_of(tx, rows)), None)


def people(tx: Tx) -> tuple[Person, ...]:
    """Return everybody, by id."""
    return judging.people_of(tx, tx.execute(select(person_table).order_by(person_table.c.id)).all())


def people_among(tx: Tx, ids: Collection[str]) -> dict[str, Person]:
    """Return those of these people who are in the directory, by id."""
    return {one.id: one for one in judging.people_of(tx, _rows_of(tx, ids))}


def upward(tx: Tx, ids: Collection[str]) -> dict[str, Person]:
    """Return these people and everybody above them, by id; one statement per level."""
    known: dict[str, Person] = {}
    asked, level = set(ids), set(ids)
    while level:
        found = people_among(tx, level)
        known.update(found)
        level = {one.manager for one in found.values() if one.manager is not None} - asked
        asked |= level
    return known


def holders(tx: Tx, emails: Collection[str]) -> dict[str, Person]:
    """Return whoever has one of these addresses, by id."""
    return {one.id: one for one in judging.people_of(tx, _rows_of(tx, emails, "email"))}


def sound(tx: Tx, ids: Collection[str]) -> dict[str, Person]:
    """Return what the rows of these people say that are good, also while an alarm is open."""
    judged = (judging.sound(tx, row._mapping) for row in _rows_of(tx, ids))  # noqa: SLF001 - public
    return {one.id: one for one in judged if one is not None}


def lock(tx: Tx, person_id: str) -> bool:
    """Hold the person's row until the transaction ends; False if there is none.

    SQLite has one writer at a time and ignores FOR UPDATE.
    """
    statement = select(person_table.c.id).where(person_table.c.id == person_id).with_for_update()
    return tx.execute(statement).one_or_none() is not None


def hold(tx: Tx) -> None:
    """Keep every import and every leave out until this transaction ends; others may hold it too.

    SQLite has one writer anyway, once a writing transaction has begun; it begins here.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": LockNumber.DIRECTORY})
    else:
        tx.execute(text("SELECT 1"))


def lock_for_import(tx: Tx, ids: Collection[str]) -> None:
    """Keep every other import out, and hold these people's rows, until the transaction ends.

    The rows are taken in the order of Python's ``sorted``, as everybody takes them who needs
    several (hence the collation): two who wait for each other could otherwise wait for ever.
    SQLite has one writer anyway, once a writing transaction has begun; it begins here.
    """
    if tx.dialect != "postgresql":
        tx.execute(text("SELECT 1"))
        return
    tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LockNumber.DIRECTORY})
    wanted = sorted(ids)
    for start in range(0, len(wanted), _BATCH):
        tx.execute(
            select(person_table.c.id)
            .where(person_table.c.id.in_(wanted[start : start + _BATCH]))
            .order_by(person_table.c.id.collate("C"))
            .with_for_update()
        )


def reports(tx: Tx, person_id: str) -> tuple[Person, ...]:
    """Return who reports to a person directly, by id."""
    query = select(person_table).where(person_table.c.manager == person_id)
    return judging.people_of(tx, tx.execute(query.order_by(person_table.c.id)).all())


def add(tx: Tx, added: Iterable[Person], at: datetime) -> None:
    """Insert people with their first version."""
    rows = [_row(item) | {"version": 1} for item in added]
    _name(tx, rows)
    seals.insert(tx, PEOPLE, rows)
    _append_versions(tx, rows, at)


def change(tx: Tx, changed: Iterable[Person], at: datetime, freed: Collection[str] = ()) -> None:
    """Replace people's rows and append what they now say as the next version.

    Args:
        tx: the transaction.
        changed: everybody as they now are.
        at: the present instant.
        freed: who of them gives up an address; two may swap theirs.
    """
    rows = [_row(item) for item in changed]
    if not rows:
        return
    versions = _next_versions(tx, [row["id"] for row in rows])
    rows = [row | {"version": versions[row["id"]]} for row in rows]
    _name(tx, rows)
    if freed:
        tx.execute(
            update(person_table)
            .where(person_table.c.id == bindparam("key"))
            .values(email=bindparam("to")),
            [{"key": id_, "to": f"changing:{id_}"} for id_ in sorted(freed)],
        )
    tx.execute(
        update(person_table).where(person_table.c.id == bindparam("key")),
        [seals.with_seal(tx, PEOPLE, row) | {"key": row["id"]} for row in rows],
    )
    _append_versions(tx, rows, at)


def release(tx: Tx, ids: Sequence[str]) -> None:
    """Let people whose rows cannot be sealed report to nobody; the rows do not stand."""
    if ids:
        tx.execute(update(person_table).where(person_table.c.id.in_(ids)).values(manager=None))


def past(tx: Tx, person_id: str) -> Past:
    """Return what was recorded about a person."""
    return judging.past_of(tx, person_id, _versions(tx, person_id))


def sound_past(tx: Tx, person_id: str) -> Past:
    """Return what was recorded about a person and is good, also while an alarm is open."""
    return judging.sound_past(tx, person_id, _versions(tx, person_id))


def not_as_recorded(tx: Tx, rows: Sequence[Row[Any]]) -> tuple[Row[Any], ...]:
    """Return the rows of those people that do not say what was recorded of them last.

    Args:
        tx: sees rows and versions in one state.
        rows: of ``person``, each with all of its columns.
    """
    newest: dict[str, Row[Any]] = {}
    ids = [row.id for row in rows]
    for start in range(0, len(ids), _BATCH):
        some = version_table.c.person_id.in_(ids[start : start + _BATCH])
        versions = select(version_table).where(some).order_by(version_table.c.version)
        newest.update((row.person_id, row) for row in tx.execute(versions))
    same = [column.name for column in version_table.c if column.name in person_table.c]
    return tuple(
        row
        for row in rows
        if row.id not in newest
        or any(getattr(row, name) != getattr(newest[row.id], name) for name in same)
    )


def read_person(tx: Tx, row: Row[Any]) -> Person:
    """Judge the person of a row that has the columns of ``PERSON`` among others."""
    cells = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    own = {column.name: cells[f"directory_{column.name}"] for column in person_table.c}
    return judging.judged(tx, own)


def _rows_of(tx: Tx, named: Collection[str], by: str = "id") -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    wanted = sorted(named)
    for start in range(0, len(wanted), _BATCH):
        some = person_table.c[by].in_(wanted[start : start + _BATCH])
        rows += tx.execute(select(person_table).where(some))
    return rows


def _versions(tx: Tx, person_id: str) -> Sequence[Row[Any]]:
    versions = select(version_table).where(version_table.c.person_id == person_id)
    return tx.execute(versions.order_by(version_table.c.version)).all()


def _next_versions(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    """The number of each person's next version: beyond every row, and beyond what the log knows."""
    last: dict[str, int] = {}
    for start in range(0, len(ids), _BATCH):
        last_of = func.max(version_table.c.version).label("last")
        some = version_table.c.person_id.in_(ids[start : start + _BATCH])
        versions = select(version_table.c.person_id, last_of).where(some)
        rows = tx.execute(versions.group_by(version_table.c.person_id))
        last.update((row.person_id, row.last) for row in rows)
    return {id_: max(last.get(id_, 0), judging.known_rows(tx, id_)) + 1 for id_ in ids}


def _name(tx: Tx, rows: Iterable[dict[str, Any]]) -> None:
    """Give pseudonyms to all who need one, at once and in one order."""
    named = {name for row in rows for name in (row["id"], row["manager"]) if name is not None}
    tx.seals.names.made(tx, sorted(named))


def _append_versions(tx: Tx, rows: list[dict[str, Any]], at: datetime) -> None:
    kept = {column.name for column in version_table.columns}
    versions = [
        {name: value for name, value in row.items() if name in kept}
        | {"person_id": row["id"], "recorded_at": at}
        for row in rows
    ]
    seals.insert(tx, VERSIONS, versions)


def _row(item: Person) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "email": item.email,
        "region": item.region,
        "place": item.place,
        "entity": item.entity,
        "department": item.department,
        "manager": item.manager,
        "roles": ";".join(str(role) for role in item.roles),
        "active": item.active,
        "residence": item.residence,
    }
