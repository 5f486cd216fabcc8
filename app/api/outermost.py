"""What wraps the whole application: the request's id on every answer, and who was refused."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.admission import LANE
from app.kernel.lanes import Lane

_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})


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


class Refusals:
    """Count who is refused: nobody known, not theirs, too often."""

    def __init__(self, app: ASGIApp, count: Callable[[Lane, int], None]) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; look at the status of its answer."""

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
                self._count(scope.get(LANE, Lane.STRANGERS), message["status"])
            await send(message)

        await self._app(scope, receive, send_counted)
