"""Consumers: who may ask, registered in versions, each with a secret of its own.

Rules:
1. A registration is an entry. Registering an id again makes the next version; only the newest
   counts, and the secrets of older registrations open nothing any more.
2. A consumer declares allowed purposes and known functions only. The secret is shown once and kept
   hashed.
3. A consumer whose rows do not stand is unknown. It can be registered anew; the new secret opens
   once two people have cleared the alarm.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.access import store
from app.access.decision.model import Consumer
from app.access.floor.terms import ALLOWED, Function, Outcome, verdict
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.errors import Fault, Forbidden, InvalidInput, Unauthenticated
from app.kernel.facts import encode
from app.kernel.shapes import CODE

_LONGEST_NAME = 120


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
        if not actor.active:
            raise Forbidden("who has left registers nothing")
        self.authority.require(actor.roles, None, "consumer", "register")
        wanted, doing = tuple(sorted(set(purposes))), tuple(sorted(set(functions)))
        _require_valid(id, name, wanted, doing)
        store.lock_consumers(tx)
        version = store.last_version(tx, id) + 1
        consumer = Consumer(id, name.strip(), wanted, doing, version)
        secret = secrets.token_urlsafe(32)
        store.insert_consumer(tx, consumer, _hashed(secret), now)
        self.log.append(tx, _registered(consumer, actor), now)
        return secret

    def newest(self, tx: Tx) -> tuple[Consumer, ...]:
        """All consumers that count, in their newest version."""
        return store.consumers(tx)

    def authenticate(self, tx: Tx, bearer: str) -> Consumer:
        """Return the consumer whose secret this is.

        Raises:
            Unauthenticated: nobody's, or replaced by a newer secret.
        """
        consumer = store.consumer_by_secret(tx, _hashed(bearer))
        if consumer is None:
            raise _unknown_secret()
        self.require_newest(tx, consumer)
        return consumer

    def hold(self, tx: Tx) -> None:
        """Let nobody register until this transaction ends; others may hold at the same time."""
        store.hold_consumers(tx)

    def require_newest(self, tx: Tx, consumer: Consumer) -> None:
        """Return if a consumer, authenticated perhaps in an earlier transaction, still counts.

        Raises:
            Unauthenticated: it was registered anew since.
        """
        if consumer != store.newest_consumer(tx, consumer.id):
            raise _unknown_secret()


def _registered(consumer: Consumer, actor: Person) -> Event:
    return Event(Kind.ACCESS_CONSUMER_REGISTERED, Actor("person", actor.id), encode(consumer))


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
