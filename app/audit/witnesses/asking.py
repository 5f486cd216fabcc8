"""The log asks its witnesses: each newest checkpoint is shown to all of them.

Rules:
1. What a witness does or does not do never stops the log. Its faults are a state that pages show.
2. A cosignature is verified before it is kept: its key, its bytes, its time.
3. One thread a witness: a slow witness delays no other. After a fault it is asked less often, up
   to once a minute.
4. A checkpoint that stays the newest is shown again every ten minutes: the times that witnesses
   sign say that nothing newer exists.
5. What an honest log never hears is an alarm, kept for ever:
   ``contradicted``  what the witness saw before is not the beginning of this log, or it saw another
                     root at this size;
   ``ahead``         it cosigned more entries than this log has: the database was rolled back.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from app.audit.entries import cosigned
from app.audit.entries.cosigned import Alarm
from app.audit.entries.model import Kind
from app.audit.entries.service import AuditService
from app.audit.entries.store import Signed
from app.audit.reading import proofs
from app.audit.tree.checkpoint import BadNote, VerifierKey, parse_note
from app.audit.tree.cosignature import WitnessKey, parse_answer
from app.audit.tree.merkle import consistency_path
from app.audit.tree.quorum import BadPolicy, KnownWitness, Policy, evaluate, parse_policy
from app.audit.witnesses.client import (
    MAX_PROOF_LINES,
    Answer,
    Contradicts,
    KnowsSize,
    NoAnswer,
    SignatureLines,
    add_checkpoint,
    is_safe_address,
    new_client,
)
from app.audit.witnesses.state import Problem, WitnessSeen, WitnessState
from app.db.engine import Database, Tx
from app.kernel.canonical import digest
from app.kernel.clock import Clock
from app.kernel.errors import Unreadable
from app.kernel.lanes import Lane

LOOK_EVERY_S = 0.5
AGAIN_AFTER = timedelta(minutes=10)
LONGEST_PAUSE_S = 60.0
PATIENCE_S = 5.0
CLOCKS_DIFFER_S = 300
"""How far a witness's clock may be from ours before its cosignature is not kept, seconds."""

_NO_WITNESSES = b"quorum none\n"
_logger = logging.getLogger(__name__)


@dataclass
class _Asking:
    """What this process remembers of one witness."""

    witness: KnownWitness
    problem: Problem | None = None
    asked_since: tuple[float, datetime] | None = None
    """While an answer is awaited: since when, by the monotonic and by our clock."""
    known: int | None = None
    asked_size: int | None = None
    asked_at: datetime | None = None
    pause_s: float = 0.0
    not_before: float = 0.0


class Witnesses:
    """Asks the witnesses of a policy about the log of ``key``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        key: VerifierKey,
        policy: Policy | None,
        client: httpx2.Client | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._key = key
        self._policy = policy
        self._client = client or new_client()
        known = policy.witnesses if policy else ()
        self._asking = {witness.name: _Asking(witness) for witness in known}
        self._digest = digest(policy.text.encode()) if policy else ""

    def adopt(self, tx: Tx, log: AuditService, now: datetime) -> None:
        """Take the policy into force; a change, also to none, is an entry of the log."""
        if self._policy is not None:
            text = self._policy.text.encode()
        elif cosigned.policy_in_force(tx) is not None:
            text = _NO_WITNESSES
        else:
            return
        log.adopt(tx, Kind.LOG_WITNESSES_ADOPTED, cosigned.ADOPTED, text, now)

    def close(self) -> None:
        """Give the connections back; nobody is asked any more."""
        self._client.close()

    def run(self, stop: threading.Event) -> None:
        """Ask all of them until told to stop (rule 3)."""
        threads = [
            threading.Thread(
                target=self._follow, args=(asking, stop), name=f"witness {name}", daemon=True
            )
            for name, asking in self._asking.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @property
    def keys(self) -> tuple[WitnessKey, ...]:
        """The keys of those who are asked, in the order of the policy."""
        return tuple(asking.witness.key for asking in self._asking.values())

    def state(self, tx: Tx) -> WitnessState:
        """The state of the witnesses."""
        last = cosigned.newest(tx)
        needs = self._policy is not None and self._policy.quorum is not None
        size, at = self._quorum(tx) if needs else (None, None)
        keys = [asking.witness.key.vkey for asking in self._asking.values()]
        return WitnessState(
            has_policy=self._policy is not None,
            needs_quorum=needs,
            size=None if last is None else last.size,
            quorum_size=size,
            quorum_at=at,
            witnesses=tuple(_seen(tx, asking) for asking in self._asking.values()),
            alarms=cosigned.alarms(tx, keys) if keys else (),
        )

    def _quorum(self, tx: Tx) -> tuple[int | None, datetime | None]:
        signed = cosigned.served(tx)
        if signed is None or self._policy is None:
            return None, None
        try:
            verdict = evaluate(self._policy, cosigned.note_of(tx, signed).encode(), self._key)
        except BadNote:  # somebody wrote into the table: not what the witnesses signed
            return None, None
        if not verdict.met or verdict.fresh_at is None:
            return None, None
        return signed.size, datetime.fromtimestamp(verdict.fresh_at, UTC)

    def _follow(self, asking: _Asking, stop: threading.Event) -> None:
        while not stop.wait(LOOK_EVERY_S):
            if time.monotonic() >= asking.not_before and self._is_due(asking):
                self._ask_safely(asking)

    def _is_due(self, asking: _Asking) -> bool:
        if asking.problem is not None or asking.asked_at is None:
            return True
        # The distance, not the age: a clock that was set back must not stop the asking.
        if abs(self._clock.now() - asking.asked_at) >= AGAIN_AFTER:
            return True
        try:
            with self._database.read(Lane.LOG) as tx:
                last = cosigned.newest(tx)
        except Exception:
            _logger.exception("the log cannot be read; trying again")
            return False
        return last is not None and last.size != asking.asked_size

    def _ask_safely(self, asking: _Asking) -> None:
        """Ask one witness; whatever goes wrong is its state (rule 1)."""
        asking.asked_since = (time.monotonic(), self._clock.now())
        try:
            problem = self._ask(asking)
        except Exception:
            _logger.exception("witness %s was not asked", asking.witness.name)
            problem = NoAnswer("not_asked", "It could not be asked: see this service's log.")
        finally:
            asking.asked_since = None
        if problem is None:
            asking.problem, asking.pause_s = None, 0.0
        else:
            since = self._clock.now()
            if asking.problem is not None and asking.problem.code == problem.code:
                since = asking.problem.since
            asking.problem = Problem(problem.code, problem.sentence, since)
            asking.pause_s = min(LONGEST_PAUSE_S, max(1.0, asking.pause_s * 2))
        asking.not_before = time.monotonic() + asking.pause_s

    def _ask(self, asking: _Asking) -> NoAnswer | None:
        if asking.witness.url is None:
            return NoAnswer("no_address", "The policy gives no address for it.")
        with self._database.read(Lane.LOG) as tx:
            signed = cosigned.newest(tx)
            before = cosigned.last_of(tx, asking.witness.key.vkey)
        if signed is None:
            return None
        known = asking.known
        if known is None:
            known = before.size if before is not None else 0
        answer = self._show(asking.witness.url, signed, known)
        if isinstance(answer, KnowsSize) and answer.size <= signed.size and answer.size != known:
            known = answer.size
            answer = self._show(asking.witness.url, signed, known)
        return self._take(asking, signed, answer)

    def _show(self, url: str, signed: Signed, known: int) -> Answer:
        path: Sequence[bytes] = ()
        if 0 < known < signed.size:
            with self._database.read(Lane.LOG) as tx:
                path = consistency_path(known, signed.size, proofs.nodes(tx))
        assert len(path) <= MAX_PROOF_LINES, "a tree of 2**63 entries needs no more"
        return add_checkpoint(self._client, url, min(known, signed.size), path, signed.note)

    def _take(self, asking: _Asking, signed: Signed, answer: Answer) -> NoAnswer | None:
        match answer:
            case NoAnswer():
                return answer
            case KnowsSize():
                asking.known = None
                return self._is_ahead(asking, answer.size)
            case Contradicts():
                asking.known = None
                sentence = (
                    f"It answered {answer.status}: the log of {signed.size} entries does not "
                    "continue what it saw before."
                )
                return self._alarm(asking, "contradicted", signed.size, sentence)
            case SignatureLines():
                return self._keep(asking, signed, answer.answer)

    def _is_ahead(self, asking: _Asking, size: int) -> NoAnswer | None:
        # Another process may have published and shown more meanwhile; its checkpoint is here then.
        with self._database.read(Lane.LOG) as tx:
            signed = cosigned.newest(tx)
        if signed is not None and signed.size >= size:
            asking.known = size
            return NoAnswer("moved", "It was shown another checkpoint meanwhile.")
        ours = 0 if signed is None else signed.size
        sentence = f"It cosigned {size} entries of this log, which has {ours} here."
        return self._alarm(asking, "ahead", ours, sentence)

    def _alarm(self, asking: _Asking, what: str, size: int, sentence: str) -> NoAnswer:
        _logger.error("witness %s: %s", asking.witness.name, sentence)
        raised = Alarm(asking.witness.key.vkey, what, size, sentence, self._clock.now())
        with self._database.write(Lane.LOG) as tx:
            cosigned.add_alarm(tx, raised)
        return NoAnswer(what, sentence)

    def _keep(self, asking: _Asking, signed: Signed, answer: bytes) -> NoAnswer | None:
        key = asking.witness.key
        try:
            cosignature = parse_answer(parse_note(signed.note.encode()).text, answer, key)
        except BadNote as error:
            return NoAnswer("wrong_answer", f"Its answer is no cosignature: {error}.")
        now = self._clock.now()
        if abs(cosignature.time - now.timestamp()) > CLOCKS_DIFFER_S:
            sentence = f"Its clock differs from ours by more than {CLOCKS_DIFFER_S} seconds."
            return NoAnswer("clock", sentence)
        with self._database.write(Lane.LOG) as tx:
            last = cosigned.last_of(tx, key.vkey)
            if last is not None and cosignature.time < last.time:
                return NoAnswer("old_answer", "Its cosignature is older than one it gave before.")
            cosigned.add(tx, signed.size, cosignature, now)
        self._note_quorum(signed, now)
        asking.known, asking.asked_size, asking.asked_at = signed.size, signed.size, now
        return None

    def _note_quorum(self, signed: Signed, now: datetime) -> None:
        # After the commit of the line: of two witnesses that answer at once, the later answer sees
        # both lines. Within their own transactions neither would see the other's.
        assert self._policy is not None, "a witness of a policy answered"
        with self._database.read(Lane.LOG) as tx:
            note = cosigned.note_of(tx, signed).encode()
        if evaluate(self._policy, note, self._key).met:
            with self._database.write(Lane.LOG) as tx:
                cosigned.add_quorum(tx, self._digest, signed.size, now)


def _seen(tx: Tx, asking: _Asking) -> WitnessSeen:
    witness = asking.witness
    last = cosigned.last_of(tx, witness.key.vkey)
    return WitnessSeen(
        name=witness.name,
        vkey=witness.key.vkey,
        url=witness.url,
        last_size=None if last is None else last.size,
        last_at=None if last is None else datetime.fromtimestamp(last.time, UTC),
        problem=_overdue(asking) or asking.problem,
    )


def _overdue(asking: _Asking) -> Problem | None:
    """A witness whose answer never ends, as where it drips headers, is slow already now."""
    awaited = asking.asked_since
    if awaited is None or time.monotonic() - awaited[0] <= PATIENCE_S:
        return None
    sentence = f"Its answer has not come to an end within {PATIENCE_S:g} seconds."
    return Problem("slow", sentence, awaited[1])


def read_policy(file: Path | None, key: VerifierKey) -> Policy | None:
    """Read the witness policy of this log, where one is set.

    Raises:
        Unreadable: it cannot be read, is not of its form, names other logs only, or an address of a
            witness is neither https nor on this machine.
    """
    if file is None:
        return None
    try:
        policy = parse_policy(file.read_bytes())
    except OSError as error:
        raise _unreadable(f"it cannot be read: {error.strerror}", "Name the file.") from error
    except BadPolicy as error:
        raise _unreadable(str(error), "See c2sp.org/tlog-policy and docs/witness.md.") from error
    # By key, not by name: after a restore the same key goes on under another name.
    if policy.logs and key.public not in {log.key.public for log in policy.logs}:
        raise _unreadable("it does not name this log", f"Add the line: log {key.vkey}")
    for witness in policy.witnesses:
        if witness.url is not None and not is_safe_address(witness.url):
            raise _unreadable(
                f"the address of {witness.name} is not https",
                "Only a witness on a loopback address may be asked over http.",
            )
    return policy


def _unreadable(problem: str, cure: str) -> Unreadable:
    return Unreadable(f"HABEAS_WITNESSES: {problem}", cure=cure)
