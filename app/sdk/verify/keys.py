"""The keys that a verification goes by: a value, a file, or the address that publishes them.

Rules:
1. What it is, the content says: one line ``name+keyid+key`` is the log's key (C2SP signed-note), a
   JSON object is a key set (RFC 7517). Anything else is refused.
2. The address of a service, ``https://habeas.example``, stands for both: ``/log/key`` and
   ``/.well-known/jwks.json``. Any other address is asked itself: a works council may publish a key.
3. An address is https, or this very machine. No redirect is followed, an answer has a largest size
   and a last moment (app/sdk/wire.py).
4. Whoever answers at an address names the keys. A report says so (``FETCHED_LIMIT``).
"""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from app.audit.tree.checkpoint import BadNote, parse_vkey
from app.audit.witnesses.client import is_safe_address
from app.kernel.errors import InvalidInput
from app.sdk.wire import SMALL, TIMEOUT_S, BadAnswer, Silence, Wire

LOG_KEY, KEY_SET = "/log/key", "/.well-known/jwks.json"
"""Where a service publishes the log's key, and the keys that sign tokens."""

_OPTION = "--key"
_CURE = (
    "Give the key itself (name+keyid+key), a file that holds a key or a key set, or the address of "
    "the service (https://…)."
)
_BY_HAND = "Fetch the keys by hand and give the file, or give the key itself."
_FOUND = 200


@dataclass(frozen=True)
class GivenKeys:
    """The keys that somebody named.

    Attributes:
        vkey: the log's verifier key; None: not among them.
        jwks: the key set that signs tokens, bytes of JSON; None: not among them.
        address: where they were fetched; None: they were not.
    """

    vkey: str | None = None
    jwks: bytes | None = None
    address: str | None = None


def given_keys(text: str, http: httpx2.Client | None = None, option: str = _OPTION) -> GivenKeys:
    """Read what somebody gave as a key: the value, a file, or an address (rules 1 and 2).

    >>> given_keys("")
    GivenKeys(vkey=None, jwks=None, address=None)

    Args:
        text: as typed; empty: nothing was given.
        http: for tests.
        option: what the errors call it.

    Raises:
        InvalidInput: it is none of the three, or the address does not answer as it should.
    """
    text = text.strip()
    if not text:
        return GivenKeys()
    if text.startswith(("http://", "https://")):
        return _fetched(text, http, option)
    if _is_vkey(text):
        return GivenKeys(vkey=text)
    return _read(_file(text, option), text, option)


def _fetched(address: str, http: httpx2.Client | None, option: str) -> GivenKeys:
    if not is_safe_address(address):
        raise InvalidInput(
            f"{option}: {address} is neither https nor this machine",
            cure="Give an https address, a file, or the key itself.",
        )
    parts = urlsplit(address)
    if "@" in parts.netloc:  # the report names the address, and is passed on
        raise InvalidInput(
            f"{option}: the address names a user or a password",
            cure="Give the address without them; keys are public.",
        )
    base = f"{parts.scheme}://{parts.netloc}"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    with httpx2.Client(timeout=TIMEOUT_S) if http is None else nullcontext(http) as client:
        wire = Wire(base, client)
        if path.rstrip("/") not in {"", "/log"}:
            return replace(_asked(wire, path, option), address=address)
        log, tokens = (_asked(wire, one, option) for one in (LOG_KEY, KEY_SET))
    return GivenKeys(log.vkey, tokens.jwks, base)


def _asked(wire: Wire, path: str, option: str) -> GivenKeys:
    address = wire.base_url + path
    try:
        answer = wire.exchange("GET", path, cap=SMALL)
    except (BadAnswer, Silence) as error:
        raise InvalidInput(f"{option}: no key at {address}: {error}", cure=_BY_HAND) from error
    if answer.status != _FOUND:
        problem = f"{option}: no key at {address}: the answer is {answer.status}"
        raise InvalidInput(problem, cure=_BY_HAND)
    return _read(answer.body, address, option)


def _file(name: str, option: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(SMALL + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        message = f"{option}: {name} is no key, and no file that can be read: {reason}"
        raise InvalidInput(message, cure=_CURE) from error


def _read(content: bytes, source: str, option: str) -> GivenKeys:
    """Rule 1; that a key set is one, is found where a key of it is needed."""
    text = content.strip()
    if len(content) <= SMALL and text.startswith(b"{"):
        return GivenKeys(jwks=text)
    line = text.decode("utf-8", "replace")
    if len(content) <= SMALL and _is_vkey(line):
        return GivenKeys(vkey=line)
    raise InvalidInput(f"{option}: {source} holds neither a key nor a key set", cure=_CURE)


def _is_vkey(text: str) -> bool:
    try:
        parse_vkey(text)
    except (BadNote, ValueError):
        return False
    return True
