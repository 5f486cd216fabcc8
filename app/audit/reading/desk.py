"""The desk: the one way to read the log for whoever is not a service of this program.

Rules:
1. Each reading is one call that asks whether the reader may, reads, and appends the entry about the
   reading, in the caller's transaction: all of it is kept or nothing is answered.
2. A reading of a person's entries is an entry about that person; an entry that is opened, or its
   detail read, about everybody whom it names.
3. Personal detail and pseudonyms are given out against a reason. The reason is kept, encrypted,
   under the key of the person concerned.
4. What is wrong with a question is reported before anything is read; then nothing is recorded.
   That nobody has a pseudonym is no such fault but an answer: it is recorded as a reading of no
   entry, and the caller keeps the transaction.
5. Two kinds of reading make no entry, and their names say so. ``public_…``: what the log shows to
   everybody without sign-in, and no content of an entry. ``own_…``: a person's own entries for that
   person (law 6); what is not theirs does not exist here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.audit.entries import store
from app.audit.entries.model import Actor, Entry, EntryFilter, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.reading import serving
from app.audit.reading.lookup import is_known
from app.audit.reading.search import NOBODY, Search
from app.audit.reading.service import ReadingService
from app.audit.reading.shown import (
    Activity,
    DetailState,
    EntryPage,
    LogHealth,
    LogSummary,
    OpenedEntry,
    OwnEvent,
    OwnProof,
    OwnReading,
    Reader,
)
from app.audit.tree.checkpoint import Checkpoint, parse_checkpoint, parse_note
from app.db.engine import Tx
from app.kernel.authority import Authority
from app.kernel.canonical import Json
from app.kernel.clock import instant
from app.kernel.errors import Fault, InvalidInput, NotFound

OVERDUE = 100
"""At most so many overdue entries are named."""

READINGS = (Kind.LOG_READ, Kind.LOG_BODY_READ, Kind.LOG_EXPORTED)
"""Kinds of entries that say that somebody read the log."""


class Desk:
    """Reads a log for people; see the rules above."""

    def __init__(self, log: AuditService, authority: Authority) -> None:
        self._log, self._authority = log, authority
        self._reading = ReadingService(log)

    def search(
        self, tx: Tx, reader: Reader, search: Search, limit: int, now: datetime
    ) -> EntryPage:
        """A page of entries that match.

        Raises:
            Forbidden: the reader may not read the log.
            InvalidInput: a field is wrong, or nobody is in the log under the pseudonym.
        """
        self._require(reader, "read")
        _require_sound(search.faults())
        if search.person and not self._stands(tx, search.person):
            self._record(tx, reader, search.facts(0), now)
            raise _nobody()
        page = self._page(tx, search.wanted(limit))
        self._record(
            tx, reader, search.facts(len(page.entries)), now, self._known(tx, search.person)
        )
        return page

    def open(self, tx: Tx, reader: Reader, idx: int, now: datetime) -> OpenedEntry:
        """One entry with its proof.

        Raises:
            Forbidden: the reader may not read the log.
            NotFound: the log has no such index.
        """
        self._require(reader, "read")
        opened = self._opened(tx, idx)
        self._record_opening(tx, reader, opened.entry, now)
        return opened

    def proof(self, tx: Tx, reader: Reader, idx: int, now: datetime) -> str:
        """One entry and its proof as a file that anybody can check (C2SP tlog-proof).

        Raises:
            Forbidden, NotFound: as ``open``.
        """
        self._require(reader, "read")
        text = self._reading.tlog_proof(tx, idx)
        self._record_opening(tx, reader, self._reading.entry(tx, idx), now)
        return text

    def read_detail(
        self, tx: Tx, reader: Reader, idx: int, reason: str, now: datetime
    ) -> OpenedEntry:
        """One entry with its personal detail, where there is any (rule 3).

        Raises:
            Forbidden, NotFound: as ``open``.
            InvalidInput: there is detail, and no reason was given.
        """
        self._require(reader, "read")
        opened = self._opened(tx, idx)
        if opened.detail is not DetailState.KEPT:
            self._record_opening(tx, reader, opened.entry, now)
            return opened
        _require_reason(reason, "Say why you read it: the reason becomes part of the log.")
        leaf = opened.entry.leaf
        event = Event(
            Kind.LOG_BODY_READ,
            Actor("person", reader.id),
            {"kind": leaf["kind"], "entry": idx},
            subjects=self._known(tx, *_named(leaf)),
            body={"reason": reason.strip()},
            owner=self._log.people(tx, (opened.owner,))[opened.owner],
        )
        self._log.append(tx, event, now)
        return replace(opened, body=self._reading.body(tx, leaf["event"]) or {})

    def bundle(self, tx: Tx, reader: Reader, path: str, now: datetime) -> bytes:
        """The entries of ``tile/entries/<N>[.p/<W>]`` (C2SP tlog-tiles), each behind its length.

        Raises:
            Forbidden: the reader may not read the log.
            NotFound: not of that form, or not published.
        """
        self._require(reader, "read")
        tile, bundle = serving.entry_bundle(tx, path)
        facts: dict[str, Json] = {
            "kind": None, "subject": None, "first": tile.first_leaf, "count": tile.width,
        }  # fmt: skip
        self._record(tx, reader, facts, now)
        return bundle

    def look_up(self, tx: Tx, reader: Reader, person_id: str, reason: str, now: datetime) -> str:
        """The pseudonym of a person (rule 3).

        Raises:
            Forbidden: the reader may not read the log.
            InvalidInput: no reason was given.
        """
        self._require(reader, "read")
        _require_reason(reason, "Say why you look: the reason becomes part of the log.")
        pseudonym = self._log.pseudonym(tx, person_id)
        event = Event(
            Kind.LOG_READ,
            Actor("person", reader.id),
            {"kind": "pseudonym", "subject": pseudonym, "count": 1},
            subjects=(person_id,),
            body={"reason": reason.strip()},
        )
        self._log.append(tx, event, now)
        return pseudonym

    def count(self, tx: Tx, reader: Reader, search: Search, now: datetime) -> int:
        """How many entries an export of this search would hold; of the whole log it is its size.

        Raises:
            Forbidden: the reader may not export the log.
            InvalidInput: a field is wrong, or no entry is about the person.
        """
        self._require(reader, "export")
        _require_sound(search.export_faults())
        if not search.narrowed:
            return self._log.size(tx)
        if search.person and not is_known(tx, search.person):
            self._record(tx, reader, search.facts(0, **{"as": "export"}), now)
            raise _nobody()
        count = self._reading.count(tx, search.selection())
        facts = search.facts(count, **{"as": "export"})
        self._record(tx, reader, facts, now, self._known(tx, search.person))
        return count

    def activity(
        self, tx: Tx, reader: Reader, span: tuple[datetime, datetime], buckets: int, now: datetime
    ) -> Activity:
        """Counts of a time cut into buckets, of its refusals, and of every kind.

        Args:
            tx: a transaction.
            reader: who reads.
            span: start and end, full hours.
            buckets: see ``ReadingService.activity``.
            now: the present instant.

        Raises:
            Forbidden: the reader may not read the log.
        """
        self._require(reader, "read")
        since, until = span
        over_time = self._reading.activity(tx, since, until, buckets)
        total = sum(bucket.total for bucket in over_time)
        self._record(tx, reader, {"kind": "activity", "subject": None, "count": total}, now)
        refusals = self._reading.refusals(tx, since)
        return Activity(over_time, refusals, self._reading.counts_by_kind(tx))

    def health(self, tx: Tx, reader: Reader, exports: int, now: datetime) -> LogHealth:
        """How far the log is, what waits, every restore, and so many of the last exports.

        Raises:
            Forbidden: the reader may not read the log.
        """
        self._require(reader, "read")
        kind = Kind.LOG_EXPORTED.value
        last = self._reading.search(tx, EntryFilter(kind=kind, limit=exports))
        health = LogHealth(
            size=self._log.size(tx),
            checkpoint=self._checkpoint(tx),
            pending=self._log.pending(tx),
            waiting_since=self._log.pending_since(tx),
            overdue=self._log.overdue(tx, now, OVERDUE),
            restores=self._reading.search(tx, EntryFilter(kind=Kind.LOG_RESTORED.value)),
            exports=last,
        )
        # Last: the entry about this reading is not one of those that wait.
        self._record(tx, reader, {"kind": kind, "subject": None, "count": len(last)}, now)
        return health

    def public_summary(self, tx: Tx) -> LogSummary:
        """How far the log has come and how fresh it is, as its checkpoint and /healthz say."""
        checkpoint = self._checkpoint(tx)
        last = self._reading.entry(tx, checkpoint.size - 1) if checkpoint else None
        last_at = instant(last.leaf["integrated_at"]) if last else None
        return LogSummary(checkpoint, last_at, self._log.pending(tx))

    def public_purposes(self, tx: Tx) -> tuple[str, ...]:
        """Every purpose ever asked for: the codes that a form offers, and nothing about anybody."""
        return tuple(self._reading.purposes(tx))

    def own_proof(self, tx: Tx, person_id: str, event_id: str) -> OwnProof | None:
        """The entry of an own event and its proof; None until a checkpoint holds it (rule 5).

        Raises:
            NotFound: it is neither about the person nor by the person.
        """
        idx, published = self._log.index_of(tx, event_id), self._checkpoint(tx)
        if idx is None or published is None or published.size <= idx:
            return None
        entry = self._reading.entry(tx, idx)
        if not self._is_own(tx, person_id, entry.leaf):
            raise NotFound("there is no such entry of yours")
        return OwnProof(idx, entry.raw.decode(), self._reading.tlog_proof(tx, idx))

    def own_newest(self, tx: Tx, person_id: str, device_id: str, kind: Kind) -> Entry | None:
        """The newest entry of a kind by an own device; None where there is none (rule 5)."""
        wanted = EntryFilter(kind=kind.value, actor=f"device:{device_id}", limit=1)
        newest = next(iter(self._reading.search(tx, wanted)), None)
        return newest if newest and self._is_own(tx, person_id, newest.leaf) else None

    def own_event(self, tx: Tx, person_id: str, event_id: str) -> OwnEvent:
        """What an own event says, in the log or on its way there (rule 5).

        Raises:
            NotFound: it is neither about the person nor by the person.
        """
        said = store.submission_of(tx, event_id)
        if said is None or not self._is_own(tx, person_id, said):
            raise NotFound("there is no such entry of yours")
        return OwnEvent(said, self._log.index_of(tx, event_id))

    def own_readings(
        self, tx: Tx, person_id: str, limit: int, before: int | None = None
    ) -> tuple[OwnReading, ...]:
        """Who read the person's entries, the newest first (rule 5).

        A reason is given out where it is kept under the person's own key (rule 3).

        Args:
            tx: a transaction.
            person_id: whose entries were read.
            limit: at most so many.
            before: only readings with a smaller index.
        """
        own = store.pseudonyms(tx, (person_id,)).get(person_id)
        if own is None:
            return ()
        kinds = tuple(kind.value for kind in READINGS)
        wanted = EntryFilter(kinds=kinds, subject=own, limit=limit, before=before)
        return tuple(self._own_reading(tx, own, each) for each in self._reading.search(tx, wanted))

    def _own_reading(self, tx: Tx, own: str, entry: Entry) -> OwnReading:
        event, actor = entry.leaf["event"], entry.leaf["actor"]
        reader = None
        if actor["kind"] == "person":
            reader = self._log.people(tx, (actor["id"],)).get(actor["id"])
        kept = self._reading.body(tx, event) if self._reading.owner(tx, event) == own else None
        return OwnReading(entry, reader, str((kept or {}).get("reason", "")))

    def _require(self, reader: Reader, action: str) -> None:
        self._authority.require(reader.roles, None, "log", action)

    def _record(
        self,
        tx: Tx,
        reader: Reader,
        facts: Mapping[str, Json],
        now: datetime,
        whom: tuple[str, ...] = (),
    ) -> None:
        event = Event(Kind.LOG_READ, Actor("person", reader.id), facts, subjects=whom)
        self._log.append(tx, event, now)

    def _record_opening(self, tx: Tx, reader: Reader, entry: Entry, now: datetime) -> None:
        facts: dict[str, Json] = {"kind": entry.leaf["kind"], "subject": None, "count": 1}
        self._record(tx, reader, facts, now, self._known(tx, *_named(entry.leaf)))

    def _known(self, tx: Tx, *pseudonyms: str) -> tuple[str, ...]:
        """The people behind pseudonyms; whoever was erased is nobody here any more."""
        return tuple(self._log.people(tx, pseudonyms).values())

    def _is_own(self, tx: Tx, person_id: str, leaf: Mapping[str, Any]) -> bool:
        own = store.pseudonyms(tx, (person_id,)).get(person_id)
        return own in _named(leaf)

    def _stands(self, tx: Tx, pseudonym: str) -> bool:
        """Whether somebody has this pseudonym, or entries still carry that of somebody erased."""
        by = EntryFilter(actor=f"person:{pseudonym}", limit=1)
        return (
            bool(self._known(tx, pseudonym))
            or is_known(tx, pseudonym)
            or bool(self._reading.search(tx, by))
        )

    def _page(self, tx: Tx, wanted: EntryFilter) -> EntryPage:
        entries = self._reading.search(tx, wanted)
        if not entries:
            return EntryPage()
        newest, oldest = entries[0].idx, entries[-1].idx
        single = replace(wanted, limit=1)
        is_older = self._reading.search(tx, replace(single, before=oldest, after=None))
        is_newer = self._reading.search(tx, replace(single, before=None, after=newest))
        return EntryPage(entries, oldest if is_older else None, newest if is_newer else None)

    def _opened(self, tx: Tx, idx: int) -> OpenedEntry:
        entry = self._reading.entry(tx, idx)
        detail, owner = self._detail(tx, entry.leaf)
        following = dict(self._following(tx, entry))
        return OpenedEntry(entry, self._reading.proof(tx, idx), following, detail, owner)

    def _following(self, tx: Tx, entry: Entry) -> Iterator[tuple[str, int]]:
        for stream in entry.leaf["streams"]:
            which, _, name = stream.partition(":")
            wanted = EntryFilter(**{which: name}, after=entry.idx, limit=1)
            for following in self._reading.search(tx, wanted):
                yield stream, following.idx

    def _detail(self, tx: Tx, leaf: Mapping[str, Any]) -> tuple[DetailState, str]:
        if leaf["commitment"] is None:
            return DetailState.NONE, ""
        owner = self._reading.owner(tx, leaf["event"])
        return (DetailState.ERASED, "") if owner is None else (DetailState.KEPT, owner)

    def _checkpoint(self, tx: Tx) -> Checkpoint | None:
        note = self._log.checkpoint(tx)
        return parse_checkpoint(parse_note(note.encode()).text) if note else None


def _named(leaf: Mapping[str, Any]) -> tuple[str, ...]:
    """The pseudonyms that an entry names: whom it is about, and the person who acted."""
    actor = leaf["actor"]
    return (*leaf["subjects"], *((actor["id"],) if actor["kind"] == "person" else ()))


def _require_sound(faults: Iterable[Fault]) -> None:
    wrong = tuple(faults)
    if wrong:
        raise InvalidInput("the search cannot be used", faults=wrong)


def _require_reason(reason: str, problem: str) -> None:
    if not reason.strip():
        raise InvalidInput("a reason is missing", faults=(Fault("reason", problem),))


def _nobody() -> InvalidInput:
    return InvalidInput("the search cannot be used", faults=(NOBODY,))
