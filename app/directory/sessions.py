"""Sessions of signed-in people: one row each, known by the digest of a secret the browser holds.

Rules:
1. The token is 256 random bits. The table keeps its SHA-256 only: who reads the table signs in as
   nobody. A fast digest is enough, because there is nothing to guess.
2. A session ends eight hours after it began, or after one hour without a request.
3. Roles are not part of a session: they are read from the directory at every request.
4. Beginning and end are entries of the log; running out is not an act and leaves none.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata

LIFE = timedelta(hours=8)
IDLE = timedelta(hours=1)
TOUCH = timedelta(minutes=1)
"""Shortest time between two records of the last request: reading a page is seldom a write."""

session_table = Table(
    "person_session",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    Column("person_id", String(64), ForeignKey("person.id"), nullable=False),
    Column("csrf", String(43), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("seal", LargeBinary),
    Index("ix_person_session_person_id", "person_id"),
)


@dataclass(frozen=True)
class Session:
    """One signed-in browser.

    Attributes:
        csrf: the token that every form of this session carries.
        seen_at: the last request, to the minute.
        expires_at: the end, however much is done.
        issuer, subject: who vouched for the person, and under which name (OpenID Connect Core §2).
    """

    person_id: str
    csrf: str
    issuer: str
    subject: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime


class SessionService:
    """Starts, finds and ends sessions."""

    def __init__(self, log: AuditService) -> None:
        self._log = log

    def start(self, tx: Tx, person_id: str, issuer: str, subject: str, now: datetime) -> str:
        """Begin a session and return its token; the person's sessions that ran out are removed."""
        token = secrets.token_urlsafe(32)
        tx.execute(
            delete(session_table).where(
                session_table.c.person_id == person_id, session_table.c.expires_at <= now
            )
        )
        tx.execute(
            insert(session_table).values(
                token_digest=_digest(token),
                person_id=person_id,
                csrf=secrets.token_urlsafe(32),
                issuer=issuer,
                subject=subject,
                started_at=now,
                seen_at=now,
                expires_at=now + LIFE,
            )
        )
        self._log.append(tx, Event(Kind.SESSION_STARTED, Actor("person", person_id)), now)
        return token

    def find(self, tx: Tx, token: str, now: datetime) -> Session | None:
        """Return the session of a token, or None if there is none or it has run out."""
        columns = [
            column for column in session_table.c if column.name not in {"token_digest", "seal"}
        ]
        row = tx.execute(
            select(*columns).where(session_table.c.token_digest == _digest(token))
        ).one_or_none()
        if row is None:
            return None
        session = Session(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        ran_out = now >= session.expires_at or now >= session.seen_at + IDLE
        return None if ran_out else session

    def touch(self, tx: Tx, token: str, now: datetime) -> None:
        """Record that the session was used just now. Not an act of anybody, hence no entry."""
        tx.execute(
            update(session_table)
            .where(session_table.c.token_digest == _digest(token))
            .values(seen_at=now)
        )

    def end(self, tx: Tx, token: str, now: datetime) -> None:
        """End a session; a session that is not there, or has run out, has ended already."""
        session = self.find(tx, token, now)
        tx.execute(delete(session_table).where(session_table.c.token_digest == _digest(token)))
        if session is not None:
            actor = Actor("person", session.person_id)
            self._log.append(tx, Event(Kind.SESSION_ENDED, actor), now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
