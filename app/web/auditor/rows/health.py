"""The health of the log as checks, each in words: is it in order, and what is known. Pure.

Rules:
1. A check is in order, needs a look, or is not set up; a text says which, never the colour alone.
2. What cannot be known needs a look, and the text says that it is not known.
3. What is being found out is not finished, and nobody is sent to look at it: a witness that is
   asked has cosigned or has a problem within the time that an answer may take.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.audit.entries.model import Entry
from app.audit.reading.search import kinds_of
from app.audit.reading.selection import selection_of
from app.audit.tree.checkpoint import Checkpoint
from app.audit.witnesses.state import WitnessSeen, WitnessState
from app.kernel.clock import instant
from app.keys.listing import Listing
from app.reconcile.reached import Reached
from app.web.auditor.rows.listing import age_in_words
from app.web.words.export_words import FORMS
from app.web.words.key_words import set_in_words, urgent_in_words
from app.web.words.log_words import GROUPS, kind_in_words, shortened
from app.web.words.policy_words import counted, listed

STALE = timedelta(minutes=15)
"""An unchanged checkpoint is published anew every ten minutes; older than this it wants a look."""
ALARMS = "/auditor/alarms"
"""The page on which two people clear alarms."""

KEYS = "/auditor/keys"
"""The page that lists every key."""


class CheckMark(StrEnum):
    """How a check stands, in words."""

    OK = "In order"
    LOOK = "Look at this"
    WAIT = "Not finished"
    NONE = "Not set up"


class Check(NamedTuple):
    """One check.

    Attributes:
        name: what is checked.
        mark: how it stands.
        sentence: what is known.
        forward: what to do; empty where nothing is to be done.
        digest: a hash or id that belongs to it, whole; empty without one.
        entries: indices of entries that tell more.
        page: address of the page that tells more; empty without one.
        page_name: what that page is called; empty: like the check.
    """

    name: str
    mark: CheckMark
    sentence: str
    forward: str = ""
    digest: str = ""
    entries: tuple[int, ...] = ()
    page: str = ""
    page_name: str = ""


@dataclass(frozen=True)
class LogState:
    """What is known of the log.

    Attributes:
        size: entries in the database; signed: the newest checkpoint; None before the first.
        pending: how many events wait; waiting_since: since when the event that waits longest.
        overdue: ids of events that wait longer than was promised; within: what was promised.
        lock: the checkpoint in the lock store; None where it holds none or does not answer.
        lock_at: when it was published last; lock_answers: whether the store can be read.
        witnesses: how the witnesses stand.
        custodians: their names; empty without any.
        restores: entries about restores, the newest first.
        keys: every key, and the set in force.
        alarms: how many alarms about rows are open.
        reached: how far the tables were compared with the log.
    """

    size: int
    signed: Checkpoint | None
    pending: int
    waiting_since: datetime | None
    overdue: Sequence[str]
    within: timedelta
    lock: Checkpoint | None
    lock_at: datetime | None
    lock_answers: bool
    witnesses: WitnessState
    custodians: Sequence[str]
    restores: Sequence[Entry]
    keys: Listing
    alarms: int = 0
    reached: Reached = field(default_factory=Reached)


def checks(state: LogState, now: datetime) -> tuple[Check, ...]:
    """Every check, what matters most first."""
    return (
        _checkpoint(state, now),
        _waiting(state, now),
        _lock(state),
        _quorum(state, now),
        *(_witness(witness, state.witnesses.size, now) for witness in state.witnesses.witnesses),
        *_alarms(state, now),
        _tables(state, now),
        _keys(state.keys, now),
        _restores(state),
        _custodians(state),
    )


def _tables(state: LogState, now: datetime) -> Check:
    """Whether the tables agree with the log, as far as it was looked."""
    reached = state.reached
    looked = (
        f"all tables were compared {age(reached.whole_at, now)}"
        if reached.whole_at
        else "all tables were not compared by this process yet"
    )
    known = f"Compared up to entry {reached.entries:,} of {state.size:,}; {looked}."
    if state.alarms:
        opened = f"{counted(state.alarms, 'open alarm')}. {known}"
        return Check("Tables", CheckMark.LOOK, opened, page=ALARMS, page_name="Alarms")
    return Check("Tables", CheckMark.OK, f"No alarm is open. {known}")


def _keys(listing: Listing, now: datetime) -> Check:
    """Whether each key, and the set that publishes them, lasts."""
    known, urgent = set_in_words(listing.key_set), listing.urgent(now)
    if not urgent:
        return Check("Keys", CheckMark.OK, known, page=KEYS)
    return Check("Keys", CheckMark.LOOK, known, urgent_in_words(urgent[0], now), page=KEYS)


def headline(made: Iterable[Check]) -> str:
    """All checks in one sentence."""
    every = tuple(made)
    wanting, waiting = (_with(every, mark) for mark in (CheckMark.LOOK, CheckMark.WAIT))
    if wanting:
        return f"Look at {listed(wanting)}."
    if waiting:
        return f"Checking has not finished yet: {listed(waiting)}."
    return "The log is in order."


def _with(made: Iterable[Check], mark: CheckMark) -> list[str]:
    """The names of the checks with a mark, as they stand within a sentence."""
    return [f"{check.name[:1].lower()}{check.name[1:]}" for check in made if check.mark is mark]


def age(at: datetime, now: datetime) -> str:
    """How long ago an instant was."""
    return age_in_words((now - at).total_seconds())


def _checkpoint(state: LogState, now: datetime) -> Check:
    name = "Checkpoint"
    if state.signed is None:
        return Check(
            name, CheckMark.LOOK, "Nothing is signed yet.", "Wait a moment and look again."
        )
    sentence = f"{counted(state.signed.size, 'entry')} signed"
    if state.lock_at is not None:
        sentence += f", published {age(state.lock_at, now)}"
    root = state.signed.root.hex()
    if state.size > state.signed.size:
        behind = counted(state.size - state.signed.size, "entry")
        return Check(
            name, CheckMark.LOOK, f"{sentence}; {behind} more not signed yet.", digest=root
        )
    if state.lock_at is not None and now - state.lock_at > STALE:
        return Check(
            name,
            CheckMark.LOOK,
            f"{sentence}. It should be published anew every ten minutes.",
            "See whether the integrator runs.",
            root,
        )
    return Check(name, CheckMark.OK, f"{sentence}.", digest=root)


def _waiting(state: LogState, now: datetime) -> Check:
    name = "Promised entries"
    promise = f"within {counted(int(state.within.total_seconds()), 'second')}"
    if state.overdue:
        shown = [shortened(event, 8) for event in state.overdue[:3]]
        more = " and more" if len(state.overdue) > len(shown) else ""
        return Check(
            name,
            CheckMark.LOOK,
            f"{counted(len(state.overdue), 'event')} should be in the log by now and "
            f"{'is' if len(state.overdue) == 1 else 'are'} not: {listed(shown)}{more}.",
            f"Receipts promise a place {promise}. See whether the integrator runs.",
        )
    if state.pending and state.waiting_since is not None:
        sentence = (
            f"{counted(state.pending, 'event')} waiting, since {age(state.waiting_since, now)}"
        )
        return Check(name, CheckMark.OK, f"{sentence}. Each gets its place {promise}.")
    return Check(name, CheckMark.OK, f"Nothing is waiting. Each event gets its place {promise}.")


def _lock(state: LogState) -> Check:
    name = "Copy outside the database"
    if not state.lock_answers:
        return Check(
            name, CheckMark.LOOK, "The lock store does not answer.", "Nothing can be signed."
        )
    if state.lock is None:
        return Check(name, CheckMark.LOOK, "The lock store holds no checkpoint.")
    same = "The lock store holds the checkpoint of"
    size, signed = state.lock.size, state.signed.size if state.signed else 0
    if size > signed:
        return Check(
            name,
            CheckMark.LOOK,
            f"{same} {counted(size, 'entry')}; the database knows {signed:,}.",
            "If this stays so, the database was rolled back.",
        )
    if size < signed or (state.signed and state.lock.root != state.signed.root):
        return Check(name, CheckMark.LOOK, f"{same} another log, or of an earlier size: {size:,}.")
    return Check(
        name,
        CheckMark.OK,
        f"{same} {counted(size, 'entry')} too. A database rolled back behind it is refused.",
    )


def _quorum(state: LogState, now: datetime) -> Check:
    name = "Witness quorum"
    seen = state.witnesses
    if not seen.has_policy or not seen.needs_quorum:
        return Check(
            name,
            CheckMark.NONE,
            "No witness is asked. Whoever holds the log's key could show two people two logs.",
            "Name witnesses in HABEAS_WITNESSES, on machines of the works council, the data "
            "protection officer or an auditor.",
        )
    if seen.met and seen.quorum_at is not None:
        return Check(
            name,
            CheckMark.OK,
            f"Met for {counted(seen.quorum_size or 0, 'entry')}, {age(seen.quorum_at, now)}.",
        )
    if _asks(seen):
        known = counted(seen.quorum_size, "entry") if seen.quorum_size else "no checkpoint"
        return Check(
            name,
            CheckMark.WAIT,
            f"So far met for {known}; the witnesses are asked for {seen.size or 0:,}.",
            "Look again in a moment.",
        )
    if seen.quorum_size is None:
        return Check(
            name, CheckMark.LOOK, "Met for no checkpoint yet.", "Look at the witnesses below."
        )
    when = f", {age(seen.quorum_at, now)}" if seen.quorum_at else ""
    return Check(
        name,
        CheckMark.LOOK,
        f"Met for {counted(seen.quorum_size, 'entry')}{when}; the log has {seen.size or 0:,}.",
        "The newest checkpoint waits for cosignatures.",
    )


def _asks(seen: WitnessState) -> bool:
    """Whether the newest checkpoint only waits for answers, and nobody has failed to give one."""
    asked = [witness for witness in seen.witnesses if witness.url is not None]
    behind = [witness for witness in asked if (witness.last_size or 0) < (seen.size or 0)]
    return bool(behind) and all(witness.problem is None for witness in seen.witnesses)


def _witness(witness: WitnessSeen, size: int | None, now: datetime) -> Check:
    name = f"Witness {witness.name}"
    last = (
        f"Cosigned {counted(witness.last_size, 'entry')}, {age(witness.last_at, now)}."
        if witness.last_size is not None and witness.last_at is not None
        else "Has cosigned nothing yet."
    )
    if witness.problem is not None:
        problem = witness.problem.sentence
        begun = age(witness.problem.since, now)
        since = f"{problem[:1].upper()}{problem[1:].rstrip('.')}, since {begun}."
        return Check(name, CheckMark.LOOK, f"{since} {last}", digest=witness.vkey)
    if witness.last_size is None:
        mark = CheckMark.LOOK if witness.url is None else CheckMark.WAIT
        return Check(name, mark, last, digest=witness.vkey)
    if size is not None and witness.last_size < size:
        last += f" The log has {size:,}."
    return Check(name, CheckMark.OK, last, digest=witness.vkey)


def _alarms(state: LogState, now: datetime) -> Iterable[Check]:
    for alarm in state.witnesses.alarms:
        yield Check(
            "Alarm of a witness",
            CheckMark.LOOK,
            f"At {counted(alarm.size, 'entry')}, {age(alarm.raised_at, now)}: {alarm.said}",
            "Keep the witness's copy and this log: they are evidence.",
            alarm.witness,
        )


def _restores(state: LogState) -> Check:
    name = "Restores"
    if not state.restores:
        return Check(name, CheckMark.OK, "None. The log has gone on without a break.")
    times = counted(len(state.restores), "time")
    return Check(
        name,
        CheckMark.OK,
        f"The log was continued {times} after a restore, each signed by two custodians.",
        entries=tuple(entry.idx for entry in state.restores),
    )


def _custodians(state: LogState) -> Check:
    name = "Custodians"
    if not state.custodians:
        return Check(
            name,
            CheckMark.NONE,
            "None are named. Erasing a person and going on after a restore need two of them.",
            "Name them in HABEAS_CUSTODIANS.",
        )
    return Check(name, CheckMark.OK, f"{listed(list(state.custodians))}; two must sign together.")


class ExportRow(NamedTuple):
    """An export that stands in the log."""

    idx: int
    at: datetime
    actor: str
    pseudonym: bool
    form: str
    what: str


def export_row(entry: Entry) -> ExportRow:
    """One export, from the entry about it."""
    actor, facts = entry.leaf["actor"], entry.leaf["facts"]
    form = facts.get("format")
    words = FORMS.get(form) if isinstance(form, str) else None
    return ExportRow(
        entry.idx,
        instant(entry.leaf["occurred_at"]),
        actor["id"],
        actor["kind"] == "person",
        words.name if words else str(form or ""),
        selection_in_words(facts.get("selection")),
    )


def selection_in_words(selection: object) -> str:
    """What an export held; an export that cannot be read is called a part."""
    if selection is None:
        return "The whole log"
    try:
        chosen = selection_of(selection)
    except ValueError:
        return "A part of it"
    parts = [
        _kinds_in_words(chosen.kinds),
        f"about {shortened(chosen.person)}" if chosen.person else "",
        f"for {chosen.purpose}" if chosen.purpose else "",
        f"in {chosen.region}" if chosen.region else "",
        f"from {chosen.since:%Y-%m-%d %H:%M}" if chosen.since else "",
        f"until {chosen.until:%Y-%m-%d %H:%M}" if chosen.until else "",
    ]
    return "; ".join(part for part in parts if part)


def _kinds_in_words(kinds: tuple[str, ...]) -> str:
    """Kinds by the name of their group where they are all of one."""
    for code, name in GROUPS.items():
        if set(kinds) == set(kinds_of(code)):
            return name
    return listed([kind_in_words(kind) for kind in kinds], "or") if kinds else ""
