"""A server on a socket of this machine that answers as a service, or as bad as networks do."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import httpx2

from app.sdk.agent.client import LEASE_MEDIA_TYPE

Handler = Callable[[httpx2.Request], httpx2.Response]
Act = Callable[[socket.socket], None]

MOST_CONNECTIONS = 200
WAIT_S = 5.0
"""How long the server waits for the other side, seconds; then it hangs up."""


class MisbehavingServer:
    """Answers one connection after the other; as ``act`` does, where there is one.

    Args:
        listening: the socket.
        honest: what answers otherwise.

    Attributes:
        loses_answers: whether what ``honest`` answers gets lost on the way.
    """

    def __init__(self, listening: socket.socket, honest: Handler) -> None:
        self._listening, self._honest = listening, honest
        self.act: Act | None = None
        self.loses_answers = False
        self.connections = 0

    @property
    def address(self) -> str:
        host, port = self._listening.getsockname()
        return f"http://{host}:{port}"

    def run(self) -> None:
        """Answer until the socket is closed, or for ``MOST_CONNECTIONS``."""
        while self.connections < MOST_CONNECTIONS:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(WAIT_S)
                with suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        asked = request_from(connection)
        if asked is None:
            return
        if self.act is not None:
            self.act(connection)
            return
        answer = self._honest(asked)
        body = answer.read()
        if self.loses_answers:
            resets(connection)
            return
        headers = {
            **{
                name: value for name, value in answer.headers.items() if name != "transfer-encoding"
            },
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        connection.sendall(head(answer.status_code, headers) + body)


def request_from(connection: socket.socket) -> httpx2.Request | None:
    """Read one request; None if the other side hangs up before it ends."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    start, _, body = data.partition(b"\r\n\r\n")
    first, *lines = start.decode("ascii").split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    named = {name.lower(): value for name, value in headers.items()}
    while len(body) < int(named.get("content-length", 0)):
        body += connection.recv(65_536)
    return httpx2.Request(method, f"http://{named['host']}{path}", headers=headers, content=body)


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode()


def says(status: int, body: bytes = b"", **headers: str) -> Act:
    """A whole answer. ``Content_Type`` stands for ``Content-Type``."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    usual = {"Content-Length": str(len(body)), "Connection": "close"}
    return lambda connection: connection.sendall(head(status, {**usual, **said}) + body)


def resets(connection: socket.socket) -> None:
    """The network cuts the connection (RST), without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def resets_in_the_middle(connection: socket.socket) -> None:
    connection.sendall(head(200, {"Content-Type": LEASE_MEDIA_TYPE, "Content-Length": "900"}))
    connection.sendall(b"eyJ")
    resets(connection)


def hangs_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def says_nothing(connection: socket.socket) -> None:
    """Wait until the other side has enough of it."""
    connection.recv(1)


PAGE = b"<!doctype html><title>Welcome to the airport</title><form>Sign in</form>"
HTML = "text/html; charset=utf-8"

SILENT: dict[str, Act] = {
    "too many requests": says(429, Retry_After="30"),
    "an error of the service": says(500),
    "a bad gateway": says(502, PAGE, Content_Type=HTML),
    "a service that is shed": says(503, b"{}", Content_Type="application/problem+json"),
    "a gateway that waits in vain": says(504),
    "a connection that is reset": resets,
    "a connection that is reset in the middle": resets_in_the_middle,
    "a connection that is hung up": hangs_up,
    "no answer": says_nothing,
    "a lease that is cut off": says(
        200, b"eyJ", Content_Type=LEASE_MEDIA_TYPE, Content_Length="900"
    ),
    "a piece that is cut off": lambda connection: connection.sendall(
        head(200, {"Content-Type": LEASE_MEDIA_TYPE, "Transfer-Encoding": "chunked"}) + b"40\r\neyJ"
    ),
    "another protocol": lambda connection: connection.sendall(b"220 mail.example ESMTP\r\n"),
    "headers without end": lambda connection: connection.sendall(
        b"HTTP/1.1 200 Said\r\n" + b"X-Filler: x\r\n" * 50_000
    ),
    "a portal's page": says(200, PAGE, Content_Type=HTML),
    "a portal's page without a type": says(200, PAGE),
    "a portal's page that refuses": says(403, PAGE, Content_Type=HTML),
    "a portal's redirect": says(302, Location="http://login.portal.example/?from=habeas"),
    "a portal that says what it is": says(511, PAGE, Content_Type=HTML),
    "a proxy that wants a password": says(407, PAGE, Content_Type=HTML),
    "another content type": says(200, b"{}", Content_Type="application/json"),
}
"""What is as good as silence, by what it looks like on the wire."""


@contextmanager
def misbehaving_server(honest: Handler) -> Iterator[MisbehavingServer]:
    """A server in a thread, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = MisbehavingServer(listening, honest)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # a closed socket wakes nobody on Linux
            thread.join(WAIT_S + 1)
            assert not thread.is_alive()
