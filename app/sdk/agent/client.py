"""The agent's side of the wire: pair, get a token, poll, fetch the policy document, report.

Rules:
1. Nothing that a server or a network does raises through to capture: every way ends in the guard
   holding a lease that it checked, or in off with a named reason.
2. An answer that is not what was asked for (a captive portal's page, a redirect, an error, too
   many bytes, another content type) turns capture off at once: somebody else may be answering.
   Silence does not: a lease is made to bridge it, and ends by itself.
3. The first lease of a run is asked for with a nonce, so that a recorded one cannot stand in for
   it, not even with the disk restored and the clock turned back.
4. The service's keys for leases, and no others, are taken at pairing, from the address that was
   typed in, and kept. So that nobody on the way can give us keys of his own, that address is https,
   or this very machine.
"""

import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from app.kernel.canonical import Json, canonical, digest
from app.kernel.clock import Clock, SystemClock
from app.kernel.keys import KeyFolder
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, jwk, sign_token
from app.kernel.tokens import KEY_USE, LEASE_TYPE, keys_for
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.guard import Guard
from app.sdk.lease import Refused, read_lease
from app.sdk.wire import LARGE, Answer, BadAnswer, Silence, Wire

TOKEN_PATH = "/v1/agent/token"  # noqa: S105 - a path
LEASE_MEDIA_TYPE = "application/habeas-lease+jwt"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_DEVICE_FILE = "device.json"
_ASSERTION_LIFE_S = 120
_TOKEN_MARGIN_S = 60


class PairingFailed(Exception):
    """The device could not be paired; the message says why and what to do."""


class NotPaired(Exception):
    """There is no paired device in this folder."""


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


@dataclass(frozen=True)
class Identity:
    """What a paired device keeps in its folder, beside its key and the guard's memory.

    Attributes:
        keys: the service's public keys for leases, by key id.
    """

    base_url: str
    device_id: str
    name: str
    keys: Mapping[str, bytes]


@dataclass(frozen=True)
class Polled:
    """What a poll came to.

    Attributes:
        answered: whether the service answered as it should.
        reason: why capture is off now; None if it is on.
        poll_s: when to ask again, seconds.
    """

    answered: bool
    reason: Reason | Refusal | None
    poll_s: int

    @property
    def capture(self) -> bool:
        """Whether capture is on."""
        return self.reason is None


@dataclass
class Tally:
    """Counts of what the guard allowed and refused, for the next report.

    Attributes:
        allowed: events by (app, signal).
        refused: events by reason.
        lease: ``jti`` of the lease applied; None if there was none.
        policy: digest of the policy document applied; None if there was none.
    """

    allowed: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    lease: str | None = None
    policy: str | None = None

    def __bool__(self) -> bool:
        return bool(self.allowed or self.refused)

    def add(self, other: "Tally") -> None:
        """Add the counts of a later one."""
        if other.lease is not None:
            self.lease, self.policy = other.lease, other.policy
        for place, events in other.allowed.items():
            self.allowed[place] = self.allowed.get(place, 0) + events
        for reason, events in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + events


def pair(
    base_url: str,
    folder: Path,
    name: str,
    *,
    http: httpx2.Client | None = None,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[CodeShown | Waiting | Paired]:
    """Pair this machine: yield the code to show, then wait, then the device.

    Args:
        base_url: the service's own address, as in HABEAS_BASE_URL; https, or http on loopback.
        folder: where key, identity and memory are kept; a pairing there before is replaced.
        name: how the person will know this machine.
        http: another HTTP client.
        clock: another clock.
        sleep: how to wait.

    Raises:
        PairingFailed: the address is not safe to take keys from, the service does not answer, or
            the code expired or was refused.
    """
    _require_safe(base_url)
    clock = clock or SystemClock()
    wire = Wire(base_url, http)
    key = KeyFolder(folder).signer("device")
    begun = _object(
        _asked(wire, "POST", "/v1/agent/pairings", json={"name": name, "jwk": _public(key)})
    )
    keys = _keys(_object(_asked(wire, "GET", "/.well-known/jwks.json")))
    try:
        shown = CodeShown(
            str(begun["user_code"]),
            str(begun["verification_uri"]),
            str(begun["verification_uri_complete"]),
            int(begun["expires_in"]),
        )
        device_id, code = str(begun["client_id"]), str(begun["device_code"])
        interval = max(1, int(begun["interval"]))
    except (KeyError, ValueError, TypeError) as error:
        raise PairingFailed("the service answered what a Habeas service does not answer") from error
    yield shown
    identity = Identity(wire.base_url, device_id, name, keys)
    form = {"grant_type": DEVICE_GRANT, "device_code": code}
    while True:
        sleep(interval)
        refusal = _token_error(wire, identity, key, clock, form)
        if refusal is None:
            break
        if refusal == "slow_down":
            interval += 5
        elif refusal != "authorization_pending":
            raise PairingFailed(_FAILURES.get(refusal, f"the service refused: {refusal}"))
        yield Waiting(interval)
    memory.begin(folder, device_id)
    _keep(folder, identity)
    yield Paired(device_id)


class AgentClient:
    """A paired device that polls, holds a guard, and reports."""

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        *,
        http: httpx2.Client | None = None,
        clock: Clock | None = None,
        place: str | None = None,
    ) -> None:
        self.identity = identity
        self._clock = clock or SystemClock()
        self._key = KeyFolder(folder).signer("device")
        self._wire = Wire(identity.base_url, http)
        self._place = place
        self._token = ""
        self._token_until = 0.0
        self._etag = ""
        self._poll_s = 15  # until a lease says otherwise
        self._documents: dict[str, bytes] = {}
        self._unsent: dict[str, Json] | None = None
        self.guard = Guard(folder, identity.keys, identity.device_id, self._clock)

    @property
    def now(self) -> datetime:
        """The time that the device believes it is; aware."""
        return self._clock.now()

    @classmethod
    def open(cls, folder: Path, **options: Any) -> "AgentClient":
        """Open the device that was paired in a folder.

        Raises:
            NotPaired: there is none, or its file cannot be read.
        """
        try:
            kept = json.loads((folder / _DEVICE_FILE).read_bytes())
            identity = Identity(
                str(kept["base_url"]),
                str(kept["device_id"]),
                str(kept["name"]),
                _keys(kept["jwks"]),
            )
        except (OSError, ValueError, KeyError, TypeError, PairingFailed) as error:
            raise NotPaired(f"no device is paired in {folder}: pair it first") from error
        return cls(folder, identity, **options)

    def poll(self) -> Polled:
        """Ask for the lease, and let the guard take it. Never raises."""
        answered = False
        try:
            self._poll()
            answered = True
        except Silence:
            pass  # rule 2: the lease held ends by itself
        except Refused as refused:
            self._lost(refused.reason)
        except Exception:  # noqa: BLE001 - rules 1 and 2
            self._lost(Refusal.SERVER_ANSWER)
        lease = self.guard.lease
        self._poll_s = lease.poll_s if lease else self._poll_s
        return Polled(answered, self.guard.state, self._poll_s)

    def report(self, tally: Tally) -> bool:
        """Send what was captured and refused; True if the service has taken everything.

        A report that was not taken is kept, and sent again first, unchanged. Counts that could not
        be sent stay in ``tally``; those that were handed over are taken out of it. Never raises.
        """
        try:
            if self._unsent is not None and not self._send(self._unsent):
                return False
            if not tally:
                return True
            self._unsent = _written(tally)
            tally.allowed, tally.refused = {}, {}
            tally.lease = tally.policy = None
            return self._send(self._unsent)
        except Exception:  # noqa: BLE001 - rule 1
            return False

    def _poll(self) -> None:
        # A lease that the guard does not rely on any more is as good as none.
        held = not isinstance(self.guard.state, Refusal)
        nonce = None if held else secrets.token_urlsafe(16)
        forms = ",".join(str(form) for form in self.guard.forms)
        query = {"place": self._place, "nonce": nonce, "forms": forms}
        params = {name: value for name, value in query.items() if value}
        headers = {"If-None-Match": self._etag} if held and self._etag else {}
        answer = self._authorized("GET", "/v1/agent/lease", headers=headers, params=params)
        if answer.status == 304 and headers:  # noqa: PLR2004 - not modified
            return
        if answer.status != 200 or answer.media_type != LEASE_MEDIA_TYPE:  # noqa: PLR2004 - fine
            raise BadAnswer(f"no lease: status {answer.status}, {answer.media_type}")
        token = answer.body.decode("ascii")
        lease = read_lease(token, self.identity.keys)
        document = self._document(lease.policy) if lease.policy else None
        refusal = self.guard.accept(token, document, nonce=nonce)
        self._etag = "" if refusal else answer.etag

    def _document(self, policy: str) -> bytes:
        """The policy document, once fetched; kept only if it is the one that the digest names."""
        if policy not in self._documents:
            answer = self._authorized("GET", f"/v1/agent/policies/{policy}", cap=LARGE)
            if answer.status != 200:  # noqa: PLR2004 - fine
                raise BadAnswer(f"no policy document: status {answer.status}")
            if digest(answer.body) != policy:
                raise Refused(Refusal.POLICY_MISMATCH, "the document is not the one named")
            self._documents = {policy: answer.body}
        return self._documents[policy]

    def _lost(self, reason: Refusal) -> None:
        self._etag = ""
        self._documents = {}
        self.guard.turn_off(reason)

    def _authorized(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request with a token; once more with a new one, if the first was refused."""
        headers = dict(request.pop("headers", {}))
        if self._clock.now().timestamp() > self._token_until - _TOKEN_MARGIN_S:
            self._refresh()
        headers["Authorization"] = f"Bearer {self._token}"
        answer = self._wire.exchange(method, path, headers=headers, **request)
        if answer.status != 401:  # noqa: PLR2004 - unauthorized
            return answer
        self._refresh()
        headers["Authorization"] = f"Bearer {self._token}"
        return self._wire.exchange(method, path, headers=headers, **request)

    def _refresh(self) -> None:
        form = {"grant_type": "client_credentials"}
        answer = _token_answer(self._wire, self.identity, self._key, self._clock, form)
        found = _object(answer)
        if answer.status != 200 or not isinstance(found.get("access_token"), str):  # noqa: PLR2004
            raise BadAnswer(f"no token: {found.get('error')}")
        self._token = found["access_token"]
        self._token_until = self._clock.now().timestamp() + int(found["expires_in"])

    def _send(self, report: Mapping[str, Json]) -> bool:
        answer = self._authorized("POST", "/v1/agent/reports", json=report)
        if answer.status == 200:  # noqa: PLR2004 - fine
            self._unsent = None
            return True
        return False


_FAILURES = {
    "expired_token": "the code has expired; start the pairing again",
    "access_denied": "the pairing was refused",
    "invalid_grant": "the code was used before; start the pairing again",
}


def _asked(wire: Wire, method: str, path: str, **request: Any) -> Answer:
    try:
        answer = wire.exchange(method, path, **request)
    except (Silence, BadAnswer) as error:
        raise PairingFailed(
            f"{wire.base_url} does not answer as a Habeas service: {error}"
        ) from error
    if answer.status not in {200, 201}:
        detail = _object(answer).get("detail") or f"status {answer.status}"
        raise PairingFailed(f"{wire.base_url} refused: {detail}")
    return answer


def _token_error(
    wire: Wire, identity: Identity, key: LocalSigner, clock: Clock, form: Mapping[str, str]
) -> str | None:
    """Redeem a device code; the error's code, or None. Silence is asked again (RFC 8628 §3.5).

    Raises:
        PairingFailed: what answers is no token endpoint.
    """
    try:
        answer = _token_answer(wire, identity, key, clock, form)
    except Silence:
        return "authorization_pending"
    except BadAnswer as error:
        raise PairingFailed(
            f"{wire.base_url} does not answer as a Habeas service: {error}"
        ) from error
    found = _object(answer)
    if answer.status == 200 and isinstance(found.get("access_token"), str):  # noqa: PLR2004
        return None
    if answer.status in {400, 401} and isinstance(found.get("error"), str):
        return str(found["error"])
    raise PairingFailed(f"{wire.base_url} does not answer as a Habeas service")


def _token_answer(
    wire: Wire, identity: Identity, key: LocalSigner, clock: Clock, form: Mapping[str, str]
) -> Answer:
    """Ask the token endpoint, with a fresh assertion (RFC 7523 §2.2)."""
    now = int(clock.now().timestamp())
    claims: dict[str, Json] = {
        "iss": identity.device_id,
        "sub": identity.device_id,
        "aud": identity.base_url + TOKEN_PATH,
        "iat": now,
        "exp": now + _ASSERTION_LIFE_S,
        "jti": secrets.token_urlsafe(24),
    }
    data = {
        **form,
        "client_assertion_type": ASSERTION_KIND,
        "client_assertion": sign_token(key, "JWT", claims),
    }
    return wire.exchange("POST", TOKEN_PATH, data=data)


def _object(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _written(tally: Tally) -> dict[str, Json]:
    """A report, under an id of its own."""
    return {
        "report": uuid.uuid4().hex,
        "lease": tally.lease,
        "policy": tally.policy,
        "allowed": [
            {"app": app, "signal": signal, "events": events}
            for (app, signal), events in sorted(tally.allowed.items())
        ],
        "refused": dict(sorted(tally.refused.items())),
    }


def _public(key: LocalSigner) -> dict[str, str]:
    full = jwk(key.public)
    return {name: full[name] for name in ("kty", "crv", "x")}


def _keys(jwks: Mapping[str, Any]) -> dict[str, bytes]:
    """The public keys for leases of a key set, by key id."""
    try:
        return keys_for(jwks, LEASE_TYPE)
    except ValueError as error:
        raise PairingFailed(f"the service shows no keys that can be used: {error}") from error


def _require_safe(base_url: str) -> None:
    """Return if nobody on the way can answer in the service's place (rule 4).

    Raises:
        PairingFailed: plain http to another machine, or no address at all.
    """
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        near = host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
    except ValueError as error:
        raise PairingFailed(f"{base_url} is not an address: {error}") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise PairingFailed(
            f"{base_url} is not safe to take keys from: use https (http only on this machine)"
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _keep(folder: Path, identity: Identity) -> None:
    body: dict[str, Json] = {
        "v": 1,
        "base_url": identity.base_url,
        "device_id": identity.device_id,
        "name": identity.name,
        "jwks": {
            "keys": [{**jwk(public), KEY_USE: LEASE_TYPE} for public in identity.keys.values()]
        },
    }
    memory.replace(folder / _DEVICE_FILE, canonical(body))
