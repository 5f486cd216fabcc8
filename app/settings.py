"""The settings. One class, read from HABEAS_* variables, validated once; nobody else reads them."""

import os
import re
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_NOT_SETTINGS = {
    "HABEAS_VECTORS",
    "HABEAS_EVERY_BYTE",
    "HABEAS_TEST_PG_URL",
    "HABEAS_TEST_PG_BIN",
}
"""What the tests read; set in the same shell it must not stop the program."""

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LONGEST_NAME = 253
"""Characters of a name of DNS (RFC 1035 §2.3.4, without the last dot)."""
_HOST_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")

_CHECKOUT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """How this instance runs. Each field is the variable HABEAS_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="HABEAS_", extra="forbid", frozen=True)

    var: Path = Path("var")
    """Folder for keys and the embedded database; made at first run, ignored by git."""
    database_url: str = ""
    """``sqlite:///PATH`` or ``postgresql+psycopg://…``; empty: SQLite in ``var``."""
    integrator_url: str = ""
    """The same PostgreSQL with the integrator's role; empty: the same URL and role."""
    base_url: str = "http://127.0.0.1:8000"
    """Where people and agents reach this instance; https unless on loopback."""
    policies: Path = _CHECKOUT / "policies"
    """Floors, app catalogue, notices, purposes, access rules."""
    demo: bool = False
    """Sample organisation and local sign-in provider; loopback only."""
    oidc_issuer: str = ""
    """The OpenID provider; empty in demo mode: the local one."""
    oidc_client_id: str = "habeas"
    oidc_client_secret: SecretStr = SecretStr("")
    lease_ttl_s: int = Field(900, ge=10, le=3600)
    """Longest life of a lease, seconds; a policy can shorten it."""
    poll_s: int = Field(15, ge=1, le=600)
    """How often agents are asked to poll, seconds."""
    integrate_every_s: float = Field(0.1, gt=0, le=10)
    """How long the integrator waits when nothing is committed, seconds."""
    custodians: Path | None = None
    """File of the custodians' verifier keys; none: nothing is done that two of them must sign."""
    witnesses: Path | None = None
    """File with the witness policy (c2sp.org/tlog-policy); none: no witness is asked."""
    lock_url: str = ""
    """Where the newest checkpoint is kept outside the database; empty: SQLite next to ``var``."""
    pending_max: int = Field(4_096, ge=1, le=1_000_000)
    """How many entries may wait for their index before machines are asked to come later."""
    merge_within_s: float = Field(10, gt=0, le=600)
    """How long an entry may wait for its index, seconds; submission receipts promise it."""
    reconcile_every_s: float = Field(3_600, ge=10, le=86_400)
    """How often all tables are compared with the log, seconds."""
    person_per_minute: int = Field(600, ge=10, le=1_000_000)
    """How many requests of one person are answered in a minute, by each process."""
    device_per_minute: int = Field(120, ge=10, le=1_000_000)
    """The same of one laptop."""
    consumer_per_minute: int = Field(60_000, ge=10, le=10_000_000)
    """The same of one consumer."""
    source_per_minute: int = Field(600, ge=10, le=1_000_000)
    """The same from one address, of pairings and of wrong assertions."""
    max_body_bytes: int = Field(1_000_000, ge=10_000)
    """Largest request body; more is answered 413."""
    hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Further names under which this instance is asked, with commas between them."""
    proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Addresses or networks of proxies whose ``X-Forwarded-*`` is believed, with commas."""
    headers_within_s: float = Field(10, gt=0, le=120)
    """How long the headers of a request may take, seconds."""
    body_within_s: float = Field(60, gt=0, le=600)
    """How long the body of a request may take, seconds."""
    idle_s: int = Field(20, ge=1, le=600)
    """How long a connection may be without a request, seconds."""
    shutdown_within_s: int = Field(10, ge=1, le=300)
    """How long requests may go on when the service is stopped, seconds."""
    connections_per_source: int = Field(512, ge=1, le=65_536)
    """How many connections one address may have at once; named proxies have no bound."""

    @model_validator(mode="before")
    @classmethod
    def _no_stray_variable(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a HABEAS_ variable that is no setting: a misspelt limit must not pass for one."""
        known = {f"HABEAS_{name.upper()}" for name in cls.model_fields} | _NOT_SETTINGS
        stray = sorted(name for name in os.environ if name.startswith("HABEAS_"))
        for name in stray:
            if name not in known:
                near = get_close_matches(name, known, 1)
                msg = f"{name} is not a setting" + (f"; is {near[0]} meant?" if near else "")
                raise ValueError(msg)
        return values

    @field_validator("custodians", "witnesses", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        """Take an empty variable for none: as a path it would be the working folder."""
        return None if value == "" else value

    @field_validator("hosts", mode="before")
    @classmethod
    def _host_names(cls, value: object) -> object:
        """Read a list of names; one that is an address of a page, or a pattern, is refused."""
        names = _listed(value)
        for name in names:
            if not _is_host(name):
                msg = (
                    f"HABEAS_HOSTS: {name} is not the name of a host; write names only, such as "
                    "habeas.internal, without https://, port or *"
                )
                raise ValueError(msg)
        return tuple(name.lower() for name in names)

    @field_validator("proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        """Read a list of addresses and networks; the network of everybody is refused."""
        return tuple(_network(name) for name in _listed(value))

    @model_validator(mode="after")
    def _loopback_or_https(self) -> Self:
        url = urlsplit(self.base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            msg = "HABEAS_BASE_URL must be an http or https URL"
            raise ValueError(msg)
        if url.scheme == "http" and not self.on_loopback:
            msg = "HABEAS_BASE_URL must be https unless it is a loopback address"
            raise ValueError(msg)
        if self.demo and not self.on_loopback:
            msg = "HABEAS_DEMO is refused: the demo sign-in runs on a loopback address only"
            raise ValueError(msg)
        if not self.demo and not self.oidc_issuer:
            msg = "HABEAS_OIDC_ISSUER is missing: name your OpenID provider, or set HABEAS_DEMO=1"
            raise ValueError(msg)
        if self.lock == self.database:
            msg = "HABEAS_LOCK_URL must name another database: what is restored with it is no lock"
            raise ValueError(msg)
        if self.oidc_issuer and not _is_safe(self.oidc_issuer):
            msg = "HABEAS_OIDC_ISSUER must be https unless it is a loopback address"
            raise ValueError(msg)
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether the base URL names this machine only."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def host_names(self) -> frozenset[str]:
        """The names under which this instance is asked, without ports; IPv6 in brackets."""
        host = urlsplit(self.base_url).hostname or ""
        own = {f"[{host}]" if ":" in host else host, *self.hosts}
        return frozenset(own | _LOOPBACK_NAMES if self.on_loopback else own)

    @property
    def secure_cookies(self) -> bool:
        """Cookies carry Secure and the __Host- prefix except on a loopback http address."""
        return self.base_url.startswith("https://")

    @property
    def issuer(self) -> str:
        """The issuer of leases, grants and receipts: the base URL without a trailing slash."""
        return self.base_url.rstrip("/")

    @property
    def database(self) -> str:
        """The database URL in effect."""
        return self.database_url or f"sqlite:///{self.var / 'habeas.sqlite'}"

    @property
    def lock(self) -> str:
        """The lock store's URL; see ``lock_place`` for where it must stay in ``var``."""
        return self.lock_url or f"sqlite:///{self.lock_folder / 'lock.sqlite'}"

    @property
    def lock_folder(self) -> Path:
        """Where the lock store is if nobody named a place: never in ``var``, which is backed up."""
        var = self.var.resolve()
        return var.parent / f"{var.name or 'habeas'}-lock"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def _listed(value: object) -> tuple[str, ...]:
    """The parts of a list with commas; what is no text is a list already."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        msg = "must be a list with commas"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueError
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _is_host(name: str) -> bool:
    if _HOST_NAME.fullmatch(name):
        return len(name) <= _LONGEST_NAME
    try:
        IPv6Address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return name.startswith("[") and name.endswith("]")


_NARROWEST = 8
"""Bits of the widest network that can be somebody's own (RFC 1918: 10.0.0.0/8)."""


def _network(name: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(name)
    except ValueError:
        msg = (
            f"HABEAS_PROXIES: {name} is neither an address nor a network; write such as "
            "10.0.0.7, 10.0.0.0/24 or 2001:db8::/64"
        )
        raise ValueError(msg) from None
    if network.prefixlen < _NARROWEST:
        msg = f"HABEAS_PROXIES: {name} is everybody; name the addresses of your proxies only"
        raise ValueError(msg)
    return network
