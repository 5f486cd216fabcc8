"""The agents' endpoints over HTTP: forms, headers, problem documents. On both databases."""

import json
import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.agents.pairing.codes import SOURCE_CODES
from app.agents.pairing.pace import AT_ONCE
from app.consent.model import Act
from app.kernel.canonical import digest
from app.kernel.errors import NotFound
from app.kernel.signing import LocalSigner, b64u, jwk, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE, keys_for
from tests.agents.conftest import assertion

pytestmark = pytest.mark.slow

BASE = "http://127.0.0.1:8000"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SURROGATE = "\ud800"
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def http(company):
    from app.main import create_app

    return TestClient(create_app(company.services), base_url=BASE, raise_server_exceptions=False)


@pytest.fixture
def key() -> LocalSigner:
    return LocalSigner.generate()


def public(key):
    return {name: jwk(key.public)[name] for name in ("kty", "crv", "x")}


def start(http, key, **changes):
    return http.post("/v1/agent/pairings", json={"name": "laptop", "jwk": public(key), **changes})


def ask(http, signed, grant="client_credentials", **form):
    return http.post(
        "/v1/agent/token",
        data={
            "grant_type": grant,
            "client_assertion_type": KIND,
            "client_assertion": signed,
            **form,
        },
    )


@pytest.fixture
def bearer(http, company, key):
    """The headers of a paired device of an engineer who consented under a policy."""
    company.publish()
    company.decide()
    device = company.pair(key=key)
    given = ask(http, assertion(key, device.id, company.now)).json()
    return {"Authorization": f"Bearer {given['access_token']}"}


def report(**changes):
    return {
        "report": "r-00000001",
        "lease": None,
        "policy": None,
        "allowed": [{"app": "vscode", "signal": "click", "events": 3}],
        "refused": {"excluded": 1},
        **changes,
    }


# Pairing and tokens


def test_pairing_follows_rfc_8628(http, company, key):
    begun = start(http, key)
    assert begun.status_code == 201
    assert begun.headers["cache-control"] == "no-store"
    body = begun.json()
    assert body["expires_in"] == 900
    assert body["verification_uri"] == f"{BASE}/me/devices/pair"
    link = body["verification_uri_complete"]
    assert re.fullmatch(re.escape(f"{BASE}/me/devices/pair?request=") + "[A-Za-z0-9_-]+", link)
    assert len(link) < 400

    def redeem():
        signed = assertion(key, body["client_id"], company.now)
        return ask(http, signed, GRANT, device_code=body["device_code"])

    waiting = redeem()
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    hasty = redeem()
    assert (hasty.status_code, hasty.json()["error"]) == (400, "slow_down")
    company.approve(body["user_code"])
    given = redeem()
    assert given.status_code == 200
    assert given.json().keys() == {"access_token", "token_type", "expires_in"}
    assert given.json()["token_type"] == "Bearer"
    assert given.headers["cache-control"] == "no-store"
    again = redeem()
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_used_assertion_stays_used_although_its_answer_was_an_error(http, company, key):
    """The refusal is committed: rolling it back would let the assertion be used again."""
    body = start(http, key).json()
    device = company.approve(body["user_code"])
    with company.write() as tx:
        company.services.devices.revoke(tx, company.person(), device.id, company.now)
    signed = assertion(key, body["client_id"], company.now)
    first = ask(http, signed, GRANT, device_code=body["device_code"])
    assert first.json()["error"] == "access_denied"
    again = ask(http, signed, GRANT, device_code=body["device_code"])
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


def test_a_crowd_at_one_address_leaves_the_laptop_of_another_its_code(http, company, key):
    """Over HTTP: the addresses of one IPv6 line are one source."""
    crowd = [
        TestClient(http.app, base_url=BASE, client=(f"2001:db8::{number:x}", 50_000))
        for number in range(8)
    ]
    honest = TestClient(http.app, base_url=BASE, client=("2001:db8:0:1::7", 50_000))
    begun, own = start(honest, key).json(), start(crowd[0], LocalSigner.generate()).json()
    company.clock.advance(1)
    for number in range(SOURCE_CODES):
        assert start(crowd[number % 8], key).status_code == 201
    with pytest.raises(NotFound):
        company.approve(own["user_code"])
    assert company.approve(begun["user_code"]).id == begun["client_id"]
    with company.read() as tx:
        request = own["verification_uri_complete"].partition("request=")[2]
        seen = company.services.pairing.asked(tx, request, company.now)
    assert seen.source == "2001:db8::/64"


def test_too_many_tokens_are_429_with_the_time_to_wait(http, company, key):
    device = company.pair(key=key)
    answers = [ask(http, assertion(key, device.id, company.now)) for _ in range(AT_ONCE + 1)]
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE + [429]
    assert answers[-1].json()["error"] == "slow_down"
    assert answers[-1].headers["retry-after"] == "120"
    company.clock.advance(120)
    assert ask(http, assertion(key, device.id, company.now)).status_code == 200


TOKEN_REFUSALS = [
    ({}, 401, "invalid_client"),
    ({"grant_type": "client_credentials"}, 401, "invalid_client"),
    (
        {"grant_type": "password", "client_assertion_type": KIND, "client_assertion": "x"},
        400,
        "unsupported_grant_type",
    ),
    (
        {"grant_type": GRANT, "client_assertion_type": KIND, "client_assertion": "x"},
        400,
        "invalid_request",
    ),
    (
        {
            "grant_type": "client_credentials",
            "client_assertion_type": KIND,
            "client_assertion": "x",
            "unknown": "ignored",
        },
        401,
        "invalid_client",
    ),
]


def test_the_token_endpoint_refuses_as_oauth_does(http):
    for form, status, error in TOKEN_REFUSALS:
        answer = http.post("/v1/agent/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) is (status == 401)


BAD_PAIRINGS = [
    {},
    {"name": "laptop"},
    {"name": "laptop", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "short"}},
    {"name": "laptop", "jwk": {"kty": "RSA", "n": "…", "e": "AQAB"}},
    {"name": "x" * 81, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
    {"name": "x", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43}},
    {"name": "x", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}, "person": "E-1000"},
    {"name": ["x"], "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
    {"name": "x", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42 + "B"}},
    {"name": "of small order", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
]


def test_a_bad_pairing_request_is_a_problem_document(http, company):
    for body in BAD_PAIRINGS:
        answer = http.post("/v1/agent/pairings", json=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:habeas:problem:invalid-input"
        assert answer.json()["errors"]
        assert company.entries("device.pairing_started") == []


# The lease


def test_a_lease_is_polled_with_its_etag(http, company, bearer):
    first = http.get("/v1/agent/lease", headers=bearer)
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/habeas-lease+jwt"
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.text.count(".") == 2
    held = {**bearer, "If-None-Match": first.headers["etag"]}
    second = http.get("/v1/agent/lease", headers=held)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]
    company.decide(Act.WITHDRAWN)
    third = http.get("/v1/agent/lease", headers=held)
    assert third.status_code == 200
    assert third.headers["etag"] != first.headers["etag"]


def test_law_2_the_entry_of_a_lease_is_there_when_the_answer_is(http, company, bearer):
    http.get("/v1/agent/lease", headers=bearer)
    assert len(company.entries("lease.changed")) == 1
    http.get("/v1/agent/lease", headers=bearer)
    assert len(company.entries("lease.changed")) == 1


BAD_POLLS = [
    {"place": "GERMANY"},
    {"place": ""},
    {"place": "de"},
    {"nonce": "x"},
    {"nonce": "x" * 129},
]


def test_a_bad_poll_is_a_problem_document(http, bearer):
    for query in BAD_POLLS:
        answer = http.get(f"/v1/agent/lease?{urlencode(query)}", headers=bearer)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_policy_document_is_for_ever(http, company, bearer):
    signer = company.services.keys.signer("lease").public
    token = http.get("/v1/agent/lease", headers=bearer).text
    named = read_token(token, LEASE_TYPE, {thumbprint(signer): signer})["policy"]
    answer = http.get(f"/v1/agent/policies/{named}", headers=bearer)
    assert answer.status_code == 200
    assert digest(answer.content) == named
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert http.get(f"/v1/agent/policies/{named}").status_code == 401
    missing = http.get("/v1/agent/policies/sha256:" + "0" * 64, headers=bearer)
    assert missing.status_code == 404
    assert http.get("/v1/agent/policies/latest", headers=bearer).status_code == 422


# Reports


def test_a_report_is_taken_once(http, bearer):
    first = http.post("/v1/agent/reports", json=report(), headers=bearer)
    assert first.status_code == 200
    again = http.post("/v1/agent/reports", json=report(), headers=bearer)
    assert (again.status_code, again.json()) == (200, first.json())
    empty = http.post("/v1/agent/reports", json=report(excluded={}), headers=bearer)
    assert (empty.status_code, empty.json()) == (200, first.json())
    for changes in ({"refused": {}}, {"excluded": {"banking": 1}}):
        other = http.post("/v1/agent/reports", json=report(**changes), headers=bearer)
        assert other.status_code == 409


def test_what_is_wrong_with_the_excluded_places_is_named(http, bearer):
    for excluded, field in (({"banking": 2}, "excluded"), ({"bankin": 1}, "excluded.bankin")):
        answer = http.post("/v1/agent/reports", json=report(excluded=excluded), headers=bearer)
        (fault,) = answer.json()["errors"]
        assert fault["field"] == field
        assert fault["cure"]


BAD_REPORTS = [
    {"report": "x"},
    {"report": "has space in it"},
    {"lease": "not a jti"},
    {"policy": "sha256:00"},
    {"allowed": [{"app": "vscode", "signal": "mood", "events": 1}]},
    {"allowed": [{"app": "vscode", "signal": "click", "events": 0}]},
    {"allowed": [{"app": "vscode", "signal": "click", "events": 2**63}]},
    {"allowed": [{"app": "vscode", "signal": "click", "events": True}]},
    {"allowed": [{"app": "vscode", "signal": "click", "events": "1"}]},
    {"allowed": [{"app": "Visual Studio", "signal": "click", "events": 1}]},
    {"allowed": [{"app": "vscode", "signal": "click", "events": 1, "text": "hello"}]},
    {"refused": {"because": 1}},
    {"refused": {"excluded": -1}},
    {"excluded": None},
    {"excluded": [["banking", 1]]},
    {"excluded": {"banking": 0}},
    {"excluded": {"banking": 1.0}},
    {"excluded": {"banking": 2**53}},
    {"excluded": {"banking": 2}},
    {"excluded": {"https://bank.example/accounts": 1}},
    {"excluded": {"other.banking": 1}},
    {"excluded": {"own.": 1}},
    {"excluded": {"never_heard_of": 1}},
    {"excluded": {"own.never_heard_of": 1}},
    {"excluded": {f"x{number}": 1 for number in range(2_001)}},
    {"person": "E-1001"},
]


def test_a_bad_report_is_a_problem_document_and_changes_nothing(http, company, bearer):
    for changes in BAD_REPORTS:
        answer = http.post("/v1/agent/reports", json=report(**changes), headers=bearer)
        assert answer.status_code == 422
        assert answer.json()["errors"]
        assert company.entries("agent.reported") == []


def test_an_oversized_report_is_413(http, bearer):
    rows = [{"app": "a" * 60, "signal": "click", "events": 1}] * 20_000
    answer = http.post("/v1/agent/reports", json=report(allowed=rows), headers=bearer)
    assert answer.status_code == 413


BROKEN = [b"", b"{", b"\xff\xfe", b"[" * 50_000, b"null", b'{"report": "r-00000001"}']


def test_broken_json_is_a_problem_document(http, bearer):
    for raw in BROKEN:
        answer = http.post(
            "/v1/agent/reports", content=raw, headers={**bearer, "Content-Type": "application/json"}
        )
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"


NUL_AND_SURROGATE = [
    ("/v1/agent/pairings", '{"name": "%s", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "%s"}}'),
    (
        "/v1/agent/reports",
        '{"report":"r-00000001","lease":null,"policy":null,"allowed":[],"refused":{"%s":1}}',
    ),
    (
        "/v1/agent/reports",
        '{"report":"r-1234567","lease":null,"policy":null,"allowed":[],"refused":{},"excluded":{"%s":1}}',
    ),
    (
        "/v1/agent/reports",
        '{"report": "r-0000%s", "lease": null, "policy": null, "allowed": [], "refused": {}}',
    ),
]


def test_text_that_no_database_can_hold_is_a_problem_document(http, bearer, key):
    headers = {**bearer, "Content-Type": "application/json"}
    for path, form in NUL_AND_SURROGATE:
        for bad in ("\\u0000", "\\ud800"):
            raw = form % ((bad, public(key)["x"]) if form.count("%s") == 2 else bad)
            answer = http.post(path, content=raw.encode(), headers=headers)
            assert answer.status_code == 422, (path, bad)
            assert answer.json()["errors"][0]


# Who is asking


DOORS = [
    ("GET", "/v1/agent/lease"),
    ("GET", "/v1/agent/policies/sha256:" + "0" * 64),
    ("POST", "/v1/agent/reports"),
]


def test_without_a_valid_token_every_address_refuses(http):
    for method, path in DOORS:
        for header in (None, "Bearer ", "Bearer nonsense", "Basic eDp5", "nonsense"):
            headers = {"Authorization": header} if header else {}
            body = {"json": report()} if method == "POST" else {}
            answer = http.request(method, path, headers=headers, **body)
            assert answer.status_code == 401, (path, header)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.fixture
def written(company):
    """How many writing transactions have begun since."""
    begun: list[str] = []

    def note(connection):
        options = connection.get_execution_options()
        reads = options.get("habeas_access") == "read" or "isolation_level" in options
        begun.extend([] if reads else ["write"])

    engine = company.services.database.engine
    event.listen(engine, "begin", note)
    yield begun
    event.remove(engine, "begin", note)


def test_strangers_never_reach_the_only_writer(http, company, key, written):
    """Whoever cannot show a key or a token makes nobody wait."""
    device, thief = company.pair(key=key), LocalSigner.generate()
    code = start(http, key).json()
    assert written
    written.clear()
    for signed in (
        "a.b.c",
        f"e30.{b64u(json.dumps({'sub': SURROGATE}).encode())}.AA",
        assertion(thief, device.id, company.now),
        assertion(thief, "d_" + "0" * 32, company.now),
    ):
        assert ask(http, signed).status_code == 401
    for device_code in (code["device_code"], "unknown", "\x00"):
        signed = assertion(thief, code["client_id"], company.now)
        assert ask(http, signed, GRANT, device_code=device_code).status_code in {400, 401}
    for header in ({}, {"Authorization": "Bearer nonsense"}):
        assert http.post("/v1/agent/reports", json=report(), headers=header).status_code == 401
    assert written == []
    assert ask(http, assertion(key, device.id, company.now)).status_code == 200
    assert written


def test_each_key_names_what_it_signs(http, company):
    keys = http.get("/.well-known/jwks.json").json()
    for name in ("lease", "receipt", "grant"):
        (public_key,) = keys_for(keys, f"habeas-{name}+jwt").values()
        assert public_key == company.services.keys.signer(name).public
    with pytest.raises(ValueError, match="no key for"):
        keys_for(keys, "JWT")


def test_a_revoked_device_gets_a_signed_off_and_nothing_else(http, company, bearer):
    with company.write() as tx:
        devices = company.services.devices
        (device,) = devices.of_person(tx, "E-1000")
        devices.revoke(tx, company.person(), device.id, company.now)
    assert http.get("/v1/agent/lease", headers=bearer).status_code == 200
    assert http.post("/v1/agent/reports", json=report(), headers=bearer).status_code == 401
    path = "/v1/agent/policies/sha256:" + "0" * 64
    assert http.get(path, headers=bearer).status_code == 401
