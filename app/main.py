"""The application: routers, error table, middleware, lifespan. Nothing else."""

import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI

from app import web
from app.api import access, agents, health, log, problems, submissions
from app.api.admission import BOUNDS, THREADS, Admission, Bounds
from app.api.limits import limits_of
from app.api.outermost import Refusals, RequestId
from app.api.server.bodies import Pace, WholeBody
from app.api.server.hosts import KnownHosts
from app.kernel.lanes import Lane
from app.settings import Settings
from app.web.shell import refusals
from app.web.shell.door import cookie_name
from app.wiring import Services

MACHINES = APIRouter()
"""The routes for machines: compiled once. An application that includes them compiles its own."""
for _module in (agents, access, log, submissions, health):
    MACHINES.include_router(_module.router)

_TURN_S = 0.0005
"""How long a thread computes while others want to. Each statement gives the processor away and
waits for the next turn; with Python's 5 ms, opting out waits that long for each thread of a flood.
"""


def create_app(services: Services, bounds: Mapping[Lane, Bounds] = BOUNDS) -> FastAPI:
    """Join the rooms into one ASGI application over the given services.

    Args:
        services: made by ``app.wiring``.
        bounds: how many requests of each lane are let in at once.
    """
    app = FastAPI(
        title="Habeas",
        summary="Consent and policy governance for capture agents.",
        version="0.1.0",
        lifespan=partial(_lifespan, services),
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False},
    )
    app.state.services = services
    app.state.limits = limits_of(services.settings)
    problems.install(app)
    app.router.routes.extend(MACHINES.routes)
    _guard(app, services.settings, bounds)
    web.install(app, services, services.keys.secret("sign-in").hex())
    app.add_middleware(Refusals, count=services.doorkeeper.count)
    app.add_middleware(RequestId)
    return app


def _guard(app: FastAPI, settings: Settings, bounds: Mapping[Lane, Bounds]) -> None:
    """Add what refuses before any handler. Called before the pages, whose headers it then gets.

    The middleware that is added last is asked first: the host, the body, then the lane.
    """
    app.add_middleware(
        Admission, cookie=cookie_name(settings), refusing=refusals.refusal, bounds=bounds
    )
    app.add_middleware(
        WholeBody,
        largest=settings.max_body_bytes,
        pace=Pace(settings.body_within_s),
        refusing=refusals.refusal,
    )
    app.add_middleware(
        KnownHosts,
        names=settings.host_names,
        base_url=settings.base_url,
        refusing=refusals.refusal,
    )


@asynccontextmanager
async def _lifespan(services: Services, _app: FastAPI) -> AsyncIterator[None]:
    """Let the integrator and those who ask the witnesses work while the application serves."""
    current_default_thread_limiter().total_tokens = THREADS
    sys.setswitchinterval(_TURN_S)
    services.exports.sweep()  # what an earlier process left behind
    stop = threading.Event()
    work = {
        "integrator": services.integrator.run,
        "reconciler": services.reconciler.run,
        "witnesses": services.witnesses.run,
        "doorkeeper": services.doorkeeper.run,
    }
    workers = [
        threading.Thread(target=run, args=(stop,), name=name, daemon=True)
        for name, run in work.items()
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stop.set()
        for worker in workers:
            worker.join(timeout=10)
