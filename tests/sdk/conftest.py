"""A furnished office with laptops on each database."""

import pytest

from app.wiring import Services
from tests.fakes import FakeClock
from tests.sdk.day import Day


@pytest.fixture
def day(services: Services, clock: FakeClock) -> Day:
    day = Day(services, clock)
    day.open()
    return day
