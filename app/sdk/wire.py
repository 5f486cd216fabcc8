"""HTTP with bounds, for an agent on a network that it does not trust.

No byte is read beyond a cap, no exchange lasts longer than a deadline, no redirect is followed,
nothing is unpacked.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

TIMEOUT_S = 10.0
"""How long one step (connecting, one read) may take, seconds."""
DEADLINE_S = 20.0
"""How long an answer may take in all, seconds."""
SMALL, LARGE = 65_536, 1_048_576
"""Caps on answers, bytes: everything, and policy documents."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read within its bounds.

    Attributes:
        retry_after: when to ask again, as the answer says it; empty if it does not.
    """

    status: int
    media_type: str
    etag: str
    body: bytes
    retry_after: str = ""


class BadAnswer(Exception):
    """The other side answered what no service of ours answers."""


class Silence(Exception):
    """Nobody answered in time, or nobody who can be understood just now.

    Attributes:
        retry_after: when to ask again, as an answer said it; empty if none did.
    """

    def __init__(self, problem: str, retry_after: str = "") -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class Wire:
    """HTTP with bounds."""

    def __init__(
        self, base_url: str, http: httpx2.Client | None = None, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._deadline_s = deadline_s
        self._http = http or httpx2.Client(timeout=TIMEOUT_S)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        cap: int = SMALL,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """Send a request and read the answer.

        Args:
            method: the HTTP method.
            path: the path under the base URL.
            cap: most bytes that are read.
            headers: request headers.
            content: ``json=`` or ``data=``, as httpx2 takes them.

        Raises:
            Silence: there was no answer, or it did not end in time.
            BadAnswer: too many bytes, an encoding that was not asked for, a redirect.
        """
        asked = {"Accept-Encoding": "identity", **(headers or {})}
        deadline = time.monotonic() + self._deadline_s
        try:
            with self._http.stream(
                method, self.base_url + path, headers=asked, follow_redirects=False, **content
            ) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise BadAnswer("the answer is packed")
                if response.has_redirect_location:
                    raise BadAnswer("the answer is a redirect")
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > cap:
                        raise BadAnswer("the answer is too long")
                    if time.monotonic() > deadline:
                        raise Silence("the answer does not end")
                return Answer(
                    response.status_code,
                    response.headers.get("content-type", "").partition(";")[0].strip().lower(),
                    response.headers.get("etag", ""),
                    bytes(body),
                    response.headers.get("retry-after", ""),
                )
        except httpx2.TransportError as error:
            raise Silence(str(error) or type(error).__name__) from error
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            raise BadAnswer(str(error) or type(error).__name__) from error
