"""The demo: the real application with sample people, a local sign-in and one sample laptop."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.api.server.connections import ConnectionBounds
from app.api.server.serving import bounds_of, configuration
from app.demo import provider
from app.demo.custodians import sample_custodians
from app.demo.seed import seed
from app.kernel.errors import Unavailable
from app.main import create_app
from app.settings import Settings
from app.wiring import Services, build

SECRETS = "demo-consumers.json"
_BOUNDS = ConnectionBounds()


def demo_settings(port: int, var: Path, **changes: object) -> Settings:
    """Settings of a demo on this machine: agents poll each second so that changes show at once."""
    return Settings(
        demo=True,
        base_url=f"http://127.0.0.1:{port}",
        var=var,
        poll_s=1,
        custodians=sample_custodians(var / "custodians"),
        **changes,  # type: ignore[arg-type]
    )


def demo_app(services: Services) -> FastAPI:
    """The application over seeded services, with the local sign-in provider at /demo/idp.

    Raises:
        Unavailable: not in demo mode or not on loopback.
    """
    seed(services, services.settings.var / SECRETS)
    app = create_app(services)
    provider.install(app, services)
    return app


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(settings: Settings) -> Iterator[Services]:
    """Serve a demo in a thread of this process, and end it with the block."""
    services = build(settings)
    try:
        port = int(settings.base_url.rsplit(":", 1)[1])
        with listening(demo_app(services), port, bounds_of(settings)):
            yield services
    finally:
        services.database.engine.dispose()


@contextmanager
def listening(app: ASGIApp, port: int, bounds: ConnectionBounds = _BOUNDS) -> Iterator[None]:
    """Serve an application on loopback in a thread of this process, and end it with the block."""
    config = configuration(app, replace(bounds, shutdown_s=2), "127.0.0.1", port)
    server = _Server(config)
    thread = threading.Thread(target=server.run, name="demo", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(30):
            raise Unavailable("the demo did not start within 30 seconds")
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=15)


class _Server(uvicorn.Server):
    """Says when it listens; leaves signals to the process that holds it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers: they belong to the main thread."""
        yield
