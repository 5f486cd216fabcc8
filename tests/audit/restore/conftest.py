"""The sample organisation, as it is and after a withdrawal was lost; on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.restore.instance import MINUTE, Instance, opened
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[Instance]:
    """The sample organisation."""
    with opened(request.param, "sample", request, tmp_path, clock) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def lost(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Instance]:
    """The same after a withdrawal was lost (``lose_a_withdrawal``)."""
    clock.advance(MINUTE)
    with opened(request.param, "lost", request, tmp_path, clock) as made:
        yield made
