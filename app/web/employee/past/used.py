"""Who asked for a person's data, what was read, and who looked the person up in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access.decision.model import USE_WITHIN, AccessReason, Use
from app.access.decision.sentences import SENTENCES
from app.access.grants.uses import USED
from app.audit.entries.model import Kind
from app.audit.reading.shown import OwnReading
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.clock import instant
from app.kernel.errors import NotFound
from app.web.words.log_words import kind_in_words
from app.web.words.policy_words import ROLES
from app.web.words.text import SIGNAL_WORDS, counted, listed, lower_first
from app.wiring import Services

FEW = 5
"""So many of each kind stand on the person's page; the rest is one link away."""


@dataclass(frozen=True)
class UseRow:
    """One time that somebody asked for the person's data.

    Attributes:
        number: for the next page.
        sentences: why it was refused.
        asked: what for: ``clicks and menus of ui-events``; empty where nothing was named.
        captured: the span of the capture that was asked for.
        read: what was read, as the asker said; for a permit, else empty.
        index: place in the log.
    """

    number: int
    consumer: str
    purpose: str
    permitted: bool
    sentences: tuple[str, ...]
    asked: str
    captured: tuple[datetime, datetime] | None
    read: str
    at: datetime
    index: int | None


@dataclass(frozen=True)
class ReadingRow:
    """One time that somebody read entries about the person.

    Attributes:
        who: by which role.
        reason: as it was given; empty where none was asked for.
    """

    who: str
    what: str
    reason: str
    at: datetime
    index: int


@dataclass(frozen=True)
class Used:
    """The answer on the person's page: counts, and the newest of each kind."""

    permits: int
    denials: int
    permitted: tuple[UseRow, ...]
    refused: tuple[UseRow, ...]
    readings: tuple[ReadingRow, ...]
    more_readings: bool


def used(services: Services, tx: Tx, person: Person, now: datetime) -> Used:
    """Gather the answer."""
    counts = services.access.count_uses(tx, person.id)
    readings = reading_rows(services, tx, person, FEW + 1)
    return Used(
        permits=counts.get("permit", 0),
        denials=counts.get("deny", 0),
        permitted=use_rows(services, tx, person, now, limit=FEW, outcome="permit"),
        refused=use_rows(services, tx, person, now, limit=FEW, outcome="deny"),
        readings=readings[:FEW],
        more_readings=len(readings) > FEW,
    )


def use_rows(
    services: Services, tx: Tx, person: Person, now: datetime, **wanted: Any
) -> tuple[UseRow, ...]:
    """Asks in words; ``wanted`` as ``AccessService.uses`` takes it."""
    uses = services.access.uses(tx, person.id, **wanted)
    return tuple(_use_row(services, tx, person, use, now) for use in uses)


def purpose_label(services: Services, key: str | None) -> str:
    """A purpose in words; a purpose that is on no list is described as such."""
    if not key:
        return "a purpose that is on no list"
    return services.access.purposes.described(key).label


def _use_row(services: Services, tx: Tx, person: Person, use: Use, now: datetime) -> UseRow:
    event = services.desk.own_event(tx, person.id, use.event_id)
    facts, others = event.said["facts"], len(event.said["subjects"]) - 1
    permitted = use.outcome == "permit"
    return UseRow(
        number=use.number,
        consumer=use.consumer_name,
        purpose=purpose_label(services, use.purpose),
        permitted=permitted,
        sentences=tuple(SENTENCES[AccessReason(reason)] for reason in use.reasons),
        asked=asked_in_words(facts),
        captured=_span(facts),
        read=read_in_words(use, others, now) if permitted else "",
        at=use.at,
        index=event.idx,
    )


def asked_in_words(facts: Mapping[str, Any]) -> str:
    """What was asked for, from the entry: ``clicks and menus of ui-events``."""
    signals = [lower_first(SIGNAL_WORDS.get(name, name)) for name in facts.get("signals") or ()]
    dataset = facts.get("dataset")
    return " of ".join(part for part in (listed(signals), dataset) if part)


def read_in_words(use: Use, others: int, now: datetime) -> str:
    """What was read, as far as the asker has said it."""
    if use.closed is None:
        return "Not said yet" if now <= use.at + USE_WITHIN else "Never said, and it is too late to"
    if use.closed.outcome != USED:
        return "Nothing: the permit was not used"
    rows = counted(use.closed.rows, "row")
    match others:
        case 0:
            return f"{rows} of you"
        case 1:
            return f"{rows} of you and 1 other person"
        case _:
            return f"{rows} of you and {others:,} other people"


def _span(facts: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    start, end = facts.get("captured_from"), facts.get("captured_to")
    return (instant(start), instant(end)) if start and end else None


def reading_rows(
    services: Services, tx: Tx, person: Person, limit: int, before: int | None = None
) -> tuple[ReadingRow, ...]:
    """Readings of entries about the person, the newest first."""
    readings = services.desk.own_readings(tx, person.id, limit, before)
    return tuple(
        ReadingRow(
            who=_who(services, tx, person, reading),
            what=reading_in_words(reading.entry.leaf),
            reason=reading.reason,
            at=instant(reading.entry.leaf["occurred_at"]),
            index=reading.entry.idx,
        )
        for reading in readings
    )


def _who(services: Services, tx: Tx, person: Person, reading: OwnReading) -> str:
    """The reader's role of today; a reading tells none of then."""
    if reading.reader == person.id:
        return "You"
    if reading.reader is None:
        return "Somebody who was erased since"
    try:
        functions = services.directory.person(tx, reading.reader).functions
    except NotFound:
        return "Somebody who is not in the directory any more"
    roles = [ROLES.get(name, name) for name in functions]
    return f"Somebody who is {listed(roles)}" if roles else "Somebody who has no role any more"


def reading_in_words(leaf: Mapping[str, Any]) -> str:
    """What was read, from the entry about the reading."""
    kind, facts = leaf["kind"], leaf["facts"]
    if kind == Kind.LOG_EXPORTED:
        return "exported entries about you"
    if kind == Kind.LOG_BODY_READ:
        return f"read the personal detail of an entry about you: {_entry(facts)}"
    if facts.get("kind") == "pseudonym":
        return "looked up under which name you are in the log"
    if facts.get("subject") is None:
        return f"opened an entry about you: {_entry(facts)}"
    number = counted(facts.get("count", 0), "entry")
    verb = "counted" if facts.get("asked", {}).get("as") == "export" else "searched for you and saw"
    return f"{verb} {number} about you"


def _entry(facts: Mapping[str, Any]) -> str:
    return lower_first(kind_in_words(str(facts.get("kind"))))
