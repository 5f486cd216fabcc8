"""What erasing a person does to the log's own tables.

The leaves stay: they name nobody. What says whom a pseudonym stands for, the data key and every
body under it go. ``audit_erasure`` keeps that it was done, and lets the triggers of tables that
name people see it (migrations/erasable.py).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Table, Text, delete, func, select

from app.audit.entries.store import body, subject
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import RowNumber, UtcTime, metadata
from app.db.seals import SealedTable

erasure = Table(
    "audit_erasure",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("basis", Text),
    Column("statement", Text),
    Column("event_id", Text, nullable=False),
    Column("keys", RowNumber, nullable=False),
    Column("bodies", RowNumber, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
)
ERASURE = SealedTable(erasure, key=("pseudonym",))


@dataclass(frozen=True)
class Erasure:
    """That somebody was erased.

    Attributes:
        pseudonym: the person's name in the log, before and after.
        basis: a code of ``app.rights.model.ErasureBasis``; None where an erasure was done again.
        statement: digest of what two custodians signed; None as above.
        event_id: the entry ``subject.erased``.
        keys, bodies: how many data keys and encrypted bodies were destroyed.
    """

    pseudonym: str
    basis: str | None
    statement: str | None
    event_id: str
    keys: int
    bodies: int
    erased_at: datetime


def add(tx: Tx, done: Erasure) -> None:
    """Keep that a person is erased; from here on the triggers let their rows go."""
    seals.insert(tx, ERASURE, [vars(done)])


def find(tx: Tx, pseudonym: str) -> Erasure | None:
    """The erasure of a pseudonym; None where that person is not erased."""
    row = tx.execute(select(erasure).where(erasure.c.pseudonym == pseudonym)).one_or_none()
    return None if row is None else Erasure(**row._asdict())


def count_bodies(tx: Tx, pseudonym: str) -> int:
    """How many bodies are encrypted with a person's key."""
    counted = select(func.count()).select_from(body).where(body.c.owner == pseudonym)
    return int(tx.execute(counted).scalar_one())


def destroy(tx: Tx, pseudonym: str) -> None:
    """Delete a person's bodies, key and name in the log; the last act of an erasure."""
    tx.execute(delete(body).where(body.c.owner == pseudonym))
    tx.execute(delete(subject).where(subject.c.pseudonym == pseudonym))
