"""What the log shows to machines that nobody introduced."""

import pytest
from starlette.testclient import TestClient

from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.main import create_app
from app.wiring import Services


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(create_app(services), base_url=services.settings.base_url)


def test_the_checkpoint_opens_under_the_key(client: TestClient, services: Services) -> None:
    key = client.get("/log/key")
    note = client.get("/log/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    signed = open_checkpoint(note.content, parse_vkey(key.text.strip()))
    with services.database.read() as tx:
        assert signed.size == services.log.size(tx)
    assert signed.origin == services.log.origin
