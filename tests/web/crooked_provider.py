"""An OpenID provider that can be told to lie: one defect at a time, everything else in order."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ISSUER = "https://login.example.com"
CLIENT = "habeas"

Claims = dict[str, Any]
Change = Callable[[Claims], Claims]


def _same(claims: Claims) -> Claims:
    return claims


class CrookedProvider:
    """Vouches for ``subject``; ``change`` spoils the claims, ``sign`` the signature.

    Attributes:
        change: what is done to the claims of the next ID token.
        sign: how it is signed: ``RS256`` (in order), ``none``, ``HS256``, ``stranger``.
        metadata: overrides of the discovery document.
        answer: overrides of the token response; None leaves a field out.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.subject = "E-1000"
        self.straighten()
        self._codes: dict[str, Mapping[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def straighten(self) -> None:
        """Tell the truth again."""
        self.change: Change = _same
        self.sign = "RS256"
        self.metadata: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}

    def code_for(self, location: str) -> str:
        """Take the authorization request in a Location header and hand out a code for it."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return code

    async def _metadata(self, _request: Request) -> JSONResponse:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return JSONResponse(document | self.metadata)

    async def _jwks(self, _request: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _token(self, request: Request) -> JSONResponse:
        form = await request.form()
        asked = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked.get("code_challenge") != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": self.subject,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        answer = {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self._signed(self.change(claims)),
        } | self.answer
        return JSONResponse({name: value for name, value in answer.items() if value is not None})

    def _signed(self, claims: Claims) -> str:
        match self.sign:
            case "none":
                parts = ({"alg": "none", "kid": "one"}, claims)
                return ".".join(_b64(json.dumps(part).encode()) for part in parts) + "."
            case "HS256":
                # The public key as the shared secret: the classic confusion of algorithms.
                secret = OctKey.import_key(self.key.as_pem(private=False))
                return jwt.encode(
                    {"alg": "HS256", "kid": "one"}, claims, secret, algorithms=["HS256"]
                )
            case "stranger":
                key = RSAKey.generate_key(2048, {"kid": "one"})
                return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
            case _:
                return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
