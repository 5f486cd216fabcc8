"""A witness of its own, in a folder of its own, with a clock that holds still."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.witness.http import witness_app
from app.witness.service import Witness, open_witness
from tests.fakes import FakeClock
from tests.witness.small_log import SmallLog

NAME = "works-council.example/w1"


@pytest.fixture
def log() -> SmallLog:
    return SmallLog()


@pytest.fixture
def witness(tmp_path: Path, clock: FakeClock, log: SmallLog) -> Iterator[Witness]:
    opened = open_witness(tmp_path / "witness", NAME, clock)
    opened.trust(log.vkey, "https://habeas.example")
    yield opened
    opened.database.engine.dispose()


@pytest.fixture
def http(witness: Witness) -> TestClient:
    return TestClient(witness_app(witness))
