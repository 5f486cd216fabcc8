"""The log as an auditor reads it: rows, the health of the log, the bars, one entry. Pure.

Rules:
1. A page shows what the leaf says. Words beside a code explain it; the code stays visible.
2. People are pseudonyms here as they are in the log; a name is never put beside one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.audit.checkpoint import Checkpoint
from app.audit.model import Entry, Kind, outcome
from app.kernel.clock import instant
from app.web.log_words import ACTORS, FIELDS, KINDS, OUTCOMES, ROOMS, kind_in_words
from app.web.policy_words import counted


@dataclass(frozen=True)
class Who:
    """Somebody in the log: what kind of actor, and under which name they stand there."""

    word: str
    id: str
    pseudonym: bool


@dataclass(frozen=True)
class EntryRow:
    """A row of the list."""

    idx: int
    at: datetime
    kind: str
    words: str
    region: str
    actor: Who
    about: tuple[str, ...]
    purpose: str
    outcome: str
    outcome_words: str


class Health(NamedTuple):
    """The log in one line."""

    origin: str
    size: int
    root: str
    at: datetime | None
    age: str
    pending: int


@dataclass(frozen=True)
class Bar:
    """One kind of entry in the chart; ``length`` out of 100."""

    kind: str
    words: str
    count: int
    length: int


class Field(NamedTuple):
    """A field of a leaf: its name, its value as it stands there, what it means."""

    name: str
    value: str
    meaning: str


def entry_rows(entries: Iterable[Entry]) -> tuple[EntryRow, ...]:
    """The rows of a list of entries."""
    return tuple(entry_row(entry) for entry in entries)


def entry_row(entry: Entry) -> EntryRow:
    """One row."""
    leaf = entry.leaf
    found = outcome(leaf) or ""
    actor, region = leaf["actor"], leaf["facts"].get("region")
    return EntryRow(
        idx=entry.idx,
        at=instant(leaf["occurred_at"]),
        kind=leaf["kind"],
        words=kind_in_words(leaf["kind"]),
        region=region if isinstance(region, str) else "",
        actor=Who(ACTORS.get(actor["kind"], actor["kind"]), actor["id"], actor["kind"] == "person"),
        # Somebody who acts about themselves is named once.
        about=tuple(one for one in leaf["subjects"] if one != actor["id"]),
        purpose=leaf["purpose"] or "",
        outcome=found,
        outcome_words=OUTCOMES.get(found, found),
    )


def health(
    checkpoint: Checkpoint | None, last: Entry | None, pending: int, now: datetime
) -> Health:
    """How far the log has come, and how fresh it is.

    Args:
        checkpoint: the newest one.
        last: the entry at its end.
        pending: how many events wait for their place.
        now: the present instant.
    """
    at = instant(last.leaf["integrated_at"]) if last else None
    return Health(
        origin=checkpoint.origin if checkpoint else "",
        size=checkpoint.size if checkpoint else 0,
        root=checkpoint.root.hex() if checkpoint else "",
        at=at,
        age=age_in_words((now - at).total_seconds()) if at else "",
        pending=pending,
    )


def age_in_words(seconds: float) -> str:
    """How long ago: ``just now``, ``4 minutes ago``, ``2 days ago``."""
    whole = max(0, int(seconds))
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if whole >= unit:
            return f"{counted(whole // unit, name)} ago"
    return f"{counted(whole, 'second')} ago" if whole else "just now"


def bars(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Counts by kind as bars from zero, the most frequent first; kinds without entries left out."""
    found = sorted((-count, kind) for kind, count in counts.items() if count)
    most = -found[0][0] if found else 1
    return tuple(
        Bar(kind, kind_in_words(kind), -count, max(1, round(-100 * count / most)))
        for count, kind in found
    )


def kind_choices() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Kinds for the search form, by room: (room, ((kind, words), …))."""
    return tuple(
        (
            name,
            tuple((kind, words) for kind, words in KINDS.items() if kind.partition(".")[0] == room),
        )
        for room, name in ROOMS.items()
    )


def unknown_kinds() -> frozenset[str]:
    """Kinds of the log that have no words here; a test holds this empty."""
    return frozenset(kind.value for kind in Kind) - KINDS.keys()


def fields(leaf: Mapping[str, Any]) -> tuple[Field, ...]:
    """The leaf field by field, in the order in which a reader asks."""
    return tuple(Field(name, _written(leaf[name]), FIELDS[name]) for name in FIELDS if name in leaf)


def pretty(leaf: Mapping[str, Any]) -> str:
    """The leaf with line breaks and indentation; the raw bytes have none."""
    return json.dumps(leaf, indent=2, ensure_ascii=False, sort_keys=True)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
