"""The directory on its own, over a real database and a real log."""

from collections.abc import Callable, Iterator

import pytest

from app.audit.entries.service import AuditService
from app.db.engine import Database
from app.directory.service import DirectoryService
from app.kernel.authority import Role
from app.kernel.errors import Forbidden
from app.wiring import Services
from app.wiring.shipped import Shipped
from tests.directory.company import Company, opened
from tests.fakes import FakeClock
from tests.sealing import VAULT, give_seals


class OnlyAdmin:
    """Lets admins import; stands for the Casbin rows, which tests/access tries."""

    def require(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> None:
        if not self.may(roles, region, thing, action):
            raise Forbidden("you need the role admin")

    def may(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> bool:
        del region
        return Role("admin") in roles and (thing, action) == ("people", "import")


@pytest.fixture
def log(database: Database) -> AuditService:
    give_seals(database)
    return AuditService(VAULT, "audit.example/test")


@pytest.fixture
def directory(log: AuditService) -> DirectoryService:
    return DirectoryService(log, OnlyAdmin())


@pytest.fixture
def company(services: Services, clock: FakeClock, shipped: Shipped) -> Iterator[Company]:
    with opened(services, clock, shipped) as made:
        yield made


@pytest.fixture(params=["while it runs", "before a start"])
def change(request: pytest.FixtureRequest, company: Company) -> Callable[..., None]:
    """Change rows behind the program's back, and go on as it was or with a new process."""

    def changed(*statements: str) -> None:
        assert company.sql(*statements)
        if request.param == "before a start":
            company.start_again()

    return changed
