"""Who a device is: pairing by code (RFC 8628) and tokens for its own key (RFC 7523).

Rules:
1. A device is its Ed25519 key. Each step after the first is signed with it: a stolen device code or
   a stolen database opens nothing.
2. A code works once, for fifteen minutes, for the first person who approves it. Codes are stored
   hashed, tokens under a keyed digest; a device, a pairing or a token whose row does not stand is
   refused.
3. An assertion works once (its ``jti``), for at most five minutes, at this issuer only.
4. Guessing is bounded: wrong codes per person and in all, and open pairings in all. Anybody can
   begin a pairing, so a beginning is no entry, and a new pairing replaces the oldest open pairing.
5. A refused token request is an answer, not an error: what it taught us (the assertion is used, the
   device polls too fast) must be committed with it. So it is returned, never raised.
6. Who is not known to hold a key makes nobody wait: ``stranger`` needs to read only, and is asked
   before a writing transaction begins.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from app.agents.devices import store as devices
from app.agents.devices.model import Device, DeviceRecord
from app.agents.pairing import store
from app.agents.pairing.assertion import SKEW, claimed_device, read_assertion
from app.agents.pairing.codes import PAIRING_LIFE, Guesses, hashed, new_user_code, normal
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.errors import (
    Conflict,
    Fault,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from app.kernel.facts import encode
from app.kernel.signing import BadToken, public_from_jwk
from app.kernel.signing import thumbprint as key_id

TOKEN_LIFE = timedelta(hours=1)
INTERVAL_S = 5
MAX_PENDING = 1_000
MAX_NAME = 80
TOKEN_PATH = "/v1/agent/token"  # noqa: S105 - a path
DISPUTED = "the record of the device does not fit the log; its person reads whom to ask"


@dataclass(frozen=True)
class Pairing:
    """What the device shows and keeps (RFC 8628 §3.2); times in seconds."""

    device_id: str
    device_code: str
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True)
class PendingPairing:
    """What a person sees before approving."""

    device_id: str
    name: str
    key_id: str
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Token:
    """A bearer token, shown once; ``expires_in`` in seconds."""

    value: str
    expires_in: int


@dataclass(frozen=True)
class TokenRefusal:
    """Why no token was given: a code of RFC 6749 §5.2 or RFC 8628 §3.5, and a sentence."""

    error: str
    description: str


@dataclass(frozen=True)
class PairingService:
    """Pairs devices with people and gives them tokens.

    Attributes:
        issuer: who signs leases, and whom assertions are made for.
    """

    log: AuditService
    issuer: str
    guesses: Guesses = field(default_factory=Guesses)

    def start(self, tx: Tx, name: str, jwk: Mapping[str, Any], now: datetime) -> Pairing:
        """Begin: a device names itself and its public key (RFC 8628 §3.1).

        No entry: no person has confirmed it yet. The entry is written when a person approves.

        Raises:
            InvalidInput: the name is empty, too long or not printable, or the key is not a public
                Ed25519 key.
        """
        label = _name(name)
        try:
            public = public_from_jwk(jwk)
        except ValueError as error:
            cure = "Send the public Ed25519 key as a JWK: kty OKP, crv Ed25519, x."
            raise InvalidInput(str(error), faults=(Fault("jwk", str(error), cure),)) from error
        store.forget_expired_pairings(tx, now - PAIRING_LIFE)
        store.forget_oldest_pairings(tx, store.pending_pairings(tx, now) - MAX_PENDING + 1)
        pairing = Pairing(
            device_id="d_" + secrets.token_hex(16),
            device_code=secrets.token_urlsafe(32),
            user_code=new_user_code(),
            expires_in=int(PAIRING_LIFE.total_seconds()),
            interval=INTERVAL_S,
        )
        row = store.PairingRow(
            device_id=pairing.device_id,
            name=label,
            public=public,
            started_at=now,
            expires_at=now + PAIRING_LIFE,
            interval_s=INTERVAL_S,
        )
        store.insert_pairing(tx, row, hashed(pairing.device_code), hashed(pairing.user_code))
        return pairing

    def pending(
        self, tx: Tx, user_code: str, now: datetime, person: Person | None = None
    ) -> PendingPairing:
        """Find the open pairing of a code, so that a person can look before approving.

        Raises:
            NotFound: unknown, expired or already approved; which of them is not told.
            Forbidden: too many wrong codes lately.
        """
        who = person.id if person else ""
        self.guesses.require(who, now)
        row = store.pairing_by_user_code(tx, hashed(normal(user_code)))
        if row is None or row.expires_at <= now or row.approved_at is not None:
            self.guesses.wrong(who, now)
            raise NotFound(
                "no device waits with this code",
                cure="Look at the code on the laptop; it is good once, for fifteen minutes.",
            )
        return PendingPairing(
            row.device_id, row.name, key_id(row.public), row.started_at, row.expires_at
        )

    def approve(self, tx: Tx, person: Person, user_code: str, now: datetime) -> Device:
        """Bind the waiting device to the person who typed its code; once.

        Raises:
            NotFound, Forbidden: as ``pending``; Forbidden also for somebody who left.
            Conflict: somebody else approved it in the same moment.
        """
        if not person.active:
            raise Forbidden("somebody who left cannot pair a device")
        pending = self.pending(tx, user_code, now, person)
        row = store.mark_approved(tx, pending.device_id, now)
        if row is None:
            raise Conflict("the code was used a moment ago", cure="Start the pairing again.")
        device = Device(row.device_id, person.id, row.name, row.public, paired_at=now)
        devices.insert_device(tx, device)
        self._append(tx, Kind.DEVICE_PAIRING_STARTED, device.id, now)
        event = Event(
            Kind.DEVICE_PAIRED,
            Actor("person", person.id),
            encode(device.pairing_record),
            subjects=(person.id,),
        )
        self.log.append(tx, event, now)
        return device

    def stranger(
        self, tx: Tx, assertion: str, now: datetime, device_code: str = ""
    ) -> TokenRefusal | None:
        """Say why whoever signed this is nobody we know; None if they hold a known key.

        Args:
            tx: a reading transaction is enough; that the assertion is new is checked later.
            assertion: as for ``token`` and ``redeem``.
            now: the instant.
            device_code: the code to be redeemed; empty if none is.
        """
        if device_code:
            row = store.pairing_by_device_code(tx, hashed(device_code))
            if row is None:
                return TokenRefusal("invalid_grant", "the device code is unknown")
            device_id, public = row.device_id, row.public
        else:
            device = _trusted(tx, claimed_device(assertion))
            if isinstance(device, TokenRefusal):
                return device
            device_id, public = device.id, device.public
        try:
            read_assertion(assertion, device_id, public, self._audiences, now)
        except BadToken as error:
            return TokenRefusal("invalid_client", str(error))
        return None

    def redeem(
        self, tx: Tx, device_code: str, assertion: str, now: datetime
    ) -> Token | TokenRefusal:
        """Exchange an approved device code for a token (RFC 8628 §3.4), once.

        The assertion is signed with the key named at the start: holding the code is not enough.
        """
        row = store.pairing_by_device_code(tx, hashed(device_code))
        if row is None:
            return TokenRefusal("invalid_grant", "the device code is unknown")
        refusal = self._assertion_refusal(tx, row.device_id, row.public, assertion, now)
        if refusal:
            return refusal
        refusal = _pairing_refusal(tx, row, now)
        if refusal:
            return refusal
        device = _trusted(tx, row.device_id)
        if isinstance(device, TokenRefusal):
            return replace(device, error="access_denied")
        if not store.mark_redeemed(tx, row.device_id, now):
            return TokenRefusal("invalid_grant", "the device code was used before")
        return self._issue(tx, device, now)

    def token(self, tx: Tx, assertion: str, now: datetime) -> Token | TokenRefusal:
        """Give a paired device a token for its assertion (RFC 7523 §2.2)."""
        device = _trusted(tx, claimed_device(assertion))
        if isinstance(device, TokenRefusal):
            return device
        refusal = self._assertion_refusal(tx, device.id, device.public, assertion, now)
        return refusal or self._issue(tx, device, now)

    def device_of(self, tx: Tx, bearer: str, now: datetime) -> Device:
        """The device that holds a living token.

        A revoked or disputed one may still ask for its lease, and is told so, signed
        (``LeaseService.holder``).

        Raises:
            Unauthenticated: no such token, it has expired, or the device was revoked or does not
                stand.
        """
        device = store.device_by_token(tx, bearer, now) if bearer else None
        if device is None:
            raise unknown_token()
        if not device.active:
            raise Unauthenticated(
                "the device was revoked", cure="Pair it again, if its person wants to."
            )
        if device.disputed:
            raise Unauthenticated(
                DISPUTED, cure="Ask for the lease: it says what its person can do."
            )
        return device

    def _issue(self, tx: Tx, device: Device, now: datetime) -> Token:
        store.forget_expired_tokens(tx, now)
        value = secrets.token_urlsafe(32)
        store.insert_token(tx, value, device.id, now + TOKEN_LIFE)
        self._append(tx, Kind.DEVICE_TOKEN_ISSUED, device.id, now)
        return Token(value, int(TOKEN_LIFE.total_seconds()))

    def _assertion_refusal(
        self, tx: Tx, device_id: str, public: bytes, assertion: str, now: datetime
    ) -> TokenRefusal | None:
        """Check an assertion (RFC 7523 §3) and use up its id; None if it is good."""
        try:
            jti, expires_at = read_assertion(assertion, device_id, public, self._audiences, now)
        except BadToken as error:
            return TokenRefusal("invalid_client", str(error))
        if not store.use_jti(tx, device_id, hashed(jti), expires_at + SKEW):
            return TokenRefusal("invalid_client", "the assertion was used before")
        return None

    @property
    def _audiences(self) -> frozenset[str]:
        return frozenset({self.issuer, self.issuer + TOKEN_PATH})

    def _append(self, tx: Tx, kind: Kind, device_id: str, now: datetime) -> None:
        event = Event(kind, Actor("device", device_id), encode(DeviceRecord(device_id)))
        self.log.append(tx, event, now)


def unknown_token() -> Unauthenticated:
    """What is told to whoever shows no valid token."""
    return Unauthenticated(
        "the token is unknown or has expired",
        cure=f"Get a new one at {TOKEN_PATH} with the device's key.",
    )


def _trusted(tx: Tx, device_id: str | None) -> Device | TokenRefusal:
    """The device that may be given tokens, or why there is none."""
    device = devices.device(tx, device_id) if device_id else None
    if device is None or not device.active:
        return TokenRefusal("invalid_client", "no such device, or it was revoked")
    if device.disputed:
        return TokenRefusal("invalid_client", DISPUTED)
    return device


def _pairing_refusal(tx: Tx, row: store.PairingRow, now: datetime) -> TokenRefusal | None:
    """Say why a device code cannot be redeemed now (RFC 8628 §3.5); None if it can."""
    if row.redeemed_at is not None:
        return TokenRefusal("invalid_grant", "the device code was used before")
    if row.expires_at <= now:
        return TokenRefusal("expired_token", "the device code has expired; pair again")
    if row.approved_at is None:
        return _wait(tx, row, now)
    return None


def _wait(tx: Tx, row: store.PairingRow, now: datetime) -> TokenRefusal:
    """Tell a device to ask again, slower if it asked too soon (RFC 8628 §3.5)."""
    early = row.polled_at is not None and now < row.polled_at + timedelta(seconds=row.interval_s)
    store.mark_polled(tx, row.device_id, now, row.interval_s + (INTERVAL_S if early else 0))
    if early:
        return TokenRefusal("slow_down", "asked too soon; wait five seconds longer each time")
    return TokenRefusal("authorization_pending", "nobody has approved the code yet")


def _name(name: str) -> str:
    """The device's name: one line of printable text."""
    label = " ".join(name.split())
    if not label or len(label) > MAX_NAME or not label.isprintable():
        problem = f"must be 1 to {MAX_NAME} printable characters"
        raise InvalidInput(
            f"name {problem}", faults=(Fault("name", problem, "Name the laptop briefly."),)
        )
    return label
