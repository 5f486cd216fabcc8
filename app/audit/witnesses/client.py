"""One witness over HTTP: show it a checkpoint, read what it says (c2sp.org/tlog-witness).

Rules:
1. Nothing it answers raises through: every way ends in one of the four answers below.
2. The address is the configured one, https or this very machine; no redirect is followed and no
   proxy of the environment is used.
3. An answer has a largest size and a last moment, so a witness that drips bytes holds nobody long.
   It comes unpacked: a small packed answer could be large.
"""

import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

from app.audit.tree.checkpoint import b64

TIMEOUT_S = 2.0
MAX_ANSWER_BYTES = 64_000
SIZE_TYPE = "text/x.tlog.size"
MAX_PROOF_LINES = 63
"""tlog-witness, "add-checkpoint": a client sends no more."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True)
class SignatureLines:
    """It answered with signature lines, which are still to be verified."""

    answer: bytes


@dataclass(frozen=True)
class KnowsSize:
    """409 with a size: that of the newest checkpoint that it cosigned."""

    size: int


@dataclass(frozen=True)
class Contradicts:
    """It says that what it was shown does not continue what it saw before."""

    status: int


@dataclass(frozen=True)
class NoAnswer:
    """Nothing that could be used: a stable code, and a sentence."""

    code: str
    sentence: str


Answer = SignatureLines | KnowsSize | Contradicts | NoAnswer

_REFUSALS: Mapping[int, NoAnswer] = {
    HTTPStatus.NOT_FOUND: NoAnswer("unknown_log", "It does not know this log."),
    HTTPStatus.FORBIDDEN: NoAnswer("untrusted_key", "It does not trust the key of this log."),
}


def is_safe_address(url: str) -> bool:
    """Whether rule 2 allows an address."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return parts.hostname == "localhost" or ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def request_body(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """Write what a witness is sent (tlog-witness, "add-checkpoint")."""
    lines = [f"old {old}", *(b64(sibling) for sibling in proof), ""]
    return ("\n".join(lines) + "\n" + note).encode()


def new_client() -> httpx2.Client:
    """A client for witnesses (rule 2); connections are kept and used again."""
    return httpx2.Client(
        verify=_authorities(), timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
    )


@cache
def _authorities() -> ssl.SSLContext:
    """The certificate authorities of httpx2; reading them takes longer than all else here."""
    return httpx2.create_ssl_context(trust_env=False)


def add_checkpoint(
    client: httpx2.Client, url: str, old: int, proof: Sequence[bytes], note: str
) -> Answer:
    """Show a witness a checkpoint.

    Args:
        client: from ``new_client``.
        url: its submission prefix.
        old: the size of the checkpoint that it cosigned last, as far as we know.
        proof: from that size to this checkpoint's; empty for 0 and for the same size.
        note: the signed checkpoint.
    """
    end = time.monotonic() + TIMEOUT_S
    body = request_body(old, proof, note)
    try:
        with client.stream(
            "POST",
            f"{url.rstrip('/')}/add-checkpoint",
            content=body,
            headers={"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"},
        ) as response:
            answer = _read(response, end)
            if isinstance(answer, NoAnswer):
                return answer
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
            return _judge(response.status_code, media_type, answer)
    except httpx2.TimeoutException:
        return _slow()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return NoAnswer("silent", f"It cannot be reached ({type(error).__name__}).")


def _read(response: httpx2.Response, end: float) -> bytes | NoAnswer:
    answer = b""
    if response.headers.get("content-encoding", "identity") != "identity":
        return NoAnswer("wrong_answer", "It packed its answer, which it was asked not to do.")
    for piece in response.iter_bytes():
        answer += piece
        if len(answer) > MAX_ANSWER_BYTES:
            return NoAnswer("wrong_answer", "Its answer is too long.")
        if time.monotonic() > end:
            return _slow()
    return answer


def _judge(status: int, media_type: str, answer: bytes) -> Answer:
    if status == HTTPStatus.OK:
        return SignatureLines(answer)
    if status == HTTPStatus.CONFLICT and media_type == SIZE_TYPE:
        size = _SIZE.fullmatch(answer)
        if size is not None:
            return KnowsSize(int(size[1]))
        return NoAnswer("wrong_answer", "It answered 409 with something that is no size.")
    # Editions of tlog-witness before 1.0 answered 409, without a size, to another root.
    if status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT}:
        return Contradicts(status)
    return _REFUSALS.get(status) or NoAnswer("wrong_answer", f"It answered {status}.")


def _slow() -> NoAnswer:
    return NoAnswer("slow", f"It did not answer within {TIMEOUT_S:g} seconds.")
