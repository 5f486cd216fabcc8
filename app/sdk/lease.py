"""What a lease says, read strictly; and the check that data stores make (law 1).

A lease is believed only whole: signature and key, type and algorithm, audience, times, sequence.
What is not understood is not a lease.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.kernel.canonical import canonical, digest
from app.kernel.forms import AGENT_FORM, FIRST_FORM
from app.kernel.refusals import Refusal
from app.kernel.shapes import DIGEST, fits
from app.kernel.signing import BadToken, read_token, signing_key_of
from app.kernel.tokens import LEASE_TYPE, LONGEST_LIFE
from app.kernel.vocabulary import Reason
from app.keys.model import KeySet

SKEW_S = 60
"""How far two honest clocks may differ, seconds."""
MOST_TEXTS = 100
"""In a list of a lease: no country has so many time zones, no lease so many reasons."""
MAX_LIFE_S = int(LONGEST_LIFE[LEASE_TYPE].total_seconds())
"""No lease is believed for longer, whatever it claims, seconds."""
MOST_POLL_S = 600
"""No agent waits longer before it asks again, whatever a lease says, seconds."""
AGENT_VERSION = (0, 2, 0)
"""From 0.2.0 on, events say what the recorder does not know."""

_VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")
_LARGEST = 2**53


class Refused(Exception):
    """A lease, or its policy document, that must not be relied on.

    Attributes:
        reason: which check failed.
    """

    def __init__(self, reason: Refusal, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


@dataclass(frozen=True)
class Lease:
    """A lease whose signature and form are good. Times in seconds, UTC.

    Attributes:
        policy_seq, consent_seq: how far each had come; they order leases.
        policy: digest of the policy document; None while capture is off.
        reasons: why capture is off; empty while it is on.
        form: of its policy document and its reasons. The first form is not written.
        counterparties: digest of the counterparty document; None while capture is off, and in the
            first form, which has none.
        zones: the time zones that clocks have where its person lives, as IANA names them; none in
            the first form.
    """

    issuer: str
    device_id: str
    jti: str
    issued: int
    expires: int
    policy_seq: int
    consent_seq: int
    capture: bool
    reasons: tuple[Reason, ...]
    policy: str | None
    poll_s: int
    nonce: str | None
    form: int = FIRST_FORM
    counterparties: str | None = None
    zones: tuple[str, ...] = ()

    @property
    def believed_until(self) -> int:
        """When it ends, at the latest an hour after it was issued."""
        return min(self.expires, self.issued + MAX_LIFE_S)

    @property
    def says(self) -> str:
        """Names what it says, whenever it says it and however far it has come.

        Not the counterparty document: that changes with the law of other places.
        """
        return digest(
            canonical(
                {
                    "capture": self.capture,
                    "reasons": list(self.reasons),
                    "policy": self.policy,
                    "zones": list(self.zones),
                }
            )
        )


@dataclass(frozen=True)
class NotCovered:
    """Why a data store must refuse what came with a lease."""

    reason: Reason | Refusal


def read_lease(token: str, keys: Mapping[str, bytes]) -> Lease:
    """Read a lease after checking its signature, type, algorithm, key and form.

    Device, times and order are the caller's to check.

    Raises:
        Refused: any check fails.
    """
    try:
        claims = read_token(token, LEASE_TYPE, keys)
        lease = _lease(claims)
    except (BadToken, ValueError, RecursionError) as error:
        raise Refused(Refusal.LEASE_UNREADABLE, str(error)) from error
    least = claims.get("min_agent")
    if least is not None and (
        not isinstance(least, str)
        or not _VERSION.fullmatch(least)
        or _numbers(least) > AGENT_VERSION
    ):
        raise Refused(Refusal.AGENT_TOO_OLD, f"the lease asks for an agent of version {least}")
    return lease


def lease_of(key_set: KeySet, token: str, now: datetime) -> Lease:
    """Read a lease after checking that a key of the set signed it, in that key's time.

    Whether the set has expired is asked of the wall clock and of the lease: who turns the clock
    back cannot change what was signed.

    Raises:
        Refused: any check fails.
    """
    lease = read_lease(token, key_set.believed(LEASE_TYPE))
    if max(now, datetime.fromtimestamp(lease.issued, UTC)) >= key_set.expires:
        raise Refused(Refusal.KEYS_EXPIRED, "the service's key set has expired")
    if not bears_out(key_set, signing_key_of(token), lease):
        raise Refused(Refusal.KEYS_REFUSED, "the lease does not belong to the key set")
    return lease


def bears_out(key_set: KeySet, kid: str, lease: Lease) -> bool:
    """Whether a lease is of the set's issuer, and its key signed at that time."""
    issued = datetime.fromtimestamp(lease.issued, UTC)
    return lease.issuer == key_set.issuer and key_set.has_signed(kid, LEASE_TYPE, issued)


def check_lease(
    token: str, captured_at: datetime, device_id: str, keys: KeySet | Mapping[str, bytes]
) -> Lease | NotCovered:
    """Say whether a lease covers something captured by a device at an instant (law 1).

    For data stores: whatever comes without a lease that covers it is refused. A lease covers from a
    minute before it was issued (two clocks) until it ends; what was captured under the lease before
    comes with that one.

    Args:
        token: the lease that came with the data.
        captured_at: when the data was captured, by the device's clock; aware.
        device_id: whose data it is.
        keys: the key set that the store holds (``store.keys.StoreKeys``); or, where it takes none,
            the service's public keys for leases by key id (``tokens.keys_for``), which nobody
            signed.
    """
    try:
        if isinstance(keys, KeySet):
            lease = lease_of(keys, token, captured_at)
        else:
            lease = read_lease(token, keys)
        against = _against(lease, captured_at, device_id)
    except Refused as refused:
        return NotCovered(refused.reason)
    except Exception:  # noqa: BLE001 - whatever is wrong with the input, it is not covered
        return NotCovered(Refusal.INTERNAL)
    return lease if against is None else NotCovered(against)


def _against(lease: Lease, captured_at: datetime, device_id: str) -> Reason | Refusal | None:
    """What prevents a lease from covering an instant of a device."""
    at = captured_at.timestamp()
    checks: dict[Reason | Refusal, bool] = {
        Refusal.EVENT_UNREADABLE: captured_at.tzinfo is None,
        Refusal.OTHER_DEVICE: lease.device_id != device_id,
        Refusal.EVENT_OUTSIDE_LEASE: at + SKEW_S < lease.issued,
        Refusal.LEASE_EXPIRED: at >= lease.believed_until,
    }
    reasons = [reason for reason, applies in checks.items() if applies]
    return next(iter([*reasons, *lease.reasons]), None)


def _lease(claims: Mapping[str, Any]) -> Lease:
    """Read the claims.

    Raises:
        ValueError: one is missing or of the wrong form, or they contradict each other.
    """
    seq = claims.get("seq")
    if not isinstance(seq, dict) or seq.keys() != {"policy", "consent"}:
        raise ValueError("seq does not name policy and consent")
    lease = Lease(
        issuer=_text(claims, "iss"),
        device_id=_text(claims, "aud"),
        jti=_text(claims, "jti"),
        issued=_count(claims, "iat"),
        expires=_count(claims, "exp"),
        policy_seq=_count(seq, "policy"),
        consent_seq=_count(seq, "consent"),
        capture=_capture(claims),
        reasons=tuple(map(Reason, _texts(claims, "reasons"))),
        policy=_digest(claims, "policy"),
        poll_s=min(max(1, _count(claims, "poll_s")), MOST_POLL_S),
        nonce=_nonce(claims),
        form=_form(claims),
        counterparties=_digest(claims, "counterparties"),
        zones=_texts({"zones": [], **claims}, "zones"),
    )
    _require_whole(lease)
    return lease


def _require_whole(lease: Lease) -> None:
    """Return if the claims fit together.

    Raises:
        ValueError: they contradict each other, or say less than their form.
    """
    # Off without a reason would cover data in ``check_lease``, which asks what prevents it.
    if lease.capture is bool(lease.reasons):
        raise ValueError("capture and reasons contradict each other")
    if lease.capture and lease.policy is None:
        raise ValueError("capture is on and policy is missing")
    if lease.capture and lease.form >= AGENT_FORM and not (lease.counterparties and lease.zones):
        raise ValueError("capture is on, and counterparties or zones are missing")


def _capture(claims: Mapping[str, Any]) -> bool:
    if claims.get("capture") not in ("on", "off"):
        raise ValueError("capture is neither on nor off")
    return bool(claims["capture"] == "on")


def _nonce(claims: Mapping[str, Any]) -> str | None:
    nonce = claims.get("nonce")
    if nonce is not None and not isinstance(nonce, str):
        raise ValueError("nonce is not text")
    return nonce


def _digest(claims: Mapping[str, Any], name: str) -> str | None:
    value: str | None = claims.get(name)
    if value is not None and not fits(DIGEST, value):
        msg = f"{name} is not a digest"
        raise ValueError(msg)
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        msg = f"{name} is not text"
        raise ValueError(msg)
    return value


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = claims.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        msg = f"{name} is not a list of texts"
        raise ValueError(msg)
    if len(values) > MOST_TEXTS:
        msg = f"{name} has more than {MOST_TEXTS} texts"
        raise ValueError(msg)
    return tuple(values)


def _count(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < _LARGEST:  # a bool is an int, and no count
        msg = f"{name} is not a whole number"
        raise ValueError(msg)
    return value


def _form(claims: Mapping[str, Any]) -> int:
    form = _count({"form": FIRST_FORM, **claims}, "form")
    if form < FIRST_FORM:
        raise ValueError("form is not a number from 1")
    return form


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
