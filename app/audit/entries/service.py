"""The log as the other capabilities see it: append entries, and ask where they are.

Rules:
1. An entry is submitted in the transaction of the change it records; both are kept or neither.
2. The index comes later, from the integrator. Who needs it at once asks ``index_of`` again.
3. Person ids go in, pseudonyms come out: nothing that leaves this module names a person.
4. What entries say is read in app/audit/reading only; nothing here gives out the content of one.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.audit.entries import cosigned, documents, store
from app.audit.entries.alarms import coded, raised
from app.audit.entries.codes import require_codes
from app.audit.entries.documents import RULES
from app.audit.entries.halt import Halt
from app.audit.entries.model import (
    MAX_ENTRY_BYTES,
    SYSTEM,
    Actor,
    Event,
    Kind,
    submission,
)
from app.audit.entries.receipts import SubmissionReceipts
from app.audit.entries.records import (
    ADOPTIONS,
    LogOpening,
    RulesAdoption,
    SealsAdoption,
    version_document,
)
from app.audit.entries.store import Body
from app.audit.entries.subjects import make_subjects
from app.audit.entries.vault import Vault, detail_context
from app.audit.entries.waiting import (
    WaitingEntry,
    count_waiting,
    submission_digest,
    waiting,
    waiting_since,
)
from app.audit.tree.epoch import base_of
from app.db.engine import Tx
from app.db.ring import Dispute
from app.kernel.clock import instant
from app.kernel.errors import TooLarge
from app.kernel.facts import encode

# What the integrator adds to a submission, at most: fixed fields, and each stream's name and place.
_STAMP_BYTES = 400
_STREAM_BYTES = 120


@dataclass(frozen=True)
class AuditService:
    """Appends to the log called ``origin``.

    Attributes:
        vault: seals personal detail.
        origin: the log's name in this epoch.
        halt: says whether the log may go on; told by the integrator.
        receipts: signs submission receipts; None: none are given (trials).
        merge_within: how long an entry may wait for its index before it is overdue.
    """

    vault: Vault
    origin: str
    halt: Halt = field(default_factory=Halt)
    receipts: SubmissionReceipts | None = None
    merge_within: timedelta = timedelta(seconds=10)

    def open(self, tx: Tx, now: datetime) -> bool:
        """Append ``log.opened`` to an empty log; does nothing to another. Say whether it did."""
        store.lock(tx)
        if store.head_of(tx).size > 0 or store.any_pending(tx):
            return False
        facts = encode(LogOpening(base_of(self.origin)))
        self.append(tx, Event(Kind.LOG_OPENED, SYSTEM, facts), now)
        return True

    def adopt_seals(self, tx: Tx, now: datetime, sealed: int = 0, unsealed: int = 0) -> None:
        """Say that rows are sealed from here on, and how many of before are.

        Args:
            tx: the transaction that sealed them.
            now: the present instant.
            sealed: how many rows of before the log confirmed.
            unsealed: how many it did not.
        """
        if tx.seals.key is not None:
            facts = encode(SealsAdoption(tx.seals.key.id, sealed, unsealed))
            self.append(tx, Event(Kind.SEALS_ADOPTED, SYSTEM, facts), now)

    def append(self, tx: Tx, event: Event, now: datetime) -> str:
        """Submit an event in the caller's transaction and return its id.

        Raises:
            TooLarge: its facts do not fit into one entry (65,535 bytes).
            Unavailable: the log has halted; the named state is the kind.
            ValueError: a body without one person it belongs to, or facts that hold a text which is
                not a code, or have no canonical form.
        """
        self.halt.require(lambda: store.size_of(tx))
        self.raise_alarms(tx, now)
        # A person's id is replaced by a pseudonym below; every other actor's is written as it is.
        named = None if event.actor.kind == "person" else event.actor.id
        require_codes(f"the entry {event.kind}", event.facts, event.purpose, named)
        event_id = str(uuid.uuid4())
        people = [*event.subjects, *([event.actor.id] if event.actor.kind == "person" else [])]
        names = self.pseudonyms(tx, people)
        actor = event.actor
        if actor.kind == "person":
            actor = Actor("person", names[actor.id])
        subjects = tuple(dict.fromkeys(names[person] for person in event.subjects))
        commitment = self._keep_body(tx, event, event_id, _owners(event, names, actor, subjects))
        submitted = submission(
            event,
            event_id=event_id,
            occurred_at=now,
            actor=actor,
            subjects=subjects,
            commitment=commitment,
        )
        _require_room(submitted, event, len(subjects))
        store.add_pending(tx, event_id, submitted, now)
        return event_id

    def raise_alarms(self, tx: Tx, now: datetime, more: Iterable[Dispute] = ()) -> None:
        """Append an alarm for each dispute that this transaction found; again is nothing new.

        Args:
            tx: the transaction, which writes.
            now: the present instant.
            more: disputes that others found.
        """
        earlier = (self._without_erased(tx, dispute) for dispute in more)
        disputes = map(coded, (*earlier, *tx.disputes.values()))
        found = {dispute.chain: dispute for dispute in disputes}
        tx.disputes.clear()
        for chain, dispute in found.items():
            if chain not in tx.alarmed and not tx.seals.alarm_on(chain):
                tx.alarmed.add(chain)
                self.append(tx, raised(dispute), now)

    def _without_erased(self, tx: Tx, dispute: Dispute) -> Dispute:
        """A dispute that names nobody who was erased since it was found: no name is made anew."""
        if dispute.person is None or self.pseudonym_of(tx, dispute.person) is not None:
            return dispute
        return replace(dispute, person=None)

    def adopt(self, tx: Tx, kind: Kind, what: str, content: bytes, now: datetime) -> None:
        """Take a list into force, with an entry where another list is in force.

        Args:
            tx: the transaction, under the log's lock (see ``open``).
            kind: such as ``log.custodians_adopted``.
            what: what it is in force as, such as ``custodians``.
            content: the list's bytes, kept for ever.
            now: the present instant.
        """
        name = documents.keep(tx, content, now)
        if documents.in_force(tx, what) != name:
            facts = encode(ADOPTIONS[kind](name))
            event = self.append(tx, Event(kind, SYSTEM, facts), now)
            documents.adopt(tx, what, name, now, event)

    def adopt_rules(self, tx: Tx, version: int, release: str, now: datetime) -> None:
        """Say which rules decisions follow from here on, where they are others than before.

        A log that says nothing follows version 1, so version 1 is recorded only after another.

        Args:
            tx: the transaction, under the log's lock (see ``open``).
            version: of the rules.
            release: the first release that carries them, for who cannot replay them.
            now: the present instant.
        """
        name, known = version_document(RULES, version), documents.in_force(tx, RULES)
        if known == name or (known is None and version == 1):
            return
        facts = encode(RulesAdoption(version, release))
        event = self.append(tx, Event(Kind.RULES_ADOPTED, SYSTEM, facts), now)
        documents.adopt(tx, RULES, name, now, event)

    def has_adopted(self, tx: Tx, what: str) -> bool:
        """Whether the log says that a list is in force as ``what``, whatever became of its row."""
        return f"list:{what}" in tx.seals.positions or documents.in_force(tx, what) is not None

    def keep_document(self, tx: Tx, content: bytes, now: datetime) -> str:
        """Keep a document that an entry of this transaction names; return its digest."""
        return documents.keep(tx, content, now)

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every document that entries of the log itself name: statements, lists."""
        return documents.every(tx)

    def pseudonym(self, tx: Tx, person_id: str) -> str:
        """The random name of a person in the log; made at first use."""
        return self.pseudonyms(tx, (person_id,))[person_id]

    def pseudonym_of(self, tx: Tx, person_id: str) -> str | None:
        """The random name of a person in the log, if there is one; none is made."""
        return store.pseudonyms(tx, (person_id,)).get(person_id)

    def pseudonyms(self, tx: Tx, person_ids: Iterable[str]) -> dict[str, str]:
        """The pseudonyms of several people by person id."""
        # Sorted: two transactions that name the same people wait for each other in one order.
        wanted = sorted(set(person_ids))
        names = {person: tx.confirmed[person] for person in wanted if person in tx.confirmed}
        if len(names) < len(wanted):
            names |= store.pseudonyms(tx, [person for person in wanted if person not in names])
        missing = [person for person in wanted if person not in names]
        if missing:
            make_subjects(tx, missing, self.vault.new_key)
            names |= store.pseudonyms(tx, missing)
        return names

    def commitment(self, data: str, kind: Kind) -> str:
        """Commit to data outside the log that a leaf must not give away by a bare digest."""
        return self.vault.commitment(data.encode(), kind.value)

    def people(self, tx: Tx, pseudonyms: Iterable[str]) -> dict[str, str]:
        """Whom pseudonyms mean: person ids by pseudonym; unknown pseudonyms are left out."""
        return store.people(tx, sorted(set(pseudonyms)))

    def index_of(self, tx: Tx, event_id: str) -> int | None:
        """The index of an event; None until it is integrated."""
        return store.index_of(tx, event_id)

    def size(self, tx: Tx) -> int:
        """How many entries the log has."""
        return store.head_of(tx).size

    def began_at(self, tx: Tx) -> datetime | None:
        """When the log began, as its first entry says; None before that has its place."""
        first = store.entries_between(tx, 0, 1)
        return instant(first[0].leaf["occurred_at"]) if first else None

    def checkpoint(self, tx: Tx) -> str | None:
        """The newest checkpoint (C2SP tlog-checkpoint), cosigned or not; None while there is none.

        The note carries every cosignature line that there is for it.
        """
        signed = cosigned.newest(tx)
        return None if signed is None else cosigned.note_of(tx, signed)

    def witnessed_checkpoint(self, tx: Tx) -> str | None:
        """The newest checkpoint that satisfies the witness policy; without a policy, the newest."""
        signed = cosigned.served(tx)
        return None if signed is None else cosigned.note_of(tx, signed)

    def submission_receipts(self, tx: Tx, event_ids: Iterable[str]) -> dict[str, str]:
        """The signed promise for each known event, by event id (see receipts.py).

        Also for events of this very transaction: what it answers must be sent after its commit.
        """
        if self.receipts is None:
            return {}
        promised = {}
        for event_id in event_ids:
            submitted = submission_digest(tx, event_id)
            if submitted is not None:
                promised[event_id] = self.receipts.sign(self.origin, event_id, *submitted)
        return promised

    def overdue(self, tx: Tx, now: datetime, limit: int = 100) -> tuple[WaitingEntry, ...]:
        """The submissions that have waited longer than was promised, the oldest first."""
        return waiting(tx, limit, before=now - self.merge_within)

    def pending(self, tx: Tx) -> int:
        """How many entries wait for their index."""
        return count_waiting(tx)

    def pending_since(self, tx: Tx) -> datetime | None:
        """When the entry that waits longest was submitted; None where none waits."""
        return waiting_since(tx)

    def _keep_body(
        self, tx: Tx, event: Event, event_id: str, owners: tuple[str, ...]
    ) -> str | None:
        if event.body is None:
            return None
        if len(owners) != 1:
            msg = f"the body of {event.kind} must belong to exactly one person"
            raise ValueError(msg)
        wrapped = store.wrapped_key(tx, owners[0])
        if wrapped is None:
            msg = f"{owners[0]} has no data key"
            raise ValueError(msg)
        context = detail_context(self.origin, event_id, event.kind)
        sealed = self.vault.seal(wrapped, owners[0], event.body, context)
        store.add_body(tx, event_id, Body(owners[0], sealed.nonce, sealed.ciphertext))
        return sealed.commitment


def _owners(
    event: Event, names: Mapping[str, str], actor: Actor, subjects: tuple[str, ...]
) -> tuple[str, ...]:
    """To whom the body of an event can belong, as pseudonyms: one, or there can be no body."""
    if event.owner is not None:
        return (names[event.owner],) if event.owner in names else ()
    return subjects or ((actor.id,) if actor.kind == "person" else ())


def _require_room(submitted: bytes, event: Event, subjects: int) -> None:
    purpose = len((event.purpose or "").encode())
    actor = len(event.actor.id.encode())
    stamp = _STAMP_BYTES + purpose + actor + _STREAM_BYTES * (subjects + 2)
    if len(submitted) + stamp > MAX_ENTRY_BYTES:
        raise TooLarge(
            f"the record of {event.kind} would have more than {MAX_ENTRY_BYTES} bytes",
            cure="Ask about fewer people at once.",
        )
