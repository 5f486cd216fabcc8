"""One connection: what it may take of time and bytes before a request is there, and after.

Rules:
1. The headers of a request are complete within ``headers_s`` of the connection's start, or of the
   first byte after an answer. A connection that sent nothing is closed in silence, one that sent a
   part is told 408.
2. Between two requests nothing happens for at most ``idle_s``.
3. What the parser could deliver nothing of (endless headers, chunk extensions, trailers) is at
   most ``header_bytes``; so are a request's headers together. Beyond: 431.
4. Trailers are dropped: a header that comes after the body was seen by no proxy and no check
   (RFC 9110 §6.5.1).
5. Of an answer that waits for its client, ``taken_per_s`` bytes a second are taken, counted over
   each ``taken_s``; else it ends, whatever else the client sends meanwhile. A body that goes on
   after its answer has ``linger_s`` to end, and so has an upload when the service stops.
6. From one source there are at most ``per_source`` connections. The one more takes the place of
   one that is not at work (``Occupancy``), and is told 503 where each is. Named proxies carry the
   connections of many, and have no such bound.

How long a body may take is decided where it is read (app/api/server/bodies.py).
"""

import asyncio
import json
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from itertools import islice
from typing import ClassVar, Protocol

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.problems import TYPE_BASE
from app.api.sources import Network, is_named, source_of


@dataclass(frozen=True)
class ConnectionBounds:
    """What a connection may take.

    Attributes:
        headers_s: seconds until the headers of a request are complete.
        idle_s: seconds without a request.
        linger_s: seconds for the rest of a body that nobody waits for.
        taken_s: seconds after which it is counted what a client took of its answer.
        taken_per_s: bytes of it that a client takes in a second, at least.
        shutdown_s: seconds in which all requests under way end when the service stops.
        header_bytes: bytes of a request's line and headers.
        per_source: connections from one source.
        proxies: networks of the named proxies.
    """

    headers_s: float = 10
    idle_s: int = 20
    linger_s: float = 2
    taken_s: float = 30
    taken_per_s: int = 1_000
    shutdown_s: int = 10
    header_bytes: int = 32_768
    per_source: int = 512
    proxies: tuple[Network, ...] = ()


class Occupancy(IntEnum):
    """How far a connection is: the lower gives way first, and who is at work never."""

    IDLE = 0
    """No request is there."""
    SENDING = 1
    """A part of a body is there, so nothing was begun (app/api/server/bodies.py)."""
    TAKING = 2
    """A part of the answer waits for the client."""
    WORKING = 3


class Occupant(Protocol):
    """What takes a place: it can say how far it is, and be sent away."""

    @property
    def stage(self) -> Occupancy:
        """How far it is."""

    def give_way(self) -> None:
        """Close, at once."""


class Crowd:
    """Who is connected, by source, the oldest first (rule 6). For one event loop.

    >>> class Slow:
    ...     stage = Occupancy.SENDING
    ...     def give_way(self) -> None: print("closed")
    >>> crowd, first, second = Crowd(1), Slow(), Slow()
    >>> crowd.enter("192.0.2.7", first), crowd.enter("192.0.2.7", second)
    closed
    (True, True)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, dict[Occupant, None]] = {}

    def enter(self, source: str, occupant: Occupant) -> bool:
        """Give a place; false where each of the source is taken by one that is at work."""
        places = self._places.setdefault(source, {})
        if len(places) >= self._most:
            yielding = _yielding(places)
            if yielding is None:
                return False
            del places[yielding]
            yielding.give_way()
        places[occupant] = None
        return True

    def leave(self, source: str, occupant: Occupant) -> None:
        """Take the place back; nothing where there is none."""
        places = self._places.get(source, {})
        places.pop(occupant, None)
        if not places:
            self._places.pop(source, None)


def _yielding(places: dict[Occupant, None]) -> Occupant | None:
    """Who gives way: of the older half the oldest of the lowest stage, else of the newer half.

    Who came just now is idle until the request is there. The newer half comes last, so that a
    neighbour who connects again and again does not push the newcomer out before slow ones.
    """
    half = (len(places) + 1) // 2
    for part in (islice(places, half), islice(places, half, None)):
        first = min(part, key=lambda each: each.stage, default=None)
        if first is not None and first.stage is not Occupancy.WORKING:
            return first
    return None


class Connection(HttpToolsProtocol):
    """HTTP/1.1 by uvicorn and httptools, within bounds. Classes for a server: ``bounded``."""

    bounds: ClassVar[ConnectionBounds]
    crowd: ClassVar[Crowd]

    _source = ""
    _deadline: asyncio.TimerHandle | None = None
    """When the request has to be there."""
    _taking: asyncio.TimerHandle | None = None
    """When it is counted what the client took of its answer."""
    _undelivered = 0
    """Bytes since the parser last delivered something."""
    _answering: RequestResponseCycle | None = None
    """The request that the application has; ``cycle`` is the last one that came."""
    _in_body = False
    """Whether the parser is between a request's headers and its end."""
    _too_large = False
    _untaken = 0
    """Bytes of answers that the client had not taken when it was last looked at."""

    @property
    def waiting(self) -> bool:
        """Whether no request is under way: neither a body nor an answer."""
        return not self._in_body and (self.cycle is None or self.cycle.response_complete)

    @property
    def stage(self) -> Occupancy:
        """How far this is. A body behind a request that is at work does not count."""
        if self.transport.get_write_buffer_size():
            return Occupancy.TAKING
        if self._in_body and not self.pipeline:
            return Occupancy.SENDING
        return Occupancy.IDLE if self.waiting else Occupancy.WORKING

    def give_way(self) -> None:
        """Close at once: an answer is cut off, an upload is told so, what is idle is not."""
        if self.stage is Occupancy.TAKING:
            self.transport.abort()
        elif self._in_body and not self.cycle.response_started:
            self._refuse(_CROWDED)
        else:
            self.end()

    def end(self) -> None:
        """Close; what nobody takes of the last answer is dropped after a while."""
        self.transport.close()
        self._await_taking()

    # What the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place in the crowd, and begin to wait for headers."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not is_named(address, self.bounds.proxies):
            self._source = source_of(address)
            if not self.crowd.enter(self._source, self):
                self._refuse(_CROWDED)
                return
        self._arm(self.bounds.headers_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._disarm()
        self._stop_counting()
        if self._source:
            self.crowd.leave(self._source, self)
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True  # uvicorn tells only the last one
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; a request that began has its time from here."""
        self._undelivered += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._undelivered > self.bounds.header_bytes:
            self._refuse(_HEADERS_TOO_LARGE)
        elif self.waiting and self._deadline is None:
            self._arm(self.bounds.headers_s)

    def pause_writing(self) -> None:
        """The client takes its answer slowly: it has some time to go on."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """It went on."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_counting()

    # What the parser says

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; drop a trailer (rule 4)."""
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its headers are too large."""
        self._disarm()
        self._undelivered = 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.bounds.header_bytes:
            self._too_large = True
            raise ValueError("headers too large")  # stops the parser, which then refuses
        self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._undelivered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        self._undelivered = 0
        self._in_body = False
        super().on_message_complete()
        if self.cycle.response_complete:
            self._disarm()

    # What the server says

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """The answer is given: a body that still comes has little time left."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_taking()
        elif self._in_body and self.cycle.response_complete:
            self._arm(self.bounds.linger_s)

    def shutdown(self) -> None:
        """Stop: of an upload nothing was done yet, so it does not hold the service."""
        super().shutdown()
        if self._in_body and not self.transport.is_closing():
            self._arm(self.bounds.linger_s)

    def timeout_keep_alive_handler(self) -> None:
        """No further request came in time."""
        if not self.transport.is_closing():
            self.end()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours is a problem document
        """Refuse what the parser cannot read."""
        self._refuse(_HEADERS_TOO_LARGE if self._too_large else _NOT_HTTP)

    # Time

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _await_taking(self) -> None:
        if self._taking is None:
            self._untaken = self.transport.get_write_buffer_size()
            self._taking = self.loop.call_later(self.bounds.taken_s, self._count_taken)

    def _stop_counting(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _count_taken(self) -> None:
        self._taking = None
        taken = self._untaken - self.transport.get_write_buffer_size()
        if taken < self.bounds.taken_s * self.bounds.taken_per_s:
            self.transport.abort()
        else:
            self._await_taking()

    def _late(self) -> None:
        self._deadline = None
        if self.waiting and self._undelivered and not self.transport.is_closing():
            self._refuse(_HEADERS_LATE)
        else:
            self.end()

    def _refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.end()


def bounded(bounds: ConnectionBounds) -> type[Connection]:
    """The class of connections for one server: its bounds, and its crowd."""

    class BoundedConnection(Connection):
        """Its answers are those of every connection."""

    BoundedConnection.bounds = bounds
    BoundedConnection.crowd = Crowd(bounds.per_source)
    return BoundedConnection


def _answer(status: HTTPStatus, kind: str, detail: str, cure: str, *headers: str) -> bytes:
    """A problem document on the wire (RFC 9457), for what no application has seen."""
    document = {
        "type": TYPE_BASE + kind,
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "cure": cure,
    }
    body = json.dumps(document)
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "connection: close",
        *headers,
    )
    return "\r\n".join((*head, "", body)).encode("ascii")


_NOT_HTTP = _answer(
    HTTPStatus.BAD_REQUEST,
    "unreadable",
    "this is not a request of HTTP/1.1",
    "Check the program that sent it. Nothing was changed.",
)
_HEADERS_LATE = _answer(
    HTTPStatus.REQUEST_TIMEOUT,
    "too-slow",
    "the headers of the request did not come in time",
    "Send the request again, at once. Nothing was changed.",
)
_HEADERS_TOO_LARGE = _answer(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "too-large",
    "the request has more headers than it may carry",
    "Send fewer or shorter headers. Nothing was changed.",
)
_CROWDED = _answer(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "busy",
    "there are too many connections from this address",
    "Close some, or try again in a moment. Nothing was changed.",
    "retry-after: 1",
)
