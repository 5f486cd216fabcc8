"""Closing a grant: the consumer says, once and in time, what it did with it.

Rules:
1. Only the consumer that holds the grant closes it, once. The same report again gets the same
   answer.
2. It can be closed for 24 hours after the decision. What nobody closed stays open, and the verifier
   counts it.
3. The entry names the same people and the same purpose as the decision. People erased meanwhile are
   left out: they have no name in the log any more.
"""

from dataclasses import dataclass
from datetime import datetime

from app.access import store
from app.access.decision.model import GRANT_TTL_S, USE_WITHIN, Closed, Consumer
from app.access.decision.record import UseRecord
from app.access.store import GrantRow
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from app.kernel.facts import encode
from app.kernel.shapes import DIGEST

USED, UNUSED = "used", "unused"

_MOST_ROWS = 2**53 - 1


@dataclass(frozen=True)
class Uses:
    """Takes what consumers say about their grants."""

    log: AuditService

    def close(
        self,
        tx: Tx,
        consumer: Consumer,
        grant_id: str,
        outcome: str,
        rows: int,
        result: str | None,
        now: datetime,
    ) -> Closed:
        """Close a grant; see ``AccessService.use``."""
        _require_valid(outcome, rows, result)
        store.lock_grant(tx, grant_id)
        grant, before = store.grant(tx, grant_id)
        if grant is None or grant.consumer != consumer.id:
            raise NotFound(
                "there is no such grant of yours",
                cure="Send the jti of a grant that you were given.",
            )
        if before is not None:
            if (before.outcome, before.rows, before.result) != (outcome, rows, result):
                raise Conflict(
                    "the grant was closed before, with another report",
                    cure="A grant is closed once. Tell the auditor if what you said was wrong.",
                )
            return before
        _require_in_time(grant, now)
        event_id = self.log.append(tx, _event(tx, grant, outcome, rows, result), now)
        closed = Closed(grant_id, outcome, rows, result, event_id, now)
        store.insert_use(tx, closed)
        return closed


def _event(tx: Tx, grant: GrantRow, outcome: str, rows: int, result: str | None) -> Event:
    record = UseRecord(grant.id, grant.event_id, grant.consumer, outcome, rows, result)
    return Event(
        Kind.ACCESS_USED,
        Actor("consumer", grant.consumer),
        encode(record),
        subjects=store.people_of(tx, grant.event_id),
        purpose=grant.purpose,
    )


def _require_in_time(grant: GrantRow, now: datetime) -> None:
    if now > grant.decided_at + USE_WITHIN:
        raise Conflict(
            "the time in which this grant could be closed has passed",
            cure=f"Close each grant within {USE_WITHIN.days * 24} hours of the decision; "
            f"it opens for {GRANT_TTL_S} seconds only.",
        )


def _require_valid(outcome: str, rows: int, result: str | None) -> None:
    faults: list[Fault] = []
    if outcome not in {USED, UNUSED}:
        faults.append(Fault("outcome", f"{outcome!r} is not known", f"Send {USED} or {UNUSED}."))
    if not 0 <= rows <= _MOST_ROWS:
        faults.append(Fault("rows", "is no number of rows", "Send a whole number from 0 on."))
    if outcome == UNUSED and (rows or result is not None):
        faults.append(Fault("rows", "speaks of rows, yet unused", "Send rows 0 and no result."))
    if result is not None and not DIGEST.fullmatch(result):
        faults.append(Fault("result", "is not a digest", "Send sha256: and 64 hex digits."))
    if faults:
        raise InvalidInput(f"{faults[0].field} {faults[0].problem}", faults=tuple(faults))
