"""An office where people decide, policies are published and consumers ask, in short calls."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import yaml

from app.access.decision.inquiry import EvaluationRequest
from app.access.floor.terms import ALLOWED
from app.access.service import AccessAnswer
from app.audit.entries.model import SYSTEM, Entry, EntryFilter
from app.audit.reading.service import ReadingService
from app.consent.model import Act
from app.directory.model import Person
from app.kernel.signing import thumbprint
from app.kernel.vocabulary import Signal
from app.policy.knobs import PRECONDITIONS
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.make import person
from tests.templates import Templates

TRAINING = "ai_training.computer_use"
HOUR = timedelta(hours=1)

TOP = person("E-1", "admin", region="US-CA")
MANAGER = person("E-2", manager="E-1")
ALICE = person("E-3", manager="E-2")
BOB = person("E-4", manager="E-2")
RECRUITER = person("E-5", "hr", manager="E-1")
RESEARCHER = person("E-6", manager="E-1")
LAWYERS = (person("E-8", "legal@US-CA", manager="E-1"), person("E-9", "legal@US-CA", manager="E-1"))
EVERYBODY = (TOP, MANAGER, ALICE, BOB, RECRUITER, RESEARCHER, *LAWYERS)


def permissive_text(
    region: str,
    apps: Iterable[str],
    shown: Iterable[str] = PRECONDITIONS,
    **knobs: Any,
) -> str:
    """A company policy that takes nothing away from the floors and shows this evidence."""
    usual: dict[str, Any] = {
        "signals": {signal.value: {"mode": "allow", "retention_days": 365} for signal in Signal},
        "apps": {"value": sorted(apps)},
        "purposes": {"value": sorted(ALLOWED)},
        "off_hours": {"value": "allow"},
        "personal_device": {"value": "allow"},
        "counterparty": {"value": "allow"},
    }
    evidence = [{"kind": kind, "reference": "X-1", "sha256": "a" * 64} for kind in shown]
    return str(
        yaml.safe_dump({"region": region, "knobs": {**usual, **knobs}, "evidence": evidence})
    )


@dataclass
class Office:
    """Services on one database; each call is a transaction of its own."""

    services: Services
    clock: FakeClock
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def entered(cls, services: Services, clock: FakeClock) -> Self:
        """Go into a copy of the furnished office."""
        secrets = (services.settings.var / SECRETS).read_text(encoding="utf-8")
        return cls(services, clock, json.loads(secrets))

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def open(self) -> None:
        """People, a permissive policy for California, four consumers."""
        self.hire(*EVERYBODY)
        self.publish("US-CA", LAWYERS)
        self.register("pipeline", [TRAINING, "ai_training.evaluation"], ["training"])
        self.register("people-analytics", sorted(ALLOWED), ["hr"])
        self.register("rights-desk", ["rights.fulfilment"], ["rights"])
        self.register("auditors", ["audit.compliance"], ["audit"])

    def hire(self, *people: Person) -> None:
        with self.services.database.write() as tx:
            self.services.directory.import_people(
                tx, people, actor=SYSTEM, now=self.now, file_digest="sha256:" + "0" * 64
            )

    def publish(self, region: str, lawyers: Iterable[Person], **knobs: Any) -> None:
        author, second = lawyers
        text = permissive_text(region, self.services.policy.shipped.apps, **knobs)
        with self.services.database.write() as tx:
            change = self.services.policy.workflow.propose(tx, author, region, text, "", self.now)
            self.services.policy.workflow.approve(tx, second, change.id, change.digest, self.now)

    def register(self, name: str, purposes: list[str], functions: list[str]) -> str:
        with self.services.database.write() as tx:
            self.secrets[name] = self.services.consumers.register(
                tx, TOP, name, name.title(), purposes, functions, self.now
            )
        return self.secrets[name]

    def rotate(self, name: str, overlap: timedelta, by: Person = TOP) -> str:
        """Give a consumer another secret, and keep the new one."""
        with self.services.database.write() as tx:
            self.secrets[name] = self.services.consumers.rotate(tx, by, name, self.now, overlap)
        return self.secrets[name]

    def opt_in(self, *people: Person) -> None:
        for one in people:
            with self.services.database.write() as tx:
                situation = self.services.capture.situation(tx, one, self.now)
                shown = self.services.notices.show(tx, one, situation.offer, "en", self.now)
                self.services.consent.decide(tx, one, Act.GIVEN, self.now, shown_id=shown.id)

    def decide(self, one: Person, act: Act, until: datetime | None = None) -> None:
        with self.services.database.write() as tx:
            self.services.consent.decide(tx, one, act, self.now, until=until)

    def captured(self, *people: Person) -> "Office":
        """People opt in; three hours pass, the middle one of which was captured."""
        self.opt_in(*people)
        self.clock.advance(3 * HOUR)
        return self

    def request(self, *people: Person, **changes: Any) -> EvaluationRequest:
        fields: dict[str, Any] = {
            "subject_type": "consumer",
            "subject_id": "pipeline",
            "action": "read",
            "resource_type": "captured_data",
            "resource_id": "ui-events",
            "persons": tuple(one.id for one in people),
            "signals": ("click",),
            "captured_from": self.now - 2 * HOUR,
            "captured_to": self.now - HOUR,
            "purpose": TRAINING,
        }
        return EvaluationRequest(**{**fields, **changes})

    def ask(self, *people: Person, consumer: str = "pipeline", **changes: Any) -> AccessAnswer:
        asked = self.request(*people, **{"subject_id": consumer, **changes})
        with self.services.database.write() as tx:
            known = self.services.consumers.authenticate(tx, self.secrets[consumer], self.now)
            return self.services.access.evaluate(tx, known, asked, self.now)

    def ask_for(self, behalf: Person, *people: Person, **changes: Any) -> AccessAnswer:
        return self.ask(*people, **{"subject_type": "person", "subject_id": behalf.id, **changes})

    def entries(self, **wanted: Any) -> tuple[Entry, ...]:
        """Everything integrated, newest first."""
        self.services.integrator.integrate()
        with self.services.database.read() as tx:
            return ReadingService(self.services.log).search(tx, EntryFilter(limit=500, **wanted))

    def entry_of(self, answer: AccessAnswer) -> dict[str, Any]:
        entries = self.entries(kind="access.decided")
        return next(
            dict(one.leaf) for one in entries if one.leaf["event"] == answer.context["log_event"]
        )

    @property
    def grant_keys(self) -> dict[str, bytes]:
        public = self.services.keys.signer("grant").public
        return {thumbprint(public): public}


FURNISHED = "furnished"
SECRETS = "secrets.json"
"""The file next to the keys that tells each consumer's secret."""


def furnish(templates: Templates, shipped: Shipped) -> None:
    """Let ``FURNISHED`` stand for an instance with an office that is open."""

    def grow(settings: Settings) -> None:
        clock = FakeClock()
        services = build(settings, clock=clock, shipped=shipped)
        office = Office(services, clock)
        office.open()
        (settings.var / SECRETS).write_text(json.dumps(office.secrets), encoding="utf-8")
        services.close()

    templates.add(FURNISHED, "started", grow)


def codes(answer: AccessAnswer) -> list[str]:
    return [reason["code"] for reason in answer.context["reasons"]]
