"""Who is let in, before any thread: each lane has its own.

A handler that waits for the database holds a thread. If polls could take all threads, whoever opts
out would wait for one, long before the gate (app/db/gate.py) can put them first.

Rules:
1. Each lane has so many requests inside at once, and threads for all lanes together are more.
2. So many more of a lane wait, and so long; whoever comes beyond is asked to come back: 503 with
   Retry-After, and nothing was changed. Nobody who opts out is.
3. Strangers wait in lines of their own, by source: one that floods pushes out nobody but itself.
4. A request is inside until its answer begins: by then all is committed. A slow reader holds
   nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.lanes import DECISIONS, lane_of, read_form
from app.api.sources import source_of_request
from app.kernel.errors import HabeasError
from app.kernel.lanes import Full, Lane, Queue, Ticket, busy

LANE = "habeas.lane"
"""Where the scope says in which lane a request was let in."""


@dataclass(frozen=True)
class Bounds:
    """How many requests of a lane are inside, and how many wait, for how long.

    Attributes:
        inside: at once; each may hold a thread.
        waiting: None: as many as come.
        wait_s: seconds.
        per_source: of those who are inside or wait, from one source; None: as many as come.
    """

    inside: int
    waiting: int | None
    wait_s: float
    per_source: int | None = None


BOUNDS: Mapping[Lane, Bounds] = {
    Lane.OUT: Bounds(8, None, 60.0),
    Lane.LOG: Bounds(2, 50, 5.0),
    Lane.PEOPLE: Bounds(10, 300, 10.0),
    Lane.AGENTS: Bounds(6, 200, 3.0),
    Lane.CONSUMERS: Bounds(4, 60, 3.0),
    Lane.STRANGERS: Bounds(4, 60, 3.0, per_source=8),
}

THREADS = sum(bound.inside for bound in BOUNDS.values()) + 6
"""How many threads handlers have: some of a request's steps use a second one for a moment."""

Refusing = Callable[[Scope, HabeasError], Response]


class Admission:
    """Lets requests in by lane."""

    def __init__(
        self, app: ASGIApp, cookie: str, refusing: Refusing, bounds: Mapping[Lane, Bounds] = BOUNDS
    ) -> None:
        """Stand before an application.

        Args:
            app: the application.
            cookie: the name of the session's cookie.
            refusing: writes the answer to whoever is sent away.
            bounds: the sizes, by lane.
        """
        self._app = app
        self._cookie = cookie
        self._refusing = refusing
        self._bounds = bounds
        self._queues = {
            lane: Queue(
                bound.inside, longest={} if bound.waiting is None else {lane: bound.waiting}
            )
            for lane, bound in bounds.items()
        }
        self._sources: Counter[tuple[Lane, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place, pass the request on, give the place back when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        lane, receive = await self._lane(scope, receive)
        scope[LANE] = lane
        source = (lane, source_of_request(scope))
        try:
            ticket = await self._enter(lane, source)
        except Full:
            await self._refusing(scope, busy())(scope, receive, send)
            return

        def leave() -> None:
            if ticket.state != "gone":
                self._leave(ticket, source)

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                leave()
            await send(message)

        try:
            await self._app(scope, receive, send_and_leave)
        finally:
            leave()

    async def _lane(self, scope: Scope, receive: Receive) -> tuple[Lane, Receive]:
        method, path, form = scope["method"], scope["path"], {}
        if method == "POST" and path == DECISIONS:
            messages, body = await _whole(receive)
            form, receive = read_form(body), _again(messages, receive)
        return lane_of(method, path, form, signed_in=_has_cookie(scope, self._cookie)), receive

    async def _enter(self, lane: Lane, source: tuple[Lane, str]) -> Ticket:
        """Wait for a place.

        Raises:
            Full: too many wait, or it takes too long.
        """
        bound, queue = self._bounds[lane], self._queues[lane]
        if bound.per_source is not None and self._sources[source] >= bound.per_source:
            raise Full
        called = asyncio.Event()
        ticket = queue.ask(lane, called)
        self._sources[source] += 1
        try:
            async with asyncio.timeout(bound.wait_s):
                await called.wait()
        except BaseException as error:
            self._leave(ticket, source)
            if isinstance(error, TimeoutError):
                raise Full from error
            raise
        return ticket

    def _leave(self, ticket: Ticket, source: tuple[Lane, str]) -> None:
        self._queues[ticket.lane].leave(ticket)
        self._sources[source] -= 1
        if not self._sources[source]:
            del self._sources[source]


def _has_cookie(scope: Scope, name: str) -> bool:
    sent = (value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie")
    return any(name in cookie_parser(value) for value in sent)


async def _whole(receive: Receive) -> tuple[list[Message], bytes]:
    """Read a request's body to its end; what was read, to be read again, and the bytes."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages, b"".join(message.get("body", b"") for message in messages)


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def receive_again() -> Message:
        for message in waiting:
            return message
        return await receive()

    return receive_again
