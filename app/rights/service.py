"""Erasure: a person's key, name, bodies and rows are deleted; the log stays, and verifies.

Rules:
1. Two custodians sign what is to be done. The program compares it byte for byte.
2. One transaction: the entry ``subject.erased``, the row that opens the triggers, every row that
   names the person, the data key. Either all of it, or the person is as before.
3. The lock store hears of it before the commit. A crash in between, or a copy of the database from
   before, brings the person back; the next start finds that out and erases again.
4. Whoever is erased may be running: every laptop is revoked in the same transaction. Coming back
   is a new import, with a new pseudonym and a new key.
5. Who reported to the person reports to the person's own manager from then on: nobody's line
   becomes shorter above that, so nobody sees more than before.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.agents.devices.service import DeviceService
from app.audit.entries import documents, erasure
from app.audit.entries.erasure import Erasure
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.restore.custody import Custodians, require_two
from app.db.engine import Database, Tx
from app.db.scrub import scrub
from app.directory.service import DirectoryService
from app.kernel.canonical import Json
from app.kernel.errors import NotFound
from app.kernel.facts import encode
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import ERASURE_TYPE
from app.rights import store
from app.rights.model import Erased, ErasureBasis, ErasureRecord, receipt_claims, statement_of


def scrub_erased(database: Database) -> str | None:
    """Write anew every table that an erasure deletes from; see ``scrub`` for what is returned."""
    return scrub(database, store.TABLES)


class Remembers(Protocol):
    """What outlives a restored database (app/audit/growing/lock.py)."""

    def note_erased(self, pseudonym: str, at: datetime) -> None:
        """Remember, durably, that somebody was erased; twice is once."""
        ...

    def erased(self) -> frozenset[str]:
        """The pseudonyms of everybody who was."""
        ...


@dataclass(frozen=True, kw_only=True)
class RightsService:
    """Erases people, and erases again those whom a restored database brought back."""

    log: AuditService
    directory: DirectoryService
    devices: DeviceService
    custodians: Custodians | None
    remembers: Remembers
    signer: Signer = field(repr=False)
    issuer: str

    def statement(self, tx: Tx, person_id: str, basis: ErasureBasis) -> str:
        """What two custodians must sign.

        Raises:
            NotFound: there is no such person.
            Conflict: the custodians are others than the log says.
        """
        self.directory.person(tx, person_id)
        if self.custodians is not None:
            documents.require_custodians(tx, self.custodians.digest)
        return statement_of(self.log.pseudonym(tx, person_id), basis, self.log.origin)

    def erase(
        self, tx: Tx, person_id: str, basis: ErasureBasis, signed: bytes, now: datetime
    ) -> Erased:
        """Erase a person for good.

        Args:
            tx: a writing transaction; nothing is erased before it commits.
            person_id: who.
            basis: why.
            signed: the statement with two custodians' signatures.
            now: the present instant.

        Raises:
            NotFound: there is no such person.
            Forbidden: two custodians have not signed exactly this.
        """
        text = self.statement(tx, person_id, basis)
        require_two(signed, text, self.custodians)
        kept = self.log.keep_document(tx, signed, now)
        return self._erase(tx, person_id, basis, kept, now)

    def erase_again(self, tx: Tx, now: datetime) -> tuple[Erased, ...]:
        """Erase those who were erased before and are here all the same (rule 3)."""
        back = self.log.people(tx, self.remembers.erased())
        return tuple(
            self._erase(tx, person_id, None, None, now) for person_id in sorted(back.values())
        )

    def receipt(self, erased: Erased) -> str:
        """The signed receipt (compact JWS of type ``habeas-erasure+jwt``)."""
        return sign_token(self.signer, ERASURE_TYPE, self.claims(erased))

    def claims(self, erased: Erased) -> dict[str, Json]:
        """What the receipt says."""
        return receipt_claims(erased, self.issuer, self.log.origin)

    def _erase(
        self,
        tx: Tx,
        person_id: str,
        basis: ErasureBasis | None,
        statement: str | None,
        now: datetime,
    ) -> Erased:
        try:
            self.directory.hand_over(tx, person_id, SYSTEM, now)
        except NotFound:
            assert basis is None  # only a copy of the database knows a name without a person
        pseudonym = self.log.pseudonym(tx, person_id)
        self._revoke_laptops(tx, person_id, now)
        bodies = erasure.count_bodies(tx, pseudonym)
        record = ErasureRecord(basis, statement, keys=1, bodies=bodies, again=basis is None)
        event = Event(Kind.SUBJECT_ERASED, SYSTEM, encode(record), subjects=(person_id,))
        event_id = self.log.append(tx, event, now)
        ground = basis.value if basis else None
        erasure.add(tx, Erasure(pseudonym, ground, statement, event_id, 1, bodies, now))
        rows = store.forget(tx, person_id, pseudonym)
        self.remembers.note_erased(pseudonym, now)
        return Erased(pseudonym, ground, statement, event_id, 1, bodies, rows, now)

    def _revoke_laptops(self, tx: Tx, person_id: str, now: datetime) -> None:
        for device in self.devices.of_person(tx, person_id):
            if device.active:
                facts = encode(device.record)
                revoked = Event(Kind.DEVICE_REVOKED, SYSTEM, facts, subjects=(person_id,))
                self.log.append(tx, revoked, now)
