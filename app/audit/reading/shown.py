"""Who reads at the desk, and what is handed over there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.audit.entries.model import Entry
from app.audit.entries.waiting import WaitingEntry
from app.audit.reading.activity import Bucket
from app.audit.reading.proofs import Inclusion
from app.audit.tree.checkpoint import Checkpoint
from app.kernel.authority import Role


class Reader(Protocol):
    """Who reads: a person's id, and the roles that say what they may."""

    @property
    def id(self) -> str:
        """The id under which the directory has the person."""
        ...

    @property
    def roles(self) -> tuple[Role, ...]:
        """All their roles."""
        ...


@dataclass(frozen=True)
class EntryPage:
    """A page of a search, newest first; the indices from which the next pages go on, if any."""

    entries: tuple[Entry, ...] = ()
    older: int | None = None
    newer: int | None = None


class DetailState(StrEnum):
    """Whether an entry has personal detail next to it."""

    NONE = "none"
    KEPT = "kept"
    ERASED = "erased"


@dataclass(frozen=True)
class OpenedEntry:
    """An entry as it is opened.

    Attributes:
        entry: it.
        proof: that it is in the log.
        following: the index of the next entry of each of its streams, where there is one.
        detail: what there is next to it; owner: the pseudonym under whose key it is kept.
        body: the personal detail, where it was read.
    """

    entry: Entry
    proof: Inclusion
    following: Mapping[str, int]
    detail: DetailState
    owner: str = ""
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class OwnEvent:
    """What an event of somebody's own says, and its index; None: it is on its way to the log."""

    said: Mapping[str, Any]
    idx: int | None


@dataclass(frozen=True)
class OwnReading:
    """One reading of somebody's entries, as that person sees it.

    Attributes:
        reader: id of the person who read; None: it was no person, or the person was erased.
        reason: that was given, where it is kept under the own key; empty: none was asked for.
    """

    entry: Entry
    reader: str | None
    reason: str


@dataclass(frozen=True)
class Activity:
    """How much happened when, what was refused and why, how much there is of each kind."""

    buckets: tuple[Bucket, ...]
    refusals: Mapping[tuple[str, str], int]
    kinds: Mapping[str, int]


@dataclass(frozen=True)
class LogSummary:
    """The log in one line; ``last_at``: when the newest published entry became part of it."""

    checkpoint: Checkpoint | None
    last_at: datetime | None
    pending: int


@dataclass(frozen=True)
class LogHealth:
    """What the tables say about the order of the log."""

    size: int
    checkpoint: Checkpoint | None
    pending: int
    waiting_since: datetime | None
    overdue: tuple[WaitingEntry, ...]
    restores: tuple[Entry, ...]
    exports: tuple[Entry, ...]


@dataclass(frozen=True)
class OwnProof:
    """A person's own entry: where it is, its very bytes, and a tlog-proof of it."""

    index: int
    entry: str
    proof: str
