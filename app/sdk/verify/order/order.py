"""Whether entries follow each other without a gap: indices, streams, and what they remember.

Each entry says, for its actor, its purpose and each person it concerns, the how-manieth it is there
and which index the entry before has. So an entry cannot be left out for one person alone either.

Entries come in two ways, to the same end: read whole (``see``), or as rows of a fast reader
(``follow``), whose streams are compared as text with the text that has to stand there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.audit.entries.model import FORMAT, Kind
from app.audit.entries.named import named_documents
from app.audit.entries.records import CustodiansAdoption, LogOpening
from app.audit.restore.record import RestoreRecord
from app.audit.tree.epoch import base_of
from app.kernel.canonical import canonical
from app.kernel.facts import decode
from app.sdk.verify.evidence.envelope import EnvelopeReader, Envelopes
from app.sdk.verify.order.erasures import AGREED_KINDS
from app.sdk.verify.order.events import EventIds
from app.sdk.verify.order.promised import Promises
from app.sdk.verify.order.restores import RestoreEntry
from app.sdk.verify.report import Findings

_DIGEST = b'"sha256:'
_DIGEST_CHARS = 64
_NAMES_NONE = b'"%b"' % Kind.AGENT_REPORTED.encode()
"""The kind, as JSON, of most entries: it names no document, whatever digests it holds."""
_REMEMBERED = frozenset(b'"%b"' % kind.encode() for kind in (Kind.LOG_EXPORTED, *AGREED_KINDS))
"""Kinds, as JSON, whose facts this check has to know."""


def _digests(line: bytes) -> list[bytes]:
    """What follows ``"sha256:`` in a leaf, 65 characters each, but for its own submission's."""
    return [piece[: _DIGEST_CHARS + 1] for piece in line.split(_DIGEST)[1:-1]]


class _Stream:
    """Where a stream stands.

    Attributes:
        number: of the next entry.
        last: the index of the newest entry, as JSON.
    """

    __slots__ = ("last", "number")

    def __init__(self) -> None:
        self.number = 1
        self.last = "null"

    def stand(self, number: int, idx: int | None) -> None:
        """Take number and index of the newest entry."""
        self.number = number + 1
        self.last = "null" if idx is None else str(idx)

    @property
    def place(self) -> tuple[int, int | None]:
        """Number of the next entry, and index of the entry before."""
        return self.number, None if self.last == "null" else int(self.last)


_Chain = tuple[tuple[str, _Stream], ...]
"""The streams of an entry, each with the text up to its number: ``,"actor:system:habeas":[``; the
first is led in by a newline, so that no entry's streams are taken for those of the next."""


class OrderCheck:
    """Takes entries in the order of the file."""

    def __init__(self, origin: str | None, completeness: Findings, promises: Promises) -> None:
        self._origin = origin
        self._promises = promises
        self._completeness = completeness
        self._expected = 0
        self._streams: dict[str, _Stream] = {}
        self._events = EventIds()
        self._reader = EnvelopeReader(self._chain)
        self.earlier: list[tuple[int, Mapping[str, Any]]] = []
        """Position and facts of each entry that says what the log was like."""
        self.documents: dict[str, int] = {}
        """Digest to the first entry that names the document."""
        self._known: set[bytes] = set()
        self.restores: list[RestoreEntry] = []
        self.agreed: list[tuple[int, Mapping[str, Any]]] = []
        """The entries that tell whether two custodians agreed; see ``check_erasures``."""
        self._listed: str | None = None
        self.erased = 0
        self.last_at: str | None = None
        """``integrated_at`` of the last entry."""

    def follow(self, first: int, lines: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        """Take lines, each with its newline, from a position on.

        Yields:
            Position and line of each that has to be read whole. The caller passes it to ``see`` or
            ``unreadable`` before it asks for the next.
        """
        read, start, expected = self._read(lines), 0, self._expected
        ends = () if read is None else (*self._whole(read, lines), len(lines))
        for at in ends:
            # What follows an index that was wrong is read from that index on: a gap is one finding.
            if self._expected != expected + start or not (read and self._take(read, start, at)):
                break
            if at < len(lines):
                yield first + at, lines[at]
            start = at + 1
        left = lines[start:]
        if len(left) == 1:
            yield first + start, left[0]
        elif left:
            half = len(left) // 2
            yield from self.follow(first + start, left[:half])
            yield from self.follow(first + start + half, left[half:])

    def _read(self, lines: Sequence[bytes]) -> Envelopes[_Chain] | None:
        read = self._reader.read(self._expected, lines)
        if read is None or read.first_at < (self.last_at or "").encode():
            return None
        return None if self._promises.awaits(read.events) else read

    def _whole(self, read: Envelopes[_Chain], lines: Sequence[bytes]) -> list[int]:
        """Which of a batch have to be read whole: their facts matter, or name a new document."""
        known = self._known
        return [
            at
            for at, (kind, line) in enumerate(zip(read.kinds, lines, strict=True))
            if kind != _NAMES_NONE and (kind in _REMEMBERED or not known.issuperset(_digests(line)))
        ]

    def _take(self, read: Envelopes[_Chain], start: int, end: int) -> bool:
        """Take entries of a batch if their streams are what should follow; else leave all as it is.

        Here verifying a long log spends its time: the text that has to stand there is put together
        and compared at once.
        """
        rows = slice(start, end)
        expected: list[str] = []
        for chain, idx in zip(read.chains[rows], read.indices[rows], strict=True):
            for name, stream in chain:
                expected.append(f"{name}{stream.number},{stream.last}]")
                stream.number += 1
                stream.last = idx
        if b"\n".join((b"", *read.streams[rows])) != "".join(expected).encode():
            for text in reversed(expected):
                ((name, (number, before)),) = json.loads(f"{{{text[1:]}}}").items()
                self._streams[name].stand(number - 1, before)
            return False
        self._events.add(read.events[rows])
        self._expected += end - start
        if end == len(read.chains):
            self.last_at = read.last_at.decode()
        return True

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take the leaf at a position of the file."""
        idx = leaf["idx"]
        if idx != self._expected:
            problem = f"line {position} holds index {idx} where {self._expected} should follow"
            self._completeness.add(problem, position)
        self._expected = idx + 1
        if position == 0:
            self._begin(leaf)
        self._events.add([leaf["event"].encode()])
        if self.last_at is not None and leaf["integrated_at"] < self.last_at:
            problem = f"entry {position} was integrated before the entry before it"
            self._completeness.add(problem, position)
        self.last_at = leaf["integrated_at"]
        for name, place in leaf["streams"].items():
            self._continue(position, idx, name, (place[0], place[1]))
        self._remember(position, leaf)

    @property
    def counts(self) -> dict[str, int]:
        """Figures by name."""
        return {"erased": self.erased}

    def unreadable(self) -> None:
        """Pass over a line that is no leaf."""
        self._expected += 1
        self._events.skip()

    def finish(self) -> None:
        """Note what only the end shows."""
        for position, event in self._events.repeated():
            self._completeness.add(
                f"entry {position} is event {event}, which an earlier entry is", position
            )

    def _begin(self, leaf: Mapping[str, Any]) -> None:
        if not self._opens(leaf):
            self._completeness.add("the first entry does not open the log of this origin", 0)

    def _opens(self, leaf: Mapping[str, Any]) -> bool:
        if leaf["kind"] != Kind.LOG_OPENED:
            return False
        try:
            opening = decode(LogOpening, leaf["facts"])
        except ValueError:
            return False
        name = opening.origin if self._origin is None else base_of(self._origin)
        return (opening.origin, opening.format) == (name, FORMAT)

    def _chain(self, names: Sequence[str]) -> _Chain:
        leads = ("\n", *"," * (len(names) - 1))
        return tuple(
            (f"{lead}{canonical(name).decode()}:[", self._stream(name))
            for lead, name in zip(leads, names, strict=True)
        )

    def _stream(self, name: str) -> _Stream:
        return self._streams.get(name) or self._streams.setdefault(name, _Stream())

    def _continue(self, position: int, idx: int, name: str, place: tuple[int, int | None]) -> None:
        stream = self._stream(name)
        expected = stream.place
        if place != expected:
            self._completeness.add(
                f"entry {position} says it is number {place[0]} of {name} after index {place[1]}; "
                f"it should be number {expected[0]} after {expected[1]}",
                position,
            )
        stream.stand(place[0], idx)

    def _agree(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Keep what two custodians' word is held against; a restore with the list in force."""
        facts = leaf["facts"]
        try:
            match Kind(leaf["kind"]):
                case Kind.LOG_CUSTODIANS_ADOPTED:
                    self._listed = decode(CustodiansAdoption, facts).custodians
                case Kind.LOG_RESTORED:
                    record = decode(RestoreRecord, facts)
                    self.restores.append(RestoreEntry(position, record, self._listed))
                case Kind.SUBJECT_ERASED:
                    self.erased += len(leaf["subjects"])
                case _:
                    pass
        except ValueError as error:
            problem = f"entry {position} lacks what its kind must say: {error}"
            self._completeness.add(problem, position)
        else:
            self.agreed.append((position, leaf))

    def _remember(self, position: int, leaf: Mapping[str, Any]) -> None:
        if leaf["event"].encode() in self._promises.events:
            self._promises.see(position, leaf)
        if leaf["kind"] in AGREED_KINDS:
            self._agree(position, leaf)
        elif leaf["kind"] == Kind.LOG_EXPORTED:
            self.earlier.append((position, leaf["facts"]))
        for digest in sorted(named_documents(leaf)):
            self.documents.setdefault(digest, position)
            self._known.add(digest.removeprefix("sha256:").encode() + b'"')
