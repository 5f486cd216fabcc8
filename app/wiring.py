"""Settings become services. The only place that chooses implementations."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.access.enforcer import CasbinAuthority
from app.access.floor import ALLOWED
from app.access.purposes import load_purposes
from app.access.service import AccessService
from app.agents.leases import LEASE_TYPE
from app.agents.service import AgentService
from app.audit.checkpoint import VerifierKey
from app.audit.continuity import has_begun, require_same_log
from app.audit.integrator import Integrator
from app.audit.kept import KeptCheckpoint
from app.audit.service import AuditService
from app.audit.vault import Vault
from app.consent.packs import load_notices
from app.consent.receipts import RECEIPT_TYPE
from app.consent.service import ConsentService
from app.db.engine import Database, Tx, open_database
from app.db.migrate import migrate
from app.directory.service import DirectoryService
from app.directory.sessions import SessionService
from app.kernel.clock import Clock, SystemClock
from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder, create_once
from app.kernel.signing import jwk
from app.policy.packs import load_catalogue, load_floors
from app.policy.service import PolicyService
from app.sdk.grants import GRANT_TYPE
from app.sdk.keys import KEY_USE
from app.settings import Settings


@dataclass(frozen=True)
class Services:
    """Everything a handler or a verb can call, made once at start."""

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyFolder
    authority: CasbinAuthority
    log: AuditService
    integrator: Integrator
    directory: DirectoryService
    sessions: SessionService
    policy: PolicyService
    consent: ConsentService
    agents: AgentService
    access: AccessService

    @property
    def jwks(self) -> dict[str, object]:
        """The public keys of leases, receipts and grants (RFC 7517 §5), each for its own tokens."""
        return {
            "keys": [
                {**jwk(self.keys.signer(name).public), KEY_USE: typ}
                for name, typ in SIGNERS.items()
            ]
        }

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every document that entries can name by digest, for exports."""
        yield from self.policy.documents(tx)
        yield from self.access.documents(tx)
        yield from self.consent.documents(tx)

    def adopt(self) -> None:
        """Bring floors, catalogue, purposes and notices into the database and the log.

        Raises:
            Unavailable: the database's log is not the one that this instance has kept so far.
        """
        now = self.clock.now()
        with self.database.write() as tx:
            self.log.open(tx, now)  # holds the log's lock, so that of two instances one is refused
            key = VerifierKey(self.log.origin, self.keys.signer("log").public)
            kept = self.integrator.kept.read() if self.integrator.kept else None
            require_same_log(tx, self.log, key, kept)
            self.policy.adopt(tx, now)
            self.access.adopt(tx, now)
            self.consent.adopt(tx, now)
        self.integrator.integrate()


SIGNERS = {"lease": LEASE_TYPE, "receipt": RECEIPT_TYPE, "grant": GRANT_TYPE}


def build(
    settings: Settings, *, clock: Clock | None = None, database: Database | None = None
) -> Services:
    """Open the database, bring it to this schema, and join the services.

    Raises:
        Unavailable: the database cannot be used, or its log is not the one of this instance.
        Unreadable: a shipped policy file cannot be read.
    """
    clock = clock or SystemClock()
    settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database or open_database(settings.database)
    migrate(database)
    keys = KeyFolder(settings.var / "keys")
    with database.read() as tx:
        if has_begun(tx):
            _require_origin(settings)
            keys.require("log", "vault")
    services = _joined(settings, clock, database, keys, _origin(settings, clock))
    services.adopt()
    return services


def _joined(
    settings: Settings, clock: Clock, database: Database, keys: KeyFolder, origin: str
) -> Services:
    """Make each service from those below it, in the order of the house."""
    access_rules = settings.policies / "access"
    authority = CasbinAuthority(access_rules / "model.conf", access_rules / "policy.csv")
    catalogue = load_catalogue(settings.policies / "apps")
    log = AuditService(Vault(keys.secret("vault")), origin)
    directory = DirectoryService(log, authority)
    policy = PolicyService(
        log,
        authority,
        load_floors(settings.policies / "regions", catalogue, ALLOWED),
        catalogue,
        ALLOWED,
    )
    consent = ConsentService(
        log,
        directory,
        authority,
        policy.chain,
        keys.signer("receipt"),
        settings.issuer,
        load_notices(settings.policies / "notices"),
    )
    agents = AgentService(
        log,
        directory,
        policy,
        consent,
        authority,
        keys.signer("lease"),
        settings.issuer,
        settings.lease_ttl_s,
        settings.poll_s,
    )
    access = AccessService(
        log,
        directory,
        policy,
        consent,
        authority,
        keys.signer("grant"),
        settings.issuer,
        load_purposes(settings.policies / "purposes.yaml"),
    )
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        authority=authority,
        log=log,
        integrator=Integrator(
            database,
            keys.signer("log"),
            origin,
            clock,
            settings.integrate_every_s,
            KeptCheckpoint(settings.var / "log.checkpoint"),
        ),
        directory=directory,
        sessions=SessionService(log),
        policy=policy,
        consent=consent,
        agents=agents,
        access=access,
    )


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
