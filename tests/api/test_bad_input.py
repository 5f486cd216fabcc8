"""Bad input: a problem document that names the field and the cure, and nothing changed."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.api.problems import TYPE_BASE
from app.db.metadata import metadata
from app.wiring import Services

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.fixture(autouse=True)
def nothing_changes(services: Services, client: TestClient) -> Iterator[None]:
    """Every table has as many rows after the refusal as before."""
    services.integrator.integrate()
    before = counts(services)
    yield
    services.integrator.integrate()
    assert counts(services) == before
    assert client.get("/healthz").json()["pending"] == 0


def counts(services: Services) -> dict[str, int]:
    with services.database.read() as tx:
        return {
            name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def pairing(body: object) -> dict[str, object]:
    return {"method": "POST", "url": "/v1/agent/pairings", "json": body}


JSON = {"content-type": "application/json"}
REFUSED = {
    "an unknown field": (
        pairing({"name": "a", "jwk": KEY, "colour": "red"}), 422, "invalid-input", "colour",
    ),
    "a wrong type": (pairing({"name": 7, "jwk": KEY}), 422, "invalid-input", "name"),
    "a missing field": (pairing({"name": "a"}), 422, "invalid-input", "jwk"),
    "a key with its private part": (
        pairing({"name": "a", "jwk": {**KEY, "d": KEY["x"]}}), 422, "invalid-input", "jwk.d",
    ),
    "a key of another kind": (
        pairing({"name": "a", "jwk": {**KEY, "crv": "X25519"}}), 422, "invalid-input", "jwk.crv",
    ),
    "broken JSON": (
        {"method": "POST", "url": "/v1/agent/pairings", "content": b'{"name": ', "headers": JSON},
        400, "unreadable", "",
    ),
    "bytes that are no text": (
        {"method": "POST", "url": "/v1/agent/pairings", "content": b"\xff\xfe", "headers": JSON},
        400, "unreadable", "",
    ),
    "an oversized body": (
        {"method": "POST", "url": "/v1/agent/pairings",
         "content": json.dumps({"name": "a" * 2_000_000}), "headers": JSON},
        413, "too-large", "",
    ),
    "no token": ({"method": "GET", "url": "/v1/agent/lease"}, 401, "unauthenticated", ""),
    "a token nobody gave": (
        {"method": "GET", "url": "/v1/agent/lease", "headers": {"Authorization": "Bearer abc"}},
        401, "unauthenticated", "",
    ),
    "a page that is not there": ({"method": "GET", "url": "/v1/nowhere"}, 404, "not-found", ""),
    "an event that is no id": ({"method": "GET", "url": "/log/events/7"}, 422, "invalid-input",
                               "event_id"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "status", "kind", "field"), REFUSED.values(), ids=REFUSED.keys()
)
def test_a_machine_is_told_the_field_and_the_cure(
    client: TestClient, request_: dict[str, object], status: int, kind: str, field: str
) -> None:
    answer = client.request(**request_)  # type: ignore[arg-type]
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == TYPE_BASE + kind
    assert problem["status"] == status
    assert problem["detail"]
    if field:
        assert any(field in fault["field"] for fault in problem["errors"]), problem
        assert all(fault["cure"] for fault in problem["errors"])


def test_a_wrong_method_says_so(client: TestClient) -> None:
    answer = client.put("/v1/agent/pairings")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_request_id_comes_back_on_errors_too(client: TestClient) -> None:
    answer = client.get("/v1/agent/lease", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"


def test_an_unexpected_error_says_nothing_of_the_inside(services: Services) -> None:
    """The stores are pulled away under the request."""
    from app.main import create_app

    application = create_app(services)

    @application.get("/breaks")
    def breaks() -> None:
        raise RuntimeError("the secret word")

    base = services.settings.base_url
    with TestClient(application, base_url=base, raise_server_exceptions=False) as quiet:
        answer = quiet.get("/breaks")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["type"] == TYPE_BASE + "internal"
