"""A small company in California: an engineer, two of legal who published a policy, an admin."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from app.agents.devices.model import Device
from app.agents.leases.terms import LeaseAnswer, Poll
from app.audit.entries.model import SYSTEM
from app.audit.reading.service import ReadingService
from app.consent.model import Act
from app.consent.receipts import Receipt
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.errors import Forbidden, NotFound
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, jwk, sign_token, thumbprint
from app.sdk.agent.guard import Guard
from app.sdk.lease import read_lease
from tests.fakes import FakeClock
from tests.make import person

if TYPE_CHECKING:
    from app.wiring import Services

POLICY = """
region: US-CA
name: California
status: approved
valid_from: 2026-10-01
valid_to: null
summary: Clicks, menus and screenshots in the editor and in chat.
knobs:
  signals:
    click: {mode: allow, retention_days: 30}
    menu: {mode: allow, retention_days: 30}
    screenshot: {mode: redact, retention_days: 14}
  apps: {value: [vscode, slack]}
  purposes: {value: [ai_training.computer_use]}
evidence:
  - kind: risk_assessment
    reference: RA-2026-1
    sha256: "1111111111111111111111111111111111111111111111111111111111111111"
    valid_to: 2027-12-31
"""

PEOPLE = (
    person("E-1000"),
    person("E-1001"),
    person("L-1", "legal@US-CA"),
    person("L-2", "legal@US-CA"),
    person("L-3", "legal@US-NY"),
    person("A-1", "admin"),
    person("E-IT", region="IT", place="IT", entity="IT/Esempio SpA"),
)


def assertion(
    key: LocalSigner, device_id: str, now: datetime, *, typ: str = "JWT", **claims: object
) -> str:
    """An assertion as an honest device makes it, but for what is said."""
    at = int(now.timestamp())
    honest: dict[str, object] = {
        "iss": device_id,
        "sub": device_id,
        "aud": "http://127.0.0.1:8000/v1/agent/token",
        "iat": at,
        "exp": at + 120,
        "jti": f"{id(object())}-{LocalSigner.generate().public.hex()[:24]}",
    }
    said = {name: value for name, value in {**honest, **claims}.items() if value is not ...}
    return sign_token(key, typ, said)


@dataclass
class Company:
    """What tests do with the services, in one word each."""

    services: "Services"
    clock: FakeClock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def write(self):
        return self.services.database.write()

    def read(self):
        return self.services.database.read()

    def person(self, person_id: str = "E-1000") -> Person:
        with self.read() as tx:
            return self.services.directory.person(tx, person_id)

    def publish(self, text: str = POLICY, region: str = "US-CA") -> None:
        author, second = self.person("L-1"), self.person("L-2")
        with self.write() as tx:
            change = self.services.policy.workflow.propose(
                tx, author, region, text, "first", self.now
            )
            self.services.policy.workflow.approve(tx, second, change.id, change.digest, self.now)

    def decide(self, act: Act = Act.GIVEN, person_id: str = "E-1000", **options) -> Receipt:
        who = self.person(person_id)
        with self.write() as tx:
            if act in {Act.GIVEN, Act.ACKNOWLEDGED}:
                offer = self.services.capture.situation(tx, who, self.now).offer
                shown = self.services.notices.show(tx, who, offer, "en", self.now)
                options["shown_id"] = shown.id
            return self.services.consent.decide(tx, who, act, self.now, **options)

    def pair(self, person_id: str = "E-1000", key: LocalSigner | None = None) -> Device:
        key = key or LocalSigner.generate()
        pairing = self.services.pairing
        with self.write() as tx:
            started = pairing.start(tx, "laptop", jwk(key.public), self.now)
            return pairing.approve(tx, self.person(person_id), started.request, self.now)

    def approve(self, user_code: str, person_id: str = "E-1000") -> Device:
        """As the page does it: a code is looked up first, and what it counts is kept."""
        pairing = self.services.pairing
        with self.write() as tx:
            try:
                request = pairing.pending(tx, self.person(person_id), user_code, self.now)
            except (NotFound, Forbidden) as error:
                request, refused = "", error
        if not request:
            raise refused
        with self.write() as tx:
            return pairing.approve(tx, self.person(person_id), request, self.now)

    def lease(self, device: Device, poll: Poll | None = None) -> LeaseAnswer:
        """As the API asks: read first, write only if that is not enough."""
        leases, poll = self.services.leases, poll or Poll()
        with self.read() as tx:
            answer = leases.renewal(tx, leases.holder_of(tx, device.id), self.now, poll)
        if answer is not None:
            return answer
        with self.write() as tx:
            return leases.lease(tx, device, self.now, poll)

    def taken(self, guard: Guard, device: Device, poll: Poll) -> Refusal | None:
        """A guard takes the lease of its device, with the documents that the lease names."""
        answer = self.lease(device, poll)
        public = self.services.keys.signer("lease").public
        named = read_lease(answer.token, {thumbprint(public): public})
        with self.read() as tx:
            policy, others = (
                self.services.policy.document(tx, name) if name else None
                for name in (named.policy, named.counterparties)
            )
        return guard.accept(answer.token, policy, others)

    def entries(self, kind: str) -> list[dict]:
        """The leaves of a kind, oldest first."""
        from app.audit.entries.model import EntryFilter

        self.services.integrator.integrate()
        with self.read() as tx:
            found = ReadingService(self.services.log).search(tx, EntryFilter(kind=kind, limit=500))
        return [dict(entry.leaf) for entry in reversed(found)]


@pytest.fixture
def company(services: "Services", clock: FakeClock) -> Company:
    made = Company(services, clock)
    with made.write() as tx:
        imported(services, tx, clock.now())
    return made


def imported(services: "Services", tx: Tx, now: datetime) -> None:
    services.directory.import_people(
        tx, PEOPLE, actor=SYSTEM, now=now, file_digest="sha256:" + "0" * 64
    )


@pytest.fixture
def open_company(company: Company) -> Company:
    """The same, with a policy in force and the engineer's consent."""
    company.publish()
    company.decide()
    return company
