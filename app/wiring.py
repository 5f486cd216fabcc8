"""Settings become services. The only place that chooses implementations."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.access.enforcer import CasbinAuthority
from app.access.floor import ALLOWED
from app.access.purposes import load_purposes
from app.access.service import AccessService
from app.agents.service import AgentService
from app.audit.integrator import Integrator
from app.audit.service import AuditService
from app.audit.vault import Vault
from app.consent.packs import load_notices
from app.consent.service import ConsentService
from app.db.engine import Database, open_database
from app.db.migrate import migrate
from app.directory.service import DirectoryService
from app.directory.sessions import SessionService
from app.kernel.clock import Clock, SystemClock
from app.kernel.keys import KeyFolder
from app.kernel.signing import jwk
from app.policy.packs import load_catalogue, load_floors
from app.policy.service import PolicyService
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
        """The public keys of leases, receipts and grants (RFC 7517 §5)."""
        return {"keys": [jwk(self.keys.signer(name).public) for name in SIGNERS]}

    def documents(self) -> tuple[tuple[str, bytes], ...]:
        """Every document that entries name by digest, for exports."""
        with self.database.read() as tx:
            return (*self.policy.documents(tx), *self.access.documents(tx))

    def adopt(self) -> None:
        """Bring floors, catalogue, purposes and notices into the database and the log."""
        now = self.clock.now()
        with self.database.write() as tx:
            self.log.open(tx, now)
            self.policy.adopt(tx, now)
            self.access.adopt(tx, now)
            self.consent.adopt(tx, now)
        self.integrator.integrate()


SIGNERS = ("lease", "receipt", "grant")


def build(
    settings: Settings, *, clock: Clock | None = None, database: Database | None = None
) -> Services:
    """Open the database, bring it to this schema, and join the services.

    Raises:
        Unavailable: the database cannot be used.
        Unreadable: a shipped policy file cannot be read.
    """
    clock = clock or SystemClock()
    settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database or open_database(settings.database)
    migrate(database)
    keys = KeyFolder(settings.var / "keys")
    origin = _origin(settings, clock)
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
    services = Services(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        authority=authority,
        log=log,
        integrator=Integrator(database, keys.signer("log"), origin, clock),
        directory=directory,
        sessions=SessionService(log),
        policy=policy,
        consent=consent,
        agents=agents,
        access=access,
    )
    services.adopt()
    return services


def _origin(settings: Settings, clock: Clock) -> str:
    """The log's name: host, instance, year (C2SP tlog-checkpoint: a schema-less URL)."""
    file: Path = settings.var / "origin"
    if not file.exists():
        host = urlsplit(settings.base_url).hostname
        file.write_text(f"audit.{host}/{uuid.uuid4()}/{clock.now().year}\n", encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()
