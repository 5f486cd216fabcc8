"""Whether every grant was closed, and closed by whom it was given to, once and in time.

A grant that was never closed is no fault of the log: the consumer has not reported what it did. It
is counted. What is remembered is bounded by the permits of the last day.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.access.decision.model import GRANT_TTL_S, USE_WITHIN
from app.access.decision.record import UseRecord
from app.kernel.clock import instant
from app.kernel.facts import decode

_MARGIN = timedelta(hours=1)
"""How far the clocks of entries may differ before a grant is forgotten too early."""


@dataclass
class _Grant:
    """A grant that can still be closed; ``used`` is the index of the entry that closed it."""

    position: int
    event: str
    consumer: str
    purpose: str | None
    people: frozenset[str]
    at: datetime
    used: int | None = None


class GrantCheck:
    """Takes permits and uses in order.

    Attributes:
        used, unused: how many were closed, by what the consumer reported.
        open: how many never were; counted once ``finish`` was called.
        rows: how many rows consumers say they read.
    """

    def __init__(self, was_erased: Callable[[str], bool] = lambda _: False) -> None:
        self._was_erased = was_erased
        self._known: dict[str, _Grant] = {}
        self._first_open: int | None = None
        self.used = 0
        self.unused = 0
        self.open = 0
        self.rows = 0

    def permitted(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take an ``access.decided`` that names a grant."""
        facts = leaf["facts"]
        self._forget(instant(leaf["integrated_at"]) - USE_WITHIN - _MARGIN)
        before = self._known.get(facts["grant"])
        if before is not None:
            yield f"issues the grant that entry {before.position} issued"
        self._known[facts["grant"]] = _Grant(
            position,
            leaf["event"],
            facts["consumer"],
            leaf["purpose"],
            frozenset(leaf["subjects"]),
            instant(facts["asked_at"]),
        )

    def closed(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take an ``access.used``."""
        use, at = decode(UseRecord, leaf["facts"]), instant(leaf["occurred_at"])
        if use.outcome not in {"used", "unused"}:
            yield f"closes a grant with the outcome {use.outcome!r}"
        elif use.outcome == "unused" and use.rows:
            yield f"says unused and {use.rows} rows"
        grant = self._known.get(use.grant)
        if grant is None:
            yield f"closes the grant {use.grant}, which no permit issued that could be closed"
            return
        if grant.used is not None:
            yield f"closes a grant that entry {grant.used} closed"
            return
        grant.used = position
        self.used += use.outcome == "used"
        self.unused += use.outcome == "unused"
        self.rows += use.rows
        yield from self._against(grant, use, leaf, at)

    def _against(
        self, grant: _Grant, use: UseRecord, leaf: Mapping[str, Any], at: datetime
    ) -> Iterator[str]:
        people = frozenset(leaf["subjects"])
        actor = leaf["actor"]
        if {use.consumer, actor["id"]} != {grant.consumer} or actor["kind"] != "consumer":
            yield f"closes, as {actor['id']}, a grant of {grant.consumer} (entry {grant.position})"
        if leaf["purpose"] != grant.purpose:
            yield f"closes for {leaf['purpose']} a grant for {grant.purpose}"
        if use.decision != grant.event:
            yield f"names another decision than entry {grant.position}, which issued the grant"
        gone = {person for person in grant.people - people if self._was_erased(person)}
        if people != grant.people - gone:
            yield f"closes for other people what entry {grant.position} permits"
        if at > grant.at + USE_WITHIN:
            yield f"closes a grant of entry {grant.position} after the time for it had passed"

    def finish(self, at: datetime | None) -> None:
        """Count what is open.

        Args:
            at: when the last entry was integrated; what had not yet expired by then is not open.
        """
        end = None if at is None else at - timedelta(seconds=GRANT_TTL_S)
        for grant in self._known.values():
            if grant.used is None and (end is None or grant.at <= end):
                self._left_open(grant)
        self._known.clear()

    @property
    def notices(self) -> tuple[str, ...]:
        """What is not known because nobody reported it."""
        if not self.open:
            return ()
        grants = "grant was" if self.open == 1 else "grants were"
        notice = (
            f"{self.open} {grants} never closed: the consumer has not reported what it did. "
            f"The first is that of entry {self._first_open}."
        )
        return (notice,)

    def _left_open(self, grant: _Grant) -> None:
        self.open += 1
        if self._first_open is None or grant.position < self._first_open:
            self._first_open = grant.position

    def _forget(self, before: datetime) -> None:
        """Forget grants that cannot be closed any more; they are in the order of the log."""
        while self._known:
            name, grant = next(iter(self._known.items()))
            if grant.at >= before:
                return
            del self._known[name]
            if grant.used is None:
                self._left_open(grant)
