"""What a data store does with a grant: check it, hand out what it covers, say what was done.

Rules:
1. A grant is believed only whole: signature and key, type and algorithm, audience, times, purpose.
2. A grant opens once. The store remembers its id until it has expired.
3. The purpose is compared with the floor here as well: a stolen signing key cannot permit a
   performance evaluation to a store that runs this check.
4. What is handed out is within the grant: this dataset, these people, these signals, this time.
5. No grant, no data. Whoever was given one says afterwards what it did with it: once, within a day,
   also if it did nothing. The same report again is harmless, so it is repeated until it is
   answered.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

import httpx2

from app.access.floor.obligations import Obligations, keeps
from app.access.floor.terms import Outcome, verdict
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.kernel.signing import BadToken, read_token, signing_key_of
from app.kernel.tokens import GRANT_TYPE, LONGEST_LIFE
from app.keys.model import KeySet

MAX_LIFE_S = int(LONGEST_LIFE[GRANT_TYPE].total_seconds())
SKEW_S = 5
"""How far the two clocks may differ, seconds."""


@dataclass(frozen=True)
class Grant:
    """Permission to read, checked. Times in seconds, UTC.

    Attributes:
        people: pseudonyms.
        event: id of the entry in the log.
        retain_days: whole days after which what was read must be gone; None: no limit was set.
    """

    id: str
    consumer: str
    purpose: str
    dataset: str
    signals: frozenset[str]
    people: frozenset[str]
    captured_from: datetime
    captured_to: datetime
    expires: int
    event: str
    retain_days: int | None

    def covers(self, *, dataset: str, person: str, signal: str, captured_at: datetime) -> bool:
        """Say whether one captured event may be handed out under this grant (rule 4)."""
        return (
            dataset == self.dataset
            and person in self.people
            and signal in self.signals
            and self.captured_from <= captured_at <= self.captured_to
        )


class UseRefused(Exception):
    """The service did not accept a report of use; the message is the service's."""


class GrantRefused(Exception):
    """A grant that must not be honoured; the message says which check failed."""


class Redeemed(Protocol):
    """Remembers which grants were used, across all processes that serve one store."""

    def redeem(self, grant_id: str, expires: int) -> bool:
        """Take note of a grant; False if it was taken before. At most one caller gets True.

        Args:
            grant_id: the grant's id.
            expires: seconds since 1970 after which it may be forgotten.
        """
        ...


@dataclass
class RedeemedInMemory:
    """For a store of one process. A restart forgets, so wait 60 seconds before serving again."""

    _until: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def redeem(self, grant_id: str, expires: int) -> bool:
        """Take note of a grant; False if it was taken before."""
        with self._lock:
            if grant_id in self._until:
                return False
            self._until[grant_id] = expires
            return True

    def forget(self, now: datetime) -> None:
        """Forget grants that no clock within the skew would still accept."""
        with self._lock:
            end = now.timestamp() - 2 * SKEW_S
            self._until = {key: until for key, until in self._until.items() if until > end}


def check_grant(
    token: str,
    audience: str,
    keys: KeySet | Mapping[str, bytes],
    now: datetime,
    redeemed: Redeemed,
) -> Grant:
    """Believe a grant once, or not at all.

    Args:
        token: the compact JWS.
        audience: id of the consumer that presents it, as the store authenticated it.
        keys: the key set that the store holds (``keys.StoreKeys``). For a standard OAuth resource
            server, which knows only JWKS: the issuer's public keys for grants (32 bytes each) by
            key id, ``tokens.keys_for`` of it and ``GRANT_TYPE``. Nobody signed these, and they say
            not when a key ended.
        now: the present instant.
        redeemed: where used grants are remembered.

    Raises:
        GrantRefused: any check fails.
    """
    try:
        publics = keys.believed(GRANT_TYPE) if isinstance(keys, KeySet) else keys
        claims = read_token(token, GRANT_TYPE, publics)
        grant = _read(claims)
    except (BadToken, KeyError, TypeError, ValueError) as error:
        raise GrantRefused(f"the grant cannot be believed: {error}") from error
    if isinstance(keys, KeySet):
        _require_of(keys, signing_key_of(token), claims, now)
    if claims["aud"] != audience:
        raise GrantRefused("the grant is for somebody else")
    _require_now(claims["iat"], grant.expires, now)
    if verdict(grant.purpose).outcome is not Outcome.ALLOWED:
        raise GrantRefused("the grant names a purpose that nothing can permit")
    if not redeemed.redeem(grant.id, grant.expires):
        raise GrantRefused("the grant was used before")
    return grant


def report_use(
    http: httpx2.Client,
    secret: str,
    grant: str,
    *,
    rows: int | None,
    result: str | None = None,
    attempts: int = 5,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Say what was done with a grant (rule 5); return the id of the entry in the log.

    Args:
        http: a client whose base URL is that of the service.
        secret: the consumer's.
        grant: the grant's id.
        rows: how many rows were handed out; None: the grant was not used.
        result: ``sha256:`` and the digest of what was handed out, if it is to be bound to it.
        attempts: how often it is tried while the service cannot be reached or cannot answer.
        sleep: waits some seconds between two attempts.

    Raises:
        UseRefused: the service refuses it: not this consumer's grant, too late, or closed with
            another report.
        httpx2.HTTPError: the service cannot be reached.
    """
    use = {"outcome": "unused" if rows is None else "used", "rows": rows or 0, "result": result}
    for attempt in range(1, max(1, attempts)):
        try:
            return _report(http, secret, grant, use)
        except httpx2.HTTPError:
            sleep(min(2**attempt, 30))
    return _report(http, secret, grant, use)


def _report(
    http: httpx2.Client, secret: str, grant: str, use: Mapping[str, str | int | None]
) -> str:
    answer = http.post(
        f"/access/v1/grants/{quote(grant, safe='')}/use",
        json=use,
        headers={"Authorization": f"Bearer {secret}"},
    )
    if answer.is_server_error:
        answer.raise_for_status()
    if not answer.is_success:
        raise UseRefused(_detail(answer))
    return str(answer.json()["log_event"])


def _detail(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {answer.status_code}"


def _require_of(keys: KeySet, kid: str, claims: Mapping[str, Any], now: datetime) -> None:
    """Return if a grant is of the set's issuer, and its key signed at that time."""
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    if max(now, issued) >= keys.expires:
        raise GrantRefused("the key set has expired")
    if claims["iss"] != keys.issuer:
        raise GrantRefused("the grant is of another issuer than the key set")
    if not keys.has_signed(kid, GRANT_TYPE, issued):
        raise GrantRefused("the grant's key did not sign at that time")


def _require_now(issued: int, expires: int, now: datetime) -> None:
    seconds = now.timestamp()
    if not 0 < expires - issued <= MAX_LIFE_S:
        raise GrantRefused(f"the grant claims another life than up to {MAX_LIFE_S} seconds")
    if issued > seconds + SKEW_S:
        raise GrantRefused("the grant is issued in the future")
    if expires <= seconds:
        raise GrantRefused("the grant has expired")


def _read(claims: Mapping[str, Any]) -> Grant:
    for name in ("iss", "aud", "jti", "purpose", "dataset", "event"):
        if not isinstance(claims[name], str):
            raise TypeError(f"{name} is not text")
    for name in ("iat", "exp"):
        if type(claims[name]) is not int:
            raise TypeError(f"{name} is not a whole number of seconds")
    for name in ("signals", "persons"):
        if not isinstance(claims[name], list):
            raise TypeError(f"{name} is not a list")
    obligations = decode(Obligations, claims["obligations"])
    if not keeps(obligations, claims["purpose"]):
        raise ValueError("the obligations do not fit the purpose")
    return Grant(
        id=claims["jti"],
        consumer=claims["aud"],
        purpose=claims["purpose"],
        dataset=claims["dataset"],
        signals=frozenset(claims["signals"]),
        people=frozenset(claims["persons"]),
        captured_from=instant(claims["captured_from"]),
        captured_to=instant(claims["captured_to"]),
        expires=claims["exp"],
        event=claims["event"],
        retain_days=obligations.retain_days,
    )
