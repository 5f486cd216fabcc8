"""Every row that names a person, in every room, and how it stops to (SQL only).

Rules:
1. What is about the person goes. What somebody else needs stays, under the pseudonym: whose report
   a colleague was, and who proposed and approved the company's policy.
2. ``tests/rights`` walks every column of every table after an erasure: a new table that names
   people and is forgotten here fails it.
3. On PostgreSQL the service's role may not delete from append-only tables; it takes the eraser's
   role for these statements (app/db/roles.py). The triggers hold for that role too.
"""

from sqlalchemy import Table, delete, insert, or_, select, text, update
from sqlalchemy.sql.expression import ColumnElement

from app.access.tables import access_decision
from app.agents.devices.store import agent_device, agent_revocation
from app.agents.leases.store import agent_lease
from app.agents.pairing.store import (
    agent_pairing,
    agent_token,
    agent_token_count,
    assertion_jti,
)
from app.agents.reports.store import (
    agent_report,
    agent_report_allowed,
    agent_report_excluded,
    agent_report_refused,
)
from app.audit.entries import erasure
from app.consent.store import decision_table, keep_offers, shown_table
from app.db.engine import Tx
from app.db.roles import eraser_of
from app.directory.sessions import session_table
from app.directory.tables import person_table, version_table
from app.policy.tables import catalogue_table, change_table, step_table, stop_table

_OF_DEVICES: tuple[Table, ...] = (
    agent_report_allowed,
    agent_report_refused,
    agent_report_excluded,
    agent_report,
    agent_lease,
    agent_token,
    agent_token_count,
    assertion_jti,
    agent_pairing,
    agent_revocation,
)
_OF_PEOPLE: tuple[Table, ...] = (
    agent_device,
    access_decision,
    decision_table,
    shown_table,
    session_table,
    version_table,
)
_RENAMED: tuple[Table, ...] = (
    version_table,
    change_table,
    step_table,
    stop_table,
    catalogue_table,
)

TABLES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(table.name for table in (*_OF_DEVICES, *_OF_PEOPLE, *_RENAMED)),
            person_table.name,
            "audit_body",
            "audit_subject",
        ]
    )
)
"""The tables whose files hold traces of erased rows until they are written anew."""


def forget(tx: Tx, person_id: str, pseudonym: str) -> int:
    """Delete or rename every row that names a person; return how many those were.

    The erasure must be in ``audit_erasure`` already, and the person still in ``audit_subject``.
    """
    keep_offers(tx, person_id)
    eraser = eraser_of(tx)
    if eraser is not None:
        tx.execute(text(f"SET LOCAL ROLE {eraser}"))
    rows = _delete(tx, person_id) + _rename(tx, person_id, pseudonym)
    rows += tx.execute(delete(person_table).where(person_table.c.id == person_id)).rowcount
    tx.forget(person_id)
    erasure.destroy(tx, pseudonym)  # last: until here the triggers must see whose rows these are
    if eraser is not None:
        tx.execute(text("RESET ROLE"))
    return rows


def _delete(tx: Tx, person_id: str) -> int:
    device = agent_device.c
    own = select(device.device_id).where(device.person_id == person_id)
    rows = 0
    for table in _OF_DEVICES:
        rows += tx.execute(delete(table).where(table.c.device_id.in_(own))).rowcount
    for table in _OF_PEOPLE:
        rows += tx.execute(delete(table).where(table.c.person_id == person_id)).rowcount
    return rows


def _rename(tx: Tx, person_id: str, pseudonym: str) -> int:
    rows = _replace(tx, version_table, {"manager": pseudonym}, version_table.c.manager == person_id)
    # A step is tied to its change's author: taken out, and written again once the change is done.
    mine = or_(step_table.c.actor == person_id, step_table.c.author == person_id)
    steps = [dict(row) for row in tx.execute(select(step_table).where(mine)).mappings()]
    tx.execute(delete(step_table).where(mine))
    anonymous = {"author": pseudonym, "note": ""}
    rows += _replace(tx, change_table, anonymous, change_table.c.author == person_id)
    for step in steps:
        for name in ("actor", "author"):
            step[name] = pseudonym if step[name] == person_id else step[name]
    if steps:
        tx.execute(insert(step_table), steps)
    rows += len(steps)
    for table in (stop_table, catalogue_table):
        anonymous = {"actor": pseudonym, "note": ""}
        rows += _replace(tx, table, anonymous, table.c.actor == person_id)
        rows += _replace(tx, table, {"proposer": pseudonym}, table.c.proposer == person_id)
    return rows


def _replace(tx: Tx, table: Table, values: dict[str, str], where: ColumnElement[bool]) -> int:
    return tx.execute(update(table).where(where).values(**values)).rowcount
