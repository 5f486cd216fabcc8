"""Pairing a machine with a person by a code (RFC 8628), step by step."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from app.kernel.clock import Clock, SystemClock
from app.kernel.keys import KeyFolder
from app.kernel.signing import LocalSigner, jwk
from app.kernel.tokens import LEASE_TYPE
from app.keys.model import BadKeySet, KeySet, first_key_set
from app.sdk.agent import memory
from app.sdk.agent.identity import (
    Identity,
    PairingFailed,
    keep_identity,
    lease_keys,
    require_safe,
)
from app.sdk.agent.tokens import ask_token, json_object
from app.sdk.keys import fetch_newest, forget_key_set, keep_key_set
from app.sdk.wire import Answer, BadAnswer, Silence, Wire

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

_FAILURES = {
    "expired_token": "the code has expired; start the pairing again",
    "access_denied": "the pairing was refused",
    "invalid_grant": "the code was used before; start the pairing again",
}


@dataclass(frozen=True)
class CodeShown:
    """The person must enter this code; seconds."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int


@dataclass(frozen=True)
class Waiting:
    """Nobody has approved the code yet; asked again in so many seconds."""

    seconds: int


@dataclass(frozen=True)
class Paired:
    """The device belongs to whoever approved the code."""

    device_id: str


def pair(
    base_url: str,
    folder: Path,
    name: str,
    *,
    personal: bool = False,
    http: httpx2.Client | None = None,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[CodeShown | Waiting | Paired]:
    """Pair this machine: yield the code to show, then wait, then the device.

    Args:
        base_url: the service's own address, as in HABEAS_BASE_URL; https, or http on loopback.
        folder: where key, identity and memory are kept; a pairing there before is replaced.
        name: how the person will know this machine.
        personal: whether this machine is the person's own; kept with the key.
        http: another HTTP client.
        clock: another clock.
        sleep: how to wait.

    Raises:
        PairingFailed: the address is not safe to take keys from, the service does not answer, or
            the code expired or was refused.
    """
    require_safe(base_url)
    clock, wire = clock or SystemClock(), Wire(base_url, http)
    key = KeyFolder(folder).signer("device")
    begun = _begin(wire, key, name)
    note = _key_set_note(wire)
    key_set = None if note is None else _first(note, wire.base_url, clock)
    identity = Identity(
        wire.base_url, begun.device_id, name, _lease_keys(wire, key_set), personal, key_set
    )
    yield begun.shown
    form = {"grant_type": DEVICE_GRANT, "device_code": begun.device_code}
    ask = partial(_token_error, wire, identity, key, clock, form)
    yield from _until_approved(ask, begun.interval_s, sleep)
    memory.begin(folder, identity.device_id)
    forget_key_set(folder)
    if note is not None:
        keep_key_set(folder, note)
    keep_identity(folder, identity)
    yield Paired(identity.device_id)


@dataclass(frozen=True)
class _Begun:
    """What the service answered to the beginning of a pairing."""

    shown: CodeShown
    device_id: str
    device_code: str
    interval_s: int


def _begin(wire: Wire, key: LocalSigner, name: str) -> _Begun:
    body = {"name": name, "jwk": _public(key)}
    answer = json_object(_asked(wire, "POST", "/v1/agent/pairings", json=body))
    try:
        shown = CodeShown(
            str(answer["user_code"]),
            str(answer["verification_uri"]),
            str(answer["verification_uri_complete"]),
            int(answer["expires_in"]),
        )
        interval_s = max(1, int(answer["interval"]))
        return _Begun(shown, str(answer["client_id"]), str(answer["device_code"]), interval_s)
    except (KeyError, ValueError, TypeError) as error:
        raise PairingFailed("the service answered what a Habeas service does not answer") from error


def _until_approved(
    ask: Callable[[], str | None], interval_s: int, sleep: Callable[[float], None]
) -> Iterator[Waiting]:
    """Ask until the code is approved (RFC 8628 §3.5); an answer is an error's code, or None."""
    while True:
        sleep(interval_s)
        refusal = ask()
        if refusal is None:
            return
        if refusal == "slow_down":
            interval_s += 5
        elif refusal != "authorization_pending":
            raise PairingFailed(_FAILURES.get(refusal, f"the service refused: {refusal}"))
        yield Waiting(interval_s)


def _asked(wire: Wire, method: str, path: str, **request: Any) -> Answer:
    try:
        answer = wire.exchange(method, path, **request)
    except (Silence, BadAnswer) as error:
        raise PairingFailed(
            f"{wire.base_url} does not answer as a Habeas service: {error}"
        ) from error
    if answer.status not in {200, 201}:
        detail = json_object(answer).get("detail") or f"status {answer.status}"
        raise PairingFailed(f"{wire.base_url} refused: {detail}")
    return answer


def _token_error(
    wire: Wire, identity: Identity, key: LocalSigner, clock: Clock, form: Mapping[str, str]
) -> str | None:
    """Redeem a device code; the error's code, or None.

    Silence is asked again, and a service that is busy less often (RFC 8628 §3.5).

    Raises:
        PairingFailed: what answers is no token endpoint.
    """
    try:
        answer = ask_token(wire, identity, key, clock, form)
    except Silence:
        return "authorization_pending"
    except BadAnswer as error:
        raise PairingFailed(
            f"{wire.base_url} does not answer as a Habeas service: {error}"
        ) from error
    if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - it is busy
        return "slow_down"
    body = json_object(answer)
    if answer.status == 200 and isinstance(body.get("access_token"), str):  # noqa: PLR2004
        return None
    if answer.status in {400, 401} and isinstance(body.get("error"), str):
        return str(body["error"])
    raise PairingFailed(f"{wire.base_url} does not answer as a Habeas service")


def _key_set_note(wire: Wire) -> bytes | None:
    """The key set that the service shows; None where it is from before there were any."""
    try:
        return fetch_newest(wire)
    except (Silence, BadAnswer) as error:
        raise PairingFailed(
            f"{wire.base_url} does not answer as a Habeas service: {error}"
        ) from error


def _first(note: bytes, base_url: str, clock: Clock) -> KeySet:
    try:
        taken = first_key_set(note, clock.now())
    except BadKeySet as error:
        raise PairingFailed(f"{base_url} shows keys that cannot be believed: {error}") from error
    if taken.issuer != base_url:
        raise PairingFailed(f"{base_url} shows the keys of {taken.issuer}: pair with that address")
    return taken


def _lease_keys(wire: Wire, key_set: KeySet | None) -> Mapping[str, bytes]:
    if key_set is not None:
        return key_set.believed(LEASE_TYPE)
    return lease_keys(json_object(_asked(wire, "GET", "/.well-known/jwks.json")))


def _public(key: LocalSigner) -> dict[str, str]:
    full = jwk(key.public)
    return {name: full[name] for name in ("kty", "crv", "x")}
