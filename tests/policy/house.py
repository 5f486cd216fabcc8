"""What the tests of policy do again and again, in the words of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sqlalchemy import text

from app.audit.entries.service import AuditService
from app.db.engine import Database
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.canonical import parse_canonical
from app.policy.changes.model import Change
from app.policy.model import InForce
from app.policy.service import PolicyService
from tests.fakes import FakeClock
from tests.make import person

SHA = "a" * 64

ANNA = person("anna", "legal@DE")
BERND = person("bernd", "legal@DE")
CLARA = person("clara", "works_council@DE")
DORA = person("dora", "dpo@DE")
EMIL = person("emil", "legal@FR")
FINN = person("finn", "legal@GLOBAL")
GUDRUN = person("gudrun", "legal@DE", "works_council@DE")
ANN = person("ann", "legal@US", "legal@GLOBAL")
BEN = person("ben", "legal@US", "legal@GLOBAL")
NOBODY = person("nobody")

PEOPLE = {one.id: one for one in (ANNA, BERND, CLARA, DORA, EMIL, FINN, GUDRUN, ANN, BEN, NOBODY)}


def policy_text(region: str, knobs: Mapping[str, Any] | None = None, **fields: Any) -> str:
    """A company policy as legal types it; ``knobs`` replace or (None) remove the usual ones."""
    usual: dict[str, Any] = {
        "signals": {
            "pointer": {"mode": "redact", "retention_days": 14},
            "click": {"mode": "allow", "retention_days": 14},
        },
        "apps": {"value": ["github", "vscode"]},
        "purposes": {"value": ["ai_training.computer_use"]},
    }
    merged = {**usual, **(knobs or {})}
    document = {
        "region": region,
        "knobs": {name: value for name, value in merged.items() if value is not None},
        **fields,
    }
    return str(yaml.safe_dump(document))


def evidence(*kinds: str, **changes: Any) -> list[dict[str, Any]]:
    """Evidence for preconditions."""
    return [
        {"kind": kind, "reference": f"{kind}-1", "sha256": SHA, "valid_to": None} | changes
        for kind in kinds
    ]


GERMAN = policy_text("DE", evidence=evidence("works_agreement", "dpia"))


@dataclass
class House:
    """Services on one database, each call in a transaction of its own."""

    database: Database
    clock: FakeClock
    log: AuditService
    authority: Authority
    policy: PolicyService

    def adopt(self) -> None:
        with self.database.write() as tx:
            self.policy.adopt(tx, self.clock.now())

    def propose(self, who: Person, region: str, text: str, note: str = "") -> Change:
        with self.database.write() as tx:
            return self.policy.workflow.propose(tx, who, region, text, note, self.clock.now())

    def approve(
        self,
        who: Person,
        change: Change,
        digest: str = "",
        role: str | None = None,
        terms: str | None = None,
    ) -> Change:
        with self.database.write() as tx:
            return self.policy.workflow.approve(
                tx, who, change.id, digest or change.digest, self.clock.now(), role, terms
            )

    def withdraw(self, who: Person, change: Change) -> Change:
        with self.database.write() as tx:
            return self.policy.workflow.withdraw(tx, who, change.id, self.clock.now())

    def tighten(self, who: Person, region: str, text: str) -> Change:
        with self.database.write() as tx:
            return self.policy.workflow.tighten(tx, who, region, text, "", self.clock.now())

    def publish(self, region: str, text: str) -> Change:
        """Propose and let everybody approve whom it needs."""
        people = {
            "DE": (ANNA, BERND, CLARA, DORA),
            "FR": (EMIL, person("emma", "legal@FR")),
            "US": (ANN, BEN),
            "GLOBAL": (ANN, BEN),
        }[region]
        change = self.propose(people[0], region, text)
        for one in people[1:]:
            if {role.name for role in one.roles} & set(change.approvals_needed):
                change = self.approve(one, change)
        assert not change.approvals_needed
        return change

    def look(self, change: Change) -> Change:
        with self.database.read() as tx:
            return self.policy.workflow.change(tx, change.id, self.clock.now())

    def in_force(self, *regions: str) -> InForce:
        with self.database.read() as tx:
            return self.policy.in_force(tx, regions, self.clock.now())

    def stop(self, who: Person, region: str) -> None:
        with self.database.write() as tx:
            self.policy.stops.stop(tx, who, region, "", self.clock.now())

    def propose_resume(self, who: Person, region: str) -> None:
        with self.database.write() as tx:
            self.policy.stops.propose_resume(tx, who, region, self.clock.now())

    def approve_resume(self, who: Person, region: str) -> None:
        with self.database.write() as tx:
            self.policy.stops.approve_resume(tx, who, region, self.clock.now())

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """Submissions to the log so far, oldest first, of these kinds or all."""
        with self.database.read() as tx:
            rows = tx.execute(text("SELECT submission FROM audit_pending ORDER BY pid"))
            found = [parse_canonical(bytes(row.submission)) for row in rows]
        return [entry for entry in found if not kinds or entry["kind"] in kinds]
