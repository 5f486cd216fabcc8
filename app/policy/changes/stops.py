"""The stop: capture off in a region and everywhere below it.

Rules:
1. One person stops, at once. Whoever may stop in a region above may stop in this region.
2. Two people resume: one proposes, another approves, both of this very region.
3. Stopping again is never refused, and makes a proposal to resume void. What the same person gave
   the same reason for since the last proposal is stopped already: nothing is written.
4. Where the rows about a region's stops cannot be believed, the region counts as stopped, and
   nobody resumes (``app.policy.rows``). Stopping goes on working.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.errors import Conflict, Forbidden, NotFound
from app.kernel.facts import encode
from app.policy import rows, store
from app.policy.changes.model import Stop
from app.policy.changes.record import StopRecord
from app.policy.notes import require_note
from app.policy.reader import PolicyReader
from app.policy.timeline import RESUME_PROPOSED, RESUMED, STOPPED, StopRow

PERMISSIONS: Mapping[str, str] = {
    STOPPED: "stop",
    RESUME_PROPOSED: "propose_resume",
    RESUMED: "approve_resume",
}
KINDS: Mapping[str, Kind] = {
    STOPPED: Kind.POLICY_STOPPED,
    RESUME_PROPOSED: Kind.POLICY_RESUME_PROPOSED,
    RESUMED: Kind.POLICY_RESUMED,
}


@dataclass(frozen=True, kw_only=True)
class Stops:
    """Stops and resumes."""

    log: AuditService
    authority: Authority
    reader: PolicyReader

    def stop(self, tx: Tx, actor: Person, region: str, note: str, now: datetime) -> Stop:
        """Turn capture off in a region, at once.

        Raises:
            NotFound: the region has no floor.
            Forbidden: the person may stop neither here nor in a region above.
            InvalidInput: the note cannot be kept.
        """
        require_note(note)
        store.lock(tx)
        if self.stopped(tx, actor, region, note, now):
            return self._holding(tx, region)
        record = rows.stops(tx)
        before = _newest(record.steps, region)
        goes_on = before and before[-1].step != RESUMED and region not in record.disputed
        stop = before[0].stop if goes_on else str(uuid.uuid4())
        seq = len([row for row in before if row.stop == stop]) + 1
        self._append(tx, actor, StopRow(0, stop, seq, region, STOPPED, actor.id, note, now))
        return self._holding(tx, region)

    def stopped(self, tx: Tx, actor: Person, region: str, note: str, now: datetime) -> bool:
        """Whether ``stop`` would say what holds already (rule 3).

        It is asked before ``stop``, in a reading transaction, so that stopping again and again
        waits for no writer, and lets nobody else wait.

        Raises:
            NotFound, Forbidden: as ``stop``.
        """
        self._require_may_stop(tx, actor, region, now)
        record = rows.stops(tx)
        steps = _newest(record.steps, region)
        said = takewhile(lambda row: row.step == STOPPED, reversed(steps))
        return region not in record.disputed and any(
            (row.actor, row.note) == (actor.id, note) for row in said
        )

    def propose_resume(self, tx: Tx, actor: Person, region: str, now: datetime) -> Stop:
        """Propose to resume; nothing changes until another person agrees.

        Raises:
            Forbidden: the person may not.
            Conflict: the region is not stopped, or the person proposed it before.
        """
        store.lock(tx)
        self.authority.require(actor.roles, region, "capture", PERMISSIONS[RESUME_PROPOSED])
        last = self._last(tx, region)
        if last.step == RESUME_PROPOSED and last.actor == actor.id:
            raise Conflict("you proposed this already", cure="Ask a second person to approve it.")
        row = StopRow(0, last.stop, last.seq + 1, region, RESUME_PROPOSED, actor.id, "", now)
        self._append(tx, actor, row)
        return self._holding(tx, region)

    def approve_resume(self, tx: Tx, actor: Person, region: str, now: datetime) -> None:
        """Agree to resume: the region is not stopped by itself any more.

        Raises:
            Forbidden: the person may not, or made the proposal.
            Conflict: the region is not stopped, or nobody proposed to resume.
        """
        store.lock(tx)
        self.authority.require(actor.roles, region, "capture", PERMISSIONS[RESUMED])
        last = self._last(tx, region)
        if last.step != RESUME_PROPOSED:
            raise Conflict(
                "nobody has proposed to resume since the last stop",
                cure="Propose it; a second person approves.",
            )
        if last.actor == actor.id:
            raise Forbidden(
                "you proposed to resume; two people must agree",
                cure="Ask a second person to approve it.",
            )
        row = StopRow(0, last.stop, last.seq + 1, region, RESUMED, actor.id, "", now)
        self._append(tx, actor, row, proposer=last.actor)

    def holding(self, tx: Tx) -> tuple[Stop, ...]:
        """The stops that hold now, by region."""
        record = rows.stops(tx)
        regions = sorted({row.region for row in record.steps})
        stops = (_stop(_newest(record.steps, region), record.disputed) for region in regions)
        return tuple(stop for stop in stops if stop is not None)

    def _require_may_stop(self, tx: Tx, actor: Person, region: str, now: datetime) -> None:
        chain, action = self._above(tx, region, now), PERMISSIONS[STOPPED]
        if not any(self.authority.may(actor.roles, name, "capture", action) for name in chain):
            self.authority.require(actor.roles, region, "capture", action)

    def _above(self, tx: Tx, region: str, now: datetime) -> tuple[str, ...]:
        """The region and those above it; where floors were lost, as far as it can be told."""
        try:
            return self.reader.chain(tx, region, now)
        except NotFound:
            if region not in self.reader.history(tx).disputed:
                raise
            return tuple(dict.fromkeys((region, "GLOBAL")))

    def _last(self, tx: Tx, region: str) -> StopRow:
        record = rows.stops(tx)
        if region in record.disputed:
            raise Conflict(
                f"the record of stops and resumes of {region} is disputed: somebody changed it",
                cure="Nobody can resume until two people have cleared the alarm about it.",
            )
        newest = _newest(record.steps, region)
        if not newest or newest[-1].step == RESUMED:
            raise Conflict(f"{region} is not stopped", cure="There is nothing to resume.")
        return newest[-1]

    def _holding(self, tx: Tx, region: str) -> Stop:
        return next(stop for stop in self.holding(tx) if stop.region == region)  # just written

    def _append(self, tx: Tx, actor: Person, row: StopRow, proposer: str | None = None) -> None:
        event = Event(
            KINDS[row.step],
            Actor("person", actor.id),
            encode(StopRecord(row.stop, row.region)),
            body={"note": row.note} if row.note else None,
        )
        event_id = self.log.append(tx, event, row.at)
        store.add_stop(tx, row, event_id, proposer)
        if row.step != RESUME_PROPOSED:
            store.add_event(tx, event_id, row.step, row.region, None, row.at)


def _newest(steps: tuple[StopRow, ...], region: str) -> tuple[StopRow, ...]:
    """The steps of the region's newest stop, oldest first."""
    of_region = [row for row in steps if row.region == region]
    return tuple(row for row in of_region if row.stop == of_region[-1].stop)


def _stop(steps: tuple[StopRow, ...], disputed: frozenset[str]) -> Stop | None:
    """The stop that these steps are about, while it holds; a disputed one holds (rule 4)."""
    stopped = [row for row in steps if row.step == STOPPED]
    if not stopped:
        return None
    last, stop = steps[-1], stopped[-1]
    if stop.region in disputed:
        return Stop(stop.stop, stop.region, stop.actor, stop.note, stop.at, None, disputed=True)
    if last.step == RESUMED:
        return None
    proposed = last.actor if last.step == RESUME_PROPOSED else None
    return Stop(stop.stop, stop.region, stop.actor, stop.note, stop.at, proposed)
