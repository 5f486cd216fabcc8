"""A furnished office on each database."""

import pytest

from app.wiring import Services
from tests.access.office import Office
from tests.fakes import FakeClock


@pytest.fixture
def office(services: Services, clock: FakeClock) -> Office:
    office = Office(services, clock)
    office.open()
    return office
