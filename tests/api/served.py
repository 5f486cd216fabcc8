"""An application on a real socket of this machine, and a client that may send slowly."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.server.connections import ConnectionBounds
from app.api.server.serving import configuration

LARGE = 32_000_000
"""Bytes of an answer that no buffer takes in."""

PATIENCE_S = 10
"""How long a test waits before it says that nothing happens."""


@dataclass
class Served:
    """A server that listens."""

    port: int
    server: uvicorn.Server
    thread: Thread

    def connect(self, source: str = "127.0.0.1") -> "Line":
        at = ("127.0.0.1", self.port)
        return Line(socket.create_connection(at, PATIENCE_S, source_address=(source, 0)))

    def stop(self) -> float:
        """Stop it, and say how many seconds that took."""
        begun = monotonic()
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        return monotonic() - begun


@contextmanager
def served(app: ASGIApp, bounds: ConnectionBounds) -> Iterator[Served]:
    config = configuration(app, bounds, "127.0.0.1", 0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield Served(listening.getsockname()[1], server, thread)
        server.should_exit = True
        thread.join(PATIENCE_S)


@dataclass
class Line:
    """One connection, seen by the client."""

    socket: socket.socket

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, sent: bytes) -> None:
        self.socket.sendall(sent)

    def to_end(self) -> bytes:
        """All that comes until the server closes."""
        self.socket.settimeout(PATIENCE_S)
        return _to_end(self.socket)

    def taken(self, piece: int, pause_s: float) -> int:
        """How many bytes come when they are taken by the piece, with pauses."""
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536
        )  # nothing is taken ahead
        count, until = 0, piece
        while got := self.socket.recv(65_536):
            count += len(got)
            if count > until:
                until += piece
                Event().wait(pause_s)  # nothing is waited for: the client is slow
        return count

    def dribble(self, part: bytes, every_s: float = 0.02) -> tuple[bytes, float]:
        """Send a part again and again until the server closes: what came, after how many seconds.

        What is waited for between two parts is the server's answer.
        """
        begun, came = monotonic(), b""
        self.socket.settimeout(every_s)
        while monotonic() - begun < PATIENCE_S:
            try:
                self.socket.sendall(part)
                came += (got := self.socket.recv(65_536))
                if not got:
                    return came, monotonic() - begun
            except TimeoutError:
                continue
            except OSError:  # reset: the server closed under what was sent
                return came, monotonic() - begun
        raise AssertionError("the server did not close")

    def answer(self) -> bytes:
        """One answer with a length, on a connection that stays."""
        self.socket.settimeout(PATIENCE_S)
        came = b""
        while not _is_whole(came):
            got = self.socket.recv(65_536)
            if not got:
                break
            came += got
        return came


def _is_whole(came: bytes) -> bool:
    head, found, body = came.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    ]
    return bool(found) and len(body) >= sum(lengths)


def _to_end(connected: socket.socket) -> bytes:
    came = bytearray()
    with suppress(ConnectionResetError):
        while got := connected.recv(65_536):
            came += got
    return bytes(came)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def document(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@dataclass
class Echo:
    """Says what it was asked.

    ``/early`` reads no body; ``/waits`` waits for ``go``; ``/large`` streams, and sets ``ended``.
    """

    asked: list[str] = field(default_factory=list)
    go: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.asked.append(path)
        body = b"" if path == "/early" else await _whole(receive)
        if body is None:
            return
        if path == "/waits":
            await asyncio.to_thread(self.go.wait, PATIENCE_S)
        if path == "/large":
            await _start(send, LARGE)
            for left in reversed(range(2)):
                part = {"type": "http.response.body", "body": bytes(LARGE // 2)}
                await send({**part, "more_body": left > 0})
            self.ended.set()
            return
        said = {
            "path": path,
            "client": scope["client"][0],
            "scheme": scope["scheme"],
            "headers": [name.decode() for name, _ in scope["headers"]],
            "body": body.decode(),
        }
        content = json.dumps(said).encode()
        await _start(send, len(content))
        await send({"type": "http.response.body", "body": content})


async def _whole(receive: Receive) -> bytes | None:
    """The body; none where the client went away."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _start(send: Send, length: int) -> None:
    headers = [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
