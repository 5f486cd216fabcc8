"""The policy house by itself: real log, real rows of who may, real floors, a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access.enforcer import CasbinAuthority
from app.access.floor.terms import ALLOWED
from app.audit.entries.service import AuditService
from app.audit.entries.subjects import SealedNames
from app.audit.entries.vault import Vault
from app.db.engine import Database
from app.db.ring import SealKey
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.law.layer import Floor
from app.policy.law.packs import PolicyTexts, load_floors
from app.policy.service import PolicyService
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.policy.house import House
from tests.policy.tampered import Instance
from tests.templates import Templates

POLICIES = Path(__file__).resolve().parents[2] / "policies"


@pytest.fixture(scope="session")
def shipped_catalogue() -> Catalogue:
    return load_catalogue(POLICIES / "apps")


@pytest.fixture(scope="session")
def catalogue(shipped_catalogue: Catalogue) -> Catalogue:
    return shipped_catalogue


@pytest.fixture(scope="session")
def floors(catalogue: Catalogue) -> tuple[Floor, ...]:
    return load_floors(POLICIES / "regions", catalogue, ALLOWED)


@pytest.fixture(scope="session")
def texts(catalogue: Catalogue) -> PolicyTexts:
    return PolicyTexts(catalogue, ALLOWED)


@pytest.fixture
def house(
    database: Database, clock: FakeClock, floors: tuple[Floor, ...], catalogue: Catalogue
) -> House:
    """Floors and catalogue adopted, nothing published, nobody stopped."""
    access = POLICIES / "access"
    authority = CasbinAuthority(access / "model.conf", access / "policy.csv")
    vault = Vault(bytes(32))
    log = AuditService(vault, "audit.example.com/test/2026")
    database.seals.take(SealKey.of(bytes(32)))
    database.seals.names = SealedNames(vault)
    policy = PolicyService.join(
        log=log,
        authority=authority,
        floors=floors,
        catalogue=catalogue,
        allowed_purposes=ALLOWED,
    )
    house = House(database, clock, log, authority, policy)
    house.adopt()
    return house


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FakeClock,
    templates: Templates,
    shipped: Shipped,
) -> Iterator[Instance]:
    """The sample organisation, policies of several regions in force."""
    with templates.copy(request.param, "sample", tmp_path) as url:
        settings = Settings(var=tmp_path / "var", database_url=url, demo=True)
        instance = Instance(build(settings, clock=clock, shipped=shipped), shipped)
        instance.settle()
        yield instance
        instance.services.close()
