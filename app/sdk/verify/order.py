"""Whether entries follow each other without a gap: indices, streams, and what they remember.

Each entry says, for its actor, its purpose and each person it concerns, the how-manieth it is there
and which index the one before has. So an entry cannot be left out for one person alone either.
"""

from collections.abc import Mapping
from typing import Any

from app.audit.model import FORMAT, Kind
from app.audit.named import named_documents
from app.sdk.verify.report import Findings


class OrderCheck:
    """Takes leaves in the order of the file."""

    def __init__(self, origin: str | None, completeness: Findings) -> None:
        self._origin = origin
        self._completeness = completeness
        self._expected = 0
        self._streams: dict[str, tuple[int, int]] = {}
        self._events: set[str] = set()
        self.earlier: list[tuple[int, Any, Any]] = []
        """Index, size and root wherever an entry says what the log was like."""
        self.documents: dict[str, int] = {}
        """Digest to the first entry that names the document."""

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take the leaf at a position of the file."""
        idx = leaf["idx"]
        if idx != self._expected:
            problem = f"line {position} holds index {idx} where {self._expected} should follow"
            self._completeness.add(problem, position)
        self._expected = idx + 1
        if position == 0:
            self._begin(leaf)
        if leaf["event"] in self._events:
            problem = f"entry {position} is event {leaf['event']}, which an earlier entry is"
            self._completeness.add(problem, position)
        self._events.add(leaf["event"])
        for name, place in leaf["streams"].items():
            self._continue(position, idx, name, (place[0], place[1]))
        self._remember(position, leaf)

    def unreadable(self) -> None:
        """Pass over a line that is no leaf."""
        self._expected += 1

    def _begin(self, leaf: Mapping[str, Any]) -> None:
        facts = leaf["facts"]
        opened = leaf["kind"] == Kind.LOG_OPENED and facts.get("format") == FORMAT
        if not opened or self._origin not in {None, facts.get("origin")}:
            self._completeness.add("the first entry does not open the log of this origin", 0)

    def _continue(self, position: int, idx: int, name: str, place: tuple[int, int | None]) -> None:
        last = self._streams.get(name)
        expected = (1, None) if last is None else (last[0] + 1, last[1])
        if place != expected:
            self._completeness.add(
                f"entry {position} says it is number {place[0]} of {name} after index {place[1]}; "
                f"it should be number {expected[0]} after {expected[1]}",
                position,
            )
        self._streams[name] = (place[0], idx)

    def _remember(self, position: int, leaf: Mapping[str, Any]) -> None:
        facts = leaf["facts"]
        if leaf["kind"] == Kind.LOG_EXPORTED:
            self.earlier.append((position, facts.get("size"), facts.get("root")))
        for digest in sorted(named_documents(leaf)):
            self.documents.setdefault(digest, position)
