"""Sign-in by OpenID Connect: authorization code with PKCE, state, nonce; every claim checked.

Rules (OpenID Connect Core §3.1.3.7, RFC 9700 §2.1):
1. The provider's metadata must name the issuer of the settings, or sign-in stops.
2. ``iss`` and ``aud`` are checked as essential claims with one accepted value each. Without these
   options the library accepts a token whose audience is empty.
3. The algorithms of an ID token are on our list as well as on the provider's: never ``none``, never
   a shared secret.
4. A person is (issuer, subject), never an e-mail address. The subject is the person's id in the
   directory; somebody the directory does not know, or who left, gets no session, and neither does
   somebody of whom only a row says that they are here (app/directory/judging.py).
5. The way back after sign-in is a path of this site.
"""

import logging
from datetime import datetime
from typing import Any, cast

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Request
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.api.deps import Now, ServicesDep
from app.directory.model import SESSION_LIFE
from app.kernel.errors import NotFound
from app.settings import Settings
from app.web.shell.door import cookie_name, own_path
from app.web.shell.render import page
from app.web.shell.visit import WriteVisit
from app.wiring import Services

logger = logging.getLogger("habeas")
router = APIRouter()

ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "RS256", "PS256")
"""What an ID token may be signed with (rule 3), RFC 8725 §3.1."""

LEEWAY_S = 30
"""How far the provider's clock may differ from ours, seconds."""


class SignInError(Exception):
    """The provider's answer is not believed; the message is for the log, not for the page.

    Parts of the message may be whatever somebody put into a link to the callback
    (``error_description``): it is logged quoted and cut, so that it cannot pass for a line of ours.
    """


class SignIn:
    """The OpenID Connect client of this instance.

    Args:
        settings: names the provider and this client.
        transport: how the provider is reached; None: over the network. The demo's provider lives in
            this very process and is called directly.
    """

    def __init__(
        self, settings: Settings, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.issuer = settings.oidc_issuer or f"{settings.issuer}/demo/idp"
        self._client_id = settings.oidc_client_id
        self._callback = f"{settings.issuer}/sign-in/callback"
        self._client = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value() or None,
            server_metadata_url=f"{self.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": (
                    "client_secret_basic"
                    if settings.oidc_client_secret.get_secret_value()
                    else "none"
                ),
                "timeout": 10,
                **({"transport": transport} if transport is not None else {}),
            },
        )

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider.

        Raises:
            SignInError: the provider cannot be reached or is not the provider of the settings.
        """
        try:
            await self._check_metadata()
            answer = await self._client.authorize_redirect(request, self._callback)
        except (OAuthError, httpx2.HTTPError, ValueError, RuntimeError) as error:
            raise SignInError(f"{type(error).__name__}: {error}") from error
        return cast("Response", answer)

    async def finish(self, request: Request) -> tuple[str, str]:
        """Return (issuer, subject) of whom the provider vouches for.

        Raises:
            SignInError: any check failed.
        """
        try:
            await self._check_metadata()
            token = await self._client.authorize_access_token(
                request,
                leeway=LEEWAY_S,
                claims_options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                    "nonce": {"essential": True},
                },
            )
        except (OAuthError, JoseError, httpx2.HTTPError, ValueError, KeyError) as error:
            raise SignInError(f"{type(error).__name__}: {error}") from error
        claims: dict[str, Any] = token.get("userinfo") or {}
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise SignInError("the answer carries no ID token with a subject")
        return self.issuer, subject

    async def _check_metadata(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            raise SignInError("the provider's metadata names another issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        accepted = [name for name in ALGORITHMS if name in offered]
        if not accepted:
            raise SignInError("the provider signs with no algorithm that is accepted here")
        metadata["id_token_signing_alg_values_supported"] = accepted


@router.get("/sign-in")
async def start(request: Request, next: str = "/me") -> Response:  # noqa: A002 - its name in the URL
    """Lead to the provider, and remember the page that was asked for."""
    request.session["next"] = own_path(next)
    try:
        return await _sign_in(request).start(request)
    except SignInError as error:
        logger.warning("sign-in could not start: %.300r", str(error))
        return page(request, "signin_failed.html", status=503, why="unreachable")


@router.get("/sign-in/callback")
async def callback(request: Request, services: ServicesDep, now: Now) -> Response:
    """Take the provider's answer; start a session, or say why there is none."""
    back = own_path(str(request.session.get("next", "/me")))
    try:
        issuer, subject = await _sign_in(request).finish(request)
    except SignInError as error:
        logger.warning("sign-in was refused: %.300r", str(error))
        return page(request, "signin_failed.html", status=400, why="refused")
    finally:
        # State, nonce and verifier serve once, whatever came of it.
        request.session.clear()
    earlier = request.cookies.get(cookie_name(services.settings), "")
    token = await run_in_threadpool(_enter, services, issuer, subject, earlier, now)
    if token is None:
        return page(request, "signin_failed.html", status=403, why="unknown")
    answer = RedirectResponse(back, 303)
    answer.set_cookie(
        cookie_name(services.settings),
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services.settings.secure_cookies,
    )
    return answer


@router.post("/sign-out")
def sign_out(visit: WriteVisit) -> Response:
    """End the session, here and for whoever else holds its token."""
    visit.services.sessions.end(visit.tx, visit.visitor.token, visit.now)
    settings = visit.services.settings
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(
        cookie_name(settings), httponly=True, samesite="lax", secure=settings.secure_cookies
    )
    return answer


def _sign_in(request: Request) -> SignIn:
    return cast("SignIn", request.app.state.sign_in)


def _enter(
    services: Services, issuer: str, subject: str, earlier: str, now: datetime
) -> str | None:
    """Start a session and return its token; None for somebody unknown, or who left (rule 4)."""
    with services.database.write() as tx:
        try:
            person = services.directory.person(tx, subject)
        except NotFound:
            return None
        if not person.active:
            return None
        if earlier:
            services.sessions.end(tx, earlier, now)
        return services.sessions.start(tx, person.id, issuer, subject, now)
