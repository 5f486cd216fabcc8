"""A furnished office on each database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.access.office import Office
from tests.fakes import FakeClock
from tests.templates import Templates

SECRETS = "secrets.json"
"""The file next to the keys that tells each consumer's secret."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path, shipped: Shipped
) -> Iterator[str]:
    """A copy of an office that was furnished once; of a first start where no test enters it."""

    def furnish(settings: Settings) -> None:
        services = build(settings, clock=FakeClock(), shipped=shipped)
        office = Office(services, FakeClock())
        office.open()
        (settings.var / SECRETS).write_text(json.dumps(office.secrets), encoding="utf-8")
        services.close()

    templates.add("furnished", "started", furnish)
    name = "furnished" if "office" in request.fixturenames else "started"
    with templates.copy(request.param, name, tmp_path) as url:
        yield url


@pytest.fixture
def office(services: Services, clock: FakeClock) -> Office:
    secrets = (services.settings.var / SECRETS).read_text(encoding="utf-8")
    return Office(services, clock, json.loads(secrets))
