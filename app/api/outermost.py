"""What wraps the whole application: the request's id on every answer, and a problem for 413."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.kernel.errors import TooLarge


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


class TooLargeIsAProblem:
    """Answer a body over the limit like every other refusal.

    The framework counts the bytes and answers 413 in plain text before any handler sees the error.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app = app
        self._problem = problem_response(
            TooLarge(
                f"the body has more than {largest:,} bytes",
                cure="Send less at once. Nothing was changed.",
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; replace a plain 413."""
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                plain = (b"content-type", b"application/problem+json") not in message["headers"]
                if message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and plain:
                    replaced = True
                    await self._problem(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_problem)
