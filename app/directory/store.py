"""Tables of the directory: the person now, and the append-only rows of what was recorded before."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.directory.model import Person, PersonVersion, read_role
from app.kernel.authority import Role

person_table = Table(
    "person",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String(320), nullable=False),
    Column("region", String(6), nullable=False),
    Column("place", String(6), nullable=False),
    Column("entity", Text, nullable=False),
    Column("department", Text, nullable=False),
    # Deferred to the commit: a file may name a manager on a later line.
    Column(
        "manager",
        String(64),
        ForeignKey("person.id", deferrable=True, initially="DEFERRED"),
    ),
    Column("roles", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("residence", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seal", LargeBinary),
    UniqueConstraint("email"),
    Index("ix_person_manager", "manager"),
)

# Append-only, hence without name and e-mail: what is erased one day must not live on here.
version_table = Table(
    "person_version",
    metadata,
    Column("person_id", String(64), ForeignKey("person.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("region", String(6), nullable=False),
    Column("place", String(6), nullable=False),
    Column("entity", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("manager", String(64)),
    Column("roles", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("residence", Integer, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

_FIELDS = tuple(column.name for column in person_table.c if column.name not in {"version", "seal"})

PERSON = tuple(person_table.c[name].label(f"directory_{name}") for name in _FIELDS)
"""What a statement of a room above selects that joins the person; see ``read_person``."""

_IMPORT_LOCK = 4_841_027  # the number after that of policy

_BATCH = 500
"""How many ids one statement names; SQLite and PostgreSQL both limit their number."""


def person(tx: Tx, person_id: str) -> Person | None:
    """Return one person."""
    row = tx.execute(select(person_table).where(person_table.c.id == person_id)).one_or_none()
    return None if row is None else _person(row)


def person_by_email(tx: Tx, email: str) -> Person | None:
    """Return the person with this e-mail address, given in lower case."""
    row = tx.execute(select(person_table).where(person_table.c.email == email)).one_or_none()
    return None if row is None else _person(row)


def people(tx: Tx) -> tuple[Person, ...]:
    """Return everybody, by id."""
    rows = tx.execute(select(person_table).order_by(person_table.c.id))
    return tuple(_person(row) for row in rows)


def headcounts(tx: Tx) -> tuple[tuple[str, str, str, int], ...]:
    """Return home, place of work, entity, and how many active people have just these."""
    columns = [person_table.c.region, person_table.c.place, person_table.c.entity]
    people: Select[Any] = select(*columns, func.count().label("people"))
    rows = tx.execute(people.where(person_table.c.active).group_by(*columns))
    return tuple((row.region, row.place, row.entity, row.people) for row in rows)


def managers(tx: Tx, ids: Collection[str]) -> dict[str, str | None]:
    """Return who each of these people reports to; unknown ids are left out."""
    managers_of: dict[str, str | None] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _BATCH):
        rows = tx.execute(
            select(person_table.c.id, person_table.c.manager).where(
                person_table.c.id.in_(wanted[start : start + _BATCH])
            )
        )
        managers_of.update((row.id, row.manager) for row in rows)
    return managers_of


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
        tx.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _IMPORT_LOCK})
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
    tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IMPORT_LOCK})
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
    rows = tx.execute(
        select(person_table).where(person_table.c.manager == person_id).order_by(person_table.c.id)
    )
    return tuple(_person(row) for row in rows)


def add(tx: Tx, added: Iterable[Person], at: datetime) -> None:
    """Insert people with their first version."""
    rows = [_row(item) | {"version": 1} for item in added]
    if rows:
        tx.execute(insert(person_table), rows)
        _append_versions(tx, rows, at)


def change(tx: Tx, changed: Iterable[Person], at: datetime) -> None:
    """Replace people's rows and append what they now say as the next version."""
    rows = [_row(item) for item in changed]
    if not rows:
        return
    versions = _versions(tx, [row["id"] for row in rows])
    rows = [row | {"version": versions[row["id"]] + 1} for row in rows]
    # Two people may swap addresses in one file: each old address is removed first.
    tx.execute(
        update(person_table)
        .where(person_table.c.id == bindparam("key"))
        .values(email=bindparam("to")),
        [{"key": row["id"], "to": f"changing:{row['id']}"} for row in rows],
    )
    tx.execute(
        update(person_table).where(person_table.c.id == bindparam("key")),
        [row | {"key": row["id"]} for row in rows],
    )
    _append_versions(tx, rows, at)


def versions(tx: Tx, person_id: str) -> tuple[PersonVersion, ...]:
    """Return what was recorded about a person, oldest first."""
    rows = tx.execute(
        select(version_table)
        .where(version_table.c.person_id == person_id)
        .order_by(version_table.c.version)
    )
    return tuple(PersonVersion(**{**row._asdict(), "roles": _roles(row.roles)}) for row in rows)


def _versions(tx: Tx, ids: list[str]) -> dict[str, int]:
    versions_of: dict[str, int] = {}
    for start in range(0, len(ids), _BATCH):
        rows = tx.execute(
            select(person_table.c.id, person_table.c.version).where(
                person_table.c.id.in_(ids[start : start + _BATCH])
            )
        )
        versions_of.update((row.id, row.version) for row in rows)
    return versions_of


def _append_versions(tx: Tx, rows: list[dict[str, Any]], at: datetime) -> None:
    kept = {column.name for column in version_table.columns}
    tx.execute(
        insert(version_table),
        [
            {name: value for name, value in row.items() if name in kept}
            | {"person_id": row["id"], "recorded_at": at}
            for row in rows
        ],
    )


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


def _roles(listed: str) -> tuple[Role, ...]:
    return tuple(read_role(part) for part in listed.split(";") if part)


def _person(row: Row[Any]) -> Person:
    cells = row._asdict()
    fields = {name: cells[name] for name in _FIELDS}
    return Person(**{**fields, "roles": _roles(row.roles)})


def read_person(row: Row[Any]) -> Person:
    """A person from a row that has the columns of ``PERSON`` among others."""
    columns = row._asdict()
    fields = {name: columns[f"directory_{name}"] for name in _FIELDS}
    return Person(**{**fields, "roles": _roles(fields["roles"])})
