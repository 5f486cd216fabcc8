"""A body is read whole before anything else happens, in bounded time and within bounded bytes.

Rules:
1. Until the body is there nobody is authenticated, no thread is taken and no transaction begins:
   whoever sends slowly holds one connection, and nothing else.
2. A body has ``start_s`` to come, and more with each byte, up to ``within_s``. One that comes more
   slowly is refused with 408 and its connection is closed.
3. More bytes than ``largest`` are refused with 413, before they are read where the length says it.
4. Bodies in memory are bounded, each source's and all together. The first ``SMALL`` bytes of each
   body do not count, so that saying no is never refused for want of room.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.admission import Refusing
from app.api.problems import refusal_to_machines
from app.api.sources import source_of_request
from app.kernel.errors import HabeasError, TooLarge, TooSlow, Unavailable

SMALL = 65_536
"""Bytes of each body that do not count as memory taken; every form of a person has fewer."""
_BODIES_PER_SOURCE = 8
_BODIES = 64
"""How many bodies of the largest size are in memory at once: of one source, and of all."""


@dataclass(frozen=True)
class Pace:
    """How long a body may take.

    Attributes:
        within_s: seconds for any body.
        start_s: seconds for the first byte.
        bytes_per_s: bytes that buy one second more.
    """

    within_s: float = 60
    start_s: float = 10
    bytes_per_s: int = 1_000

    def allowed_s(self, received: int) -> float:
        """Seconds from the start in which the next byte has to come.

        >>> Pace().allowed_s(0), Pace().allowed_s(5_000), Pace().allowed_s(900_000)
        (10.0, 15.0, 60)
        """
        return min(self.within_s, self.start_s + received / self.bytes_per_s)


class BodyRoom:
    """The memory that bodies take, counted by source. For one event loop.

    >>> room = BodyRoom(per_source=10, total=15)
    >>> room.take("a", 10), room.take("b", 5)
    (None, None)
    >>> room.take("b", 1)
    Traceback (most recent call last):
    app.kernel.errors.Unavailable: too many large requests are under way
    """

    def __init__(self, per_source: int, total: int) -> None:
        self._per_source = per_source
        self._total = total
        self._taken: Counter[str] = Counter()

    def take(self, source: str, size: int) -> None:
        """Count bytes in.

        Raises:
            Unavailable: the source, or all together, would have more than there is room for.
        """
        mine = self._taken[source] + size
        if mine > self._per_source or self._taken.total() + size > self._total:
            raise Unavailable(
                "too many large requests are under way",
                cure="Nothing was changed. Send it again in a moment.",
                kind="busy",
            )
        self._taken[source] = mine

    def give(self, source: str, size: int) -> None:
        """Count bytes out."""
        self._taken[source] -= size
        if self._taken[source] <= 0:
            del self._taken[source]


class WholeBody:
    """Reads each body, and passes the request on with the body at hand."""

    def __init__(
        self,
        app: ASGIApp,
        largest: int,
        pace: Pace,
        refusing: Refusing = refusal_to_machines,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._largest = largest
        self._pace = pace
        self._refusing = refusing
        self._monotonic = monotonic
        self._room = BodyRoom(_BODIES_PER_SOURCE * largest, _BODIES * largest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request without a body on as it is, one with a body when the body is there."""
        length = _length(scope) if scope["type"] == "http" else 0
        if length == 0:
            await self._app(scope, receive, send)
            return
        upload = _Upload(self._room, scope)
        try:
            await self._pass_on(upload, length, scope, receive, send)
        finally:
            upload.forget()

    async def _pass_on(
        self, upload: "_Upload", length: int | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            self._require_size(length or 0)
            complete = await self._read(upload, receive)
        except HabeasError as error:
            response = self._refusing(scope, error)
            if isinstance(error, TooSlow):
                response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        if complete:
            await self._app(scope, _replayed(bytes(upload.body), receive), send)

    async def _read(self, upload: "_Upload", receive: Receive) -> bool:
        """Read to the end; false where the client went away, so that nobody waits for an answer."""
        begun = self._monotonic()
        more = True
        while more:
            left = begun + self._pace.allowed_s(len(upload.body)) - self._monotonic()
            message = await _next(receive, left)
            if message["type"] == "http.disconnect":
                return False
            upload.add(message.get("body", b""), self._require_size)
            more = message.get("more_body", False)
        return True

    def _require_size(self, size: int) -> None:
        if size > self._largest:
            raise TooLarge(
                f"the body has more than {self._largest:,} bytes",
                cure="Send less at once. Nothing was changed.",
            )


class _Upload:
    """One body while it comes, and the memory that it takes."""

    def __init__(self, room: BodyRoom, scope: Scope) -> None:
        self.body = bytearray()
        self._room = room
        self._source = source_of_request(scope)
        self._counted = 0

    def add(self, part: bytes, require_size: Callable[[int], None]) -> None:
        size = len(self.body) + len(part)
        require_size(size)
        counted = max(0, size - SMALL)
        self._room.take(self._source, counted - self._counted)
        self._counted = counted
        self.body += part

    def forget(self) -> None:
        self._room.give(self._source, self._counted)


async def _next(receive: Receive, left_s: float) -> Message:
    """The next part of a body.

    Raises:
        TooSlow: it did not come in the time that is left.
    """
    try:
        if left_s > 0:
            async with asyncio.timeout(left_s):
                return await receive()
    except TimeoutError:
        pass
    raise TooSlow(
        "the request did not arrive whole in time",
        cure="Nothing was changed. Send it again.",
    )


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body at once; then whatever comes, as before."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _length(scope: Scope) -> int | None:
    """The length that the headers announce: 0 where there is no body, None where they do not say.

    HTTP/1.1 has a body only where one of the two headers says so (RFC 9112 §6.3).
    """
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value) if value.isdigit() else None
    return length
