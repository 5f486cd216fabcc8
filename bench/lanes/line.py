"""One kept connection to a service, as cheap as it can be: HTTP/1.1 with lengths, nothing more."""

import asyncio
import time
from dataclasses import dataclass

WAITS_S = 30.0
"""After so long without an answer a request counts as timed out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a status of 0 is none.

    Attributes:
        head: the lines before the body, as they came.
        seconds: from the first byte sent to the last one read.
        lost: why there is no answer; empty where there is one.
    """

    status: int
    head: bytes
    body: bytes
    seconds: float
    lost: str = ""

    def field(self, name: bytes) -> bytes:
        """A field of the head; empty where it is not there."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip()
        return b""

    @property
    def called(self) -> str:
        """The status, or why there is none."""
        return self.lost or str(self.status)


def request(
    method: str, path: str, host: str, fields: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """The bytes of a request."""
    lines = {"host": host, "content-length": str(len(body)), **(fields or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Line:
    """A connection that is opened again when it was lost; it carries one request at a time."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """Remember the way.

        Args:
            port: of a service on this machine.
            source: the address to come from; each of 127.0.0.0/8 is this machine.
        """
        self._port, self._source = port, source
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, asked: bytes, waits_s: float = WAITS_S) -> Answer:
        """Send a request and read its answer, or say why there is none."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(waits_s):
                head, body = await self._exchange(asked)
        except TimeoutError:
            return self._lost("time-out", began)
        except (OSError, asyncio.IncompleteReadError):
            return self._lost("connection lost", began)
        if b"connection: close" in head.lower():
            self.close()
        return Answer(int(head[9:12]), head, body, time.perf_counter() - began)

    async def _exchange(self, asked: bytes) -> tuple[bytes, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._source, 0)
            )
        reader, writer = self._streams
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        _, found, rest = head.lower().partition(b"content-length:")
        length = int(rest.partition(b"\r\n")[0]) if found and head[9:12] != b"304" else 0
        return head, await reader.readexactly(length)

    def _lost(self, why: str, began: float) -> Answer:
        self.close()
        return Answer(0, b"", b"", time.perf_counter() - began, why)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
