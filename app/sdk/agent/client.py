"""The agent's side of the wire: get a token, poll, fetch the policy document, report.

Rules:
1. Nothing that a server or a network does raises through to capture: every way ends in the guard
   holding a lease that it checked, or in off with a named reason.
2. What the service says acts at once: a lease, a refusal. Silence does not, nor what is as good as
   silence (answers.py): a service that is busy, or somebody else who answers (a captive portal's
   page, a redirect, too many bytes, another content type). The lease that is held bridges it, and
   ends by itself; nothing makes it longer.
3. The first lease of a run is asked for with a nonce, so that a recorded one cannot stand in for
   it, not even with the disk restored and the clock turned back. So is each that the guard wants
   one for: when it has no lease to rely on, and where the service once signed a wild time.
4. What a lease that is believed names and nobody shows cannot be kept to: the lease before it ends,
   for it may have been wider.
5. After a poll in vain the next one waits longer, and for a random time (waiting.py). An outage is
   told once when it begins and once when it ends.
6. A report is sent until it is taken, from the disk (outbox.py), by the same rule of waiting; while
   polls are in vain, none is sent.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import httpx2

from app.kernel.canonical import digest
from app.kernel.clock import Clock, SystemClock
from app.kernel.keys import KeyFolder
from app.kernel.refusals import Refusal
from app.kernel.signing import signing_key_of
from app.kernel.vocabulary import Reason
from app.sdk.agent.answers import refuses_for_good, require_found, takes, token_of
from app.sdk.agent.guard import Guard
from app.sdk.agent.identity import Identity, note_root, open_identity
from app.sdk.agent.outbox import Outbox, Report
from app.sdk.agent.tally import Tally
from app.sdk.agent.timekeeping import since_boot
from app.sdk.agent.tokens import ask_token
from app.sdk.agent.waiting import Backoff, asked_s
from app.sdk.agent.zone import machine_zone
from app.sdk.keys import TrustedKeys
from app.sdk.lease import Lease, Refused
from app.sdk.wire import LARGE, Answer, BadAnswer, Silence, Wire

LEASE_MEDIA_TYPE = "application/habeas-lease+jwt"

_TOKEN_MARGIN_S = 60
_CHANCE = secrets.SystemRandom().random


@dataclass(frozen=True)
class Polled:
    """What a poll came to.

    Attributes:
        answered: whether the service answered as it should.
        reason: why capture is off now; None if it is on.
        poll_s: when to ask again, seconds; after a poll in vain longer, and by chance.
        news: sentences for the log of the laptop, each once: an outage begins or ends, a report is
            lost.
    """

    answered: bool
    reason: Reason | Refusal | None
    poll_s: float
    news: tuple[str, ...] = ()

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
        chance: another source of random numbers from 0 to 1.
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
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self.identity = identity
        self._clock = clock or SystemClock()
        self._elapsed = elapsed
        self._key = KeyFolder(folder).signer("device")
        self._wire = Wire(identity.base_url, http)
        self._place = place
        self._token = ""
        self._token_until = 0.0
        self._etag = ""
        self._poll_s = 15  # until a lease says otherwise
        self._documents: dict[str, tuple[str, bytes]] = {}  # by kind: the digest, the bytes
        self._outbox = Outbox(folder, identity.device_id)
        self._polls, self._reports = Backoff(chance), Backoff(chance)
        self._silent_since = 0.0  # by ``elapsed``, while polls are in vain
        self._report_at = 0.0  # by ``elapsed``, after a report in vain
        self._news = [_LOST_REPORTS] if self._outbox.damaged else []
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
        """Ask for the lease, and let the guard take it; then send what waits. Never raises."""
        trouble: Exception | None = None
        try:
            self._poll()
        except (Silence, BadAnswer) as error:
            trouble = error  # rule 2: the lease held ends by itself
        except Refused as refused:
            trouble = refused
            self._lost(refused.reason)
        except Exception as error:  # noqa: BLE001 - rule 1
            trouble = error
            self._lost(Refusal.SERVER_ANSWER)
        lease = self.guard.lease
        self._poll_s = lease.poll_s if lease else self._poll_s
        wait_s = self._answered() if trouble is None else self._in_vain(trouble)
        news, self._news = tuple(self._news), []
        return Polled(trouble is None, self.guard.state, wait_s, news)

    def report(self, tally: Tally) -> bool:
        """Send what was captured and refused; True if the service has taken everything.

        What is handed over is taken out of ``tally`` and is on disk; only what the disk did not
        take stays in it. A report that was not taken is sent again first, unchanged, after the
        next poll that is answered, too. One that the service refuses would be refused for ever, and
        those after it would wait: it is sent again without places, and let go if that is refused,
        too. Never raises.
        """
        try:
            self._outbox.add(tally)
            return self._send_reports()
        except Exception:  # noqa: BLE001 - rule 1
            return False

    def _answered(self) -> float:
        """A poll was answered; return when to ask again, seconds."""
        if self._polls.tries:
            lasted_s = round(self._elapsed() - self._silent_since)
            self._news.append(
                f"{self.identity.base_url} answers again, after {lasted_s} s"
                f" and {self._polls.tries} polls in vain"
            )
        self._polls.answered()
        self._send_reports()
        return self._poll_s

    def _in_vain(self, trouble: Exception) -> float:
        """A poll was not answered; return when to ask again, seconds."""
        left_s = self._left_s()
        if not self._polls.tries:
            self._silent_since = self._elapsed()
            self._news.append(_sentence(self.identity.base_url, trouble, left_s))
        return self._polls.next_s(self._poll_s, self._asked_s(trouble), left_s)

    def _asked_s(self, trouble: Exception) -> float:
        """How long an answer asks to wait, seconds."""
        asked = trouble.retry_after if isinstance(trouble, Silence) else ""
        return asked_s(asked, self._clock.now())

    def _left_s(self) -> float | None:
        """How long the lease still lives, seconds; None if capture is off."""
        lease = self.guard.lease
        if lease is None or self.guard.state is not None:
            return None
        return lease.believed_until - self._clock.now().timestamp()

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
        require_found(answer, LEASE_MEDIA_TYPE)
        token = answer.body.decode("ascii")
        self.guard.trust(self._keys.renew(_named_key(token)))
        document, counterparties = self._documents_of(self.guard.read(token))
        refusal = self.guard.accept(token, document, counterparties, nonce=nonce)
        self._etag = "" if refusal else answer.etag

    def _documents_of(self, lease: Lease) -> tuple[bytes | None, bytes | None]:
        """The documents that a lease names (rule 4).

        Raises:
            Silence, BadAnswer, Refused: one does not come; the lease held before has ended.
        """
        try:
            policy = self._document("policies", lease.policy)
            return policy, self._document("counterparties", lease.counterparties)
        except (Silence, BadAnswer):
            self._etag = ""
            self.guard.turn_off(Refusal.SERVER_ANSWER)
            raise

    def _document(self, kind: str, name: str | None) -> bytes | None:
        """The document of a kind that a lease names, if it names any; fetched once.

        Raises:
            Silence, BadAnswer: nobody shows it.
            Refused: there is none, or it is not the one that the digest names.
        """
        if name is None:
            return None
        kept, body = self._documents.get(kind, ("", b""))
        if kept == name:
            return body
        answer = self._authorized("GET", f"/v1/agent/{kind}/{name}", cap=LARGE)
        require_found(answer)
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
        self._token, lives_s = token_of(answer)
        self._token_until = self._clock.now().timestamp() + lives_s

    def _send_reports(self) -> bool:
        """Send what waits, oldest first; True if nothing is left (rule 6). Never raises."""
        while (report := self._outbox.first) is not None:
            if self._polls.tries or self._elapsed() < self._report_at or not self._send(report):
                return False
        return True

    def _send(self, report: Report) -> bool:
        """Send a report; True if it was taken, now or before."""
        try:
            answer = self._authorized("POST", "/v1/agent/reports", json=report)
        except Exception as error:  # noqa: BLE001 - rule 1
            return self._send_later(error)
        if takes(answer, str(report["report"])):
            self._reports.answered()
            self._outbox.taken()
            return True
        if not refuses_for_good(answer):
            return self._send_later(Silence(f"status {answer.status}", answer.retry_after))
        if not self._outbox.refused():
            self._news.append(_REFUSED_REPORT)
        return False

    def _send_later(self, trouble: Exception) -> bool:
        """A report was not taken; False."""
        wait_s = self._reports.next_s(self._poll_s, self._asked_s(trouble))
        self._report_at = self._elapsed() + wait_s
        return False


_LOST_REPORTS = "reports that were not sent yet could not be read, and are set aside"
_REFUSED_REPORT = "the service refuses a report for good: its counts are let go"


def _sentence(service: str, trouble: Exception, left_s: float | None) -> str:
    """What the log of the laptop says when an outage begins."""
    held = f"the lease held goes on for {left_s:.0f} s" if left_s else "capture is off"
    said = str(trouble) or type(trouble).__name__
    return f"{service} does not answer with a lease ({said}): {held}"


def _named_key(token: str) -> str:
    """The id of the key that a lease names.

    Raises:
        Refused: it names none.
    """
    try:
        return signing_key_of(token)
    except (ValueError, KeyError) as error:
        raise Refused(Refusal.LEASE_UNREADABLE, f"the lease names no key: {error}") from error
