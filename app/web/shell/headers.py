"""Headers that tell a browser how little these pages may do.

No inline script or style, nothing from elsewhere, no framing. ``form-action`` names the OpenID
provider too: browsers hold redirects after a form to it, and signing in again can follow one.
Referrer-Policy is ``same-origin`` and not ``no-referrer``, which would turn the Origin of our own
forms into ``null``.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

_YEAR = 31_536_000
_UNTOUCHED = ("/v1/", "/access/", "/.well-known/")
"""Answers to machines set their own caching."""


def content_security_policy(settings: Settings) -> str:
    """The policy for every page (CSP level 3)."""
    provider = urlsplit(settings.oidc_issuer)
    forms = f"'self' {provider.scheme}://{provider.netloc}" if provider.netloc else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action {forms}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def page_headers(settings: Settings) -> dict[str, str]:
    """The headers of every page."""
    headers = {
        "Content-Security-Policy": content_security_policy(settings),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    return headers


class SecurityHeaders:
    """Adds the headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers to the answer's start."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caching = _caching(scope["path"], scope["query_string"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (*self._headers.items(), *caching):
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _caching(path: str, query: bytes) -> Iterable[tuple[str, str]]:
    if path.startswith("/static/") and query.startswith(b"v="):
        return (("Cache-Control", f"public, max-age={_YEAR}, immutable"),)
    if path.startswith(_UNTOUCHED):
        return ()
    return (("Cache-Control", "no-store"),)
