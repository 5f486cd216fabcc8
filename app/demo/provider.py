"""The demo's sign-in provider: a small OpenID provider that asks only who you would like to be.

It replaces the company's provider, so that sign-in runs the same code with the same checks.
It knows no password; therefore it is built only in demo mode on a loopback address, and answers
only callers on this machine.

Rules:
1. Code flow with PKCE S256, nothing else; one client, one redirect address, both compared exactly.
2. A code is 256 random bits, lasts sixty seconds, and serves once; a wrong try uses it up too.
3. ID tokens are signed with Ed25519 by a key made at start; nothing is kept.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx2
from fastapi import APIRouter, FastAPI, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.directory.model import Person
from app.kernel.canonical import Json
from app.kernel.errors import Forbidden, InvalidInput, Unavailable
from app.kernel.signing import LocalSigner, jwk, sign_token
from app.web.shell.door import require_same_site
from app.web.shell.render import page
from app.web.shell.signin import SignIn
from app.wiring import Services

PATH = "/demo/idp"
CODE_LIFE_S = 60
TOKEN_LIFE_S = 300
MAX_CODES = 1_000
"""Unused codes kept at most; beyond that the oldest is forgotten."""

GROUPS: Mapping[str, str] = {
    "legal": "Legal",
    "works_council": "Works council",
    "dpo": "Data protection",
    "auditor": "Audit",
    "admin": "Administration",
    "hr": "Human resources",
}


class AuthorizationRequest(NamedTuple):
    """An authorization request (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3)."""

    client_id: str
    redirect_uri: str
    response_type: str
    scope: str
    state: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    @classmethod
    def read(cls, fields: Mapping[str, Any] | FormData) -> "AuthorizationRequest":
        """Take the request's parameters; a missing parameter is empty."""
        return cls(*(str(fields.get(name, "")) for name in cls._fields))


@dataclass(frozen=True)
class Code:
    """What a code means."""

    subject: str
    asked: AuthorizationRequest
    expires_at: float


class Provider:
    """One provider with one client; ``monotonic`` counts seconds for the life of codes.

    Raises:
        Unavailable: the settings are not those of a demo on a loopback address.
    """

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        settings = services.settings
        if not settings.demo or not settings.on_loopback:
            raise Unavailable("the demo's sign-in provider runs in demo mode on loopback only")
        self.issuer = f"{settings.issuer}{PATH}"
        self._services = services
        self._client_id = settings.oidc_client_id
        self._redirect_uri = f"{settings.issuer}/sign-in/callback"
        self._monotonic = monotonic
        self._signer = LocalSigner.generate()
        self._codes: dict[str, Code] = {}
        self._lock = threading.Lock()

    def metadata(self) -> dict[str, object]:
        """Describe the provider (OpenID Connect Discovery §3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["Ed25519"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["openid"],
        }

    def jwks(self) -> dict[str, object]:
        """The key of the ID tokens."""
        return {"keys": [jwk(self._signer.public)]}

    def check(self, asked: AuthorizationRequest) -> None:
        """Refuse a request that does not follow rule 1. Never by redirect: it might be forged.

        Raises:
            InvalidInput: names what is wrong.
        """
        wrong = {
            "client_id": asked.client_id != self._client_id,
            "redirect_uri": asked.redirect_uri != self._redirect_uri,
            "response_type": asked.response_type != "code",
            "scope": "openid" not in asked.scope.split(),
            "code_challenge": len(asked.code_challenge) != 43,  # noqa: PLR2004 - SHA-256, base64url
            "code_challenge_method": asked.code_challenge_method != "S256",
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise InvalidInput(f"the sign-in request carries a wrong {name}")

    def issue(self, subject: str, asked: AuthorizationRequest) -> str:
        """Make a code for a person."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._codes) >= MAX_CODES:
                self._codes.pop(next(iter(self._codes)))
            self._codes[code] = Code(subject, asked, self._monotonic() + CODE_LIFE_S)
        return code

    def redeem(self, fields: Mapping[str, Any] | FormData) -> dict[str, object] | None:
        """Turn a code into tokens (OpenID Connect Core §3.1.3); None if anything is wrong."""
        with self._lock:
            code = self._codes.pop(str(fields.get("code", "")), None)
        verifier = str(fields.get("code_verifier", ""))
        if (
            code is None
            or self._monotonic() >= code.expires_at
            or fields.get("grant_type") != "authorization_code"
            or fields.get("redirect_uri") != code.asked.redirect_uri
            or fields.get("client_id") != code.asked.client_id
            or not hmac.compare_digest(challenge(verifier), code.asked.code_challenge)
        ):
            return None
        return {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S,
            "id_token": self._id_token(code),
        }

    def _id_token(self, code: Code) -> str:
        # The machine's clock, because the reader of the token compares with the machine's clock.
        now = int(time.time())
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "sub": code.subject,
            "aud": self._client_id,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
        }
        if code.asked.nonce:
            claims["nonce"] = code.asked.nonce
        return sign_token(self._signer, "JWT", claims)

    def people(self) -> tuple[Person, ...]:
        """Everybody who can be chosen."""
        with self._services.database.read() as tx:
            return tuple(person for person in self._services.directory.people(tx) if person.active)


def challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def install(app: FastAPI, services: Services) -> None:
    """Add the provider to the application, and let its sign-in reach it within the process.

    Raises:
        Unavailable: the settings are not those of a demo on a loopback address.
    """
    app.include_router(_router(Provider(services)), include_in_schema=False)
    app.state.sign_in = SignIn(services.settings, httpx2.ASGITransport(app=app))


def _router(provider: Provider) -> APIRouter:
    router = APIRouter(prefix=PATH)

    @router.get("/.well-known/openid-configuration")
    def metadata() -> dict[str, object]:
        return provider.metadata()

    @router.get("/jwks")
    def jwks() -> dict[str, object]:
        return provider.jwks()

    @router.get("/authorize")
    def choose(request: Request, q: str = "") -> Response:
        _require_local(request)
        asked = AuthorizationRequest.read(request.query_params)
        provider.check(asked)
        groups = grouped(matching(provider.people(), q))
        return page(request, "idp_choose.html", asked=asked._asdict(), groups=groups, q=q)

    @router.post("/authorize")
    async def chosen(request: Request) -> Response:
        _require_local(request)
        require_same_site(request, provider._services.settings)  # noqa: SLF001 - same module
        form = await request.form()
        asked = AuthorizationRequest.read(form)
        provider.check(asked)
        code = provider.issue(str(form.get("person", "")), asked)
        answer = urlencode({"code": code, "state": asked.state})
        return RedirectResponse(f"{asked.redirect_uri}?{answer}", 303)

    @router.post("/token")
    async def token(request: Request) -> Response:
        _require_local(request)
        tokens = provider.redeem(await request.form())
        if tokens is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(tokens, headers={"Cache-Control": "no-store"})

    return router


def matching(people: tuple[Person, ...], words: str) -> tuple[Person, ...]:
    """The people in whose name, id, department, region or roles every word occurs."""
    wanted = words.casefold().split()
    return tuple(person for person in people if all(word in _searchable(person) for word in wanted))


def grouped(people: tuple[Person, ...]) -> dict[str, tuple[Person, ...]]:
    """People by what they do here, those with a role first, the others by home region."""
    groups: dict[str, list[Person]] = {name: [] for name in GROUPS.values()}
    for person in people:
        roles = dict.fromkeys(GROUPS[role.name] for role in person.roles if role.name in GROUPS)
        for name in roles or [f"Employees in {person.region}"]:
            groups.setdefault(name, []).append(person)
    return {name: tuple(members) for name, members in groups.items() if members}


def _searchable(person: Person) -> str:
    roles = " ".join(str(role) for role in person.roles)
    return f"{person.name} {person.id} {person.department} {person.region} {roles}".casefold()


def _require_local(request: Request) -> None:
    """Refuse a caller from another machine, on whatever address this program listens."""
    try:
        remote = request.client is not None and not ip_address(request.client.host).is_loopback
    except ValueError:
        remote = False  # not an address: a socket file or a test
    if remote:
        raise Forbidden("the demo's sign-in provider answers on this machine only")
