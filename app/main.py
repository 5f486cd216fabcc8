"""The application: routers, error table, middleware, lifespan. Nothing else."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import web
from app.api import access, agents, health, log, problems
from app.wiring import Services


def create_app(services: Services) -> FastAPI:
    """Join the rooms into one ASGI application over the given services."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        integrator = threading.Thread(
            target=services.integrator.run, args=(stop,), name="integrator", daemon=True
        )
        integrator.start()
        try:
            yield
        finally:
            stop.set()
            integrator.join(timeout=10)

    app = FastAPI(
        title="Habeas",
        summary="Consent and policy governance for capture agents.",
        version="0.1.0",
        lifespan=lifespan,
        max_body_size=services.settings.max_body_bytes,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False},
    )
    app.state.services = services
    problems.install(app)
    for module in (agents, access, log, health):
        app.include_router(module.router)
    web.install(app, services, services.keys.secret("sign-in").hex())
    app.add_middleware(RequestId)
    return app


class RequestId:
    """Echo X-Request-ID on every answer, errors included (AuthZEN 1.0 §10.1.4)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the header to the answer's start."""
        sent = [value for name, value in scope.get("headers", ()) if name == b"x-request-id"]
        if not sent:
            await self._app(scope, receive, send)
            return

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", sent[0][:200])]
            await send(message)

        await self._app(scope, receive, send_with_id)
