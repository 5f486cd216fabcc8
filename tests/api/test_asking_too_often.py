"""Laptops and consumers that ask without end: told when to come back, with nothing written."""

from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.wiring import Services
from tests.agents.conftest import assertion
from tests.agents.test_api import ask
from tests.architecture.test_every_change_is_an_entry import Story

MOST = 10


@pytest.fixture
def http(sample: Services) -> TestClient:
    few = {"device_per_minute": MOST, "consumer_per_minute": MOST}
    settings = sample.settings.model_copy(update=few)
    app = create_app(replace(sample, settings=settings))
    return TestClient(app, base_url=sample.settings.base_url)


@pytest.fixture
def laptop(sample: Services, http: TestClient) -> dict[str, str]:
    """What a laptop sends to show who it is."""
    with sample.database.write() as tx:
        paired = Story(sample, tx).paired()
    token = ask(http, assertion(paired.key, paired.id, sample.clock.now())).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def consumer(sample: Services) -> dict[str, str]:
    """What a consumer sends to show who it is."""
    with sample.database.write() as tx:
        story = Story(sample, tx)
        purposes = ("ai_training.computer_use",)
        secret = sample.consumers.register(
            tx, story.holder("admin"), "asker", "Asker", purposes, ("training",), story.now
        )
    return {"Authorization": f"Bearer {secret}"}


def is_refused_beyond(ask_once: Callable[[], httpx2.Response], sample: Services) -> None:
    asked = [ask_once() for _ in range(MOST)]
    assert 429 not in {answer.status_code for answer in asked}
    sample.integrator.integrate()
    beyond = ask_once()
    assert beyond.status_code == 429
    assert int(beyond.headers["Retry-After"]) >= 1
    assert "Opting out works meanwhile." in beyond.json()["cure"]
    with sample.database.read() as tx:
        assert sample.log.pending(tx) == 0, "a refused request writes nothing"


def test_a_laptop_that_polls_without_end(
    sample: Services, http: TestClient, laptop: dict[str, str]
) -> None:
    is_refused_beyond(lambda: http.get("/v1/agent/lease", headers=laptop), sample)


def test_a_laptop_that_fetches_or_reports_without_end(
    sample: Services, http: TestClient, laptop: dict[str, str]
) -> None:
    digest = "sha256:" + "0" * 64
    paths = iter(["policies", "counterparties"] * MOST)
    is_refused_beyond(lambda: http.get(f"/v1/agent/{next(paths)}/{digest}", headers=laptop), sample)
    body = {"report": "r" * 8, "lease": None, "policy": None, "allowed": [], "refused": {}}
    assert http.post("/v1/agent/reports", json=body, headers=laptop).status_code == 429


def test_a_consumer_that_asks_without_end(
    sample: Services, http: TestClient, consumer: dict[str, str]
) -> None:
    question = {
        "subject": {"type": "consumer", "id": "asker"},
        "action": {"name": "read"},
        "resource": {"type": "captured_data", "id": "none"},
    }
    is_refused_beyond(
        lambda: http.post("/access/v1/evaluation", json=question, headers=consumer), sample
    )
