"""Fill an empty instance with the sample organisation, through the services that everybody uses.

Nothing is written past a service: the company policies are proposed by one sample lawyer and
approved by the others whom the floor asks for, so the log of the demo verifies like any other.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from app.audit.entries.model import SYSTEM
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.packs import read_people
from app.kernel.authority import Role
from app.kernel.canonical import digest
from app.kernel.errors import Unavailable
from app.kernel.private import private_folder
from app.policy.changes.model import ChangeState
from app.wiring import Services

DATA = Path(__file__).with_name("data")

CONSUMERS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "training-pipeline": (
        "Model training pipeline",
        ("ai_training.computer_use", "ai_training.evaluation"),
        ("training",),
    ),
    "people-analytics": ("People analytics", (), ("hr",)),
}
"""Sample consumers: name, purposes they may ask for, what they are for in the company."""


def seed(services: Services, secrets: Path) -> Mapping[str, str]:
    """Import the sample people, publish the sample policies, register the sample consumers.

    Does nothing that is done already. Keeps the consumers' secrets in the file ``secrets``,
    readable by its owner only, and returns them.
    """
    now = services.clock.now()
    data = (DATA / "people.csv").read_bytes()
    with services.database.write() as tx:
        people = read_people(data, services.policy.floors_at(tx, now))
        services.directory.import_people(
            tx, people, actor=SYSTEM, now=now, file_digest=digest(data)
        )
        for file in sorted((DATA / "company").glob("*.yaml")):
            _publish(services, tx, file, now)
    kept = _register(services, secrets, now)
    services.integrator.integrate()
    return kept


def _publish(services: Services, tx: Tx, file: Path, now: datetime) -> None:
    region = file.stem
    if services.policy.workflow.changes(tx, region):
        return
    author, *others = _holders(services, tx, "legal", region)
    change = services.policy.workflow.propose(
        tx,
        author,
        region,
        file.read_text(encoding="utf-8"),
        "First policy of the sample company.",
        now,
    )
    approvers = [*others, *_holders(services, tx, "works_council", region)]
    approvers += _holders(services, tx, "dpo", region)
    for approver in approvers:
        if change.state is not ChangeState.IN_REVIEW:
            return
        if {role.name for role in approver.roles} & set(change.approvals_needed):
            change = services.policy.workflow.approve(tx, approver, change.id, change.digest, now)


def _holders(services: Services, tx: Tx, role: str, region: str) -> list[Person]:
    wanted = Role(role, region)
    return [person for person in services.directory.people(tx) if wanted in person.roles]


def _register(services: Services, file: Path, now: datetime) -> Mapping[str, str]:
    if file.exists():
        answer: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return answer
    with services.database.write() as tx:
        admin = next((p for p in services.directory.people(tx) if Role("admin") in p.roles), None)
        if admin is None:
            raise Unavailable("the sample organisation has no admin")
        kept = {
            consumer: services.consumers.register(
                tx, admin, consumer, name, purposes, functions, now
            )
            for consumer, (name, purposes, functions) in CONSUMERS.items()
        }
    private_folder(file.parent)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=1)
    return kept
