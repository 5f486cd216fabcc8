"""The witness over HTTP: two addresses for machines, one page for people."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response

from app.kernel.errors import HabeasError, NotFound
from app.witness.page import SECURITY, render
from app.witness.rules import MAX_REQUEST_BYTES, NotCosigned, RefusalReason
from app.witness.service import Witness

SIZE_TYPE = "text/x.tlog.size"

STATUS: Mapping[RefusalReason, int] = {
    RefusalReason.MALFORMED: 400,
    RefusalReason.UNKNOWN_LOG: 404,
    RefusalReason.NOT_SIGNED: 403,
    RefusalReason.OLD_ABOVE_NEW: 400,
    RefusalReason.STALE: 409,
    RefusalReason.BAD_PROOF: 422,
    RefusalReason.FORKED: 422,
    RefusalReason.CLOCK: 503,
}
"""tlog-witness v1.0.0, "add-checkpoint"."""


def witness_app(witness: Witness) -> FastAPI:
    """The application of one witness."""
    app = FastAPI(
        title="Habeas witness",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False},
    )

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        body = await request.body()
        line = await run_in_threadpool(witness.add_checkpoint, body)
        return PlainTextResponse(f"{line}\n")

    @app.get("/{hashed_origin}/checkpoint")
    def get_checkpoint(hashed_origin: str) -> Response:
        return PlainTextResponse(witness.checkpoint(hashed_origin), headers=_FRESH)

    @app.get("/key")
    def get_key() -> Response:
        return PlainTextResponse(f"{witness.vkey}\n")

    @app.get("/")
    def get_page() -> Response:
        page = render(witness.name, witness.vkeys, witness.watched(), witness.evidence())
        return HTMLResponse(page, headers={**_FRESH, **SECURITY})

    @app.exception_handler(NotCosigned)
    async def _refused(_request: Request, error: NotCosigned) -> Response:
        status = STATUS[error.why]
        if error.why is RefusalReason.STALE:
            # As a header, since a media type of text would be given a charset.
            return Response(f"{error.size}\n", status, {"Content-Type": SIZE_TYPE})
        return PlainTextResponse(f"{error}\n", status)

    @app.exception_handler(HabeasError)
    async def _unavailable(_request: Request, error: HabeasError) -> Response:
        return PlainTextResponse(f"{error.problem}\n", 404 if isinstance(error, NotFound) else 503)

    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_REQUEST_BYTES)
    return app


_FRESH = {"Cache-Control": "no-store"}
