"""The log as an auditor reads it: rows, the health of the log, the bars, one entry. Pure.

Rules:
1. A page shows what the leaf says. Words next to a code explain it; the code stays visible.
2. People are pseudonyms here as they are in the log; a name is never put next to a pseudonym.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from app.access.floor.terms import ALLOWED, BREAK_GLASS
from app.audit.entries.model import Entry, outcome
from app.audit.reading.search import Search, group_of
from app.audit.reading.shown import LogSummary
from app.kernel.clock import instant
from app.policy.changes.model import RegionView
from app.web.auditor.rows.search import SIDES, query
from app.web.words.log_words import (
    ACTORS,
    GROUPS,
    KINDS,
    OUTCOMES,
    kind_in_words,
    shortened,
)
from app.web.words.policy_words import counted
from app.web.words.region_words import names_of


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


def entry_rows(entries: Iterable[Entry]) -> tuple[EntryRow, ...]:
    """The rows of a list of entries."""
    return tuple(entry_row(entry) for entry in entries)


def entry_row(entry: Entry) -> EntryRow:
    """One row."""
    leaf = entry.leaf
    result = outcome(leaf) or ""
    actor, region = leaf["actor"], leaf["facts"].get("region")
    return EntryRow(
        idx=entry.idx,
        at=instant(leaf["occurred_at"]),
        kind=leaf["kind"],
        words=kind_in_words(leaf["kind"]),
        region=region if isinstance(region, str) else "",
        actor=Who(ACTORS.get(actor["kind"], actor["kind"]), actor["id"], actor["kind"] == "person"),
        # Somebody who acts about themselves is named once.
        about=tuple(subject for subject in leaf["subjects"] if subject != actor["id"]),
        purpose=leaf["purpose"] or "",
        outcome=result,
        outcome_words=OUTCOMES.get(result, result),
    )


def health(summary: LogSummary, now: datetime) -> Health:
    """How far the log has come, and how fresh it is."""
    checkpoint, at = summary.checkpoint, summary.last_at
    return Health(
        origin=checkpoint.origin if checkpoint else "",
        size=checkpoint.size if checkpoint else 0,
        root=checkpoint.root.hex() if checkpoint else "",
        at=at,
        age=age_in_words((now - at).total_seconds()) if at else "",
        pending=summary.pending,
    )


def age_in_words(seconds: float) -> str:
    """How long ago: ``just now``, ``4 minutes ago``, ``2 days ago``."""
    whole = max(0, int(seconds))
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if whole >= unit:
            return f"{counted(whole // unit, name)} ago"
    return f"{counted(whole, 'second')} ago" if whole else "just now"


class KindChoices(NamedTuple):
    """One group of kinds in a form: its code, its name, its kinds with their words."""

    group: str
    name: str
    kinds: tuple[tuple[str, str], ...]


def kind_choices() -> tuple[KindChoices, ...]:
    """Kinds for the forms, by group."""
    return tuple(
        KindChoices(
            code,
            name,
            tuple((kind, text) for kind, text in KINDS.items() if group_of(kind) == code),
        )
        for code, name in GROUPS.items()
    )


class PurposeChoices(NamedTuple):
    """Purposes for the forms: those on the closed list, and those asked for that are not on it."""

    allowed: tuple[str, ...]
    refused: tuple[str, ...]


def purpose_choices(occurring: Iterable[str]) -> PurposeChoices:
    """Every purpose that can be asked for, and every other that ever was."""
    others = sorted(set(occurring) - ALLOWED - BREAK_GLASS)
    return PurposeChoices((*sorted(ALLOWED), *sorted(BREAK_GLASS)), tuple(others))


def region_choices(views: Iterable[RegionView], asked: str = "") -> tuple[tuple[str, str], ...]:
    """Regions for the forms with their names, wider first; a region without a floor stays."""
    names = names_of(views)
    missing = [(asked, asked)] if asked and asked not in names else []
    return (*names.items(), *missing)


class Chip(NamedTuple):
    """One field of a search in words, and the same search without it."""

    label: str
    value: str
    without: str


def chips(search: Search) -> tuple[Chip, ...]:
    """What a search asks for, field by field."""
    kind = GROUPS.get(search.kind) or kind_in_words(search.kind)
    fields = (
        ("kind", "", kind if search.kind else ""),
        ("person", SIDES.get(search.side, ""), shortened(search.person)),
        ("purpose", "for", search.purpose),
        ("outcome", "", OUTCOMES.get(search.outcome, search.outcome)),
        ("region", "in", search.region),
        ("since", "from", search.since),
        ("until", "to", search.until),
    )
    return tuple(
        Chip(label, value, query(replace(search, **{name: ""})))
        for name, label, value in fields
        if value
    )
