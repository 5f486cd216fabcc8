"""Whether entries follow each other without a gap: indices, streams, and what they remember.

Each entry says, for its actor, its purpose and each person it concerns, the how-manieth it is there
and which index the one before has. So an entry cannot be left out for one person alone either.

Entries come in two ways, to the same end: read whole (``see``), or as rows of a fast reader
(``follow``), whose streams are compared as text with the text that has to stand there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from app.audit.epoch import base_of
from app.audit.model import FORMAT, Kind
from app.audit.named import named_documents
from app.kernel.canonical import canonical
from app.sdk.verify.envelope import EnvelopeReader, Envelopes
from app.sdk.verify.events import EventIds
from app.sdk.verify.promised import Promises
from app.sdk.verify.report import Findings
from app.sdk.verify.restores import Restored

_DIGEST = b'"sha256:'
_DIGEST_CHARS = 64
_REMEMBERED = frozenset(
    {Kind.LOG_OPENED, Kind.LOG_EXPORTED, Kind.LOG_RESTORED, Kind.SUBJECT_ERASED}
)


# How much of an entry this check has to know, by its kind: its envelope; the same, unless it holds
# a digest that was not seen yet; its facts.
_PLAIN, _MAY_NAME, _WHOLE = 0, 1, 2


def _sort(kind: str) -> int:
    if kind in _REMEMBERED:
        return _WHOLE
    return _PLAIN if kind == Kind.AGENT_REPORTED else _MAY_NAME


def _digests(line: bytes) -> list[bytes]:
    """What follows ``"sha256:`` in a leaf, 65 characters each, but for its own submission's."""
    return [piece[: _DIGEST_CHARS + 1] for piece in line.split(_DIGEST)[1:-1]]


class _Stream:
    """Where a stream stands.

    Attributes:
        name: as canonical JSON, with what follows it: ``"actor:system:habeas":[``.
        number: of the next entry.
        next: the text that the next entry has to carry.
    """

    __slots__ = ("name", "next", "number")

    def __init__(self, name: str) -> None:
        self.name = canonical(name).decode() + ":["
        self.stand(0, None)

    def stand(self, number: int, idx: int | None) -> None:
        """Take the number and the index of the newest entry."""
        self.number = number + 1
        before = "null" if idx is None else idx
        self.next = f"{self.name}{self.number},{before}]"

    @property
    def place(self) -> tuple[int, int | None]:
        """Number of the next entry, and index of the one before."""
        number, before = json.loads(self.next[len(self.name) - 1 :])
        return number, before


_Envelopes = Envelopes[_Stream, int]


class OrderCheck:
    """Takes entries in the order of the file."""

    def __init__(self, origin: str | None, completeness: Findings, promises: Promises) -> None:
        self._origin = origin
        self._promises = promises
        self._completeness = completeness
        self._expected = 0
        self._streams: dict[str, _Stream] = {}
        self._events = EventIds()
        self._reader = EnvelopeReader(self._stream, _sort)
        self.earlier: list[tuple[int, Any, Any]] = []
        """Index, size and root wherever an entry says what the log was like."""
        self.documents: dict[str, int] = {}
        """Digest to the first entry that names the document."""
        self._known: set[bytes] = set()
        self.restores: list[Restored] = []
        self.erased = 0
        self.last_at: str | None = None
        """``integrated_at`` of the last entry."""

    def follow(self, first: int, lines: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        """Take lines (``0x00 || line``) from a position on.

        Yields:
            Position and line of each that has to be read whole. The caller passes it to ``see`` or
            ``unreadable`` before it asks for the next.
        """
        # What follows an index that was wrong is read from that index on: one gap is one finding.
        read, start, at = self._read(lines), self._expected, 0
        if read is None and len(lines) > 1:
            half = len(lines) // 2
            yield from self.follow(first, lines[:half])
            yield from self.follow(first + half, lines[half:])
            return
        while at < len(lines):
            if self._expected != start + at:
                yield from self.follow(first + at, lines[at:])
                return
            if read is not None:
                at = self._take(read, lines, at)
            if at < len(lines):
                yield first + at, lines[at]
                at += 1

    def _read(self, lines: Sequence[bytes]) -> _Envelopes | None:
        read = self._reader.read(self._expected, lines)
        if read is None or read.first_at < (self.last_at or "").encode():
            return None
        return None if self._promises.awaits(read.events) else read

    def _take(self, read: _Envelopes, lines: Sequence[bytes], start: int) -> int:
        """Take entries of a batch while they are what should follow; return the first that is not.

        Here verifying a long log spends its time: the text that has to stand in ``streams`` is put
        together from what each stream keeps ready, and what is kept is made new.
        """
        known, at = self._known, start
        rows = zip(read.chains, read.indices, read.streams, lines, strict=True)
        for (sort, chain), idx, streams, line in islice(rows, start, None):
            if len(chain) == 2:  # noqa: PLR2004 - the usual case, written out
                one, two = chain
                if streams != f"{one.next},{two.next}":
                    break
                if sort and (sort == _WHOLE or not known.issuperset(_digests(line))):
                    break
                one.number = number = one.number + 1
                one.next = f"{one.name}{number},{idx}]"
                two.number = number = two.number + 1
                two.next = f"{two.name}{number},{idx}]"
            else:
                if streams != ",".join([stream.next for stream in chain]):
                    break
                if sort and (sort == _WHOLE or not known.issuperset(_digests(line))):
                    break
                for stream in chain:
                    stream.number = number = stream.number + 1
                    stream.next = f"{stream.name}{number},{idx}]"
            at += 1
        if at > start:
            self._events.add(read.events[start:at])
            self._expected += at - start
            self.last_at = read.last_at.decode() if at == len(lines) else self.last_at
        return at

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
        facts = leaf["facts"]
        opened = leaf["kind"] == Kind.LOG_OPENED and facts.get("format") == FORMAT
        name = None if self._origin is None else base_of(self._origin)
        if not opened or name not in {None, facts.get("origin")}:
            self._completeness.add("the first entry does not open the log of this origin", 0)

    def _stream(self, name: str) -> _Stream:
        return self._streams.get(name) or self._streams.setdefault(name, _Stream(name))

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

    def _remember(self, position: int, leaf: Mapping[str, Any]) -> None:
        facts = leaf["facts"]
        if leaf["event"].encode() in self._promises.events:
            self._promises.see(position, leaf)
        if leaf["kind"] == Kind.LOG_RESTORED:
            self.restores.append(Restored(position, facts))
        elif leaf["kind"] == Kind.SUBJECT_ERASED:
            self.erased += len(leaf["subjects"])
        elif leaf["kind"] == Kind.LOG_EXPORTED:
            self.earlier.append((position, facts.get("size"), facts.get("root")))
        for digest in sorted(named_documents(leaf)):
            self.documents.setdefault(digest, position)
            self._known.add(digest.removeprefix("sha256:").encode() + b'"')
