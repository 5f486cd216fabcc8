"""Settings become services. The only place that chooses implementations."""

import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from app.access.consumers import ConsumerService
from app.access.decision.inquiry import Inquirer
from app.access.enforcer import CasbinAuthority
from app.access.floor.purposes import PurposeFile, load_purposes
from app.access.floor.terms import ALLOWED
from app.access.grants.permit import GrantSigner
from app.access.service import AccessService
from app.agents.devices.service import DeviceService
from app.agents.pairing.service import PairingService
from app.agents.reports.service import ReportService
from app.agents.service import AgentService
from app.audit.entries.documents import CUSTODIANS
from app.audit.entries.halt import Halt
from app.audit.entries.model import Kind
from app.audit.entries.receipts import SubmissionReceipts
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.export.jobs import ExportJobs
from app.audit.export.service import ExportService
from app.audit.export.writing import Documents
from app.audit.growing.backlog import Backlog
from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import LockStore, open_lock
from app.audit.reading.desk import Desk
from app.audit.restore.continuity import has_begun, require_same_log
from app.audit.restore.custody import Custodians, parse_custodians
from app.audit.restore.service import Restore, finish, origin_now
from app.audit.tree.checkpoint import VerifierKey
from app.audit.tree.epoch import next_origin
from app.audit.witnesses.asking import Witnesses, read_policy
from app.capture.service import CaptureService
from app.consent.model import Notice
from app.consent.packs import load_notices
from app.consent.service import ConsentService
from app.db.engine import Database, Tx, open_database
from app.db.migrate import bring_up
from app.db.scrub import scrub
from app.db.selftest import require_guarded
from app.directory.service import DirectoryService
from app.directory.sessions import SessionService
from app.kernel.clock import Clock, SystemClock
from app.kernel.errors import Conflict, Unavailable
from app.kernel.keys import KeyFolder, create_once
from app.kernel.signing import jwk
from app.kernel.tokens import (
    ERASURE_TYPE,
    GRANT_TYPE,
    KEY_USE,
    LEASE_TYPE,
    RECEIPT_TYPE,
    SUBMISSION_TYPE,
)
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.law.layer import Floor
from app.policy.law.packs import load_floors
from app.policy.service import PolicyService
from app.rights.service import RightsService
from app.rights.store import TABLES as ERASED_TABLES
from app.settings import Settings


@dataclass(frozen=True)
class Shipped:
    """What the files of the folder ``policies`` say. They do not change while a process lives."""

    authority: CasbinAuthority
    catalogue: Catalogue
    floors: tuple[Floor, ...]
    purposes: PurposeFile
    notices: tuple[Notice, ...]


def read_shipped(policies: Path) -> Shipped:
    """Read the shipped files.

    Raises:
        Unreadable: one of them cannot be read.
    """
    catalogue = load_catalogue(policies / "apps")
    return Shipped(
        CasbinAuthority(policies / "access" / "model.conf", policies / "access" / "policy.csv"),
        catalogue,
        load_floors(policies / "regions", catalogue, ALLOWED),
        load_purposes(policies / "purposes.yaml"),
        load_notices(policies / "notices"),
    )


@dataclass(frozen=True)
class Services:
    """Everything a handler or a verb can call, made once at start."""

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyFolder
    authority: CasbinAuthority
    log: AuditService
    desk: Desk
    exports: ExportService
    integrator: Integrator
    directory: DirectoryService
    sessions: SessionService
    policy: PolicyService
    consent: ConsentService
    capture: CaptureService
    pairing: PairingService
    devices: DeviceService
    agents: AgentService
    reports: ReportService
    consumers: ConsumerService
    access: AccessService
    rights: RightsService
    lock: LockStore
    backlog: Backlog
    witnesses: Witnesses
    custodians: Custodians | None
    """Of whom two must sign what needs two people; None where none are named."""
    documents: Documents
    """Gives every document that entries can name by digest, for exports."""

    @property
    def jwks(self) -> dict[str, object]:
        """The public keys of leases, receipts and grants (RFC 7517 §5), each for its own tokens."""
        return {
            "keys": [
                {**jwk(self.keys.signer(name).public), KEY_USE: typ}
                for name, typ in SIGNERS.items()
            ]
        }

    def close(self) -> None:
        """Close the connections to witnesses, the database and the lock store."""
        self.witnesses.close()
        self.database.engine.dispose()
        self.integrator.database.engine.dispose()
        self.lock.database.engine.dispose()

    def adopt(self, *, serving: bool = True) -> None:
        """Bring floors, catalogue, purposes and notices into the database and the log.

        Args:
            serving: also take custodians and witness policy into force. A verb beside the service
                leaves them alone: its shell may not have the service's settings.

        Raises:
            Unavailable: the database's log is not the one that this instance has kept so far.
        """
        now = self.clock.now()
        with self.database.write() as tx:
            self.log.open(tx, now)  # holds the log's lock, so that of two instances one is refused
            key = VerifierKey(self.log.origin, self.keys.signer("log").public)
            require_same_log(tx, self.log, key, self.lock.read())
            if serving and self.custodians is not None:
                kind, listed = Kind.LOG_CUSTODIANS_ADOPTED, self.custodians.document
                self.log.adopt(tx, kind, CUSTODIANS, listed, now)
            if serving:
                self.witnesses.adopt(tx, self.log, now)
            self.policy.adopt(tx, now)
            self.access.adopt(tx, now)
            self.consent.adopt(tx, now)
            back = self.rights.erase_again(tx, now)
        if back:  # a restored database held them; what it still shows of them is written over
            scrub(self.database, ERASED_TABLES)
        self.integrator.integrate()


SIGNERS = {
    "lease": LEASE_TYPE,
    "receipt": RECEIPT_TYPE,
    "grant": GRANT_TYPE,
    "submission": SUBMISSION_TYPE,
    "erasure": ERASURE_TYPE,
}


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    serving: bool = True,
    shipped: Shipped | None = None,
) -> Services:
    """Open the database, bring it to this schema, and join the services.

    Args:
        settings: all that can be chosen.
        clock: the machine's where none is given.
        database: that of the settings where none is given.
        serving: see ``Services.adopt``.
        shipped: for who starts several in one process; read anew where none is given.

    Raises:
        Unavailable: the database cannot be used, or its log is not the one of this instance.
        Unreadable: a shipped policy file cannot be read.
    """
    with ExitStack() as stores:
        services, _ = _opened(settings, clock, database, stores, shipped=shipped)
        services.adopt(serving=serving)
        stores.pop_all()  # kept open from here on; closed where the start was refused
    return services


def restore(
    settings: Settings, *, clock: Clock | None = None, database: Database | None = None
) -> tuple[Services, Restore]:
    """Join the services over a database whose log was rolled back, under the log's next name.

    Nothing is adopted and nothing served: what comes back can acknowledge the restore and no more.
    A restore that was begun before is finished first.

    Raises:
        Forbidden, Unavailable: as ``build``, but for the state that is to be acknowledged.
    """
    with ExitStack() as stores:
        services, finished = _opened(settings, clock, database, stores, after_restore=True)
        log, integrator = services.log, services.integrator
        if finished:
            raise Conflict(
                f"the restore that was begun is finished: the log goes on as {log.origin}",
                cure="Start again.",
            )
        stores.pop_all()
    return services, Restore(services.database, services.lock, log, integrator, services.custodians)


def _opened(
    settings: Settings,
    clock: Clock | None,
    database: Database | None,
    stores: ExitStack,
    *,
    after_restore: bool = False,
    shipped: Shipped | None = None,
) -> tuple[Services, bool]:
    """Open the stores and join the services; say whether a restore was finished on the way."""
    clock = clock or SystemClock()
    settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    if database is None:
        database = open_database(settings.database)
        stores.callback(database.engine.dispose)
    bring_up(database)
    require_guarded(database, strict=not settings.demo)
    keys = KeyFolder(settings.var / "keys")
    with database.read() as tx:
        if has_begun(tx):
            _require_origin(settings)
            keys.require("log", "vault")
    lock, custodians = open_lock(settings.lock), _custodians(settings.custodians)
    stores.callback(lock.database.engine.dispose)
    lock.adopt_file(settings.var / "log.checkpoint", clock.now())
    base, public = _origin(settings, clock), keys.signer("log").public
    with database.read() as tx:
        origin, unfinished = origin_now(tx, lock, base, public, custodians)
    if after_restore and not unfinished:
        origin = next_origin(origin)
    shipped = shipped or read_shipped(settings.policies)
    services = _joined(settings, clock, database, keys, lock, origin, custodians, shipped)
    if unfinished:
        finish(database, lock, services.integrator)
    return services, unfinished


def _joined(
    settings: Settings,
    clock: Clock,
    database: Database,
    keys: KeyFolder,
    lock: LockStore,
    origin: str,
    custodians: Custodians | None,
    shipped: Shipped,
) -> Services:
    """Make each service from those below it, in the order of the house."""
    authority = shipped.authority
    within = timedelta(seconds=settings.merge_within_s)
    receipts = SubmissionReceipts(keys.signer("submission"), settings.issuer, within)
    log = AuditService(Vault(keys.secret("vault")), origin, Halt(), receipts, within)
    directory = DirectoryService(log, authority)
    policy = PolicyService.join(
        log=log,
        authority=authority,
        floors=shipped.floors,
        catalogue=shipped.catalogue,
        allowed_purposes=ALLOWED,
    )
    consent = ConsentService(
        log,
        directory,
        authority,
        policy.chain,
        keys.signer("receipt"),
        settings.issuer,
        shipped.notices,
    )
    capture = CaptureService(policy, consent)
    agents = AgentService(
        log,
        directory,
        policy,
        capture,
        keys.signer("lease"),
        settings.issuer,
        settings.lease_ttl_s,
        settings.poll_s,
    )
    purposes, consumers = shipped.purposes, ConsumerService(log, authority)
    access = AccessService(
        log=log,
        consumers=consumers,
        inquirer=Inquirer(log, directory, policy, consent, authority, frozenset(purposes.datasets)),
        grants=GrantSigner(keys.signer("grant"), settings.issuer),
        purposes=purposes,
    )
    devices = DeviceService(log, directory, authority, policy.chain)
    rights = RightsService(
        log, directory, devices, custodians, lock, keys.signer("erasure"), settings.issuer
    )
    integrator = Integrator(
        _for_integrator(settings, database),
        keys.signer("log"),
        origin,
        clock,
        settings.integrate_every_s,
        lock,
        log.halt,
        within,
    )
    documents = _documents(log, policy, access, consent)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        authority=authority,
        log=log,
        desk=Desk(log, authority),
        exports=ExportService(
            authority=authority,
            clock=clock,
            database=database,
            log=log,
            integrator=integrator,
            documents=documents,
            jobs=ExportJobs(settings.var / "exports", clock),
        ),
        integrator=integrator,
        directory=directory,
        sessions=SessionService(log),
        policy=policy,
        consent=consent,
        capture=capture,
        pairing=PairingService(log, settings.issuer),
        devices=devices,
        agents=agents,
        reports=ReportService(log, directory, policy),
        consumers=consumers,
        access=access,
        witnesses=_witnesses(settings, database, clock, keys, origin),
        rights=rights,
        lock=lock,
        backlog=Backlog(settings.pending_max, within),
        custodians=custodians,
        documents=documents,
    )


class _Keeper(Protocol):
    """A service that keeps documents which its entries name by digest."""

    def documents(self, tx: Tx) -> Iterable[tuple[str, bytes]]:
        """Every such document, each with its digest."""
        ...


def _documents(*keepers: _Keeper) -> Documents:
    return lambda tx: chain.from_iterable(keeper.documents(tx) for keeper in keepers)


def _for_integrator(settings: Settings, database: Database) -> Database:
    """Open the same database with the integrator's role; it still hears of every commit here."""
    if not settings.integrator_url:
        return database
    found = replace(open_database(settings.integrator_url), committed=database.committed)
    require_guarded(found, strict=not settings.demo)
    return found


def _custodians(file: Path | None) -> Custodians | None:
    if file is None:
        return None
    try:
        return parse_custodians(file.read_bytes())
    except OSError as error:
        raise Unavailable(
            f"the list of custodians cannot be read: {file}: {error.strerror}",
            cure="Name the file in HABEAS_CUSTODIANS, or leave the setting away.",
        ) from error


def _witnesses(
    settings: Settings, database: Database, clock: Clock, keys: KeyFolder, origin: str
) -> Witnesses:
    key = VerifierKey(origin, keys.signer("log").public)
    return Witnesses(database, clock, key, read_policy(settings.witnesses, key))


def _require_origin(settings: Settings) -> None:
    if not (settings.var / "origin").exists():
        raise Unavailable(
            f"the database holds a log, but its name is missing: {settings.var / 'origin'}",
            cure="Put the folder named by HABEAS_VAR back from its copy; a log has one name.",
            kind="origin-lost",
        )


def _origin(settings: Settings, clock: Clock) -> str:
    """The log's name: host, instance, year (C2SP tlog-checkpoint: a schema-less URL)."""
    file: Path = settings.var / "origin"
    if not file.exists():
        host = urlsplit(settings.base_url).hostname
        create_once(file, f"audit.{host}/{uuid.uuid4()}/{clock.now().year}\n".encode())
    return file.read_text(encoding="utf-8").strip()
