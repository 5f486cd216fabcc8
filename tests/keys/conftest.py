"""A laptop that was paired with a service which publishes key sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.keys.office import KeyOffice, Laptop


@pytest.fixture
def office(clock: FakeClock) -> KeyOffice:
    return KeyOffice(clock)


@pytest.fixture
def laptop(tmp_path: Path, office: KeyOffice) -> Iterator[Laptop]:
    with office.wire() as http:
        made = Laptop(tmp_path / "agent", office, http)
        made.pair()
        yield made
