"""Sessions of signed-in people: one row each, known by the digest of a secret the browser holds.

Rules:
1. The token is 256 random bits. The table keeps a keyed digest of it: who reads the table signs in
   as nobody, and who writes it cannot make the digest of a token that they know.
2. The row's seal ties that digest to the person, the times, and who vouched for them. A row that
   somebody wrote or changed signs nobody in; a row that was moved signs in neither of the two.
3. A session ends eight hours after it began, or after one hour without a request. One that was
   ended does not come back with its row: the log knows that it ended.
4. Roles are not part of a session: they are read from the directory at every request.
5. Beginning and end are entries of the log; running out is not an act and leaves none.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)

from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable
from app.directory.model import SESSION_LIFE, SessionEnd
from app.kernel.facts import encode

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
    Column("event_id", String(64)),
    Column("seal", LargeBinary),
    Index("ix_person_session_person_id", "person_id"),
)
# The last request is sealed as well: with it, a session that ran out would come back.
SESSIONS = SealedTable(session_table, key=("token_digest",), people=("person_id",), in_row=True)


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
        began = Event(Kind.SESSION_STARTED, Actor("person", person_id))
        row = {
            "token_digest": _digest(tx, token),
            "person_id": person_id,
            "csrf": secrets.token_urlsafe(32),
            "issuer": issuer,
            "subject": subject,
            "started_at": now,
            "seen_at": now,
            "expires_at": now + SESSION_LIFE,
            "event_id": self._log.append(tx, began, now),
        }
        seals.insert(tx, SESSIONS, [row])
        return token

    def find(self, tx: Tx, token: str, now: datetime) -> Session | None:
        """Return the session of a token, or None if there is none or it has run out."""
        row = _row(tx, token)
        return None if row is None else _session(row, now)

    def touch(self, tx: Tx, token: str, now: datetime) -> None:
        """Record that the session was used just now. Not an act of anybody, hence no entry."""
        row = _row(tx, token)
        if row is not None:
            used = seals.with_seal(tx, SESSIONS, {**row, "seen_at": now})
            same = session_table.c.token_digest == row["token_digest"]
            tx.execute(update(session_table).where(same).values(**used))

    def end(self, tx: Tx, token: str, now: datetime) -> None:
        """End a session; a session that is not there, or has run out, has ended already."""
        row = _row(tx, token)
        tx.execute(delete(session_table).where(session_table.c.token_digest == _digest(tx, token)))
        if row is not None and _session(row, now) is not None:
            actor, facts = Actor("person", row["person_id"]), encode(SessionEnd(row["event_id"]))
            self._log.append(tx, Event(Kind.SESSION_ENDED, actor, facts), now)


def _session(row: Mapping[str, Any], now: datetime) -> Session | None:
    """What a row that stands says; None where it has run out."""
    session = Session(**{name: row[name] for name in Session.__dataclass_fields__})
    ran_out = now >= session.expires_at or now >= session.seen_at + IDLE
    return None if ran_out else session


def _row(tx: Tx, token: str) -> Mapping[str, Any] | None:
    """The row of a token, if it is one that we wrote (rule 2) and that was not ended (rule 3).

    Nothing else of the log is asked: also while it cannot be believed, people come in to opt out.
    """
    digest = _digest(tx, token)
    found = tx.execute(select(session_table).where(session_table.c.token_digest == digest))
    row, chain = found.mappings().one_or_none(), chain_of(digest)
    if row is None or tx.seals.alarm_on(chain):
        return None
    flaw = None
    if seals.first_bad(tx, SESSIONS, [row]) is not None:
        flaw = Flaw.UNSEALED
    elif tx.seals.behind(f"session:{row['event_id']}", 0, tx.folded):
        flaw = Flaw.BEHIND
    if flaw is not None:
        seals.note(tx, Dispute(chain, flaw, session_table.name, digest))
        return None
    return dict(row)


def chain_of(digest: object) -> str:
    """The chain of the session that is found by a digest: it names neither person nor token.

    >>> chain_of("0123456789abcdef" * 4)
    'session:0123456789abcdef'
    """
    return f"session:{str(digest)[:16]}"


def _digest(tx: Tx, token: str) -> str:
    return tx.seals.digest("session", token)
