"""How an application is served: the one place that starts uvicorn.

Rules:
1. ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed from named proxies only, from the
   last hop back to the first that is none. From everybody else they are headers like any other, so
   that ``scope["client"]`` is who sent the request.
2. There is no WebSocket here, so no connection leaves HTTP and its bounds.
3. Requests are not written to a log of requests: they would name people's addresses.
"""

import sys
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from app.api.server.connections import ConnectionBounds, bounded
from app.settings import Settings


def bounds_of(settings: Settings) -> ConnectionBounds:
    """What the settings let a connection take."""
    return ConnectionBounds(
        headers_s=settings.headers_within_s,
        idle_s=settings.idle_s,
        shutdown_s=settings.shutdown_within_s,
        per_source=settings.connections_per_source,
        proxies=settings.proxies,
    )


def configuration(app: ASGIApp, bounds: ConnectionBounds, host: str, port: int) -> uvicorn.Config:
    """The configuration of a server for an application."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=bounded(bounds),
        ws="none",
        interface="asgi3",
        server_header=False,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(bounds.proxies),
        forwarded_allow_ips=[str(network) for network in bounds.proxies],
        timeout_keep_alive=bounds.idle_s,
        timeout_graceful_shutdown=bounds.shutdown_s,
    )


def run(app: ASGIApp, bounds: ConnectionBounds, host: str, port: int) -> None:
    """Serve until a signal ends it; a failed start ends the process with 3."""
    server = uvicorn.Server(configuration(app, bounds, host, port))
    with suppress(KeyboardInterrupt):  # Ctrl-C ends it like any signal
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
