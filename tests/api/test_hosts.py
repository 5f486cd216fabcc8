"""The service answers under its own names only, and takes a client's address from the wire."""

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import product

import pytest
from starlette.testclient import TestClient

from app.api.server.connections import ConnectionBounds
from app.api.server.hosts import name_of
from app.api.server.serving import bounds_of
from app.api.sources import UNKNOWN, source_of
from app.main import create_app
from app.settings import Settings
from app.wiring import Services
from tests.api.served import Echo, Served, document, served, status

OTHERS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "evil.example@127.0.0.1",
    "127.0.0.1@evil.example",
    "*",
]


PATHS = ["/", "/v1/agent/lease", "/healthz/", "/static", "/log/key", "/nowhere"]


def test_another_name_is_refused_with_the_way_out(client: TestClient) -> None:
    for path, host in product(PATHS, OTHERS):
        answer = client.get(path, headers={"Host": host})
        problem = answer.json()
        assert answer.status_code == 400
        assert [fault["field"] for fault in problem["errors"]] == ["Host"]
        assert "HABEAS_HOSTS" in problem["cure"]


def test_a_person_under_another_name_is_told_where_to_go(
    client: TestClient, services: Services
) -> None:
    answer = client.get("/", headers={"Host": "evil.example", "Accept": "text/html"})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "evil.example" in answer.text
    assert f'href="{services.settings.base_url}">Front page' in answer.text
    assert "script-src" in answer.headers["content-security-policy"]


def test_nothing_is_done_under_another_name(client: TestClient, services: Services) -> None:
    with services.database.read() as tx:
        before = services.log.size(tx) + services.log.pending(tx)
    client.post("/v1/agent/pairings", json={}, headers={"Host": "evil.example"})
    with services.database.read() as tx:
        assert services.log.size(tx) + services.log.pending(tx) == before


def test_this_machine_is_known_where_the_service_is_on_loopback(client: TestClient) -> None:
    for host in ("127.0.0.1", "127.0.0.1:9", "LOCALHOST:8000", "[::1]:8000"):
        assert client.get("/log/key", headers={"Host": host}).status_code == 200


def test_probes_and_the_looks_of_the_refusal_are_answered_under_any_name(
    client: TestClient,
) -> None:
    for path in ("/healthz", "/static/habeas.css"):
        assert client.get(path, headers={"Host": "10.1.2.3"}).status_code == 200


def test_a_name_that_a_proxy_forwards_counts_for_nothing(client: TestClient) -> None:
    named = {"X-Forwarded-Host": "127.0.0.1", "Forwarded": "host=127.0.0.1"}
    assert client.get("/", headers={"Host": "evil.example", **named}).status_code == 400
    assert client.get("/log/key", headers={"X-Forwarded-Host": "evil.example"}).status_code == 200


def test_a_request_without_one_single_name_is_refused(services: Services) -> None:
    twice = b"Host: localhost\r\nHost: localhost\r\n"
    two = b"Host: localhost\r\nHost: evil.example\r\n"
    with served(create_app(services), ConnectionBounds()) as running:
        for names in (b"", twice, two):
            with running.connect() as line:
                line.send(b"GET /log/key HTTP/1.1\r\n" + names + b"\r\n")
                came = line.answer()
            assert status(came) == 400
            assert document(came)["errors"][0]["field"] == "Host"


def test_the_names_are_those_of_the_address_and_of_the_setting() -> None:
    settings = Settings(
        base_url="https://Habeas.example:8443", oidc_issuer="https://idp.example",
        hosts="habeas.internal, 10.0.0.5 ,[2001:DB8::5]",  # type: ignore[arg-type]
    )  # fmt: skip
    assert settings.host_names == {
        "habeas.example", "habeas.internal", "10.0.0.5", "[2001:db8::5]",
    }  # fmt: skip


def test_every_name_of_the_settings_is_one_that_a_request_can_ask_for() -> None:
    settings = Settings(demo=True, base_url="http://[::1]:8000", hosts=("a.example",))
    assert {name_of(f"{name}:8000") for name in settings.host_names} == settings.host_names


PROXY = ConnectionBounds(proxies=(ip_network("127.0.0.1"), ip_network("10.9.0.0/16")))
SPOOFED = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\n\r\n"
)


def seen(running: Served, forwarded: bytes, source: str = "127.0.0.1") -> tuple[str, str]:
    """The client and the scheme that the application sees."""
    with running.connect(source) as line:
        line.send(SPOOFED % forwarded)
        said = document(line.answer())
    return said["client"], said["scheme"]


@pytest.fixture(scope="module")
def behind_proxy() -> Iterator[Served]:
    with served(Echo(), PROXY) as running:
        yield running


def test_an_unnamed_peer_is_who_it_is_whatever_it_says() -> None:
    """Also on loopback, which programs of this kind believe by default."""
    with served(Echo(), ConnectionBounds()) as running:
        assert seen(running, b"198.51.100.7") == ("127.0.0.1", "http")


def test_a_peer_next_to_a_named_proxy_is_not_believed(behind_proxy: Served) -> None:
    assert seen(behind_proxy, b"198.51.100.7", "127.0.0.2") == ("127.0.0.2", "http")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (b"198.51.100.7", "198.51.100.7"),
        (b"10.0.0.1, 198.51.100.7", "198.51.100.7"),
        (b"198.51.100.7, 10.9.1.1", "198.51.100.7"),
        (b"2001:db8::7", "2001:db8::7"),
    ],
    ids=["one", "what the client made up comes first", "two proxies", "IPv6"],
)
def test_a_named_proxy_is_believed_up_to_the_first_that_is_none(
    behind_proxy: Served, forwarded: bytes, client: str
) -> None:
    assert seen(behind_proxy, forwarded) == (client, "https")


def test_the_proxies_of_the_settings_are_those_of_the_server() -> None:
    settings = Settings(demo=True, proxies="127.0.0.1,10.9.0.0/16")  # type: ignore[arg-type]
    assert bounds_of(settings).proxies == PROXY.proxies


def test_invented_addresses_are_one_source() -> None:
    assert {source_of(name) for name in ("", "me", "me too", "999.1.1.1", "a" * 9_999)} == {UNKNOWN}
