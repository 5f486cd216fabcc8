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
