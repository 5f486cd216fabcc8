"""People as they are believed: the one place that judges what their rows say.

Rules:
1. A person is what their row says only while it stands: a seal that fits, no fewer versions than
   the log knows, no open alarm (app/db/seals.py). Otherwise they are disputed and hold no role.
2. A row that was put back as it once was has its own old seal; its version is behind the log.
3. A disputed row makes nobody active: who left as the directory recorded it last, or whom the log
   does not know, is not active, whatever the row says now. Where it cannot be said whom the log
   means, because somebody's pseudonym does not stand, what was recorded last counts unread by it.
4. What was recorded before stands only whole: every version, in order, each with its seal.
5. Total: a row of any shape gives a person, so that who is in it can opt out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, RowMapping, select

from app.audit.entries.store import pseudonyms
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw
from app.db.seals import first_bad, fitting, note, stands
from app.directory.model import Past, Person, PersonVersion, read_role
from app.directory.tables import PEOPLE, VERSIONS, version_table
from app.kernel.authority import Role
from app.kernel.shapes import PSEUDONYM, fits

_TEXTS = ("id", "name", "email", "region", "place", "entity", "department")

Cells = Mapping[str, Any] | RowMapping


def known_rows(tx: Tx, person_id: str) -> int:
    """How often the log says that the person was recorded; 0 where nobody can say."""
    chain = _chain(tx, person_id)
    known = tx.seals.positions.get(chain) if chain is not None else None
    return 0 if known is None else known.rows


def people_of(tx: Tx, rows: Iterable[Row[Any]]) -> tuple[Person, ...]:
    """Judge rows of ``person``, each with all of its columns."""
    cells = [row._mapping for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it
    tx.seals.names.known(tx, {one["id"] for one in cells} | _managers(cells))
    return tuple(judged(tx, one) for one in cells)


def judged(tx: Tx, row: Cells) -> Person:
    """Judge one row of ``person``, given by the names of its columns (rules 1 to 3)."""
    chain = _chain(tx, row["id"])
    if chain is not None and stands(
        tx, chain, PEOPLE, [row], position=row["version"], person=row["id"]
    ):
        return _person(row)
    return _disputed(tx, row, chain)


def sound(tx: Tx, row: Cells) -> Person | None:
    """What a row says if the row itself is good, also while an alarm is open; else None."""
    if first_bad(tx, PEOPLE, [row]) is not None or row["version"] < known_rows(tx, row["id"]):
        return None
    return _person(row)


def past_of(tx: Tx, person_id: str, rows: Sequence[Row[Any]]) -> Past:
    """Judge what was recorded of a person (rule 4); notes it where it does not stand.

    Args:
        tx: the transaction that read the rows.
        person_id: whose they are.
        rows: all of ``person_version`` about the person, oldest first.
    """
    chain, past = _chain(tx, person_id), sound_past(tx, person_id, rows)
    if chain is None or not stands(tx, chain, VERSIONS, rows, position=len(rows), person=person_id):
        return replace(past, disputed=True)
    if past.disputed:
        note(tx, Dispute(chain, Flaw.BEHIND, version_table.name, None, person_id))
    return past


def sound_past(tx: Tx, person_id: str, rows: Sequence[Row[Any]]) -> Past:
    """The versions that are good, also while an alarm is open; disputed where one is missing."""
    good = fitting(tx, VERSIONS, rows)
    numbers = [row.version for row in good]
    whole = numbers == list(range(1, len(rows) + 1)) and len(good) >= known_rows(tx, person_id)
    versions = tuple(PersonVersion(**row._asdict() | {"roles": _roles(row.roles)}) for row in good)
    return Past(versions, disputed=not whole)


def _chain(tx: Tx, person_id: str) -> str | None:
    """What rows about a person are about; None where their pseudonym does not stand (noted)."""
    name = tx.seals.names.known(tx, (person_id,)).get(person_id)
    if name is None:
        stored = str(pseudonyms(tx, (person_id,)).get(person_id))
        named = stored if fits(PSEUDONYM, stored) else "none"
        # Without its person: who that is, is just what nobody can say.
        note(tx, Dispute(f"subject:{named}", Flaw.UNSEALED, "audit_subject", named))
    elif not tx.seals.alarm_on(f"subject:{name}"):
        return f"person:{name}"
    return None


def _disputed(tx: Tx, row: Cells, chain: str | None) -> Person:
    texts = {name: row[name] if isinstance(row[name], str) else str(row[name]) for name in _TEXTS}
    residence = row["residence"]
    return Person(
        **texts,
        manager=row["manager"] if isinstance(row["manager"], str) else None,
        roles=(),
        active=bool(row["active"]) and _active(tx, row["id"], chain),
        residence=residence if isinstance(residence, int) else 1,
        disputed=True,
    )


def _active(tx: Tx, person_id: str, chain: str | None) -> bool:
    """Whether somebody whose row does not stand may still come in (rule 3)."""
    if chain is not None and tx.seals.size and chain not in tx.seals.positions:
        return False
    newest = tx.execute(
        select(version_table)
        .where(version_table.c.person_id == person_id)
        .order_by(version_table.c.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return chain is not None
    return bool(newest.active) or (
        chain is not None and first_bad(tx, VERSIONS, [newest]) is not None
    )


def _person(row: Cells) -> Person:
    """Read a row that is believed."""
    return Person(
        **{name: row[name] for name in _TEXTS},
        manager=row["manager"],
        roles=_roles(row["roles"]),
        active=row["active"],
        residence=row["residence"],
    )


def _roles(listed: str) -> tuple[Role, ...]:
    return tuple(read_role(part) for part in listed.split(";") if part)


def _managers(rows: Iterable[Cells]) -> set[str]:
    return {row["manager"] for row in rows if isinstance(row["manager"], str)}
