"""Settings fail at start, not in the night."""

import pytest
from pydantic import ValidationError

from app.settings import Settings

REFUSED = {
    "demo away from loopback": {"demo": True, "base_url": "https://habeas.example"},
    "http away from loopback": {
        "oidc_issuer": "https://idp.example",
        "base_url": "http://habeas.example",
    },
    "no way to sign in": {"demo": False},
    "a sign-in provider over plain http": {
        "oidc_issuer": "http://idp.example",
        "base_url": "https://habeas.example",
    },
    "a poll that never comes": {"demo": True, "poll_s": -1},
    "a lease without an end in sight": {"demo": True, "lease_ttl_s": 86_400},
    "a base URL of another kind": {"demo": True, "base_url": "ftp://127.0.0.1"},
    "an address that only looks local": {"demo": True, "base_url": "http://127.0.0.1.example"},
    "a setting nobody knows": {"demo": True, "colour": "red"},
}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED.keys())
def test_settings_are_refused_with(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"])
def test_the_demo_runs_on_this_machine_only(host: str) -> None:
    assert Settings(demo=True, base_url=f"http://{host}:8000").on_loopback


def test_cookies_are_secure_wherever_the_address_is_https() -> None:
    settings = Settings(base_url="https://habeas.example", oidc_issuer="https://idp.example")
    assert settings.secure_cookies


def test_a_secret_is_not_printed() -> None:
    assert "hush" not in repr(Settings(demo=True, oidc_client_secret="hush"))  # type: ignore[arg-type]


def test_a_misspelt_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HABEAS_LEASE_TTL", "60")
    with pytest.raises(ValidationError, match="is HABEAS_LEASE_TTL_S meant"):
        Settings(demo=True)


@pytest.mark.parametrize("name", ["custodians", "witnesses"])
def test_an_empty_name_of_a_file_names_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"HABEAS_{name.upper()}", "")
    assert getattr(Settings(demo=True), name) is None


NAMED = {
    "an address of a page": ("HABEAS_HOSTS", "habeas.internal,https://x.example", "https://x.exa"),
    "a port": ("HABEAS_HOSTS", "habeas.internal:8443", "habeas.internal:8443"),
    "every host": ("HABEAS_HOSTS", "*", "without https://, port or \\*"),
    "a pattern": ("HABEAS_HOSTS", "*.example", "not the name of a host"),
    "an address in brackets that is none": ("HABEAS_HOSTS", "[::x]", "not the name of a host"),
    "every proxy": ("HABEAS_PROXIES", "*", "neither an address nor a network"),
    "a proxy's name": ("HABEAS_PROXIES", "10.0.0.1,proxy.internal", "proxy.internal is neither"),
    "an address with a network's length": ("HABEAS_PROXIES", "10.0.0.1/8", "10.0.0.1/8 is neither"),
    "the network of everybody": ("HABEAS_PROXIES", "0.0.0.0/0", "is everybody"),
    "everybody in IPv6": ("HABEAS_PROXIES", "::/0", "is everybody"),
}


@pytest.mark.parametrize(("name", "value", "said"), NAMED.values(), ids=NAMED.keys())
def test_a_list_is_refused_with_its_part_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=said) as refused:
        Settings(demo=True)
    assert name in str(refused.value)


@pytest.mark.parametrize("value", ["", " ", " , "])
def test_an_empty_list_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HABEAS_HOSTS", value)
    monkeypatch.setenv("HABEAS_PROXIES", value)
    settings = Settings(demo=True)
    assert (settings.hosts, settings.proxies) == ((), ())
