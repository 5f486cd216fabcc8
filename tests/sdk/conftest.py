"""A furnished office with laptops on each database, and the log of an eventful day there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.access.office import FURNISHED, furnish
from tests.fakes import FakeClock
from tests.sdk.day import Day, Log
from tests.sdk.eventful import eventful
from tests.templates import Templates


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path, shipped: Shipped
) -> Iterator[str]:
    """A copy of an office that was furnished once."""
    furnish(templates, shipped)
    with templates.copy(request.param, FURNISHED, tmp_path) as url:
        yield url


@pytest.fixture
def day(services: Services, clock: FakeClock) -> Day:
    return Day.entered(services, clock)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def eventful_day(
    request: pytest.FixtureRequest,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    shipped: Shipped,
) -> Iterator[Day]:
    """The office after an eventful day, made once for each database: tests only read it."""
    furnish(templates, shipped)
    folder, clock = tmp_path_factory.mktemp("eventful"), FakeClock()
    with templates.copy(request.param, FURNISHED, folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=shipped)
        day = Day.entered(services, clock)
        eventful(day)
        yield day
        services.close()


@pytest.fixture(scope="session")
def eventful_log(eventful_day: Day) -> Log:
    """What the log says of that day."""
    return eventful_day.log()
