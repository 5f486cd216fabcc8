"""Whether capture and access stopped where a person had refused.

Two questions. Does each lease's directive follow from the circumstances its entry records? Was any
permit given for data of a person whose last word in the log, before that entry, was no?
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.access.decision.rules import Rules
from app.agents.leases.record import LeaseRecord
from app.audit.entries.model import Kind
from app.kernel.clock import instant
from app.kernel.facts import decode

_YES = frozenset({Kind.CONSENT_GIVEN, Kind.CONSENT_ACKNOWLEDGED})
_NO = frozenset({Kind.CONSENT_REFUSED, Kind.CONSENT_WITHDRAWN, Kind.CONSENT_REVOKED})


def why_not_this_lease(leaf: Mapping[str, Any], rules: Rules) -> str | None:
    """Decide the directive of a ``lease.changed`` entry again; None where it comes out the same.

    Raises:
        ValueError: the entry lacks what it must say.
    """
    record = decode(LeaseRecord, leaf["facts"])
    again = rules.directive(record.circumstances, instant(leaf["occurred_at"]))
    capture, reasons = "on" if again.capture else "off", tuple(map(str, again.reasons))
    if (record.capture, record.reasons) == (capture, reasons):
        return None
    return ", ".join([capture, *reasons])


class LastWord:
    """What each person decided last, in the order of the index.

    A person's decisions and the decisions about them are made under one lock, so their order in the
    log is the order in which they were made.
    """

    def __init__(self) -> None:
        self._no: dict[str, tuple[int, str]] = {}
        self._pauses: dict[str, tuple[int, datetime]] = {}

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take a ``consent.*`` entry."""
        kind = leaf["kind"]
        for person in leaf["subjects"]:
            if kind == Kind.CONSENT_PAUSED:
                # When it ends, what stood before it stands again.
                self._pauses[person] = (position, instant(leaf["facts"]["until"]))
                continue
            if kind in _YES:
                self._no.pop(person, None)
                self._pauses.pop(person, None)
            elif kind in _NO:
                self._no[person] = (position, kind.removeprefix("consent."))

    def against(self, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Yield why data of the people of a permit may not be used at its instant."""
        at = instant(leaf["facts"]["asked_at"])
        people = {*leaf["subjects"], *(member["person"] for member in leaf["facts"]["people"])}
        for person in sorted(people):
            position, word = self._no.get(person, (None, ""))
            if position is None and person in self._pauses and at < self._pauses[person][1]:
                position, word = self._pauses[person][0], "paused"
            if position is not None:
                yield f"data of {person}, whose last word is {word} (entry {position})"
