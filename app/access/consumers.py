"""Consumers: who may ask, registered in versions, each with a secret of its own.

Rules:
1. A registration is an entry. Registering an id again makes the next version; only the newest
   counts, and the secrets of older registrations open nothing any more. A rotation is a next
   version, too: it changes the secret alone, and the one before opens what the new one does until
   the end of an overlap. No secret that opens is ended by the way: while two open, a third is made
   only by who ends both at once.
2. A consumer declares allowed purposes and known functions only. The secret is shown once and kept
   hashed.
3. A consumer whose rows do not stand is unknown. It can be registered anew; the new secret opens
   once two people have cleared the alarm.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.access import store
from app.access.decision.model import Consumer
from app.access.floor.terms import ALLOWED, Function, Outcome, verdict
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.clock import timestamp
from app.kernel.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.kernel.facts import encode
from app.kernel.shapes import CODE

_LONGEST_NAME = 120
OVERLAP = timedelta(days=7)
"""For how long two secrets of a consumer open, where nothing else is said."""
LONGEST_OVERLAP = timedelta(days=90)


@dataclass(frozen=True)
class ConsumerService:
    """Registers consumers and knows them by their secrets."""

    log: AuditService
    authority: Authority

    def register(
        self,
        tx: Tx,
        actor: Person,
        id: str,  # noqa: A002 - the consumer's id, as everywhere
        name: str,
        purposes: Iterable[str],
        functions: Iterable[str],
        now: datetime,
    ) -> str:
        """Register a consumer, or its next version; return its secret, which is shown only now.

        Args:
            tx: the transaction.
            actor: who registers; needs a role that may.
            id: 1 to 64 of ``a-z 0-9 . _ -``.
            name: for people, up to 120 characters.
            purposes: allowed keys, exactly as they are written.
            functions: what the consumer is for; at least one of ``floor.Function``.
            now: the present instant.

        Raises:
            Forbidden: the actor may not.
            InvalidInput: a field is wrong; a purpose that is not on the list.
            Conflict: somebody registered the same consumer at the same time.
        """
        self._require_registrar(actor)
        wanted, doing = tuple(sorted(set(purposes))), tuple(sorted(set(functions)))
        _require_valid(id, name, wanted, doing)
        store.lock_consumers(tx)
        version = store.last_version(tx, id) + 1
        consumer = Consumer(id, name.strip(), wanted, doing, version)
        return self._insert(tx, actor, consumer, now)

    def rotate(
        self,
        tx: Tx,
        actor: Person,
        id: str,  # noqa: A002 - the consumer's id, as everywhere
        now: datetime,
        overlap: timedelta = OVERLAP,
    ) -> str:
        """Give a consumer another secret and change nothing else; return it, shown only now.

        Args:
            tx: the transaction.
            actor: who registers; needs a role that may.
            id: a consumer that is registered.
            now: the present instant.
            overlap: for how long the secret before opens, too; 0 ends it at once.

        Raises:
            Forbidden: the actor may not.
            NotFound: no such consumer is registered, or its row does not stand.
            InvalidInput: an overlap below 0 or above ``LONGEST_OVERLAP``.
            Conflict: two secrets open already, or somebody registered the same consumer at the same
                time.
        """
        self._require_registrar(actor)
        _require_overlap(overlap)
        store.lock_consumers(tx)
        newest = store.newest_consumer(tx, id)
        if newest is None:
            raise NotFound(
                f"no consumer {id!r} is registered, or its row does not agree with the log",
                cure="Register it: habeas consumers register.",
            )
        _require_one_secret(newest, overlap, now)
        until = now + overlap if overlap else None
        version = store.last_version(tx, id) + 1
        return self._insert(tx, actor, replace(newest, version=version, overlap_until=until), now)

    def newest(self, tx: Tx) -> tuple[Consumer, ...]:
        """All consumers that count, in their newest version."""
        return tuple(consumer for consumer, _ in store.consumers(tx))

    def registered(self, tx: Tx) -> tuple[tuple[Consumer, datetime], ...]:
        """The same, each with the instant at which its newest secret was made."""
        return store.consumers(tx)

    def authenticate(self, tx: Tx, bearer: str, now: datetime) -> Consumer:
        """Return the consumer whose secret this is, in its newest version.

        Raises:
            Unauthenticated: nobody's, or replaced by a newer secret and any overlap is over.
        """
        knocking = store.consumer_by_secret(tx, _hashed(bearer))
        newest = None if knocking is None else store.newest_consumer(tx, knocking.id)
        if knocking is None or newest is None or not _opens(knocking, newest, now):
            raise _unknown_secret()
        return newest

    def hold(self, tx: Tx) -> None:
        """Let nobody register until this transaction ends; others may hold at the same time."""
        store.hold_consumers(tx)

    def require_newest(self, tx: Tx, consumer: Consumer, now: datetime) -> Consumer:
        """Return what a consumer may now that was authenticated, perhaps in another transaction.

        One whose secret was rotated since counts as long as that secret would open.

        Raises:
            Unauthenticated: it was registered anew since, or its secret was ended.
        """
        newest = store.newest_consumer(tx, consumer.id)
        if newest is None or not _opens(consumer, newest, now):
            raise _unknown_secret()
        return newest

    def _require_registrar(self, actor: Person) -> None:
        if not actor.active:
            raise Forbidden("who has left registers nothing")
        self.authority.require(actor.roles, None, "consumer", "register")

    def _insert(self, tx: Tx, actor: Person, consumer: Consumer, now: datetime) -> str:
        secret = secrets.token_urlsafe(32)
        store.insert_consumer(tx, consumer, _hashed(secret), now)
        self.log.append(tx, _registered(consumer, actor), now)
        return secret


def _opens(knocking: Consumer, newest: Consumer, now: datetime) -> bool:
    """Whether the secret of a version opens what the newest may (rule 1)."""
    if knocking == newest:
        return True
    until = newest.overlap_until
    return until is not None and now < until and knocking.version == newest.version - 1


def _registered(consumer: Consumer, actor: Person) -> Event:
    return Event(Kind.ACCESS_CONSUMER_REGISTERED, Actor("person", actor.id), encode(consumer))


def _require_overlap(overlap: timedelta) -> None:
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput(
            "overlap: two secrets open for too long",
            cure=f"At most {LONGEST_OVERLAP.days} days; 0 ends the old secret at once.",
        )


def _require_one_secret(newest: Consumer, overlap: timedelta, now: datetime) -> None:
    until = newest.overlap_until
    if overlap and until is not None and now < until:
        raise Conflict(
            f"two secrets of {newest.id} open until {timestamp(until)}",
            cure="Wait until then, or end both at once with --overlap 0d.",
        )


def _unknown_secret() -> Unauthenticated:
    return Unauthenticated(
        "the consumer's secret is not known here",
        cure="Send Authorization: Bearer with the secret shown at registration.",
    )


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _require_valid(
    consumer_id: str, name: str, purposes: tuple[str, ...], functions: tuple[str, ...]
) -> None:
    faults: list[Fault] = []
    if not CODE.fullmatch(consumer_id):
        faults.append(
            Fault("id", "not a consumer's id", "Use 1 to 64 of a-z, 0-9, dot, hyphen, underscore.")
        )
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        faults.append(Fault("name", "empty or too long", f"Up to {_LONGEST_NAME} characters."))
    faults.extend(_faults_of_purposes(purposes))
    faults.extend(_faults_of_functions(functions))
    if faults:
        raise InvalidInput(f"{faults[0].field}: {faults[0].problem}", faults=tuple(faults))


def _faults_of_purposes(purposes: tuple[str, ...]) -> Iterator[Fault]:
    for purpose in purposes:
        outcome = verdict(purpose).outcome
        if outcome is not Outcome.ALLOWED:
            problem = "prohibited" if outcome is Outcome.PROHIBITED else "not on the list"
            cure = f"The purposes are {', '.join(sorted(ALLOWED))}."
            yield Fault("purposes", f"{purpose!r} is {problem}", cure)


def _faults_of_functions(functions: tuple[str, ...]) -> Iterator[Fault]:
    unknown = sorted(set(functions) - {function.value for function in Function})
    if unknown or not functions:
        problem = f"{unknown[0]!r} is not known" if unknown else "none is given"
        yield Fault("functions", problem, f"The functions are {', '.join(sorted(Function))}.")
