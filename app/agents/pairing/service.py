"""Who a device is: pairing by a request and a code (RFC 8628), tokens for its own key (RFC 7523).

Rules:
1. A device is its Ed25519 key. Each step after the first is signed with it: a stolen device code or
   a stolen database opens nothing.
2. What a device asks for travels sealed in the link that it shows (sealed.py). Until a person
   approves it there is no row that a pairing needs, so nobody can push one out. It works once, for
   fifteen minutes, for the first person who approves it.
3. A code to type needs a row. Codes are bounded by source, wrong ones by person and by code, in the
   database (codes.py, open_codes.py); whoever found the request by its code holds the request.
4. Anybody can begin a pairing, so a beginning is no entry.
5. An assertion works once (its ``jti``), for at most five minutes, at this issuer only.
6. A refused token request is an answer, not an error: what it taught us (the assertion is used)
   must be committed with it. So it is returned, never raised.
7. Who is not known to hold a key, is not approved yet or asks too often makes nobody wait:
   ``refusal`` needs to read only, and is asked before a writing transaction begins.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.agents.devices import store as devices
from app.agents.devices.model import Device
from app.agents.pairing import open_codes, store
from app.agents.pairing.assertion import SKEW, claimed_device, read_assertion
from app.agents.pairing.codes import GUESSES, PAIRING_LIFE, hashed, new_user_code, normal
from app.agents.pairing.issuing import issue, too_many
from app.agents.pairing.model import (
    DeviceCode,
    Pairing,
    PendingPairing,
    Token,
    TokenRefusal,
)
from app.agents.pairing.pace import INTERVAL_S, Polls
from app.agents.pairing.sealed import PairingSeal
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

MAX_NAME = 80
TOKEN_PATH = "/v1/agent/token"  # noqa: S105 - a path
DISPUTED = "the record of the device does not fit the log; its person reads whom to ask"
_ANEW = "Start the pairing again on the laptop."


@dataclass(frozen=True)
class PairingService:
    """Pairs devices with people and gives them tokens.

    Attributes:
        seal: seals what devices ask for.
        issuer: who signs leases, and whom assertions are made for.
        polls: how fast devices that wait ask, in this process.
    """

    log: AuditService
    seal: PairingSeal
    issuer: str
    polls: Polls = field(default_factory=Polls)

    def start(
        self, tx: Tx, name: str, jwk: Mapping[str, Any], now: datetime, source: str = ""
    ) -> Pairing:
        """Begin: a device names itself and its public key (RFC 8628 §3.1).

        No entry: no person has confirmed it yet. The entry is written when a person approves.

        Args:
            tx: keeps the code to type, and nothing else.
            name: how the person will know the device.
            jwk: its public key.
            now: the instant.
            source: the address or the network that counts as one for bounds; empty if not known.

        Raises:
            InvalidInput: the name is empty, too long or not printable, or the key is not a public
                Ed25519 key.
        """
        label, public = _name(name), _public(jwk)
        expires_at = now + PAIRING_LIFE
        code = DeviceCode("d_" + secrets.token_hex(16), public, expires_at)
        device_code, user_code = self.seal.device_code(code, now), new_user_code()
        pending = PendingPairing(
            device_id=code.device_id,
            name=label,
            public=public,
            started_at=now,
            expires_at=expires_at,
            user_code=user_code,
            source=source,
            device_code=hashed(device_code),
        )
        request = self.seal.request(pending)
        open_codes.open_code(tx, open_codes.NewCode(user_code, source, request, now, expires_at))
        return Pairing(
            device_id=code.device_id,
            device_code=device_code,
            user_code=user_code,
            request=request,
            expires_in=int(PAIRING_LIFE.total_seconds()),
            interval=INTERVAL_S,
        )

    def asked(self, tx: Tx, request: str, now: datetime) -> PendingPairing:
        """Open a sealed request, so that a person can look before approving.

        Raises:
            NotFound: it was not sealed here, or was altered; it has expired.
            Conflict: somebody approved it before.
        """
        pending = self.seal.open_request(request)
        if pending is None:
            raise NotFound(
                "this link is not whole, or no laptop of this service made it",
                cure="Open the whole link that the laptop shows, or type its code here.",
            )
        if pending.expires_at <= now:
            raise NotFound(
                "the request of this laptop has expired: it is good for fifteen minutes",
                cure=_ANEW,
                kind="request-expired",
            )
        if store.approved(tx, pending.device_id) or devices.device(tx, pending.device_id):
            raise Conflict(
                "this laptop was paired already, by you or by somebody else",
                cure=f"Look among your laptops. If it is not there: {_ANEW[0].lower()}{_ANEW[1:]}",
            )
        return pending

    def pending(self, tx: Tx, person: Person, user_code: str, now: datetime) -> str:
        """Find the sealed request of a code that a person typed; a wrong code is counted.

        Whoever calls it commits, also after an error: it has counted.

        Raises:
            NotFound: unknown, expired, missed too often or already approved; which of them is not
                told.
            Forbidden: too many wrong codes lately.
        """
        code = normal(user_code)
        wrong = open_codes.wrong_codes(tx, person.id, now)
        if wrong >= GUESSES:
            raise Forbidden(
                "too many wrong codes were entered",
                kind="too-many-attempts",
                cure="Open the link that the laptop shows, or wait fifteen minutes.",
            )
        request = open_codes.find_request(tx, code, now) if code else None
        opened = self.seal.open_request(request) if request else None
        if request is None or opened is None or opened.user_code != code:
            open_codes.count_wrong(tx, person.id, wrong, now)
            raise NotFound(
                "no device waits with this code",
                cure="Look at the code on the laptop; it is good once, for fifteen minutes.",
            )
        return request

    def approve(self, tx: Tx, person: Person, request: str, now: datetime) -> Device:
        """Bind the device that asks to the person who read its request; once.

        Raises:
            NotFound, Conflict: as ``asked``.
            Forbidden: somebody who left.
        """
        if not person.active:
            raise Forbidden("somebody who left cannot pair a device")
        store.lock_approvals(tx)
        pending = self.asked(tx, request, now)
        open_codes.close_code(tx, pending.user_code)
        store.insert_approved(tx, pending, now)
        device = Device(pending.device_id, person.id, pending.name, pending.public, paired_at=now)
        devices.insert_device(tx, device)
        started = Event(
            Kind.DEVICE_PAIRING_STARTED, Actor("device", device.id), encode(device.record)
        )
        self.log.append(tx, started, now)
        event = Event(
            Kind.DEVICE_PAIRED,
            Actor("person", person.id),
            encode(device.pairing_record),
            subjects=(person.id,),
        )
        self.log.append(tx, event, now)
        return device

    def refusal(
        self, tx: Tx, assertion: str, now: datetime, device_code: str = ""
    ) -> TokenRefusal | None:
        """Say why there is no token, as far as that can be read; None: it has to be written.

        Args:
            tx: a reading transaction is enough; that the assertion is new is checked later.
            assertion: as for ``token`` and ``redeem``.
            now: the instant.
            device_code: the code to be redeemed; empty if none is.
        """
        if device_code:
            return self._redeem_refusal(tx, device_code, assertion, now)
        device = _trusted(tx, claimed_device(assertion))
        if isinstance(device, TokenRefusal):
            return device
        try:
            read_assertion(assertion, device.id, device.public, self._audiences, now)
        except BadToken as error:
            return TokenRefusal("invalid_client", str(error))
        return too_many(store.token_count(tx, device.id), now)

    def redeem(
        self, tx: Tx, device_code: str, assertion: str, now: datetime
    ) -> Token | TokenRefusal:
        """Exchange an approved device code for a token (RFC 8628 §3.4), once.

        The assertion is signed with the key named at the start: holding the code is not enough.
        """
        code = self.seal.open_device_code(device_code)
        refusal = self._redeem_refusal(tx, device_code, assertion, now)
        if code is None or refusal:
            return refusal or _unknown_code()
        refusal = self._assertion_refusal(tx, code.device_id, code.public, assertion, now)
        if refusal:
            return refusal
        device = _trusted(tx, code.device_id)
        if isinstance(device, TokenRefusal):
            return replace(device, error="access_denied")
        if not store.mark_redeemed(tx, code.device_id, now):
            return _used_code()
        return issue(tx, self.log, device, now)

    def token(self, tx: Tx, assertion: str, now: datetime) -> Token | TokenRefusal:
        """Give a paired device a token for its assertion (RFC 7523 §2.2)."""
        device = _trusted(tx, claimed_device(assertion))
        if isinstance(device, TokenRefusal):
            return device
        refusal = self._assertion_refusal(tx, device.id, device.public, assertion, now)
        return refusal or issue(tx, self.log, device, now)

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

    def _redeem_refusal(
        self, tx: Tx, device_code: str, assertion: str, now: datetime
    ) -> TokenRefusal | None:
        """Say why a device code cannot be redeemed now (RFC 8628 §3.5); None if it can."""
        code = self.seal.open_device_code(device_code)
        if code is None:
            return _unknown_code()
        try:
            read_assertion(assertion, code.device_id, code.public, self._audiences, now)
        except BadToken as error:
            return TokenRefusal("invalid_client", str(error))
        if code.expires_at <= now:
            return TokenRefusal("expired_token", "the device code has expired; pair again")
        pairing = store.approved(tx, code.device_id)
        if pairing is None:
            return self._not_yet(code.device_id, now)
        if pairing.disputed or pairing.device_code != hashed(device_code):
            return TokenRefusal("invalid_grant", "the record of the pairing does not fit the log")
        return None if pairing.redeemed_at is None else _used_code()

    def _not_yet(self, device_id: str, now: datetime) -> TokenRefusal:
        """Tell a device to ask again, slower if it asked too soon (RFC 8628 §3.5)."""
        if self.polls.too_soon(device_id, now):
            wait = "asked too soon; wait five seconds longer each time"
            return TokenRefusal("slow_down", wait)
        return TokenRefusal("authorization_pending", "nobody has approved the request yet")

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


def _unknown_code() -> TokenRefusal:
    return TokenRefusal("invalid_grant", "the device code is unknown")


def _used_code() -> TokenRefusal:
    return TokenRefusal("invalid_grant", "the device code was used before")


def _public(jwk: Mapping[str, Any]) -> bytes:
    try:
        return public_from_jwk(jwk)
    except ValueError as error:
        cure = "Send the public Ed25519 key as a JWK: kty OKP, crv Ed25519, x."
        raise InvalidInput(str(error), faults=(Fault("jwk", str(error), cure),)) from error


def _name(name: str) -> str:
    """The device's name: one line of printable text."""
    label = " ".join(name.split())
    if not label or len(label) > MAX_NAME or not label.isprintable():
        problem = f"must be 1 to {MAX_NAME} printable characters"
        raise InvalidInput(
            f"name {problem}", faults=(Fault("name", problem, "Name the laptop briefly."),)
        )
    return label
