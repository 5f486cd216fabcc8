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
5. Whose session was found good before stands in no queue with those who may have made theirs up: a
   cookie costs nothing to invent. Newcomers have places of their own, and so get in, too.
6. Who finds no room is told so a moment later, and holds no thread meanwhile: whoever asks again
   at once asks less often.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.lanes import DECISIONS, lane_of, read_form
from app.api.sources import source_of_request
from app.kernel.errors import HabeasError
from app.kernel.lanes import Full, Lane, Queue, Ticket, busy

LANE = "habeas.lane"
"""Where the scope says in which lane a request was let in."""
VISITOR = "habeas.visitor"
"""Where the scope says who is signed in, once the door has found them."""


@dataclass(frozen=True)
class Bounds:
    """How many requests of a lane are inside, and how many wait, for how long.

    Attributes:
        inside: at once; each may hold a thread.
        waiting: None: as many as come.
        wait_s: seconds.
        per_source: of those who are inside or wait, from one source; None: as many as come.
        pause_s: seconds until one who finds no room is told so.
    """

    inside: int
    waiting: int | None
    wait_s: float
    per_source: int | None = None
    pause_s: float = 0.0


BOUNDS: Mapping[Lane, Bounds] = {
    Lane.OUT: Bounds(8, None, 60.0),
    Lane.LOG: Bounds(2, 50, 5.0),
    Lane.PEOPLE: Bounds(6, 300, 10.0, pause_s=1.0),
    Lane.AGENTS: Bounds(3, 200, 3.0, pause_s=1.0),
    Lane.CONSUMERS: Bounds(2, 60, 3.0, pause_s=1.0),
    Lane.STRANGERS: Bounds(2, 60, 3.0, per_source=8, pause_s=1.0),
}
"""Few are inside: threads take turns on one processor, and each turn of another is a wait."""

NEWCOMERS: Mapping[Lane, Bounds] = {
    Lane.OUT: Bounds(4, None, 60.0),
    Lane.PEOPLE: Bounds(3, 300, 10.0, per_source=64, pause_s=1.0),
}
"""The same of people whose session was not found good here before (rule 5)."""

PAUSING = 1_000
"""How many of an entrance wait for being told that there is no room; others are told at once."""

THREADS = sum(each.inside for each in (*BOUNDS.values(), *NEWCOMERS.values())) + 6
"""How many threads handlers have: some of a request's steps use a second one for a moment."""

REMEMBERED = 100_000
"""Of so many sessions it is known that they were good."""

Refusing = Callable[[Scope, HabeasError], Response]


class _Entrance:
    """A queue, and whoever is in it or inside, by source."""

    def __init__(self, lane: Lane, bounds: Bounds) -> None:
        self._lane = lane
        self._bounds = bounds
        longest = {} if bounds.waiting is None else {lane: bounds.waiting}
        self._queue = Queue(bounds.inside, longest=longest)
        self._sources: Counter[str] = Counter()
        self._pausing = 0

    async def enter(self, source: str) -> Ticket:
        """Wait for a place.

        Raises:
            Full: too many wait, or it takes too long.
        """
        called = asyncio.Event()
        try:
            ticket = self._ask(source, called)
        except Full:
            await self._pause()
            raise
        try:
            async with asyncio.timeout(self._bounds.wait_s):
                await called.wait()
        except BaseException as error:
            self.leave(ticket, source)
            if isinstance(error, TimeoutError):
                raise Full from error
            raise
        return ticket

    def _ask(self, source: str, called: asyncio.Event) -> Ticket:
        most = self._bounds.per_source
        if most is not None and self._sources[source] >= most:
            raise Full
        ticket = self._queue.ask(self._lane, called)
        self._sources[source] += 1
        return ticket

    async def _pause(self) -> None:
        if self._pausing >= PAUSING:
            return
        self._pausing += 1
        try:
            await asyncio.sleep(self._bounds.pause_s)
        finally:
            self._pausing -= 1

    def leave(self, ticket: Ticket, source: str) -> None:
        """Give a place back; again changes nothing."""
        if ticket.state == "gone":
            return
        self._queue.leave(ticket)
        self._sources[source] -= 1
        if not self._sources[source]:
            del self._sources[source]


class Admission:
    """Lets requests in by lane."""

    def __init__(
        self,
        app: ASGIApp,
        cookie: str,
        refusing: Refusing,
        bounds: Mapping[Lane, Bounds] = BOUNDS,
        newcomers: Mapping[Lane, Bounds] = NEWCOMERS,
    ) -> None:
        """Stand before an application.

        Args:
            app: the application.
            cookie: the name of the session's cookie.
            refusing: writes the answer to whoever is sent away.
            bounds: the sizes, by lane.
            newcomers: those of people whose session was not found good here before.
        """
        self._app = app
        self._cookie = cookie
        self._refusing = refusing
        self._entrances = {lane: _Entrance(lane, each) for lane, each in bounds.items()}
        self._newcomers = {lane: _Entrance(lane, each) for lane, each in newcomers.items()}
        self._good: OrderedDict[bytes, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place, pass the request on, give the place back when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session = _session(scope, self._cookie)
        lane, receive = await _lane(scope, receive, signed_in=session is not None)
        entrance = self._entrances[lane]
        if session not in self._good:
            entrance = self._newcomers.get(lane, entrance)
        scope[LANE], source = lane, source_of_request(scope)
        try:
            ticket = await entrance.enter(source)
        except Full:
            await self._refusing(scope, busy())(scope, receive, send)
            return

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                entrance.leave(ticket, source)
            await send(message)

        try:
            await self._app(scope, receive, send_and_leave)
        finally:
            entrance.leave(ticket, source)
        if session is not None and VISITOR in scope:
            self._remember(session)

    def _remember(self, session: bytes) -> None:
        self._good[session] = None
        self._good.move_to_end(session)
        if len(self._good) > REMEMBERED:
            self._good.popitem(last=False)


async def _lane(scope: Scope, receive: Receive, *, signed_in: bool) -> tuple[Lane, Receive]:
    """The lane of a request; a form that decides is looked at, and is there to be read again."""
    method, path, form = scope["method"], scope["path"], {}
    if method == "POST" and path == DECISIONS:
        messages, body = await _whole(receive)
        form, receive = read_form(body), _again(messages, receive)
    return lane_of(method, path, form, signed_in=signed_in), receive


def _session(scope: Scope, name: str) -> bytes | None:
    """The digest of the session's cookie; None where there is none."""
    for key, value in scope["headers"]:
        if key == b"cookie" and (token := cookie_parser(value.decode("latin-1")).get(name)):
            return sha256(token.encode("latin-1", "replace")).digest()
    return None


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
