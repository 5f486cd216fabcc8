"""Who is let in, before any thread: each lane has its own.

A handler that waits for the database holds a thread. If polls could take all threads, whoever opts
out would wait for one, long before the gate (app/db/gate.py) can put them first.

Rules:
1. Each lane has so many requests inside at once, and threads for all lanes together are more.
2. So many more of a lane wait, and so long; whoever comes beyond is asked to come back: 503 with
   Retry-After, and nothing was changed. Nobody who opts out is: they wait until it is their turn.
3. Within a lane there are turns (app/kernel/turns.py): by session of whoever is known, else by
   source. One that floods stands before nobody else, and is the first to be sent away.
4. A request is inside until its answer begins: by then all is committed. A slow reader holds
   nothing.
5. What nobody waits for any more is not done: a flood that hangs up costs nothing. But whoever opts
   out and closes the page has opted out.
6. Who finds no room is told so a moment later, and holds no thread meanwhile: whoever asks again
   at once asks less often.
7. Whose session was found good before stands in no queue with those who may have made theirs up: a
   cookie costs nothing to invent. Newcomers have places of their own, and so get in, too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.lanes import DECISIONS, lane_of, read_form
from app.api.sources import source_of_request
from app.kernel.errors import HabeasError
from app.kernel.lanes import Full, Lane, busy
from app.kernel.turns import Turn, Turns

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
        wait_s: seconds; None: until it is their turn.
        pause_s: seconds until one who finds no room is told so.
    """

    inside: int
    waiting: int | None
    wait_s: float | None
    pause_s: float = 0.0


BOUNDS: Mapping[Lane, Bounds] = {
    Lane.OUT: Bounds(8, None, None),
    Lane.LOG: Bounds(2, 100, 10.0),
    Lane.PEOPLE: Bounds(6, 300, 10.0, pause_s=1.0),
    Lane.AGENTS: Bounds(3, 200, 3.0, pause_s=1.0),
    Lane.CONSUMERS: Bounds(2, 60, 3.0, pause_s=1.0),
    Lane.STRANGERS: Bounds(2, 200, 3.0, pause_s=1.0),
}
"""Few are inside: threads take turns on one processor, and each turn of another is a wait."""

NEWCOMERS: Mapping[Lane, Bounds] = {
    Lane.OUT: Bounds(4, None, None),
    Lane.PEOPLE: Bounds(3, 300, 10.0, pause_s=1.0),
}
"""The same of people whose session was not found good here before (rule 7)."""

PAUSING = 1_000
"""How many of an entrance wait for being told that there is no room; others are told at once."""

THREADS = sum(each.inside for each in (*BOUNDS.values(), *NEWCOMERS.values())) + 6
"""How many threads handlers have: some of a request's steps use a second one for a moment."""

REMEMBERED = 100_000
"""Of so many sessions it is known that they were good."""

Refusing = Callable[[Scope, HabeasError], Response]
Gone = Callable[[], "asyncio.Future[Message]"]


class _Entrance:
    """Where those of a lane wait, in an event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._pausing = 0
        self._turns = Turns(bounds.inside, bounds.waiting)

    async def enter(self, asker: str, gone: Gone | None) -> Turn:
        """Wait for a turn.

        Args:
            asker: whose turn it is.
            gone: gives what is done when nobody waits for the answer any more; None: what is asked
                for is done all the same.

        Raises:
            Full: too many wait, or it takes too long, or nobody waits for the answer any more.
        """
        called = asyncio.Event()
        try:
            turn = self._turns.ask(asker, called)
        except Full:
            await self._pause(gone)
            raise
        try:
            if not turn.is_in:
                await _first(called, gone() if gone else None, self._bounds.wait_s)
        except BaseException:
            self.leave(turn)
            raise
        if not turn.is_in:
            self.leave(turn)
            raise Full
        return turn

    async def _pause(self, gone: Gone | None) -> None:
        if self._pausing >= PAUSING or gone is None or not self._bounds.pause_s:
            return
        self._pausing += 1
        try:
            await asyncio.wait({gone()}, timeout=self._bounds.pause_s)
        finally:
            self._pausing -= 1

    def leave(self, turn: Turn) -> None:
        """Give a place back; again changes nothing."""
        self._turns.leave(turn)


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
        self._entrances = {lane: _Entrance(each) for lane, each in bounds.items()}
        self._newcomers = {lane: _Entrance(each) for lane, each in newcomers.items()}
        self._good: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place, pass the request on, give the place back when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session, body = _session(scope, self._cookie), await _ReadBody.read(receive)
        lane = _lane(scope, body, signed_in=session is not None)
        entrance, asker = self._entrances[lane], source_of_request(scope)
        if lane in self._newcomers:  # of machines a cookie says nothing
            if session is not None and session in self._good:
                asker = session
            else:
                entrance = self._newcomers[lane]
        # The probe has an entrance of its own; in the database it is a visitor, and not the log.
        scope[LANE] = Lane.PEOPLE if lane is Lane.LOG else lane
        try:
            is_done_anyway = lane is Lane.OUT and asker == session
            turn = await entrance.enter(asker, None if is_done_anyway else body.gone)
        except Full:
            body.close()
            await self._refusing(scope, busy())(scope, body.receive, send)
            return

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                entrance.leave(turn)
            await send(message)

        try:
            await self._app(scope, body.receive, send_and_leave)
        finally:
            entrance.leave(turn)
            body.close()
        if session is not None and VISITOR in scope:
            self._remember(session)

    def _remember(self, session: str) -> None:
        self._good[session] = None
        self._good.move_to_end(session)
        if len(self._good) > REMEMBERED:
            self._good.popitem(last=False)


class _ReadBody:
    """A request's body, which was read to be looked at; and whether its client is still there."""

    def __init__(self, messages: list[Message], receive: Receive) -> None:
        self.whole = b"".join(message.get("body", b"") for message in messages)
        self._messages = iter(messages)
        self._receive = receive
        self._gone: asyncio.Future[Message] | None = None

    @classmethod
    async def read(cls, receive: Receive) -> Self:
        """Read a body to its end."""
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        return cls(messages, receive)

    def gone(self) -> "asyncio.Future[Message]":
        """Done when the client has gone, with the message that says so."""
        if self._gone is None:
            self._gone = asyncio.ensure_future(self._receive())
        return self._gone

    async def receive(self) -> Message:
        """The body again, and then what comes after it."""
        for message in self._messages:
            return message
        return await self.gone()

    def close(self) -> None:
        """Ask no more whether the client is there."""
        if self._gone is not None:
            self._gone.cancel()


async def _first(
    called: asyncio.Event, gone: "asyncio.Future[Message] | None", wait_s: float | None
) -> None:
    """Return when one of the two has come, or the time is over."""
    calls = asyncio.ensure_future(called.wait())
    waits: set[asyncio.Future[Any]] = {calls} if gone is None else {calls, gone}
    try:
        await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        calls.cancel()


def _lane(scope: Scope, body: _ReadBody, *, signed_in: bool) -> Lane:
    method, path = scope["method"], scope["path"]
    form = read_form(body.whole) if method == "POST" and path == DECISIONS else {}
    return lane_of(method, path, form, signed_in=signed_in)


def _session(scope: Scope, name: str) -> str | None:
    """The digest of the session's cookie; None where there is none."""
    for key, value in scope["headers"]:
        if key == b"cookie" and (token := cookie_parser(value.decode("latin-1")).get(name)):
            return sha256(token.encode("latin-1", "replace")).hexdigest()
    return None
