"""Tables of consent: texts adopted, notices shown, decisions, offers kept. All are append-only."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
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
    union,
)
from sqlalchemy.dialects import postgresql

from app.consent import judging
from app.consent.model import Act, DecidedSoFar, Decision
from app.consent.offers import Notice, NoticeName, Offer, Shown, notice_chain
from app.consent.receipts import Receipt, receipt_of
from app.db import seals
from app.db.engine import Tx
from app.db.metadata import UtcTime, metadata
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable
from app.kernel.canonical import canonical, digest
from app.kernel.errors import Unavailable

notice_table = Table(
    "notice_text",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("notice_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("language", String(2), nullable=False),
    Column("title", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
    UniqueConstraint("notice_id", "version", "language"),
)
# The text itself is named by its digest, which is checked where it is read.
NOTICES = SealedTable(
    notice_table, key=("digest",), left_out=("title", "markdown", "content", "source")
)

shown_table = Table(
    "notice_shown",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("person_id", String(64), ForeignKey("person.id"), nullable=False),
    Column("notice_digest", String(71), ForeignKey("notice_text.digest"), nullable=False),
    Column("offer_digest", String(71), nullable=False),
    Column("offer", Text, nullable=False),
    Column("shown_at", UtcTime, nullable=False),
    Column("event_id", String(36), nullable=False),
    UniqueConstraint("person_id", "notice_digest", "offer_digest"),
)
SHOWINGS = SealedTable(shown_table, key=("event_id",), people=("person_id",))

decision_table = Table(
    "consent_decision",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("person_id", String(64), ForeignKey("person.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("act", String(16), nullable=False),
    Column("region", String(6), nullable=False),
    Column("residence", Integer, nullable=False),
    Column("notice_id", String(64)),
    Column("notice_version", Integer),
    Column("notice_language", String(2)),
    Column("notice_digest", String(71)),
    Column("shown_id", String(36), ForeignKey("notice_shown.id")),
    Column("offer_digest", String(71)),
    Column("signals", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("apps", Text, nullable=False),
    Column("until", UtcTime),
    Column("valid_until", UtcTime),
    Column("decided_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("event_id", String(36), nullable=False),
    # Null in rows from before decisions could say more.
    Column("content", Text),
    # The receipt as it was signed: keys and settings may change, what a person holds does not.
    Column("token", Text, nullable=False),
    UniqueConstraint("person_id", "seq"),
)
DECISIONS = SealedTable(decision_table, key=("event_id",), people=("person_id",))

# What was offered, once for everybody under the same rules: entries name it, and it names nobody. A
# showing of release 0.1 has its offer in its own row; later ones leave that empty.
offer_table = Table(
    "consent_offer",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("offer", Text, nullable=False),
)

_LISTS = ("signals", "purposes", "apps")
_NOTICE = {field.name: f"notice_{field.name}" for field in dataclasses.fields(NoticeName)}

_HISTORY = (
    select(decision_table)
    .where(decision_table.c.person_id == bindparam("person"))
    .order_by(decision_table.c.seq)
)

_SHOWN = (
    select(
        *shown_table.c,
        func.coalesce(offer_table.c.offer, shown_table.c.offer).label("offered"),
        *(column for column in notice_table.c if column.name not in {"digest", "adopted_at"}),
    )
    .join_from(shown_table, notice_table)
    .outerjoin(offer_table, offer_table.c.digest == shown_table.c.offer_digest)
)


def select_seals(tx: Tx, person_id: str) -> tuple[Select[Any], ...]:
    """What selects the seals of all that is recorded of a person, to be read ahead."""
    return tuple(
        seals.select_seals(
            tx, sealed, select(sealed.table.c.event_id).where(sealed.table.c.person_id == person_id)
        )
        for sealed in (DECISIONS, SHOWINGS)
    )


def adopted(tx: Tx, notice: Notice) -> str | None:
    """Return the digest under which this notice, version and language was adopted."""
    name: str | None = tx.execute(
        select(notice_table.c.digest).where(
            notice_table.c.notice_id == notice.id,
            notice_table.c.version == notice.version,
            notice_table.c.language == notice.language,
        )
    ).scalar_one_or_none()
    return name


def was_adopted(tx: Tx, notice: Notice) -> bool:
    """Whether a text was adopted whose row was deleted or goes by another name now."""
    query = select(notice_table.c.digest).where(notice_table.c.digest == notice.digest)
    there = tx.execute(query).first() is not None
    chain = notice_chain(notice.id)
    if there or seals.orphaned(tx, NOTICES, notice.digest) or _lacks_texts(tx, notice.id):
        seals.note(tx, Dispute(chain, Flaw.DIFFERS, notice_table.name, notice.digest))
        return True
    return False


def _lacks_texts(tx: Tx, notice_id: str) -> bool:
    """Whether the log knows more texts of a notice than there are: one and its seal are gone."""
    query = select(func.count()).where(notice_table.c.notice_id == notice_id)
    return tx.seals.behind(notice_chain(notice_id), tx.execute(query).scalar_one(), tx.folded)


def adopt(tx: Tx, notice: Notice, at: datetime) -> None:
    """Keep a text for ever: it may be what somebody agreed to."""
    row = {
        "digest": notice.digest,
        "notice_id": notice.id,
        "version": notice.version,
        "language": notice.language,
        "title": notice.title,
        "markdown": notice.markdown,
        "content": canonical(notice.content).decode(),
        "source": notice.source,
        "adopted_at": at,
    }
    seals.insert(tx, NOTICES, [row])


def documents(tx: Tx) -> Iterator[tuple[str, bytes]]:
    """Return every text adopted and every offer shown, once each, with its digest."""
    for row in tx.execute(select(notice_table.c.digest, notice_table.c.source)):
        yield row.digest, row.source
    offers = union(
        select(shown_table.c.offer_digest, shown_table.c.offer).where(shown_table.c.offer != ""),
        select(offer_table.c.digest, offer_table.c.offer),
    )
    for row in tx.execute(offers):
        if isinstance(row.offer, str):  # SQLite keeps values of any type in a column
            yield row.offer_digest, row.offer.encode()


def keep_offers(tx: Tx, person_id: str) -> None:
    """Keep what was offered to a person, without the person, before the showings are erased."""
    offered = select(shown_table.c.offer_digest, shown_table.c.offer).distinct()
    known = select(offer_table.c.digest)
    offered = offered.where(
        shown_table.c.person_id == person_id,
        shown_table.c.offer != "",
        shown_table.c.offer_digest.not_in(known),
    )
    tx.execute(insert(offer_table).from_select(["digest", "offer"], offered))


def version_starts(tx: Tx, notice_id: str) -> tuple[dict[int, datetime], bool]:
    """Return when each version of a notice was first adopted, and whether that is believed."""
    columns = [notice_table.c[name] for name in NOTICES.covered]
    rows = tx.execute(select(*columns).where(notice_table.c.notice_id == notice_id)).all()
    starts: dict[int, datetime] = {}
    for row in rows:
        if type(row.version) is not int:  # SQLite keeps values of any type in a column
            continue
        starts[row.version] = min(row.adopted_at, starts.get(row.version, row.adopted_at))
    chain = notice_chain(notice_id)
    return starts, seals.stands(tx, chain, NOTICES, rows, position=len(rows))


def add_shown(tx: Tx, shown: Shown) -> None:
    """Record that a notice and an offer were put before a person."""
    _keep_offer(tx, shown.offer)
    row = {
        "id": shown.id,
        "person_id": shown.person_id,
        "notice_digest": shown.notice.digest,
        "offer_digest": shown.offer.digest,
        "offer": "",
        "shown_at": shown.shown_at,
        "event_id": shown.event_id,
    }
    seals.insert(tx, SHOWINGS, [row])


def _keep_offer(tx: Tx, offer: Offer) -> None:
    row = {"digest": offer.digest, "offer": offer.canonical.decode()}
    known = select(offer_table.c.digest).where(offer_table.c.digest == offer.digest)
    if tx.execute(known).first() is not None:
        return
    if tx.dialect == "postgresql":  # another transaction may be keeping the same offer
        tx.execute(postgresql.insert(offer_table).values(row).on_conflict_do_nothing())
    else:
        tx.execute(insert(offer_table).values(row))


def shown(tx: Tx, person_id: str, shown_id: str) -> Shown | None:
    """Return what was shown to this person under this id."""
    row = tx.execute(
        _SHOWN.where(shown_table.c.id == shown_id, shown_table.c.person_id == person_id)
    ).one_or_none()
    return _shown(tx, row)


def shown_before(tx: Tx, person_id: str, notice_digest: str, offer_digest: str) -> Shown | None:
    """Return the showing of exactly this text and this offer to this person."""
    row = tx.execute(_SHOWN.where(*_named(person_id, notice_digest, offer_digest))).one_or_none()
    return _shown(tx, row)


def was_shown(tx: Tx, person_id: str, notice_digest: str, offer_digest: str) -> bool:
    """Return whether there is such a showing, without reading what was shown."""
    named = _named(person_id, notice_digest, offer_digest)
    return tx.execute(select(shown_table.c.id).where(*named)).first() is not None


def _named(
    person_id: str, notice_digest: str, offer_digest: str
) -> tuple[ColumnElement[bool], ...]:
    return (
        shown_table.c.person_id == person_id,
        shown_table.c.notice_digest == notice_digest,
        shown_table.c.offer_digest == offer_digest,
    )


def append(tx: Tx, decision: Decision, token: str) -> None:
    """Append a decision with its signed receipt."""
    fields = {**decision.__dict__, "act": decision.act.value, "token": token}
    notice = fields.pop("notice")
    fields |= {column: notice and getattr(notice, name) for name, column in _NOTICE.items()}
    for name in _LISTS:
        fields[name] = canonical(fields[name]).decode()
    fields["content"] = canonical(decision.content).decode() if decision.content else None
    seals.insert(tx, DECISIONS, [fields])


def decided(tx: Tx, person_id: str) -> DecidedSoFar:
    """Return a person's decisions by ``seq``, as far as they are believed."""
    rows = tx.execute(_HISTORY, {"person": person_id}).all()
    return judging.decided(tx, person_id, DECISIONS, rows, _decision)


def receipts(tx: Tx, person_id: str) -> tuple[Receipt, ...]:
    """Return a person's receipts as they were signed, newest first.

    A receipt is signed, so that whoever holds it need not believe the row; a row that cannot be
    read has none to show.
    """
    rows = tx.execute(
        select(decision_table)
        .where(decision_table.c.person_id == person_id)
        .order_by(decision_table.c.seq.desc())
    )
    return tuple(kept for row in rows if (kept := _kept(row)) is not None)


def receipt(tx: Tx, person_id: str, decision_id: str) -> Receipt | None:
    """Return the signed receipt of one decision of this person."""
    row = tx.execute(
        select(decision_table).where(
            decision_table.c.id == decision_id, decision_table.c.person_id == person_id
        )
    ).one_or_none()
    if row is None or (kept := _kept(row)) is None:
        return None
    return dataclasses.replace(kept, stands=seals.first_bad(tx, DECISIONS, [row]) is None)


def _kept(row: Row[Any]) -> Receipt | None:
    """The receipt in a row; None where there is none that can be read."""
    try:
        return receipt_of(_decision(row), row.token)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _decision(row: Row[Any]) -> Decision:
    """Read a row; SQLite keeps values of any type in a column.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not of the shape of a decision.
    """
    fields = row._asdict()
    del fields["token"]
    if type(row.seq) is not int or type(row.residence) is not int:
        raise TypeError("a number of a decision is no number")
    notice = {name: fields.pop(column) for name, column in _NOTICE.items()}
    for name in _LISTS:
        fields[name] = tuple(json.loads(fields[name]))
    fields["content"] = tuple(json.loads(row.content)) if row.content else ()
    fields["notice"] = None if notice["id"] is None else NoticeName(**notice)
    return Decision(**{**fields, "act": Act(row.act)})


def _shown(tx: Tx, row: Row[Any] | None) -> Shown | None:
    """Read a showing that is believed.

    Raises:
        Unavailable: row, text or offer are not what was kept.
    """
    if row is None:
        return None
    body = str(row.offered).encode()
    if seals.first_bad(tx, SHOWINGS, [row]) is not None:
        name = tx.seals.names.known(tx, (row.person_id,)).get(row.person_id)
        chain = judging.UNNAMED if name is None else f"shown:{name}"
        seals.note(tx, Dispute(chain, Flaw.UNSEALED, shown_table.name, None, row.person_id))
        raise _not_as_kept("what was shown to a person")
    if digest(body) != row.offer_digest:
        raise _not_as_kept("an offer")
    if not isinstance(row.source, bytes) or digest(row.source) != row.notice_digest:
        raise _not_as_kept("a notice")
    notice = Notice(
        id=row.notice_id,
        version=row.version,
        language=row.language,
        title=row.title,
        markdown=row.markdown,
        digest=row.notice_digest,
        content=tuple(json.loads(row.content)),
        source=row.source,
    )
    return Shown(
        id=row.id,
        person_id=row.person_id,
        notice=notice,
        offer=Offer.read(body),
        shown_at=row.shown_at,
        event_id=row.event_id,
    )


def _not_as_kept(what: str) -> Unavailable:
    return Unavailable(
        f"{what} in the database is not what its name says, so nothing can rest on it",
        cure="Opting out works. Whoever runs Habeas has to find out what changed the database.",
    )
