"""A furnished office on each database."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.wiring import Services
from app.wiring.shipped import Shipped
from tests.access.office import FURNISHED, Office, furnish
from tests.access.raided import Raided
from tests.fakes import FakeClock
from tests.templates import Templates


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path, shipped: Shipped
) -> Iterator[str]:
    """A copy of an office that was furnished once; of a first start where no test enters it."""
    furnish(templates, shipped)
    name = FURNISHED if "office" in request.fixturenames else "started"
    with templates.copy(request.param, name, tmp_path) as url:
        yield url


@pytest.fixture
def office(services: Services, clock: FakeClock) -> Office:
    return Office.entered(services, clock)


@pytest.fixture(params=["running", "at start"])
def raided(request: pytest.FixtureRequest, office: Office, shipped: Shipped) -> Iterator[Raided]:
    with ExitStack() as started:
        yield Raided(office, request.param == "running", started, shipped)
