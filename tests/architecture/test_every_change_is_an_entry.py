"""No service method changes anything without an entry in the log, in the same transaction.

Every public method that takes a transaction is named here, either as one that only reads or with a
small story that makes it change something. A new method has to be placed, or this fails.
"""

import inspect
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from app.access.decision.inquiry import EvaluationRequest
from app.agents.pairing.service import TOKEN_PATH
from app.agents.reports.model import AgentReport, Captured, ExcludedEvents
from app.audit.entries.model import SYSTEM, Actor, EntryFilter, Event, Kind
from app.audit.export.jobs import Progress
from app.audit.reading.service import ReadingService
from app.audit.restore.custody import Custodians, sign_statement
from app.audit.restore.service import Restore
from app.audit.tree.checkpoint import VerifierKey
from app.consent.model import Act
from app.db.engine import Database, Tx
from app.db.ring import Dispute, Flaw
from app.demo.seed import DATA
from app.kernel.canonical import Json
from app.kernel.facts import decode, encode
from app.kernel.signing import LocalSigner, jwk, read_token, sign_token, thumbprint
from app.kernel.tokens import GRANT_TYPE
from app.kernel.vocabulary import Signal
from app.rights.model import ErasureBasis
from app.wiring import Services
from tests.architecture import readings
from tests.vectors.records import WHOLE

DISPUTE = Dispute("catalogue", Flaw.UNSEALED)

READS = {
    "AlarmService": "listed",
    "AuditService": "began_at checkpoint documents has_adopted index_of overdue pending "
    "pending_since people pseudonym_of size submission_receipts witnessed_checkpoint",
    "PolicyReader": "catalogue chain history in_force memory outlook throughout",
    "Inquirer": "inquire",
    "Witnesses": "state",
    "DirectoryService": "headcounts line lines misplaced past people person plan versions",
    "SessionService": "find",
    "PolicyService": "adopted_catalogues app_names catalogue changed_at counterparties "
    "counterparties_kept counterparty_document document documents exclusion_names floors_at "
    "in_force memory region_view regions throughout",
    "Workflow": "change changes check",
    "Stops": "holding stopped",
    "Catalogues": "told waiting",
    "NoticeService": "believed_starts documents require_current shown was_shown",
    "ConsentService": "history last_number offer_of openings_since receipt receipts said standing "
    "standing_between stood_before",
    "CaptureService": "agreement changed_at effect effect_of held situation told told_in",
    "PairingService": "asked device_of refusal",
    "DeviceService": "of_person revoked",
    "LeaseService": "holder holder_of holding opens renewal told_by",
    "ReportService": "totals",
    "ConsumerService": "authenticate newest registered require_newest",
    "AccessService": "count_uses documents uses",
}

READS["RightsService"] = "statement"
READS["Examination"] = "of"
READS["Reconciler"] = "statement"
READS["KeptSets"] = "caught_up is_in_doubt lost"
READS["KeyService"] = "newest of_root open propose_root"
READS["Services"] = "listed_keys"
READS["SealedNames"] = "erased known take"
READS["Desk"] = " ".join(readings.WITHOUT_ENTRY)

WITHOUT_ENTRY = {
    "KeptSets.bring": "keys.adopted",
    "AuditService.open": "appends the first entry of an empty log; the log here has it",
    "AuditService.keep_document": "keeps bytes that an entry of the same transaction names",
    "AuditService.pseudonym": "makes a random name at first use; whoever asks appends with it",
    "AuditService.pseudonyms": "makes random names at first use; whoever asks appends with them",
    "AlarmService.propose": "alarm.clear_proposed: tests/reconcile/test_alarms.py",
    "AlarmService.clear": "alarm.cleared: tests/reconcile/test_alarms.py",
    "KeyService.adopt": "done at starts, with keys.adopted: tests/keys/test_starting.py",
    "Reconciler.seal_first": "done once, with seals.adopted: tests/reconcile/test_sealing.py",
    "SealedNames.made": "makes random names at first use; whoever asks appends with them",
    "Integrator.grow": "gives entries their places; it changes the tree and no state of anybody",
    "Witnesses.adopt": "hands its list to AuditService.adopt",
    "PairingService.pending": "a wrong code is counted for a quarter of an hour; it opens nothing",
    "PairingService.start": "anybody may begin: kept for minutes; approving is an entry",
    "ExportService.begin": "its thread appends the entry before it reads; see export_log",
    "ConsumerService.hold": "takes a lock and changes no row",
    "DirectoryService.hold": "takes a lock and changes no row",
    "DirectoryService.lock": "takes a lock and changes no row",
    "SessionService.touch": "notes that a session is in use; its start and end are entries",
    "PolicyService.hold": "takes a lock and changes no row",
    "PolicyService.publish_document": "keeps bytes that the lease entry, in the same call, names",
    "PolicyService.publish_counterparties": "keeps bytes that follow from entries of policy",
}

OWN_TRANSACTION = {
    "Services.adopt": "every list it takes into force is adopted by a method of its own",
    "Services.catch_up": "reads the log",
    "Services.close": "closes connections",
    "Doorkeeper.count": "counts in memory",
    "Doorkeeper.run": "calls Doorkeeper.tell",
    "Doorkeeper.tell": "appends door.refused: tests/directory/test_doorkeeper.py",
    "Fold.catch_up": "reads the log",
    "Reconciler.examine": "reads the log and the tables",
    "Reconciler.follow": "reads the log and the tables",
    "Reconciler.keep_bookmark": "writes a file of how far was compared",
    "Reconciler.resume": "reads that file, the log and the tables",
    "Reconciler.rebuild": "appends seals.rebuilt: tests/reconcile/test_rebuild.py",
    "Reconciler.run": "calls the two above",
    "KeyService.follow": "renews by KeyService.adopt: tests/agents/test_key_rotation.py",
    "KeyService.in_force": "what this process has read",
    "KeyService.propose_renewal": "writes a text",
    "KeyService.propose_rotation": "writes a text, and makes a key that nobody believes yet",
    "KeyService.publics": "what this process has read",
    "KeyService.take_newest": "reads what is committed",
    "KeyService.signs_alone": "looks which keys are there",
    "Fold.load": "reads a file and the log",
    "Fold.restart": "forgets what this process read",
    "Fold.save": "writes a file of what the log says",
    "LockStore.adopt_file": "the lock store outlives the database and its log",
    "LockStore.advance": "the lock store outlives the database and its log",
    "LockStore.erased": "reads the lock store",
    "LockStore.key_sets": "reads the lock store",
    "LockStore.newest_key_set": "reads the lock store",
    "LockStore.note_key_set": "called next to the entry about the key set",
    "LockStore.note_erased": "called next to the entry about the erasure",
    "LockStore.published": "reads the lock store",
    "LockStore.read": "reads the lock store",
    "ExportService.cancel": "changes a file of the job; the entry about the export stays",
    "ExportService.find": "reads a file of the job",
    "ExportService.jobs_of": "reads files of jobs",
    "ExportService.remove": "removes a file that was taken out of the log",
    "ExportService.sweep": "removes files that were taken out of the log",
    "ExportService.tail": "log.exported, committed before the first entry is read",
    "ExportService.write": "log.exported, committed before the first entry is read",
    "Integrator.integrate": "gives entries their places",
    "KeyService.prepare": "keeps key sets in the lock store, before the entry about them",
    "KeyService.publish": "keys.adopted",
    "Integrator.publish": "signs the tree",
    "Integrator.run": "gives entries their places and signs the tree",
    "Witnesses.close": "closes connections",
    "Witnesses.run": "keeps signatures of others",
    "Restore.acknowledge": "log.restored; see tests/audit/restore",
    "Restore.statement": "makes a text to sign",
}
"""Methods without a transaction, of classes that can begin one, and what they change."""

EMPLOYEE, LEGAL, SECOND = "E-0042", "E-0008", "E-0026"


class Story:
    """The sample organisation, and short ways to what the methods need."""

    def __init__(self, services: Services, tx: Tx) -> None:
        self.services, self.tx = services, tx
        self.now: datetime = services.clock.now()

    def person(self, id_: str) -> Any:
        return self.services.directory.person(self.tx, id_)

    def holder(self, role: str, but: str = "") -> Any:
        return next(
            person
            for person in self.services.directory.people(self.tx)
            if role in map(str, person.roles) and person.id != but
        )

    def shown(self) -> str:
        offer = self.services.capture.situation(self.tx, self.person(EMPLOYEE), self.now).offer
        show = self.services.notices.show
        return str(show(self.tx, self.person(EMPLOYEE), offer, "en", self.now).id)

    def given(self) -> None:
        self.services.consent.decide(
            self.tx, self.person(EMPLOYEE), Act.GIVEN, self.now, shown_id=self.shown()
        )

    def started(self) -> Any:
        key = LocalSigner.generate()
        name = f"laptop {secrets.token_hex(4)}"
        public = {name: jwk(key.public)[name] for name in ("kty", "crv", "x")}
        pairing = self.services.pairing.start(self.tx, name, public, self.now)
        return SimpleNamespace(key=key, pairing=pairing, id=pairing.device_id)

    def paired(self) -> Any:
        started = self.started()
        started.device = self.services.pairing.approve(
            self.tx, self.person(EMPLOYEE), started.pairing.request, self.now
        )
        return started

    def assertion(self, started: Any) -> str:
        seconds = int(self.now.timestamp())
        claims: dict[str, Json] = {
            "iss": started.id,
            "sub": started.id,
            "aud": self.services.settings.issuer + TOKEN_PATH,
            "iat": seconds,
            "exp": seconds + 60,
            "jti": secrets.token_urlsafe(24),
        }
        return sign_token(started.key, "JWT", claims)

    def proposed(self) -> Any:
        text = (DATA / "company" / "US.yaml").read_text(encoding="utf-8")
        text = text.replace("retention_days: 30", "retention_days: 29", 1)
        author = self.holder("legal@US")
        return author, self.services.policy.workflow.propose(
            self.tx, author, "US", text, "a note", self.now
        )


def import_people(story: Story) -> None:
    moved = replace(story.person(EMPLOYEE), department="Research")
    story.services.directory.import_people(
        story.tx, [moved], actor=SYSTEM, now=story.now, file_digest="sha256:" + "0" * 64
    )


def import_piece(story: Story) -> None:
    directory, file = story.services.directory, "sha256:" + "0" * 64
    moved = replace(story.person(EMPLOYEE), department="Research")
    plan = directory.plan(story.tx, [moved], file)
    directory.import_piece(story.tx, plan, plan.pieces[0], SYSTEM, story.now)


def end_import(story: Story) -> None:
    directory = story.services.directory
    plan = directory.plan(story.tx, [story.person(EMPLOYEE)], "sha256:" + "0" * 64)
    directory.end_import(story.tx, plan, SYSTEM, story.now)


def start_session(story: Story) -> str:
    return story.services.sessions.start(story.tx, EMPLOYEE, "https://idp", EMPLOYEE, story.now)


def approve(story: Story) -> None:
    author, change = story.proposed()
    second = story.holder("legal@US", but=author.id)
    story.services.policy.workflow.approve(story.tx, second, change.id, change.digest, story.now)


def tighten(story: Story) -> None:
    text = (DATA / "company" / "US.yaml").read_text(encoding="utf-8")
    narrower = text.replace("retention_days: 30", "retention_days: 7", 1)
    assert narrower != text
    story.services.policy.workflow.tighten(
        story.tx, story.holder("legal@US"), "US", narrower, "a note", story.now
    )


def stop(story: Story) -> Any:
    actor = story.holder("legal@US")
    story.services.policy.stops.stop(story.tx, actor, "US", "a note", story.now)
    return actor


def propose_resume(story: Story) -> Any:
    actor = stop(story)
    story.services.policy.stops.propose_resume(story.tx, actor, "US", story.now)
    return actor


def approve_resume(story: Story) -> None:
    actor = propose_resume(story)
    second = story.holder("legal@US", but=actor.id)
    story.services.policy.stops.approve_resume(story.tx, second, "US", story.now)


def take_in_catalogue(story: Story) -> Any:
    """A service starts with files in which an app is recognised in one more way."""
    policy = story.services.policy
    app = next(app for app in policy.shipped.apps.values() if not app.browser)
    match = replace(app.match, urls=(*app.match.urls, "wider.example.com"))
    wider = {**policy.shipped.apps, app.id: replace(app, match=match)}
    policy.catalogues.take_in(story.tx, replace(policy.shipped, apps=wider), story.now)
    waiting = policy.catalogues.waiting(story.tx)
    assert waiting is not None
    return waiting


def propose_catalogue(story: Story) -> Any:
    waiting = take_in_catalogue(story)
    propose, actor = story.services.policy.catalogues.propose, story.holder("legal@GLOBAL")
    propose(story.tx, actor, waiting.digest, waiting.base, "a note", story.now)
    return waiting, actor


def decline_catalogue(story: Story) -> None:
    waiting, actor = propose_catalogue(story)
    decline = story.services.policy.catalogues.decline
    decline(story.tx, actor, waiting.digest, waiting.base, "a note", story.now)


def approve_catalogue(story: Story) -> None:
    waiting, actor = propose_catalogue(story)
    second = story.holder("legal@GLOBAL", but=actor.id)
    approve = story.services.policy.catalogues.approve
    approve(story.tx, second, waiting.digest, waiting.base, "", story.now)


def withdraw_change(story: Story) -> None:
    author, change = story.proposed()
    story.services.policy.workflow.withdraw(story.tx, author, change.id, story.now)


def end_all_consents(story: Story) -> None:
    story.given()
    assert story.services.consent.end_all(story.tx, story.now) == 1


def revoke_consent(story: Story) -> None:
    story.given()
    story.services.consent.revoke(
        story.tx, story.person(EMPLOYEE), Actor("person", LEGAL), "a note", story.now
    )


def lease(story: Story) -> None:
    story.given()
    story.services.leases.lease(story.tx, story.paired().device, story.now)


def redeem(story: Story) -> None:
    started = story.paired()
    code = started.pairing.device_code
    story.services.pairing.redeem(story.tx, code, story.assertion(started), story.now)


def token(story: Story) -> None:
    started = story.paired()
    story.services.pairing.token(story.tx, story.assertion(started), story.now)


def report(story: Story) -> None:
    device = story.paired().device
    written = AgentReport(
        id="0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11",
        lease=None,
        policy=None,
        allowed=(Captured("github", Signal.CLICK, 2),),
        refused={"no_lease": 3, "excluded": 2},
        excluded=(ExcludedEvents("banking", 2),),
    )
    story.services.reports.take(story.tx, device, written, story.now)


def revoke_device(story: Story) -> None:
    device = story.paired().device
    story.services.devices.revoke(story.tx, story.person(EMPLOYEE), device.id, story.now)


def evaluate(story: Story) -> None:
    secret = register(story)
    consumer = story.services.consumers.authenticate(story.tx, secret, story.now)
    asked = EvaluationRequest(
        subject_type="consumer", subject_id="c1", action="read", resource_type="captured_data",
        resource_id="ui-events", persons=(EMPLOYEE,), signals=("click",),
        captured_from=story.now - timedelta(hours=1), captured_to=story.now,
        purpose="performance_evaluation",
    )  # fmt: skip
    story.services.access.evaluate(story.tx, consumer, asked, story.now)


def register(story: Story) -> str:
    return story.services.consumers.register(
        story.tx, story.holder("admin"), "c1", "A consumer", ("ai_training.computer_use",),
        ("training",), story.now,
    )  # fmt: skip


def rotate(story: Story) -> None:
    consumers = story.services.consumers
    consumer = consumers.newest(story.tx)[0].id
    consumers.rotate(story.tx, story.holder("admin"), consumer, story.now)


def use(story: Story) -> None:
    """Somebody asks for their own data, is permitted, and says what became of it."""
    secret = story.services.consumers.register(
        story.tx, story.holder("admin"), "rights-desk", "Rights", ("rights.fulfilment",),
        ("rights",), story.now,
    )  # fmt: skip
    consumer = story.services.consumers.authenticate(story.tx, secret, story.now)
    asked = EvaluationRequest(
        subject_type="person", subject_id=EMPLOYEE, action="read", resource_type="captured_data",
        resource_id="ui-events", persons=(EMPLOYEE,), signals=("click",),
        captured_from=story.now - timedelta(hours=1), captured_to=story.now,
        purpose="rights.fulfilment",
    )  # fmt: skip
    answer = story.services.access.evaluate(story.tx, consumer, asked, story.now)
    keys = {thumbprint(key := story.services.keys.signer("grant").public): key}
    grant = str(read_token(answer.context["grant"], GRANT_TYPE, keys)["jti"])
    story.services.access.use(story.tx, consumer, grant, "used", story.now, rows=3)


def hand_over(story: Story) -> None:
    managers = [person.manager for person in story.services.directory.people(story.tx)]
    single = next(
        manager for manager in managers if manager is not None and managers.count(manager) == 1
    )
    story.services.directory.hand_over(story.tx, single, SYSTEM, story.now)


def erase(story: Story) -> None:
    """Somebody who has read the notice; by two custodians whom this instance then knows."""
    person = story.person(SECOND)
    offer = story.services.capture.situation(story.tx, person, story.now).offer
    story.services.notices.show(story.tx, person, offer, "en", story.now)
    keys = {name: LocalSigner.generate() for name in ("one", "two")}
    known = Custodians(tuple(VerifierKey(name, key.public) for name, key in keys.items()))
    adopted, listed = Kind.LOG_CUSTODIANS_ADOPTED, known.document
    story.services.log.adopt(story.tx, adopted, "custodians", listed, story.now)
    rights = replace(story.services.rights, custodians=known)
    note = rights.statement(story.tx, person.id, ErasureBasis.GDPR_17_1_C).encode()
    for name, key in keys.items():
        note = sign_statement(note, name, key).encode()
    rights.erase(story.tx, person.id, ErasureBasis.GDPR_17_1_C, note, story.now)


def erase_again(story: Story) -> None:
    pseudonym = story.services.log.pseudonym(story.tx, SECOND)
    story.services.rights.remembers.note_erased(pseudonym, story.now)
    story.services.rights.erase_again(story.tx, story.now)


def fetch(story: Story) -> None:
    """Somebody exports, and fetches the file."""
    actor = story.holder("auditor")

    def write(target: Path, _progress: Progress) -> str:
        target.write_bytes(b"a file")
        return "habeas-export-1.tar"

    exports = story.services.exports
    job = exports.jobs.start(actor.id, {"form": "tar"}, write)
    for thread in threading.enumerate():
        if thread.name == f"export-{job.id}":
            thread.join()
    exports.file(story.tx, actor, job.id)


def read(name: str) -> Callable[[Story], object]:
    _, reading = readings.READINGS[name]
    return lambda story: reading(story.services, story.tx, story.holder("auditor"))


CHANGES: dict[str, Callable[[Story], object]] = {
    "DirectoryService.import_people": import_people,
    "DirectoryService.import_piece": import_piece,
    "DirectoryService.end_import": end_import,
    "DirectoryService.leave": lambda s: s.services.directory.leave(s.tx, EMPLOYEE, SYSTEM, s.now),
    "DirectoryService.hand_over": hand_over,
    "RightsService.erase": erase,
    "RightsService.erase_again": erase_again,
    "SessionService.start": start_session,
    "SessionService.end": lambda s: s.services.sessions.end(s.tx, start_session(s), s.now),
    "PolicyService.adopt": lambda _: None,  # see test_adopting_is_an_entry
    "Workflow.approve": approve,
    "Catalogues.take_in": take_in_catalogue,
    "Catalogues.propose": propose_catalogue,
    "Catalogues.decline": decline_catalogue,
    "Catalogues.approve": approve_catalogue,
    "Stops.approve_resume": approve_resume,
    "Workflow.propose": Story.proposed,
    "Stops.propose_resume": propose_resume,
    "Stops.stop": stop,
    "Workflow.tighten": tighten,
    "Workflow.withdraw": withdraw_change,
    "NoticeService.adopt": lambda _: None,
    "DirectoryService.state_roles": lambda _: None,  # see tests/directory/test_import_people.py
    "ConsentService.decide": Story.given,
    "ConsentService.end_all": end_all_consents,
    "ConsentService.revoke": revoke_consent,
    "NoticeService.show": Story.shown,
    "PairingService.approve": Story.paired,
    "LeaseService.lease": lease,
    "PairingService.redeem": redeem,
    "ReportService.take": report,
    "DeviceService.revoke": revoke_device,
    "PairingService.token": token,
    "AccessService.adopt": lambda _: None,
    "AccessService.evaluate": evaluate,
    "ConsumerService.register": register,
    "ConsumerService.rotate": rotate,
    "AccessService.use": use,
    "AuditService.append": lambda s: s.services.log.append(
        s.tx, Event(Kind.LOG_READ, SYSTEM), s.now
    ),
    "AuditService.adopt": lambda s: s.services.log.adopt(
        s.tx, Kind.LOG_CUSTODIANS_ADOPTED, "custodians", b"a list", s.now
    ),
    "AuditService.adopt_rules": lambda s: s.services.log.adopt_rules(s.tx, 3, "9.9", s.now),
    "AuditService.adopt_seals": lambda s: s.services.log.adopt_seals(s.tx, s.now),
    "AuditService.raise_alarms": lambda s: s.services.log.raise_alarms(s.tx, s.now, [DISPUTE]),
    "ExportService.file": fetch,
    **{f"Desk.{name}": read(name) for name in readings.READINGS},
}
AT_START = {"PolicyService.adopt", "NoticeService.adopt", "AccessService.adopt"}
AT_START |= {"DirectoryService.state_roles"}
"""What is adopted at start has a test of its own below."""

ENTRY = {
    "DirectoryService.import_people": "directory.person",
    "DirectoryService.import_piece": "directory.person",
    "DirectoryService.end_import": "directory.imported",
    "DirectoryService.leave": "directory.person",
    "DirectoryService.hand_over": "directory.person",
    "RightsService.erase": "subject.erased",
    "RightsService.erase_again": "subject.erased",
    "SessionService.start": "session.started",
    "SessionService.end": "session.ended",
    "Workflow.approve": "policy.approved",
    "Catalogues.take_in": "policy.catalogue_shipped",
    "Catalogues.propose": "policy.catalogue_proposed",
    "Catalogues.decline": "policy.catalogue_declined",
    "Catalogues.approve": "policy.catalogue_approved",
    "Stops.approve_resume": "policy.resumed",
    "Workflow.propose": "policy.proposed",
    "Stops.propose_resume": "policy.resume_proposed",
    "Stops.stop": "policy.stopped",
    "Workflow.tighten": "policy.published",
    "Workflow.withdraw": "policy.withdrawn",
    "ConsentService.decide": "consent.given",
    "ConsentService.end_all": "consent.revoked",
    "ConsentService.revoke": "consent.revoked",
    "NoticeService.show": "notice.shown",
    "PairingService.approve": "device.paired",
    "LeaseService.lease": "lease.changed",
    "PairingService.redeem": "device.token_issued",
    "ReportService.take": "agent.reported",
    "DeviceService.revoke": "device.revoked",
    "PairingService.token": "device.token_issued",
    "AccessService.evaluate": "access.decided",
    "ConsumerService.register": "access.consumer_registered",
    "ConsumerService.rotate": "access.consumer_registered",
    "AccessService.use": "access.used",
    "AuditService.append": "log.read",
    "AuditService.adopt": "log.custodians_adopted",
    "AuditService.adopt_rules": "rules.adopted",
    "AuditService.adopt_seals": "seals.adopted",
    "AuditService.raise_alarms": "alarm.raised",
    "ExportService.file": "log.read",
    **{f"Desk.{name}": kind for name, (kind, _) in readings.READINGS.items()},
}


def services_of(holder: object, seen: set[type] | None = None) -> set[type]:
    """Every class of this program that is reached from the services by public names."""
    seen = set() if seen is None else seen
    if type(holder) not in seen and type(holder).__module__.startswith("app."):
        seen.add(type(holder))
        for name, value in getattr(holder, "__dict__", {}).items():
            if not name.startswith("_"):
                services_of(value, seen)
    return seen


def public(service: type, *, with_tx: bool) -> Iterator[str]:
    for name, method in inspect.getmembers(service, inspect.isfunction):
        takes_tx = "tx" in inspect.signature(method).parameters
        if not name.startswith("_") and takes_tx == with_tx:
            yield f"{service.__name__}.{name}"


def begins_transactions(service: type) -> bool:
    hints = get_type_hints(service) | get_type_hints(service.__init__)
    return service is not Database and Database in hints.values()


def methods(services: Services) -> set[str]:
    return {name for at in services_of(services) for name in public(at, with_tx=True)}


def test_every_method_is_placed(services: Services) -> None:
    reads = {f"{service}.{name}" for service, names in READS.items() for name in names.split()}
    assert methods(services) == reads | set(WITHOUT_ENTRY) | set(CHANGES)
    assert CHANGES.keys() - AT_START == set(ENTRY)


def test_every_method_that_can_begin_a_transaction_is_placed(services: Services) -> None:
    classes = {service for service in services_of(services) if begins_transactions(service)}
    without_tx = {name for at in classes | {Restore} for name in public(at, with_tx=False)}
    assert without_tx == OWN_TRANSACTION.keys()


def test_a_service_within_a_service_is_seen(services: Services) -> None:
    classes = {service.__name__ for service in services_of(services)}
    assert {"AuditService", "Workflow", "Inquirer", "Integrator", "Witnesses"} <= classes


@pytest.mark.parametrize("method", ENTRY)
def test_a_change_is_an_entry_of_its_kind_and_one_undone_leaves_none(
    sample: Services, method: str
) -> None:
    """The entry is written in the transaction of the change: neither is there without the other."""
    nothing_is_left_of_an_undone(sample, method)

    def entries() -> int:
        sample.integrator.integrate()
        with sample.database.read() as tx:
            return ReadingService(sample.log).counts_by_kind(tx).get(ENTRY[method], 0)

    before = entries()
    with sample.database.write() as tx:
        CHANGES[method](Story(sample, tx))
    assert entries() == before + 1 or (method == "PairingService.redeem" and entries() > before)
    with sample.database.read() as tx:
        wanted = EntryFilter(kind=ENTRY[method], limit=1)
        (newest,) = ReadingService(sample.log).search(tx, wanted)
    record = WHOLE.get(Kind(ENTRY[method]))
    assert record is None or encode(decode(record, newest.leaf["facts"])) == newest.leaf["facts"]


def nothing_is_left_of_an_undone(sample: Services, method: str) -> None:
    with sample.database.read() as tx:
        before = (sample.log.size(tx), sample.log.pending(tx))

    class Undone(Exception):
        pass

    with pytest.raises(Undone), sample.database.write() as tx:
        CHANGES[method](Story(sample, tx))
        raise Undone
    with sample.database.read() as tx:
        assert (sample.log.size(tx), sample.log.pending(tx)) == before


def test_adopting_is_an_entry(services: Services) -> None:
    with services.database.read() as tx:
        counts = ReadingService(services.log).counts_by_kind(tx)
    assert {
        "policy.floor_adopted": 10,
        "policy.catalogue_adopted": 1,
        "policy.purposes_adopted": 1,
        "notice.adopted": 2,
    }.items() <= counts.items()


def test_adopting_again_changes_nothing(services: Services) -> None:
    with services.database.read() as tx:
        before = services.log.size(tx)
    services.adopt()
    with services.database.read() as tx:
        assert services.log.size(tx) == before
