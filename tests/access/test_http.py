"""POST /access/v1/evaluation as OpenID AuthZEN 1.0 has it: shapes, errors, headers."""

import json
import os
import socket
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy import text
from starlette.testclient import TestClient

from app.access.decision.record import recorded
from app.api.server.connections import ConnectionBounds
from app.api.server.serving import configuration
from app.consent.model import Act
from app.kernel.signing import read_token
from app.kernel.tokens import GRANT_TYPE
from app.main import create_app
from app.sdk.store.grants import UseRefused, report_use
from tests.access.office import ALICE, BOB, TRAINING, Office
from tests.access.recomputed import recompute

pytestmark = pytest.mark.slow

URL = "/access/v1/evaluation"


@pytest.fixture
def client(office: Office) -> TestClient:
    # Not entered as a context: no integrator thread moves the log under the test.
    return TestClient(
        create_app(office.services),
        base_url=office.services.settings.base_url,
        raise_server_exceptions=False,
    )


def question(office: Office, *people: str, **properties: Any) -> dict[str, Any]:
    now = office.now
    return {
        "subject": {"type": "consumer", "id": "pipeline"},
        "action": {"name": "read"},
        "resource": {
            "type": "captured_data",
            "id": "ui-events",
            "properties": {
                "persons": list(people),
                "signals": ["click"],
                "captured_from": (now - timedelta(hours=2)).isoformat(),
                "captured_to": (now - timedelta(hours=1)).isoformat(),
                **properties,
            },
        },
        "context": {"purpose": TRAINING},
    }


def headers(office: Office, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.secrets['pipeline']}", **more}


def test_permit_and_deny_are_both_answers(office: Office, client: TestClient) -> None:
    office.captured(ALICE)
    answer = client.post(URL, json=question(office, ALICE.id), headers=headers(office))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["decision"] is True
    assert answer.json()["context"]["grant"].count(".") == 2
    office.decide(ALICE, Act.WITHDRAWN)
    answer = client.post(URL, json=question(office, ALICE.id), headers=headers(office))
    assert answer.status_code == 200
    assert answer.json()["decision"] is False
    (reason,) = answer.json()["context"]["reasons"]
    assert reason == {
        "code": "consent_now",
        "sentence": "Somebody has not agreed, or no longer agrees.",
    }
    assert len(office.entries(kind="access.decided")) == 2


def test_several_people_are_answered_by_id(office: Office, client: TestClient) -> None:
    office.captured(ALICE, BOB)
    answer = client.post(URL, json=question(office, ALICE.id, BOB.id), headers=headers(office))
    assert set(answer.json()["context"]["consent_event"]) == {ALICE.id, BOB.id}
    assert answer.json()["context"]["consent_index"] == {ALICE.id: None, BOB.id: None}


def test_performance_evaluation_is_answered_with_no(office: Office, client: TestClient) -> None:
    office.captured(ALICE)
    asked = question(office, ALICE.id)
    asked["context"]["purpose"] = "performance_evaluation"
    answer = client.post(URL, json=asked, headers=headers(office))
    assert answer.status_code == 200
    assert answer.json()["decision"] is False
    assert answer.json()["context"]["reasons"][0]["code"] == "purpose_prohibited"


def test_unknown_fields_are_ignored(office: Office, client: TestClient) -> None:
    office.captured(ALICE)
    asked = question(office, ALICE.id, colour="blue")
    asked |= {"options": {"x": 1}, "evaluations": []}
    asked["subject"] |= {"properties": {"role": "admin"}, "nickname": "p"}
    asked["action"] |= {"properties": {"soft": True}, "id": 3}
    answer = client.post(URL, json=asked, headers=headers(office))
    assert answer.json()["decision"] is True


def test_a_charset_is_accepted(office: Office, client: TestClient) -> None:
    office.captured(ALICE)
    answer = client.post(
        URL,
        content=json.dumps(question(office, ALICE.id)),
        headers=headers(office, **{"Content-Type": "application/json; charset=utf-8"}),
    )
    assert answer.json()["decision"] is True


def without(*path: str) -> Any:
    def change(asked: dict[str, Any]) -> None:
        place = asked
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return change


def with_value(value: object, *path: str) -> Any:
    def change(asked: dict[str, Any]) -> None:
        place = asked
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


MALFORMED = {
    "no subject": (without("subject"), "subject"),
    "no action": (without("action"), "action"),
    "no resource": (without("resource"), "resource"),
    "no subject type": (without("subject", "type"), "subject.type"),
    "no subject id": (without("subject", "id"), "subject.id"),
    "no action name": (without("action", "name"), "action.name"),
    "no resource type": (without("resource", "type"), "resource.type"),
    "no resource id": (without("resource", "id"), "resource.id"),
    "subject as text": (with_value("alice", "subject"), "subject"),
    "subject as null": (with_value(None, "subject"), "subject"),
    "action name as number": (with_value(1, "action", "name"), "action.name"),
    "empty subject id": (with_value("", "subject", "id"), "subject.id"),
    "resource id as list": (with_value(["events"], "resource", "id"), "resource.id"),
    "context as text": (with_value("training", "context"), "context"),
    "properties as list": (with_value([], "resource", "properties"), "resource.properties"),
    "persons as text": (
        with_value("E-3", "resource", "properties", "persons"),
        "resource.properties.persons",
    ),
    "a person as number": (
        with_value([3], "resource", "properties", "persons"),
        "resource.properties.persons.0",
    ),
    "too many persons": (
        with_value([f"E-{n}" for n in range(65)], "resource", "properties", "persons"),
        "resource.properties.persons",
    ),
    "an unknown signal": (
        with_value(["mood"], "resource", "properties", "signals"),
        "resource.properties.signals",
    ),
    "an instant without offset": (
        with_value("2026-11-16T09:00:00", "resource", "properties", "captured_from"),
        "resource.properties.captured_from",
    ),
    "an instant as number": (
        with_value(1763283600, "resource", "properties", "captured_to"),
        "resource.properties.captured_to",
    ),
    "an instant before all years": (
        with_value("0001-01-01T00:00:00+14:00", "resource", "properties", "captured_from"),
        "resource.properties.captured_from",
    ),
    "an instant after all years": (
        with_value("9999-12-31T23:59:59-14:00", "resource", "properties", "captured_to"),
        "resource.properties.captured_to",
    ),
    "a dataset that is a sentence": (
        with_value("the keystrokes of Alice", "resource", "id"),
        "resource.id",
    ),
}


def test_a_question_of_the_wrong_shape_is_400_and_names_the_field(
    office: Office, client: TestClient
) -> None:
    for case, (change, field) in MALFORMED.items():
        asked = deepcopy(question(office, ALICE.id))
        change(asked)
        answer = client.post(URL, json=asked, headers=headers(office))
        assert answer.status_code == 400, case
        assert answer.headers["content-type"] == "application/problem+json", case
        problem = answer.json()
        assert problem["type"] == "urn:habeas:problem:unreadable", case
        assert problem["detail"], case
        assert problem["errors"][0]["field"] == field, case
        assert problem["errors"][0]["cure"], case
    assert not office.entries(kind="access.decided")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T00:00:00+14:00", "0001-01-01T00:00:00-14:00"),
    ],
)
def test_the_ends_of_time_are_refused_and_recorded(
    office: Office, client: TestClient, start: str, end: str
) -> None:
    office.captured(ALICE)
    asked = question(office, ALICE.id, captured_from=start, captured_to=end)
    answer = client.post(URL, json=asked, headers=headers(office))
    assert answer.status_code == 200
    assert answer.json()["decision"] is False
    (entry,) = office.entries(kind="access.decided")
    assert recompute(entry.leaf["facts"]) == recorded(entry.leaf["facts"])


def test_characters_that_no_database_keeps_are_400(office: Office, client: TestClient) -> None:
    places = (
        ("subject", "type"),
        ("subject", "id"),
        ("action", "name"),
        ("resource", "type"),
        ("resource", "id"),
        ("resource", "properties", "persons"),
        ("resource", "properties", "signals"),
        ("resource", "properties", "captured_from"),
        ("resource", "properties", "colour"),
        ("context", "purpose"),
    )
    sent = headers(office, **{"Content-Type": "application/json"})
    for place in places:
        for bad in ("a\0b", "\0", "\ud800", "a\udfff"):
            asked = question(office, ALICE.id, colour="blue")
            with_value([bad] if place[-1] in {"persons", "signals"} else bad, *place)(asked)
            answer = client.post(URL, content=json.dumps(asked), headers=sent)
            assert answer.status_code == 400, (place, bad)
            assert answer.json()["detail"], (place, bad)
    named = question(office, ALICE.id, **{"a\0b": 1})
    assert client.post(URL, content=json.dumps(named), headers=sent).status_code == 400
    told = question(office, ALICE.id, colour="a\\u0000b")  # a backslash, which is a text like any
    assert client.post(URL, content=json.dumps(told), headers=sent).status_code == 200
    assert len(office.entries(kind="access.decided")) == 1


NO_OBJECT = (
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"null",
    b"3",
    b"\xff\xfe",
    b'{"subject": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
)


def test_what_is_not_a_json_object_is_400(office: Office, client: TestClient) -> None:
    sent = headers(office, **{"Content-Type": "application/json"})
    for body in NO_OBJECT:
        answer = client.post(URL, content=body, headers=sent)
        assert answer.status_code == 400, body[:20]
        assert answer.json()["detail"], body[:20]


def test_another_content_type_is_400(office: Office, client: TestClient) -> None:
    body = json.dumps(question(office, ALICE.id))
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        sent = headers(office, **{"Content-Type": kind})
        assert client.post(URL, content=body, headers=sent).status_code == 400, kind


def test_only_post_is_a_question(client: TestClient) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = client.request(method, URL, headers={"X-Request-ID": "r-1"})
        assert answer.status_code == 405, method
        assert answer.headers["x-request-id"] == "r-1", method


def test_who_is_not_known_is_401(office: Office, client: TestClient) -> None:
    wrong = ["", "Bearer", "Bearer ", "Bearer wrong", "Basic cGlwZWxpbmU6eA==", "bearer \u00e9"]
    for authorization in wrong:
        sent = {"Authorization": authorization.encode("latin-1")} if authorization else {}
        answer = client.post(URL, json=question(office, ALICE.id), headers=sent)
        assert answer.status_code == 401, authorization
        assert answer.headers["www-authenticate"].startswith("Bearer"), authorization
        assert answer.headers["content-type"] == "application/problem+json", authorization
    assert not office.entries(kind="access.decided")


def test_a_true_secret_under_another_scheme_is_401(office: Office, client: TestClient) -> None:
    secret = office.secrets["pipeline"]
    for authorization in (f"Basic {secret}", f"Token {secret}", f"DPoP {secret}", secret):
        answer = client.post(
            URL, json=question(office, ALICE.id), headers={"Authorization": authorization}
        )
        assert answer.status_code == 401, authorization
    assert not office.entries(kind="access.decided")


def test_who_is_not_known_or_not_understood_never_waits_for_the_writer(
    office: Office, client: TestClient
) -> None:
    """A refusal before the decision begins no writing transaction, so an open one is no matter."""
    unknown = {"Authorization": "Bearer wrong"}
    with office.services.database.write() as tx:
        tx.execute(text("UPDATE person SET department = department"))
        begun = monotonic()
        refused = client.post(URL, json=question(office, ALICE.id), headers=unknown)
        unread = client.post(URL, json={}, headers=headers(office))
        took = monotonic() - begun
    assert (refused.status_code, unread.status_code) == (401, 400)
    assert took < 2.5  # seconds; a second writer on SQLite would wait for five


@pytest.fixture
def port(office: Office) -> Iterator[int]:
    """The application on a real socket of this machine."""
    config = configuration(create_app(office.services), ConnectionBounds(), "127.0.0.1", 0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_a_client_that_sends_slowly_holds_nobody_up(office: Office, port: int) -> None:
    office.captured(ALICE)
    body = json.dumps(question(office, ALICE.id)).encode()
    kept = {"Connection": "close", "Content-Type": "application/json"}
    sent = headers(office, Host="localhost", **kept)
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        slow.sendall(f"POST {URL} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode())
        slow.sendall(body[:20])
        sleep(1)  # long enough to be read, authenticated and waited for
        begun = monotonic()
        office.decide(ALICE, Act.WITHDRAWN)
        assert monotonic() - begun < 2.5
        slow.sendall(body[20:])
        answer = b"".join(iter(lambda: slow.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"consent_now" in answer  # the withdrawal came first, and counts


def test_the_request_id_comes_back_on_every_answer(office: Office, client: TestClient) -> None:
    named = {"X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    sent = headers(office, **named)
    answers = [
        client.post(URL, json=question(office, ALICE.id), headers=sent),
        client.post(URL, json={}, headers=sent),
        client.post(URL, json=question(office, ALICE.id), headers=named),
        client.get(URL, headers=named),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 405]
    assert {answer.headers["x-request-id"] for answer in answers} == set(named.values())


def test_a_body_that_is_too_large_is_413(office: Office, client: TestClient) -> None:
    asked = question(office, ALICE.id, padding="x" * 1_100_000)
    answer = client.post(URL, json=asked, headers=headers(office))
    assert answer.status_code == 413
    assert not office.entries(kind="access.decided")


def test_the_same_question_gets_the_same_decision(office: Office, client: TestClient) -> None:
    office.captured(ALICE)
    asked = question(office, ALICE.id)
    decisions = [client.post(URL, json=asked, headers=headers(office)).json() for _ in range(3)]
    assert [decision["decision"] for decision in decisions] == [True, True, True]
    assert len({decision["context"]["grant"] for decision in decisions}) == 3


def todo_cases() -> list[dict[str, Any]]:
    here = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("HABEAS_VECTORS", here.parent / "shared" / "vectors"))
    file = folder / "authzen" / "todo-1_0-02.json"
    if not file.exists():
        return []
    body = json.loads(file.read_text(encoding="utf-8"))
    return [case["request"] for case in body["evaluation"]]


def test_the_shapes_of_the_interop_scenario_are_read_and_denied_without_a_row(
    office: Office, client: TestClient
) -> None:
    cases = todo_cases()
    if not cases:
        pytest.skip("no AuthZEN vectors; set HABEAS_VECTORS")
    for request in cases:
        answer = client.post(URL, json=request, headers=headers(office))
        assert answer.status_code == 200
        assert answer.json()["decision"] is False


# Closing a grant ---------------------------------------------------------------------------------


def granted(office: Office, client: TestClient) -> str:
    """The address at which a grant that was just given is closed."""
    office.captured(ALICE)
    answer = client.post(URL, json=question(office, ALICE.id), headers=headers(office)).json()
    claims = read_token(answer["context"]["grant"], GRANT_TYPE, office.grant_keys)
    return f"/access/v1/grants/{claims['jti']}/use"


def test_a_consumer_says_once_what_it_did_with_a_grant(office: Office, client: TestClient) -> None:
    url = granted(office, client)
    said = {"outcome": "used", "rows": 12, "result": "sha256:" + "a" * 64}
    answer = client.post(url, json=said, headers=headers(office))
    assert answer.status_code == 200
    assert answer.json() == {
        **said,
        "grant": url.split("/")[-2],
        "log_event": answer.json()["log_event"],
    }
    assert client.post(url, json=said, headers=headers(office)).json() == answer.json()
    (entry,) = office.entries(kind="access.used")
    assert entry.leaf["event"] == answer.json()["log_event"]
    other = client.post(url, json={"outcome": "unused"}, headers=headers(office))
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert "closed before" in other.json()["detail"]


@pytest.mark.parametrize(
    "said",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"outcome": "sold"}',
        b'{"outcome": "used", "rows": -1}',
        b'{"outcome": "used", "rows": 1.5}',
        b'{"outcome": "used", "rows": true}',
        b'{"outcome": "used", "rows": 9007199254740992}',
        b'{"outcome": "used", "result": "a text"}',
        b'{"outcome": "used", "result": "sha256:' + b"a" * 64 + b'\\n"}',
        b'{"outcome": "unused", "rows": 1}',
    ],
)
def test_a_report_of_use_that_cannot_be_read_is_a_400_with_its_field(
    office: Office, client: TestClient, said: bytes
) -> None:
    url = granted(office, client)
    typed = {"Content-Type": "application/json"}
    answer = client.post(url, content=said, headers=headers(office, **typed))
    assert answer.status_code in {400, 422}, answer.json()
    assert answer.json()["detail"]
    assert not office.entries(kind="access.used")


def test_a_grant_is_closed_by_nobody_else(office: Office, client: TestClient) -> None:
    url, said = granted(office, client), {"outcome": "used"}
    assert client.post(url, json=said).status_code == 401
    wrong = {"Authorization": "Bearer a guess"}
    assert client.post(url, json=said, headers=wrong).status_code == 401
    theirs = {"Authorization": f"Bearer {office.secrets['auditors']}"}
    assert client.post(url, json=said, headers=theirs).status_code == 404
    unknown = url.replace(url.split("/")[-2], "x" * 64)
    assert client.post(unknown, json=said, headers=headers(office)).status_code == 404
    assert not office.entries(kind="access.used")


def test_the_client_of_a_data_store_closes_its_grant(office: Office, client: TestClient) -> None:
    grant, waited = granted(office, client).split("/")[-2], list[float]()

    def answered(request: httpx2.Request) -> httpx2.Response:
        if len(waited) < 2:
            raise httpx2.ConnectError("nobody there")
        answer = client.post(
            request.url.path, content=request.content, headers=dict(request.headers)
        )
        return httpx2.Response(answer.status_code, content=answer.content)

    transport = httpx2.MockTransport(answered)
    with httpx2.Client(base_url=office.services.settings.base_url, transport=transport) as http:
        secret = office.secrets["pipeline"]
        event = report_use(http, secret, grant, rows=4, sleep=waited.append)
        assert waited == [2, 4]
        assert report_use(http, secret, grant, rows=4) == event
        with pytest.raises(UseRefused, match="closed before"):
            report_use(http, secret, grant, rows=None)
        waited.clear()
        with pytest.raises(httpx2.ConnectError):
            report_use(http, secret, grant, rows=4, attempts=1, sleep=waited.append)


def test_an_answer_that_is_no_problem_document_is_told_by_its_status() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(403, content=b"<html>"))
    with (
        httpx2.Client(base_url="http://habeas.example", transport=transport) as http,
        pytest.raises(UseRefused, match="answered 403"),
    ):
        report_use(http, "a secret", "a grant", rows=1)
    failing = httpx2.MockTransport(lambda _: httpx2.Response(503))
    with (
        httpx2.Client(base_url="http://habeas.example", transport=failing) as http,
        pytest.raises(httpx2.HTTPStatusError),
    ):
        report_use(http, "a secret", "a grant", rows=1, attempts=2, sleep=lambda _: None)
