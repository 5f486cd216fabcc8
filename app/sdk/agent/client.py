"""The agent's side of the wire: get a token, poll, fetch the policy document, report.

Rules:
1. Nothing that a server or a network does raises through to capture: every way ends in the guard
   holding a lease that it checked, or in off with a named reason.
2. An answer that is not what was asked for (a captive portal's page, a redirect, an error, too
   many bytes, another content type) turns capture off at once: somebody else may be answering.
   Silence does not: a lease is made to bridge it, and ends by itself.
3. The first lease of a run is asked for with a nonce, so that a recorded one cannot stand in for
   it, not even with the disk restored and the clock turned back. So is each that the guard wants
   one for: when it has no lease to rely on, and where the service once signed a wild time.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import httpx2

from app.kernel.canonical import Json, digest
from app.kernel.clock import Clock, SystemClock
from app.kernel.keys import KeyFolder
from app.kernel.refusals import Refusal
from app.kernel.signing import signing_key_of
from app.kernel.vocabulary import Reason
from app.sdk.agent.guard import Guard
from app.sdk.agent.identity import Identity, note_root, open_identity
from app.sdk.agent.tally import Tally, report_of, without_places
from app.sdk.agent.timekeeping import since_boot
from app.sdk.agent.tokens import ask_token, json_object
from app.sdk.agent.zone import machine_zone
from app.sdk.keys import TrustedKeys
from app.sdk.lease import Refused
from app.sdk.wire import LARGE, Answer, BadAnswer, Silence, Wire

LEASE_MEDIA_TYPE = "application/habeas-lease+jwt"

_TOKEN_MARGIN_S = 60
_INVALID = 422


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


class AgentClient:
    """A paired device that polls, holds a guard, and reports.

    Args:
        folder: where the device was paired.
        identity: the device that was paired there.
        http: another HTTP client.
        clock: another wall clock.
        elapsed: another clock that only runs forward, seconds.
        place: the region where the laptop is; None: not said.
        personal: that the device is the person's own, if that was not said at pairing.
        zone: where the laptop is; None: where its own settings say.
    """

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        *,
        http: httpx2.Client | None = None,
        clock: Clock | None = None,
        elapsed: Callable[[], float] = since_boot,
        place: str | None = None,
        personal: bool = False,
        zone: tzinfo | None = None,
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
        self._documents: dict[str, tuple[str, bytes]] = {}  # by kind: the digest, the bytes
        self._unsent: dict[str, Json] | None = None
        self._keys = self._trusted(folder, elapsed)
        self.guard = Guard(
            folder,
            identity.keys,
            identity.device_id,
            self._clock,
            key_set=identity.key_set,
            elapsed=elapsed,
            personal=personal or identity.personal,
            zone=zone or machine_zone(),
        )

    def _trusted(self, folder: Path, elapsed: Callable[[], float]) -> TrustedKeys:
        identity = self.identity
        return TrustedKeys(
            folder,
            self._wire,
            self._clock,
            elapsed,
            identity.key_set,
            identity.keys,
            lambda taken: note_root(folder, identity, taken),
        )

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
        return cls(folder, open_identity(folder), **options)

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

        A report that was not taken is kept, and sent again first, unchanged. One that the service
        refuses would be refused for ever, and those after it would wait: it is sent again without
        places, and let go if that is refused, too. Counts that could not be sent stay in ``tally``;
        those that were handed over are taken out of it. Never raises.
        """
        try:
            if self._unsent is not None and not self._send(self._unsent):
                return False
            if not tally:
                return True
            self._unsent = report_of(tally)
            tally.clear()
            return self._send(self._unsent)
        except Exception:  # noqa: BLE001 - rule 1
            return False

    def _poll(self) -> None:
        self.guard.trust(self._keys.renew())
        nonce = secrets.token_urlsafe(16) if self.guard.needs_nonce else None
        forms = ",".join(str(form) for form in self.guard.forms)
        query = {"place": self._place, "nonce": nonce, "forms": forms}
        params = {name: value for name, value in query.items() if value}
        headers = {"If-None-Match": self._etag} if self._etag and nonce is None else {}
        answer = self._authorized("GET", "/v1/agent/lease", headers=headers, params=params)
        if answer.status == 304 and headers:  # noqa: PLR2004 - not modified
            return
        if answer.status != 200 or answer.media_type != LEASE_MEDIA_TYPE:  # noqa: PLR2004 - fine
            raise BadAnswer(f"no lease: status {answer.status}, {answer.media_type}")
        token = answer.body.decode("ascii")
        self.guard.trust(self._keys.renew(_named_key(token)))
        lease = self.guard.read(token)
        document = self._document("policies", lease.policy)
        counterparties = self._document("counterparties", lease.counterparties)
        refusal = self.guard.accept(token, document, counterparties, nonce=nonce)
        self._etag = "" if refusal else answer.etag

    def _document(self, kind: str, name: str | None) -> bytes | None:
        """The document of a kind that a lease names, if it names any; fetched once.

        Raises:
            BadAnswer: there is none.
            Refused: it is not the one that the digest names.
        """
        if name is None:
            return None
        kept, body = self._documents.get(kind, ("", b""))
        if kept == name:
            return body
        answer = self._authorized("GET", f"/v1/agent/{kind}/{name}", cap=LARGE)
        if answer.status != 200:  # noqa: PLR2004 - fine
            raise BadAnswer(f"no such document: status {answer.status}")
        if digest(answer.body) != name:
            raise Refused(Refusal.POLICY_MISMATCH, "the document is not the one named")
        self._documents[kind] = (name, answer.body)
        return answer.body

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
        answer = ask_token(self._wire, self.identity, self._key, self._clock, form)
        granted = json_object(answer)
        if answer.status != 200 or not isinstance(granted.get("access_token"), str):  # noqa: PLR2004
            raise BadAnswer(f"no token: {granted.get('error')}")
        self._token = granted["access_token"]
        self._token_until = self._clock.now().timestamp() + int(granted["expires_in"])

    def _send(self, report: Mapping[str, Json]) -> bool:
        answer = self._authorized("POST", "/v1/agent/reports", json=report)
        if answer.status == 200:  # noqa: PLR2004 - fine
            self._unsent = None
            return True
        if answer.status == _INVALID and answer.media_type == "application/problem+json":
            self._unsent = without_places(report)
        return False


def _named_key(token: str) -> str:
    """The id of the key that a lease names.

    Raises:
        Refused: it names none.
    """
    try:
        return signing_key_of(token)
    except (ValueError, KeyError) as error:
        raise Refused(Refusal.LEASE_UNREADABLE, f"the lease names no key: {error}") from error
